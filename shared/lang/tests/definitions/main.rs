//! What definitions without faults are read to.

mod defaults;
mod forms;
mod triggers;
mod warnings;

use std::time::Duration;

use sagaline_lang::{Definition, read};
use sagaline_model::{
    ActivityName, Await, Backoff, Dag, EventTrigger, Expand, Kind, Name, Node, OnError, OnTimeout, Plan, RetryPolicy,
    Span, Step, StepDefaults, Trigger, Wait,
};
use serde_json::{Value, json};

const EVERYTHING: &str = r#"
workflow: order_fulfillment
version_note: first
input_schema: { type: object, required: [order_id] }
on:
  - { event: order.created, when: "${ trigger.data.total > 0 }", input: { id: "${ trigger.data.id }" } }
  - manual
timeout: 2h
tags: [orders, eu]
retry: { attempts: 3, initial: 10s, multiplier: 3, max: 5m, jitter: true, no_retry_on: [Invalid] }
steps:
  validate: { activity: orders.validate, input: { id: "${ workflow.input.id }", strict: yes }, timeout: 30s }
  approve:
    after: validate
    await: { signal: approved, timeout: "${ workflow.input.patience }", on_timeout: skip }
  cool_down: { after: [approve], wait: "${ steps.validate.output.pause }", when: steps.approve.status == "completed" }
  pay:
    after: [validate, cool_down]
    on_error: continue
    steps:
      charge:
        activity: payments.charge
        queue: slow
        retry: { attempts: 5, backoff: "${ attempt * 2 }", no_retry_on: CardDeclined }
      hear: { await: receipt, after: charge, on_error: skip }
output: { id: "${ steps.validate.output.id }" }
"#;

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

fn node(text: &str, after: &[&str], kind: Kind) -> Node {
    let after = after.iter().map(|text| name(text)).collect();
    Node { after, ..Node::new(name(text), kind) }
}

fn step(activity: &str, retry: RetryPolicy) -> Step {
    let activity = ActivityName::new(activity).expect("a name");
    Step {
        activity,
        queue: name("default"),
        input: Value::Null,
        timeout: None,
        limits: Default::default(),
        retry,
        breaker: None,
        metadata: Value::Null,
        expand: None,
        compensate: None,
        gates: vec![],
    }
}

fn without_warnings(source: &str) -> Plan {
    let Definition { plan, warnings } =
        read(source, "order.yaml").unwrap_or_else(|faults| panic!("{}", faults.render(source)));
    assert_eq!(warnings, []);
    plan
}

fn pay(defaults: &RetryPolicy) -> Node {
    let retry = RetryPolicy {
        attempts: 5,
        backoff: Backoff::Custom { expression: "attempt * 2".to_owned() },
        no_retry_on: vec!["CardDeclined".to_owned()],
        ..defaults.clone()
    };
    let charge = Step { queue: name("slow"), ..step("payments.charge", retry) };
    let hear = Await { signal: name("receipt"), timeout: None, on_timeout: OnTimeout::Fail };
    let hear = Node { on_error: OnError::Skip, ..node("hear", &["charge"], Kind::Await(hear)) };
    let inner = Dag { nodes: vec![node("charge", &[], Kind::Step(charge)), hear] };
    Node { on_error: OnError::Continue, ..node("pay", &["validate", "cool_down"], Kind::Dag(inner)) }
}

#[test]
fn everything_that_can_be_written_ends_up_in_the_plan() {
    let defaults = RetryPolicy {
        attempts: 3,
        initial: Span::from_secs(10),
        backoff: Backoff::Exponential { multiplier: 3.0 },
        max: Some(Span::from_secs(300)),
        jitter: true,
        retry_on: vec![],
        no_retry_on: vec!["Invalid".to_owned()],
        computed_initial: None,
        computed_max: None,
    };
    let validate = Step {
        input: json!({ "id": "${ workflow.input.id }", "strict": "yes" }),
        timeout: Some("30s".to_owned()),
        ..step("orders.validate", defaults.clone())
    };
    let approve = Await {
        signal: name("approved"),
        timeout: Some("${ workflow.input.patience }".to_owned()),
        on_timeout: OnTimeout::Skip,
    };
    let cool_down = Kind::Wait(Wait { duration: "${ steps.validate.output.pause }".to_owned() });
    let cool_down = Node {
        when: Some("steps.approve.status == \"completed\"".to_owned()),
        ..node("cool_down", &["approve"], cool_down)
    };
    let expected = Plan {
        handlers: Default::default(),
        conduct: Default::default(),
        exchange: Default::default(),
        concurrency: None,
        unique: None,
        config: Default::default(),
        workflow: name("order_fulfillment"),
        note: Some("first".to_owned()),
        rules: Plan::RULES_OF_CONTRACTS,
        input_schema: Some(json!({ "type": "object", "required": ["order_id"] })),
        triggers: vec![
            Trigger::Event(EventTrigger {
                when: Some("trigger.data.total > 0".to_owned()),
                input: Some(json!({ "id": "${ trigger.data.id }" })),
                ..EventTrigger::of("order.created")
            }),
            Trigger::Manual,
        ],
        timeout: Some(Span::from_secs(7200)),
        tags: vec!["orders".to_owned(), "eu".to_owned()],
        root: Dag {
            nodes: vec![
                node("validate", &[], Kind::Step(validate)),
                node("approve", &["validate"], Kind::Await(approve)),
                cool_down,
                pay(&defaults),
            ],
        },
        output: Some(json!({ "id": "${ steps.validate.output.id }" })),
    };
    assert_eq!(without_warnings(EVERYTHING), expected);
}

