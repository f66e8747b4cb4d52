//! Plans as they are recorded for ever. `golden/plan.json` has everything that a plan can have; it is never written from here.
//! A new kind or field gets a new file, so that what older versions recorded stays readable as it is.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use sagaline_model::{Backoff, Defaults, Kind, Name, Node, OnError, OnTimeout, Plan, RetryPolicy, Span, Trigger};
use serde_json::{Value, json};

const RECORDED: &str = include_str!("../golden/plan.json");

fn recorded() -> Plan {
    serde_json::from_str(RECORDED).unwrap()
}

#[test]
fn the_recorded_plan_is_written_as_it_was_read() {
    assert_eq!(serde_json::to_value(recorded()).unwrap(), serde_json::from_str::<Value>(RECORDED).unwrap());
}

/// Rules came later: a plan without them keeps to the first, and is written without.
#[test]
fn a_plan_with_rules_is_written_as_it_was_read() {
    let json: Value = serde_json::from_str(include_str!("../golden/plan_rules.json")).unwrap();
    let plan: Plan = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(serde_json::to_value(&plan).unwrap(), json);
    assert_eq!((plan.rules, plan.checked_schema()), (Plan::RULES_OF_CONTRACTS, plan.input_schema.as_ref()));
    assert_eq!(plan.hash().0, "eff01cf2eeafb48bf9f03242f934735e185890da0be99d82ee114538b328f838");
    assert_eq!((recorded().rules, recorded().checked_schema()), (Plan::FIRST_RULES, None));
}

/// Nodes that decide what is done came later still.
#[test]
fn a_plan_with_control_is_written_as_it_was_read() {
    let json: Value = serde_json::from_str(include_str!("../golden/plan_control.json")).unwrap();
    let plan: Plan = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(serde_json::to_value(&plan).unwrap(), json);
    let kinds: BTreeSet<&str> = plan.nodes().into_iter().map(|node| kind_of(&node.kind)).collect();
    assert_eq!(kinds, BTreeSet::from(["for_each", "race", "raise", "set", "switch", "try", "wait"]));
    assert!(plan.root.nodes.iter().map(Node::rules).all(|rules| rules == Plan::RULES_OF_CONTROL));
}

/// So did what limits the time of a step besides its `timeout`.
#[test]
fn a_plan_with_limits_is_written_as_it_was_read() {
    let json: Value = serde_json::from_str(include_str!("../golden/plan_limits.json")).unwrap();
    let plan: Plan = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(serde_json::to_value(&plan).unwrap(), json);
    let Kind::Step(step) = &plan.root.nodes[0].kind else { panic!("{plan:?}") };
    let limits = [&step.limits.schedule_timeout, &step.limits.total_timeout, &step.limits.heartbeat];
    assert_eq!(limits.map(Option::as_deref), ["10m", "${ workflow.input.patience }", "5s"].map(Some));
    assert_eq!(plan.root.nodes[0].rules(), Plan::RULES_OF_CONTROL);
}

/// So did what has to do with people.
#[test]
fn a_plan_with_people_is_written_as_it_was_read() {
    let json: Value = serde_json::from_str(include_str!("../golden/plan_people.json")).unwrap();
    let plan: Plan = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(serde_json::to_value(&plan).unwrap(), json);
    let kinds: Vec<&str> = plan.nodes().iter().map(|node| kind_of(&node.kind)).collect();
    assert_eq!(kinds, ["signals", "signals", "await", "set", "approval", "step"]);
    assert!(plan.root.nodes.iter().map(Node::rules).all(|rules| rules == Plan::RULES_OF_COMPANY));
    assert_eq!(plan.queues().len(), 1, "what tells approvers has a queue");
}

/// And so did steps that return others.
#[test]
fn a_plan_with_steps_that_return_others_is_written_as_it_was_read() {
    let json: Value = serde_json::from_str(include_str!("../golden/plan_expand.json")).unwrap();
    let plan: Plan = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(serde_json::to_value(&plan).unwrap(), json);
    let Kind::Step(step) = &plan.root.nodes[0].kind else { panic!("{plan:?}") };
    assert_eq!(step.expand.as_ref().map(|expand| expand.concurrency), Some(10));
    assert_eq!(plan.root.nodes[0].rules(), Plan::RULES_OF_COMPANY);
    let queues: Vec<String> = plan.queues().into_iter().map(ToString::to_string).collect();
    assert_eq!(queues, ["default", "images"]);
}

