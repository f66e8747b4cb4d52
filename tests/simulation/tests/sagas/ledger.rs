//! What effects are there in the end, going by what activities did and not by what anybody says of it.
//!
//! An activity has its effect once for each idempotency key, however often it runs. What undoes takes an effect back if it is there.

use std::collections::{BTreeMap, BTreeSet};

use sagaline_broker::names::LogKind;
use sagaline_events::{FramePath, record::Status};
use sagaline_testkit::sim::{
    World,
    world::{Deed, What},
};
use serde_json::Value;

use crate::{
    Both,
    cases::{Case, EXECUTIONS, case_of, name_of, number_of, place_of},
};

pub(crate) fn verdict(world: &World<Both>, seed: u64) -> Option<String> {
    judge(world, seed, true)
}

/// The same where a server refuses tasks for good: what undoes gets stuck by that, too.
pub(crate) fn verdict_where_tasks_are_refused(world: &World<Both>, seed: u64) -> Option<String> {
    judge(world, seed, false)
}

fn judge(world: &World<Both>, seed: u64, takes_all_tasks: bool) -> Option<String> {
    (0..EXECUTIONS).find_map(|number| {
        let what = wrong_with(world, seed, number, takes_all_tasks)?;
        let world = world.lock();
        let deeds: Vec<String> =
            world.deeds.iter().filter(|deed| number_of(&deed.execution) == number).map(shown).collect();
        let tales: Vec<String> =
            world.begun().iter().filter(|key| is_of(key, number)).map(|key| world.tale_of(key)).collect();
        Some(format!("{}: {what}\n{}\n{}", name_of(number), deeds.join("\n"), tales.join("\n")))
    })
}

fn shown(deed: &Deed) -> String {
    format!("{:?} {} {} {} {}", deed.what, deed.execution, deed.path, deed.attempt, deed.key)
}

/// Whether it is that execution, a child of it, or the saga of either.
fn is_of(name: &str, number: u32) -> bool {
    let prefix = LogKind::Sagas.record_key("");
    number_of(name.strip_prefix(prefix.as_str()).unwrap_or(name)) == number
}

fn wrong_with(world: &World<Both>, seed: u64, number: u32, takes_all_tasks: bool) -> Option<String> {
    let world = world.lock();
    let (id, case) = (name_of(number), case_of(seed, number));
    let of_it = |key: &String| is_of(key, number);
    let names: Vec<String> = world.begun().into_iter().filter(of_it).chain([id.clone()]).collect();
    if names.iter().any(|name| world.is_exempt(name) || world.is_exempt(&LogKind::Sagas.record_key(name))) {
        return None;
    }
    let status = status(&world.value_of_result(&id)?)?;
    let deeds: Vec<&Deed> = world.deeds.iter().filter(|deed| is_of(&deed.execution, number)).collect();
    let effects = match Effects::of(&deeds) {
        Ok(effects) => effects,
        Err(what) => return Some(what),
    };
    let is_undone = deeds.iter().any(|deed| undone(deed).is_some());
    match status {
        Status::Completed if !case.fails.is_empty() => {
            return Some(format!("it completed, though `{}` fails", case.fails));
        }
        Status::Completed if is_undone => return Some("it completed, and something was undone".to_owned()),
        Status::Completed => return None,
        Status::RolledBack => {}
        Status::Failed | Status::Cancelled if !is_undone => {}
        other => return Some(format!("it ended as {other:?}")),
    }
    if let Some(key) = effects.left(&deeds) {
        return Some(format!("the effect of `{key}` is left"));
    }
    let was_stuck = world.must_be_told(&world.names.lifecycle("saga", "stuck", case.workflow, &id));
    let begun =
        |deed: &&Deed| deed.what == What::Began && undone(deed).is_some_and(|step| step.as_str() == case.stubborn);
    let was_made_to_be = deeds.iter().any(begun);
    if was_stuck != was_made_to_be && takes_all_tasks {
        return Some(format!("stuck: {was_stuck}, and it was made to be: {was_made_to_be}"));
    }
    out_of_order(&case, &deeds)
}

