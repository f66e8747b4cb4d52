//! What the random histories are made of. A property that is never put to the test holds always.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{Config, TestRunner},
};
use sagaline_engine::{
    Effect, Stage,
    compiled::CompiledKind,
    state::{Outcome, Phase, State},
};
use sagaline_events::input::INPUT_TYPES;

use crate::history::{History, histories, step, unborn};

const HISTORIES: usize = 600;

/// Of a hundred histories, so many must have each thing.
const LEAST_PERCENT: usize = 1;

/// That a saga hears of an effect late takes much luck, and that a turn is over before its attempt begins some; stories tell of them.
const LUCK: [&str; 2] = ["effect late", "state on a later turn"];

#[test]
fn every_kind_of_node_state_outcome_and_input_occurs_often_enough() {
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        proptest::test_runner::TestRng::deterministic_rng(Default::default()),
    );
    let mut counts: BTreeMap<String, usize> = expected().into_iter().map(|name| (name, 0)).collect();
    for _ in 0..HISTORIES {
        let history = histories().new_tree(&mut runner).expect("a history").current();
        for name in census(&history) {
            *counts.entry(name).or_default() += 1;
        }
    }
    let rare = counts.iter().filter(|(name, _)| !LUCK.contains(&name.as_str()));
    let rare: Vec<_> = rare.filter(|(_, count)| **count * 100 < HISTORIES * LEAST_PERCENT).collect();
    assert!(rare.is_empty(), "too rare: {rare:?}\namong {counts:#?}");
}

fn expected() -> Vec<String> {
    let nodes = [
        "step",
        "wait",
        "await",
        "signals",
        "approval",
        "dag",
        "race",
        "switch",
        "try",
        "loop",
        "set",
        "raise",
        "child",
        "emit",
        "event",
        "three deep",
        "with a key",
    ]
    .map(|name| format!("node {name}"));
    let states = [
        "dispatched",
        "reported",
        "backing off",
        "snoozed",
        "waiting",
        "awaiting",
        "gathering",
        "approving",
        "approving for an activity",
        "open",
        "caught",
        "looping",
        "delegated",
        "expanding",
        "completed",
        "failed",
        "skipped",
        "cancelled",
        "queued",
        "halted",
        "beside",
        "between rounds",
        "asking",
        "awaiting event",
        "delayed",
        "at a gate",
        "at its turn",
        "holding a place",
        "on a later turn",
        "a key of its own",
        "settling",
        "asked",
    ];
    let outcomes = ["completed", "failed", "cancelled", "timed out", "refused", "rolled back"]
        .map(|name| format!("outcome {name}"));
    let effects = [
        "dispatch",
        "revoke",
        "tell",
        "bind",
        "reject",
        "start child",
        "ask child",
        "cancel child",
        "tell parent",
        "recall",
        "bury",
        "emit",
        "entity",
        "ask saga",
    ]
    .map(|name| format!("effect {name}"));
    let states = states.into_iter().chain(["pending", "delayed start"]).map(|name| format!("state {name}"));
    let inputs = INPUT_TYPES.iter().map(|name| (*name).to_owned());
    nodes.into_iter().chain(states).chain(outcomes).chain(effects).chain(inputs).collect()
}

