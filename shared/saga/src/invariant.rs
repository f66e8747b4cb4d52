//! What holds of a saga at every time. A saga for which it does not is a defect of ours.

use sagaline_events::SagaStatus;

use crate::{
    index::Index,
    state::{AT_WORK_MAX, Saga, Stage, State},
};

/// What does not hold, in words.
pub fn check(saga: &Saga) -> Result<(), String> {
    let Stage::Running(work) = &saga.stage else { return Ok(()) };
    let fails = |what: String| Err(format!("saga `{}`: {what}", saga.id));
    if work.index != Index::of(&work.entries) {
        return fails("its index is not that of its entries".to_owned());
    }
    if AT_WORK_MAX < work.index.at_work.len() {
        return fails(format!("{} steps are undone at a time", work.index.at_work.len()));
    }
    if !work.index.ready.is_empty() && work.index.at_work.len() < AT_WORK_MAX {
        return fails("something could be begun, and is not".to_owned());
    }
    let is_over = work.told.is_over();
    if is_over != (work.index.left == 0) {
        return fails(format!("{} steps are left, and it stands as {}", work.index.left, work.told.as_str()));
    }
    if is_over != work.ended.is_some() {
        return fails("when it ended is known before it did, or not afterwards".to_owned());
    }
    if (work.told == SagaStatus::Stuck) != (!is_over && work.index.at_work.is_empty()) {
        return fails("it is called stuck while something is at work, or not while nothing is".to_owned());
    }
    if work.told == SagaStatus::Stuck && work.index.stuck.is_empty() {
        return fails("it is stuck nowhere".to_owned());
    }
    for entry in work.entries.iter().filter(|entry| entry.state != State::Pending) {
        // One that is undone once more, since it succeeded late, cannot wait for those that were undone meanwhile.
        let early = entry.step.after.iter().find(|before| {
            let before = &work.entries[**before as usize];
            before.round == 0 && !before.state.is_finished()
        });
        if let Some(before) = early.filter(|_| !entry.state.is_finished() || entry.round == 0) {
            return fails(format!(
                "`{}` was begun before `{}` was undone",
                entry.step.path, work.entries[*before as usize].step.path
            ));
        }
    }
    Ok(())
}