fn status(record: &[u8]) -> Option<Status> {
    let record: Value = serde_json::from_slice(record).ok()?;
    serde_json::from_value(record["state"]["status"].clone()).ok()
}

/// The step that an attempt undoes, if it does.
fn undone(deed: &Deed) -> Option<FramePath> {
    let path = FramePath::try_from(deed.path.clone()).ok()?;
    path.undone().map(|(step, _)| step)
}

/// The idempotency key of the step that an attempt undoes. The steps of a child stand below the one that started it.
fn target(deed: &Deed, step: &FramePath) -> String {
    let owner = deed.key.split('/').next().unwrap_or_default();
    match step.as_str().split_once('/') {
        Some((_, inner)) if owner != deed.execution => format!("{owner}/{inner}"),
        _ => format!("{owner}/{step}"),
    }
}

#[derive(Default)]
struct Effects {
    /// Whether it is there: the step by its key.
    there: BTreeMap<String, bool>,
    /// By which attempt of which execution it was made.
    made_by: BTreeMap<String, (String, String, u32)>,
}

impl Effects {
    /// Follows what was done.
    fn of(deeds: &[&Deed]) -> Result<Self, String> {
        let mut effects = Self::default();
        let mut reported = BTreeSet::new();
        let mut keys = BTreeSet::new();
        for deed in deeds {
            let step = undone(deed);
            match (deed.what, step) {
                (What::Reported, None) => {
                    reported.insert(format!("{}/{}", deed.execution, deed.path));
                }
                (What::Began, Some(step)) if !reported.contains(&target(deed, &step)) => {
                    return Err(format!("`{}` is undone, which nobody began", target(deed, &step)));
                }
                (What::Did, None) if keys.insert(&deed.key) => {
                    effects.there.insert(deed.key.clone(), true);
                    let by = (deed.execution.clone(), deed.path.clone(), deed.attempt);
                    effects.made_by.insert(deed.key.clone(), by);
                }
                (What::Did, Some(step)) if keys.insert(&deed.key) => {
                    effects.there.insert(target(deed, &step), false);
                }
                _ => {}
            }
        }
        Ok(effects)
    }

    /// An effect that can be undone and was not. Nobody can know of one that came after its step was undone as one of unknown outcome,
    /// if whoever made it died before it could say so.
    fn left(&self, deeds: &[&Deed]) -> Option<&String> {
        let is_compensable = |key: &str| !matches!(key.rsplit('/').next(), Some("end" | "d"));
        let left = self.there.iter().filter(|(key, there)| **there && is_compensable(key));
        left.map(|(key, _)| key).find(|key| {
            let (execution, path, attempt) = &self.made_by[*key];
            let is_undone = deeds.iter().any(|deed| undone(deed).is_some_and(|step| target(deed, &step) == **key));
            let is_heard_of = deeds.iter().any(|deed| {
                deed.what == What::Succeeded
                    && (&deed.execution, &deed.path, &deed.attempt) == (execution, path, attempt)
            });
            !is_undone || is_heard_of
        })
    }
}

/// Whatever came after a step had been undone when its own undoing began.
fn out_of_order(case: &Case, deeds: &[&Deed]) -> Option<String> {
    let first = |what: What, execution: &str, step: &FramePath| {
        let is_it =
            |deed: &&Deed| deed.what == what && deed.execution == execution && undone(deed).as_ref() == Some(step);
        deeds.iter().position(is_it)
    };
    let undone: BTreeSet<(&str, FramePath)> =
        deeds.iter().filter_map(|deed| Some((deed.execution.as_str(), undone(deed)?))).collect();
    for (execution, earlier) in &undone {
        let (lane, number) = place_of(case, earlier.as_str());
        for (_, later) in undone.iter().filter(|(of, _)| of == execution) {
            let (other_lane, other_number) = place_of(case, later.as_str());
            let came_later = number < other_number && (lane.is_empty() || other_lane.is_empty() || lane == other_lane);
            let began = first(What::Began, execution, earlier);
            let ended = first(What::Succeeded, execution, later);
            if came_later && began.is_some_and(|began| ended.is_none_or(|ended| began < ended)) {
                return Some(format!("`{earlier}` began to be undone before `{later}` was"));
            }
        }
    }
    None
}