#[test]
fn the_example_is_without_faults() {
    let plan = without_warnings(include_str!("../../../../examples/order.yaml"));
    let names: Vec<&str> = plan.root.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["validate", "reserve", "charge", "decline", "notify", "confirm"]);
    let Kind::Step(decline) = &plan.root.nodes[3].kind else { panic!("a step") };
    assert_eq!(plan.root.nodes[3].when.as_deref(), Some("workflow.input.card == 'declined'"));
    assert_eq!((decline.retry.attempts, decline.retry.no_retry_on.as_slice()), (3, &["CardDeclined".to_owned()][..]));
    assert_eq!(Duration::from(decline.retry.initial), Duration::from_secs(1));
}

#[test]
fn a_step_that_returns_others_says_so_and_what_comes_after_those_is_after_it() {
    let read = without_warnings(
        "workflow: w
steps:
  plan: { activity: images.plan, expand: { concurrency: 10, queues: [gpu] } }
  more: { activity: images.plan, expand: true }
  none: { activity: images.plan, expand: false }
  sum: { after: more, after_graft: [plan, more], activity: noop }
",
    );
    let expands = |place: usize| match &read.root.nodes[place].kind {
        Kind::Step(step) => step.expand.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        expands(0),
        Some(Box::new(Expand { concurrency: 10, queues: vec![name("gpu")], defaults: StepDefaults::default() }))
    );
    assert_eq!(
        expands(1),
        Some(Box::new(Expand { concurrency: 100, queues: vec![], defaults: StepDefaults::default() }))
    );
    assert_eq!((expands(2), read.rules), (None, Plan::RULES_OF_COMPANY));
    assert_eq!(read.root.nodes[3].after, [name("more"), name("plan")]);
    assert!(read.queues().contains(&name("gpu")));
}

#[test]
fn what_undoes_a_step_is_a_name_or_says_more() {
    use sagaline_model::{Compensate, CompensateOn, Compensation};
    let source = r#"
workflow: w
steps:
  a: { activity: noop, compensate: undo }
  b: { activity: noop, compensate: [first, { activity: second, input: "${ output }", allow_skip: true, retry: 3 }] }
  c: { activity: noop, compensate: { on: attempted, actions: undo } }
  d: { activity: noop }
"#;
    let read = without_warnings(source);
    let undo = |place: usize| match &read.root.nodes[place].kind {
        Kind::Step(step) => step.compensate.as_deref().cloned(),
        _ => None,
    };
    let action = |activity: &str| Compensation {
        activity: activity.parse().unwrap(),
        queue: None,
        input: serde_json::Value::Null,
        timeout: None,
        retry: Compensation::patience(),
        allow_skip: false,
        metadata: serde_json::Value::Null,
    };
    let of = |actions, on| Some(Compensate { actions, on });
    let retry = sagaline_model::RetryPolicy { attempts: 3, ..Compensation::patience() };
    let second = Compensation { input: serde_json::json!("${ output }"), allow_skip: true, retry, ..action("second") };
    assert_eq!(undo(0), of(vec![action("undo")], CompensateOn::Effected));
    assert_eq!(undo(1), of(vec![action("first"), second], CompensateOn::Effected));
    assert_eq!(undo(2), of(vec![action("undo")], CompensateOn::Attempted));
    assert_eq!((undo(3), read.rules), (None, Plan::RULES_OF_SAGAS));
}
