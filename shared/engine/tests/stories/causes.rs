//! Every cause that an execution can wait for, and what `why` says of it: the step and its state, the cause, what ends it, the command.
//!
//! A state of a step, a stage or an outcome that is not named here does not compile; one that has no row fails.

mod around;
mod people;
mod sagas;
mod steps;
mod wholes;

use std::collections::BTreeSet;

use sagaline_engine::{
    Stage,
    state::{Outcome, Phase, Run, State},
};
use sagaline_events::{Input, SagaStatus, ask::Why, input::Pause};
use sagaline_model::Need;

use crate::story::Story;

/// Gives every variant a name, and makes a list of the names.
macro_rules! named {
    ($list:ident, $name:ident, $type:ty, { $($pattern:pat $(if $guard:expr)? => $text:literal),* $(,)? }) => {
        const $list: &[&str] = &[$($text),*];
        fn $name(of: &$type) -> &'static str {
            match of { $($pattern $(if $guard)? => $text),* }
        }
    };
}

named!(STATES, state, State, {
    State::Dispatched(task) if task.report.is_some() => "a worker runs it",
    State::Dispatched(_) => "it was handed over",
    State::BackingOff { .. } => "it backs off",
    State::Snoozed { .. } => "it snoozes",
    State::Waiting { .. } => "it waits for time",
    State::Awaiting { .. } => "it waits for a signal",
    State::Open { .. } => "steps inside are at work",
    State::Looping(_) => "items are at work",
    State::Delegated(_) => "a child does it",
    State::Completed { .. } => "it is completed",
    State::Failed { .. } => "it failed, and others go on",
    State::Skipped { .. } => "it is skipped",
    State::Cancelled { .. } => "it is cancelled",
    State::Queued { .. } => "it waits for a slot",
    State::Gathering(gathering) if gathering.need == Need::Any => "it waits for one of several signals",
    State::Gathering(_) => "it waits for several signals",
    State::Approving(approving) if approving.attempt > 0 => "its activity wants an approval",
    State::Approving(_) => "it waits for an approval",
    State::Expanding(_) => "steps that it returned are at work",
    State::Halted { .. } => "it failed, and waits to be let go on",
    State::Asking(asking) if asking.delayed => "its breaker is open",
    State::Asking(_) => "it asks its breaker",
    State::AwaitingEvent(_) => "it waits for an event",
});

/// Steps that wait for nothing themselves: those inside of them do, or they are done.
const SILENT: [&str; 7] = [
    "steps inside are at work",
    "items are at work",
    "steps that it returned are at work",
    "it is completed",
    "it failed, and others go on",
    "it is skipped",
    "it is cancelled",
];

named!(STAGES, stage, Stage, {
    Stage::Unborn(_) => "nothing is known of it",
    Stage::Unbound { start, .. } if start.again => "it may have begun before",
    Stage::Unbound { start, .. } if start.version.is_some() => "its version is looked up",
    Stage::Unbound { .. } => "the newest version is looked up",
    Stage::Running(run) if run.between_rounds().is_some() => "it is between two rounds",
    Stage::Running(run) if run.is_pending() => "it waits for its turn",
    Stage::Running(run) if run.paused.is_some() => "it is paused",
    Stage::Running(run) if matches!(undone(run), Some(Phase::Settling { .. })) => "those that were at work may answer still",
    Stage::Running(run) if matches!(undone(run), Some(Phase::Asked(saga)) if saga.status == Some(SagaStatus::Stuck)) => "its saga is stuck",
    Stage::Running(run) if undone(run).is_some() => "its saga is at work",
    Stage::Running(run) if run.cleanup.is_some() => "those at work tidy up",
    Stage::Running(run) if run.ending.is_some() => "its end is handled",
    Stage::Running(_) => "it runs",
    Stage::Over(_) => "it is over",
    Stage::Parked { .. } => "it is parked",
});

named!(OUTCOMES, outcome, Outcome, {
    Outcome::Completed { .. } => "over: completed",
    Outcome::Failed { .. } => "over: failed",
    Outcome::Cancelled { .. } => "over: cancelled",
    Outcome::TimedOut => "over: timed out",
    Outcome::Refused { .. } => "over: refused",
    Outcome::RolledBack { .. } => "over: rolled back",
});

fn undone(run: &Run) -> Option<&Phase> {
    run.undo.undoing.as_deref().map(|undoing| &undoing.phase)
}

/// What a story shows, and what `why` says in it.
struct Row {
    of: &'static str,
    story: Story,
    says: &'static [[&'static str; 4]],
}

fn row(of: &'static str, story: Story, says: &'static [[&'static str; 4]]) -> Row {
    Row { of, story, says }
}

/// A reason as it stands in the table. Everything happens on one day.
fn told(why: &Why) -> [String; 4] {
    let step = why.step.as_ref().map_or("-", |step| step.as_str());
    let short = |text: &str| text.replace("2026-01-01T", "").replace(".000000000Z", "");
    [format!("{step} {}", why.state), short(&why.cause), short(&why.ends), why.command.clone()]
}

fn pause(reason: &str) -> Input {
    Input::Pause(Pause { reason: Some(reason.to_owned()) })
}

const ONE: &str = "a: { activity: one }";

const TASK_ENDS: &str = "a worker that serves `one` from the queue `default` answers; if none runs, start an executor";
const HANDED: &str = "attempt 1 of `one` was handed to the queue `default` and is not answered yet";

fn rows() -> Vec<Row> {
    [steps::steps(), people::people(), around::around(), wholes::wholes(), wholes::ends(), sagas::sagas()]
        .into_iter()
        .flatten()
        .collect()
}

/// What a story shows at its end.
fn shown(story: &Story) -> BTreeSet<&'static str> {
    let at = &story.execution.stage;
    let mut shown = BTreeSet::from([stage(at)]);
    match at {
        Stage::Running(run) => shown.extend(run.frames.values().map(|frame| state(&frame.state))),
        Stage::Over(over) => {
            shown.insert(outcome(&over.outcome));
        }
        Stage::Unborn(_) | Stage::Unbound { .. } | Stage::Parked { .. } => {}
    }
    shown
}

#[test]
fn why_says_of_every_cause_what_it_is_and_what_ends_it() {
    for Row { of, story, says } in rows() {
        assert!(shown(&story).contains(of), "the story shows {:?}, not `{of}`", shown(&story));
        let given: Vec<_> = story.why().iter().map(told).collect();
        assert_eq!(given, says, "{of}");
    }
}

#[test]
fn every_cause_has_a_row() {
    let told: BTreeSet<_> = rows().iter().map(|row| row.of).collect();
    let all: BTreeSet<_> = [STATES, STAGES, OUTCOMES].concat().into_iter().collect();
    assert_eq!(told, all);
}

/// Whoever waits says so, once; who waits for nothing itself says nothing.
#[test]
fn those_who_wait_say_so_and_no_others() {
    for row in rows() {
        let Stage::Running(run) = &row.story.execution.stage else { continue };
        let why = row.story.why();
        for (path, frame) in &run.frames {
            // Of what is over it may be said that it is undone.
            let waits = |why: &&Why| !["compensating", "stuck"].contains(&why.state.as_str());
            let reasons = why.iter().filter(waits).filter(|why| why.step.as_ref() == Some(path)).count();
            let is_silent = SILENT.contains(&state(&frame.state));
            assert_eq!(reasons, usize::from(!is_silent), "`{path}`, of which `{}`", row.of);
        }
        assert!(!why.is_empty(), "{}", row.of);
    }
}