/// And what is said about an execution as a whole, and about failures that are not the end.
#[test]
fn a_plan_with_conduct_is_written_as_it_was_read() {
    let json: Value = serde_json::from_str(include_str!("../golden/plan_conduct.json")).unwrap();
    let plan: Plan = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(serde_json::to_value(&plan).unwrap(), json);
    let conduct = &plan.conduct;
    assert!(conduct.step_concurrency.is_some() && conduct.timeout.is_some() && conduct.deadline.is_some());
    assert!(!conduct.metadata.is_null() && conduct.retry_workflow.is_some() && plan.handlers.on_step_error.is_some());
    assert_eq!(plan.root.nodes[0].on_error, OnError::Pause);
    assert!(plan.root.nodes.iter().map(Node::rules).all(|rules| rules == Plan::RULES_OF_COMPANY));
    assert_eq!((conduct.rules(), plan.handlers.rules()), (Plan::RULES_OF_COMPANY, Plan::RULES_OF_COMPANY));
}

/// And waits for events.
#[test]
fn a_plan_with_waits_for_events_is_written_as_it_was_read() {
    let json: Value = serde_json::from_str(include_str!("../golden/plan_waits_for_events.json")).unwrap();
    let plan: Plan = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(serde_json::to_value(&plan).unwrap(), json);
    let kinds: Vec<&str> = plan.nodes().iter().map(|node| kind_of(&node.kind)).collect();
    assert_eq!(kinds, ["event", "set", "event"]);
    assert!(plan.root.nodes.iter().map(Node::rules).all(|rules| rules == Plan::RULES_OF_STARTS));
}

/// And values of the project.
#[test]
fn a_plan_with_values_of_the_project_is_written_as_it_was_read() {
    let json: Value = serde_json::from_str(include_str!("../golden/plan_config.json")).unwrap();
    let plan: Plan = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(serde_json::to_value(&plan).unwrap(), json);
    assert_eq!(plan.rules, Plan::RULES_OF_CONFIG);
    assert_eq!(plan.config["reports"]["recipients"][1], "bob@example.com");
    assert!(!serde_json::to_string(&recorded()).unwrap().contains("config"), "plans of before stay as they are");
}

fn kind_of(kind: &Kind) -> &'static str {
    match kind {
        Kind::Step(_) => "step",
        Kind::Wait(_) => "wait",
        Kind::Await(_) => "await",
        Kind::Dag(_) => "dag",
        Kind::Race(_) => "race",
        Kind::Switch { .. } => "switch",
        Kind::Try(_) => "try",
        Kind::ForEach(_) => "for_each",
        Kind::Set { .. } => "set",
        Kind::Raise(_) => "raise",
        Kind::Child(_) => "child",
        Kind::Emit(_) => "emit",
        Kind::AwaitSignals(_) => "signals",
        Kind::Approval(_) => "approval",
        Kind::AwaitEvent(_) => "event",
    }
}

/// The hash tells whether a definition changed, and is recorded too.
#[test]
fn the_recorded_plan_has_the_recorded_hash() {
    assert_eq!(recorded().hash().0, "6a0771b2c082bb5dd22c9c3a2b0a391071961effbf91326a378ea3c1a14a0f88");
}

#[test]
fn the_recorded_plan_has_everything_that_a_plan_can_have() {
    let plan = recorded();
    let named = [plan.note.is_some(), plan.input_schema.is_some(), plan.timeout.is_some(), plan.output.is_some()];
    assert_eq!(named, [true; 4]);
    let triggers = plan.triggers.iter().map(|trigger| match trigger {
        Trigger::Event(_) => "event",
        Trigger::Manual => "manual",
        Trigger::Schedule(_) => "schedule",
    });
    assert_eq!(triggers.collect::<Vec<_>>(), ["event", "manual"]);
    let mut seen: Vec<&str> = vec![];
    for node in plan.nodes() {
        seen.push(match node.on_error {
            OnError::Fail => "fail",
            OnError::Skip => "skip",
            OnError::Continue => "continue",
            // It came later: `plan_conduct.json`.
            OnError::Pause => "pause",
        });
        seen.push(match &node.kind {
            Kind::Step(step) => match step.retry.backoff {
                Backoff::Fixed => "fixed",
                Backoff::Linear => "linear",
                Backoff::Exponential { .. } => "exponential",
                Backoff::Custom { .. } => "custom",
            },
            Kind::Wait(_) => "wait",
            Kind::Await(awaited) => match &awaited.on_timeout {
                OnTimeout::Fail => "await, then fail",
                OnTimeout::Skip => "await, then skip",
                OnTimeout::Steps(_) => "await, then steps",
            },
            Kind::Dag(_) => "dag",
            // They came later: `plan_control.json`.
            _ => "control",
        });
    }
    seen.sort_unstable();
    seen.dedup();
    let all = [
        "await, then fail",
        "await, then skip",
        "continue",
        "custom",
        "dag",
        "exponential",
        "fail",
        "fixed",
        "linear",
        "skip",
        "wait",
    ];
    assert_eq!(seen, all);
}

