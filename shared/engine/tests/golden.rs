//! What was recorded once folds the same for ever: a log, its effects, its end, and the snapshots on the way.
//!
//! `golden/order/plan.json` and `inputs.json` are a rich plan and the log of one execution of it. They are never written from here.
//! What the engine makes of them is: `SAGALINE_BLESS=1 cargo test -p sagaline-engine --test golden`. A change there means that an
//! execution begun by an older version would go on differently: raise `RULES`, keep the old way for those, and add a new log.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{env, fs, path::PathBuf};

use sagaline_engine::{Compiled, Dispatch, Effect, Execution, Stage, apply};
use sagaline_events::{Input, Lifecycle, lifecycle::Refs};
use sagaline_model::{ExecutionId, Moment, Plan};
use serde::Deserialize;
use serde_json::{Value, json};

/// The input after which the snapshot is taken: as much as can be is in flight then.
const MIDDLE: usize = 13;

/// An entry of the log.
#[derive(Deserialize)]
struct Stored {
    at: Moment,
    #[serde(rename = "type")]
    kind: String,
    data: Value,
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden").join(format!("{name}.json"))
}

fn recorded(name: &str) -> Value {
    let path = path(name);
    let text = fs::read_to_string(&path)
        .unwrap_or_else(|fault| panic!("`{}`: {fault}; SAGALINE_BLESS=1 writes it", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// The recorded JSON must be this one.
fn is_recorded(name: &str, json: &Value) {
    if env::var_os("SAGALINE_BLESS").is_some() {
        fs::write(path(name), format!("{}\n", serde_json::to_string_pretty(json).unwrap())).unwrap();
    }
    assert_eq!(&recorded(name), json, "`{name}` is not what was recorded");
}

fn plan() -> Compiled {
    let plan: Plan = serde_json::from_value(recorded("order/plan")).unwrap();
    assert_eq!(serde_json::to_value(&plan).unwrap(), recorded("order/plan"), "a plan is written as it was read");
    Compiled::new(plan, 3).unwrap()
}

fn log() -> Vec<(Input, Moment)> {
    let stored: Vec<Stored> = serde_json::from_value(recorded("order/inputs")).unwrap();
    let read = |entry: &Stored| Input::read(&entry.kind, entry.data.to_string().as_bytes()).unwrap();
    stored.iter().map(|entry| (read(entry), entry.at)).collect()
}

fn unborn() -> Execution {
    Execution::unborn(ExecutionId::new("A-100").unwrap())
}

/// Folds inputs as an owner does.
fn fold(execution: &mut Execution, plan: &Compiled, log: &[(Input, Moment)]) -> Vec<Vec<Effect>> {
    let step = |(input, at): &(Input, Moment)| {
        let known = execution.plan().is_some() || matches!(input, Input::Bound(_));
        apply(execution, known.then_some(plan), input, *at)
    };
    log.iter().map(step).collect()
}

#[test]
fn the_recorded_log_has_the_recorded_effects_and_outcome() {
    let (plan, log) = (plan(), log());
    let mut execution = unborn();
    let effects = fold(&mut execution, &plan, &log);
    let effects: Vec<Value> = log
        .iter()
        .zip(&effects)
        .map(|((input, at), effects)| json!({"at": at, "after": input.kind(), "effects": json_of(effects, *at)}))
        .collect();
    is_recorded("order/effects", &effects.into());
    is_recorded("order/view", &serde_json::to_value(execution.view(Some(&plan))).unwrap());
}

#[test]
fn the_recorded_snapshot_is_that_of_its_point_and_goes_on_to_the_same_end() {
    let (plan, log) = (plan(), log());
    let (before, after) = log.split_at(MIDDLE);
    let mut lucky = unborn();
    fold(&mut lucky, &plan, before);
    is_recorded("snapshots/running", &state(&lucky));
    let mut recovered = Execution::from_snapshot(recorded("snapshots/running").to_string().as_bytes()).unwrap();
    assert_eq!(recovered, lucky);
    assert_eq!(fold(&mut recovered, &plan, after), fold(&mut lucky, &plan, after));
    assert_eq!(state(&recovered), recorded("snapshots/over"));
}

#[test]
fn a_snapshot_of_every_stage_is_written_and_read_as_recorded() {
    let (plan, log) = (plan(), log());
    let after = |count| {
        let mut execution = unborn();
        fold(&mut execution, &plan, &log[..count]);
        execution
    };
    let mut parked = after(MIDDLE);
    apply(&mut parked, None, &log[MIDDLE].0, log[MIDDLE].1);
    for (name, execution) in
        [("unborn", after(1)), ("unbound", after(3)), ("parked", parked), ("over", after(log.len()))]
    {
        assert_eq!(name, stage(&execution));
        let name = format!("snapshots/{name}");
        is_recorded(&name, &state(&execution));
        assert_eq!(Execution::from_snapshot(recorded(&name).to_string().as_bytes()).unwrap(), execution);
    }
}

/// Waits for people, and what they were answered, came later.
#[test]
fn a_snapshot_with_people_is_written_and_read_as_recorded() {
    let plan: Plan = serde_json::from_value(recorded("people/plan")).unwrap();
    let plan = Compiled::new(plan, 3).unwrap();
    let mut execution = unborn();
    let inputs = [
        ("start", json!({"workflow": "order", "version": 3, "input": {"boss": "bob"}})),
        ("signal", json!({"name": "paid", "data": 5})),
        ("update", json!({"name": "raise", "id": "u-1", "data": {"by": 4}})),
        ("update", json!({"name": "raise", "id": "u-2", "data": {"by": 5}})),
        ("approval", json!({"step": "review", "by": "eve", "id": "a-1"})),
    ];
    let at = "2026-01-01T00:00:00Z".parse().unwrap();
    for (kind, data) in inputs {
        let input = Input::read(&format!("sagaline.input.{kind}.v1"), data.to_string().as_bytes()).unwrap();
        apply(&mut execution, Some(&plan), &input, at);
    }
    is_recorded("snapshots/people", &state(&execution));
    assert_eq!(Execution::from_snapshot(recorded("snapshots/people").to_string().as_bytes()).unwrap(), execution);
}

fn state(execution: &Execution) -> Value {
    serde_json::from_slice(&execution.to_snapshot()).unwrap()
}

fn stage(execution: &Execution) -> &'static str {
    match execution.stage {
        Stage::Unborn(_) => "unborn",
        Stage::Unbound { .. } => "unbound",
        Stage::Running(_) => "running",
        Stage::Over(_) => "over",
        Stage::Parked { .. } => "parked",
    }
}

/// Effects are recorded in words of their own: their Rust type is no promise, what they say is.
fn json_of(effects: &[Effect], at: Moment) -> Vec<Value> {
    effects.iter().map(|effect| effect_json(effect, at)).collect()
}

fn effect_json(effect: &Effect, at: Moment) -> Value {
    match effect {
        Effect::Dispatch(Dispatch { path, attempt, queue, activity, input, timeout, cause, .. }) => json!({
            "task": path, "attempt": attempt, "queue": queue, "activity": activity, "input": input, "timeout": timeout,
            "cause": cause,
        }),
        Effect::Revoke { path, attempt, queue, activity } => {
            json!({"revoke": path, "attempt": attempt, "queue": queue, "activity": activity})
        }
        Effect::Tell(happening) => {
            let (workflow, execution) = ("order".parse().unwrap(), "A-100".parse().unwrap());
            let event = Lifecycle { workflow, version: 3, execution, at, happening: happening.clone() };
            let mut data: Value = serde_json::from_slice(&event.data(Refs::default())).unwrap();
            let fields = data.as_object_mut().unwrap();
            fields.retain(|name, _| !["workflow", "version", "execution", "at"].contains(&name.as_str()));
            json!({"tell": happening.kind(), "data": data})
        }
        Effect::Bind { workflow, version } => json!({"bind": workflow, "version": version}),
        Effect::Reject { reason, detail } => json!({"reject": reason, "detail": detail}),
        Effect::StartChild { child, start } => json!({"start": child, "as": start}),
        Effect::AskChild { child, .. } => json!({"ask": child}),
        Effect::CancelChild { child, reason, .. } => json!({"cancel": child, "reason": reason}),
        Effect::TellParent { parent, ended, .. } => json!({"tell": parent, "ended": ended}),
        Effect::Recall => json!("recall"),
        Effect::Bury { letter, ttl } => json!({"bury": letter, "ttl": ttl}),
        Effect::AskToStop { path, attempt, .. } => json!({"stop": path, "attempt": attempt}),
        Effect::AskSaga { request, again } => json!({"saga": request, "again": again}),
        Effect::LookAfterSaga { began } => json!({"ask": "saga", "began": began}),
        Effect::Late { late } => json!({"late": late}),
        Effect::TellSchedule { schedule, again } => json!({"tell schedule": schedule, "again": again}),
        Effect::Emit { id, kind, data, .. } => json!({"emit": kind, "id": id, "data": data}),
        Effect::Entity { entity, input } => {
            let data: Value = serde_json::from_slice(&input.data()).unwrap();
            json!({"entity": entity, "type": input.kind(), "data": data})
        }
    }
}