fn census(history: &History) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    for node in &history.plan.nodes {
        let kind = match &node.kind {
            CompiledKind::Step { .. } => "node step",
            CompiledKind::Wait { .. } => "node wait",
            CompiledKind::Await { .. } => "node await",
            CompiledKind::Dag(_) => "node dag",
            CompiledKind::Race(_) => "node race",
            CompiledKind::Switch { .. } => "node switch",
            CompiledKind::Try { .. } => "node try",
            CompiledKind::ForEach { .. } => "node loop",
            CompiledKind::Set { .. } => "node set",
            CompiledKind::Raise { .. } => "node raise",
            CompiledKind::Child { .. } => "node child",
            CompiledKind::Emit { .. } => "node emit",
            CompiledKind::AwaitSignals { .. } => "node signals",
            CompiledKind::Approval { .. } => "node approval",
            CompiledKind::AwaitEvent { .. } => "node event",
        };
        seen.insert(kind.to_owned());
        seen.extend(node.context_key.as_ref().map(|_| "node with a key".to_owned()));
        if node.path.as_str().matches('/').count() >= 3 {
            seen.insert("node three deep".to_owned());
        }
    }
    let mut execution = unborn();
    for (input, at) in &history.log {
        seen.insert(input.kind().to_owned());
        for effect in step(&mut execution, &history.plan, input, *at) {
            seen.insert(effect_name(&effect).to_owned());
            if let Effect::Tell(happening) = effect {
                seen.insert(happening.kind());
            }
        }
        if let Stage::Running(run) = &execution.stage {
            if run.is_pending() {
                seen.insert("state pending".to_owned());
            }
            if run.begins_at().is_some() {
                seen.insert("state delayed start".to_owned());
            }
            seen.extend(run.frames.values().map(|frame| state_name(&frame.state).to_owned()));
            let holds = |state: &State| matches!(state, State::Dispatched(task) if !task.held.is_empty());
            let is_later = |state: &State| matches!(state, State::Dispatched(task) if 0 < task.course.late);
            let is_later = run.frames.values().any(|frame| is_later(&frame.state));
            seen.extend(is_later.then(|| "state on a later turn".to_owned()));
            let holds = run.frames.values().any(|frame| holds(&frame.state));
            seen.extend(holds.then(|| "state holding a place".to_owned()));
            seen.extend(run.unique.as_ref().map(|_| "state a key of its own".to_owned()));
            seen.extend((0 < run.index.beside).then(|| "state beside".to_owned()));
            seen.extend(run.undo.undoing.as_deref().map(|undoing| match &undoing.phase {
                Phase::Settling { .. } => "state settling".to_owned(),
                Phase::Asked(_) => "state asked".to_owned(),
            }));
            seen.extend(run.cleanup.as_ref().map(|_| "state tidying up".to_owned()));
            seen.extend(run.between_rounds().map(|_| "state between rounds".to_owned()));
        }
    }
    if let Stage::Over(over) = &execution.stage {
        let outcome = match &over.outcome {
            Outcome::Completed { .. } => "outcome completed",
            Outcome::Failed { .. } => "outcome failed",
            Outcome::Cancelled { .. } => "outcome cancelled",
            Outcome::TimedOut => "outcome timed out",
            Outcome::Refused { .. } => "outcome refused",
            Outcome::RolledBack { .. } => "outcome rolled back",
        };
        seen.insert(outcome.to_owned());
    }
    seen
}

fn effect_name(effect: &Effect) -> &'static str {
    match effect {
        Effect::Dispatch(_) => "effect dispatch",
        Effect::Revoke { .. } => "effect revoke",
        Effect::Tell(_) => "effect tell",
        Effect::Bind { .. } => "effect bind",
        Effect::Reject { .. } => "effect reject",
        Effect::StartChild { .. } => "effect start child",
        Effect::AskChild { .. } => "effect ask child",
        Effect::CancelChild { .. } => "effect cancel child",
        Effect::TellParent { .. } => "effect tell parent",
        Effect::Recall => "effect recall",
        Effect::Bury { .. } => "effect bury",
        Effect::Emit { .. } => "effect emit",
        Effect::Entity { .. } => "effect entity",
        Effect::AskToStop { .. } => "effect ask to stop",
        Effect::AskSaga { .. } => "effect ask saga",
        Effect::LookAfterSaga { .. } => "effect look after saga",
        Effect::Late { .. } => "effect late",
        Effect::TellSchedule { .. } => "effect tell schedule",
    }
}

fn state_name(state: &State) -> &'static str {
    match state {
        State::Dispatched(task) if task.report.is_some() => "state reported",
        State::Dispatched(_) => "state dispatched",
        State::BackingOff { .. } => "state backing off",
        State::Snoozed { .. } => "state snoozed",
        State::Waiting { .. } => "state waiting",
        State::Awaiting { .. } => "state awaiting",
        State::Open { caught: Some(_), .. } => "state caught",
        State::Open { .. } => "state open",
        State::Looping(_) => "state looping",
        State::Delegated(_) => "state delegated",
        State::Completed { .. } => "state completed",
        State::Failed { .. } => "state failed",
        State::Skipped { .. } => "state skipped",
        State::Cancelled { .. } => "state cancelled",
        State::Queued { .. } => "state queued",
        State::Gathering(_) => "state gathering",
        State::Approving(approving) if approving.attempt > 0 => "state approving for an activity",
        State::Approving(_) => "state approving",
        State::Expanding(_) => "state expanding",
        State::Halted { .. } => "state halted",
        State::Asking(asking) if asking.delayed => "state delayed",
        State::Asking(asking) => match &asking.gates {
            Some(gates) if gates.turn.is_some() => "state at its turn",
            Some(gates) if gates.passed < gates.list.len() => "state at a gate",
            Some(_) | None => "state asking",
        },
        State::AwaitingEvent(_) => "state awaiting event",
    }
}