/// So did the key of `ctx` that an output is put under.
#[test]
fn a_plan_with_context_keys_is_written_as_it_was_read() {
    let json: Value = serde_json::from_str(include_str!("../golden/plan_context_keys.json")).unwrap();
    let plan: Plan = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(serde_json::to_value(&plan).unwrap(), json);
    let keys: Vec<_> = plan.nodes().into_iter().map(|node| node.context_key.as_ref().map(Name::as_str)).collect();
    assert_eq!(keys, [Some("invoice"), Some("answers"), None]);
    assert!(plan.root.nodes.iter().map(Node::rules).all(|rules| rules == Plan::RULES_OF_COMPANY));
}

/// And delays that are computed.
#[test]
fn a_plan_with_computed_delays_is_written_as_it_was_read() {
    let json: Value = serde_json::from_str(include_str!("../golden/plan_delays.json")).unwrap();
    let plan: Plan = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(serde_json::to_value(&plan).unwrap(), json);
    let Kind::Step(step) = &plan.root.nodes[0].kind else { panic!("{plan:?}") };
    assert!(step.retry.has_computed_delays());
    assert_eq!(plan.root.nodes[0].rules(), Plan::RULES_OF_COMPANY);
}

/// And what the steps have that a step returns.
#[test]
fn a_plan_with_defaults_for_returned_steps_is_written_as_it_was_read() {
    let json: Value = serde_json::from_str(include_str!("../golden/plan_returned.json")).unwrap();
    let plan: Plan = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(serde_json::to_value(&plan).unwrap(), json);
}

/// The defaults of an installation. A word of a newer version is not passed over.
#[test]
fn the_defaults_of_an_installation_are_written_as_they_were_read() {
    let json: Value = serde_json::from_str(include_str!("../golden/defaults.json")).unwrap();
    let defaults: Defaults = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(serde_json::to_value(&defaults).unwrap(), json);
    assert_eq!(serde_json::to_value(Defaults::default()).unwrap(), json!({}));
    assert!(serde_json::from_value::<Defaults>(json!({"later": 1})).is_err());
}

/// What an older version did not know of is not there in what it recorded.
#[test]
fn a_plan_may_leave_out_what_has_a_default() {
    let step = json!({"activity": "orders.validate", "queue": "default"});
    let plan: Plan = serde_json::from_value(json!({
        "workflow": "order",
        "root": {"nodes": [
            {"name": "a", "kind": {"step": step}},
            {"name": "b", "after": ["a"], "kind": {"await": {"signal": "approved"}}},
        ]},
    }))
    .unwrap();
    let [Kind::Step(step), Kind::Await(awaited)] = [&plan.root.nodes[0].kind, &plan.root.nodes[1].kind] else {
        panic!("{plan:?}");
    };
    assert_eq!(plan.root.nodes[0].on_error, OnError::Fail);
    assert_eq!((&step.input, &step.timeout), (&Value::Null, &None));
    let policy = RetryPolicy {
        attempts: 1,
        initial: Span::from_secs(1),
        backoff: Backoff::Exponential { multiplier: 2.0 },
        max: None,
        jitter: false,
        retry_on: vec![],
        no_retry_on: vec![],
        computed_initial: None,
        computed_max: None,
    };
    assert_eq!(step.retry, policy);
    assert_eq!((&awaited.timeout, &awaited.on_timeout), (&None, &OnTimeout::Fail));
}

/// Triggers came to ask for more than a type, and to tell executions as well as start them.
#[test]
fn a_plan_with_triggers_of_all_kinds_is_written_as_it_was_read() {
    let json: Value = serde_json::from_str(include_str!("../golden/plan_events.json")).unwrap();
    let plan: Plan = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(serde_json::to_value(&plan).unwrap(), json);
    assert!(plan.triggers.iter().all(|trigger| trigger.rules() == Plan::RULES_OF_STARTS));
    assert!(recorded().triggers.iter().all(|trigger| trigger.rules() == Plan::FIRST_RULES));
}
