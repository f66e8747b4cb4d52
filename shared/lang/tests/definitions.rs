//! What definitions without faults are read to.

use std::time::Duration;

use sagaline_lang::{Definition, Severity, read, read_all, read_all_under, read_defaults};
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
fn events_may_be_gathered() {
    let read = |on: &str| {
        let text = format!("workflow: w\non: {on}\nsteps: {{ a: {{ activity: noop }} }}\n");
        let plan =
            sagaline_lang::read(&text, "w.yaml").unwrap_or_else(|faults| panic!("{}", faults.render(&text))).plan;
        assert_eq!(plan.rules, sagaline_model::Plan::RULES_OF_STARTS);
        serde_json::to_value(&plan.triggers[0]).unwrap()["event"]["gather"].clone()
    };
    assert_eq!(
        read("{ event: doc.changed, debounce: { for: 5s, key: '${ trigger.data.doc }', max: 1m } }"),
        json!({ "debounce": { "for": "5s", "key": "${ trigger.data.doc }", "max": "1m" } })
    );
    assert_eq!(read("{ event: row, batch: { size: 10, for: 1s } }"), json!({ "batch": { "size": 10, "for": "1s" } }));
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
fn the_same_definition_as_json_has_the_same_hash() {
    let yaml = r#"
workflow: w
on: manual
tags: [one]
steps:
  b:
    input: { z: 1, a: [1.5, ~, true, "ä\n\"x\" \\ / ${ workflow.input.x }"] }
    activity: echo
  a:
    after: [b]
    wait: 5m
"#;
    let json = r#"{
	"workflow": "w", "on": ["manual"], "tags": "one",
	"steps": {
		"b": {
			"activity": "echo",
			"input": { "a": [1.5, null, true, "\u00e4\n\"x\" \\ \/ ${ workflow.input.x }"], "z": 1 }
		},
		"a": { "wait": "5m", "after": "b" }
	}
}"#;
    let hash = without_warnings(yaml).hash();
    assert_eq!(without_warnings(json).hash(), hash);
    let compact: String = json.replace("\n", "").replace("\t", "").replace("\": ", "\":").replace(", \"", ",\"");
    assert_eq!(without_warnings(&compact).hash(), hash);
    assert_eq!(without_warnings(&format!("\u{feff}{}", yaml.replace('\n', "\r\n"))).hash(), hash);
    assert_ne!(without_warnings(&json.replace("5m", "6m")).hash(), hash);
}

#[test]
fn a_number_for_retry_counts_attempts_and_leaves_the_rest_to_the_workflow() {
    let plan = without_warnings(
        "workflow: w\nretry: { initial: 2s, backoff: linear }\nsteps: { a: { activity: noop, retry: 4 }, b: { activity: noop } }\n",
    );
    let policy = |at: usize| match &plan.root.nodes[at].kind {
        Kind::Step(step) => step.retry.clone(),
        other => panic!("{other:?}"),
    };
    let defaults = RetryPolicy { initial: Span::from_secs(2), backoff: Backoff::Linear, ..RetryPolicy::default() };
    assert_eq!(policy(0), RetryPolicy { attempts: 4, ..defaults.clone() });
    assert_eq!(policy(1), defaults);
}

#[test]
fn what_a_step_says_of_a_delay_counts_whether_it_is_computed_or_not() {
    let plan = without_warnings(
        "workflow: w\nretry: { attempts: 2, initial: '${ ctx.pause }', max: 5m }\nsteps:\n  a: { activity: noop }\n  b: { activity: noop, retry: { initial: 1s, max: '${ attempt * 5 }' } }\n",
    );
    let retries = plan.root.nodes.iter().map(|node| match &node.kind {
        Kind::Step(step) => step.retry.clone(),
        other => panic!("{other:?}"),
    });
    let common = RetryPolicy { attempts: 2, ..RetryPolicy::default() };
    let of_workflow = RetryPolicy {
        computed_initial: Some("${ ctx.pause }".to_owned()),
        max: Some(Span::from_secs(300)),
        ..common.clone()
    };
    let own = RetryPolicy { computed_max: Some("${ attempt * 5 }".to_owned()), ..common };
    assert_eq!(retries.collect::<Vec<_>>(), [of_workflow, own]);
    assert_eq!(plan.rules, Plan::RULES_OF_COMPANY);
}

const BARE: &str = "workflow: w\nsteps:\n  a: { activity: noop }\n  b: { activity: noop, timeout: 1s, retry: { initial: 9s } }\n  c: { activity: noop, expand: true, retry: 1 }\n";

fn steps_of(plan: &Plan) -> Vec<&Step> {
    let steps = plan.nodes().into_iter().filter_map(|node| match &node.kind {
        Kind::Step(step) => Some(step),
        _ => None,
    });
    steps.collect()
}

fn under(source: &str, defaults: &str) -> Plan {
    let (defaults, warnings) = read_defaults(defaults, "defaults").unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(warnings, []);
    let mut read = read_all_under(source, "order.yaml", &defaults).unwrap_or_else(|faults| panic!("{faults}"));
    read.pop().expect("a definition").plan
}

#[test]
fn a_workflow_without_a_limit_has_that_of_the_installation() {
    let defaults = "concurrency: { limit: 200, pool: everything }";
    let given = under(BARE, defaults);
    let limit = given.concurrency.clone().expect("a limit");
    assert_eq!((limit.limit, limit.pool.as_ref().map(Name::as_str)), (200, Some("everything")));
    assert_eq!(given.rules, Plan::RULES_OF_SAGAS);
    let own = under(&format!("concurrency: 2\n{BARE}"), defaults).concurrency.expect("a limit");
    assert_eq!((own.limit, own.pool), (2, None));
}

#[test]
fn what_a_definition_leaves_out_is_as_the_installation_says() {
    let defaults = "timeout: 1d\nstep_timeout: 5m\nretry: { attempts: 3, initial: 2s, backoff: fixed }";
    let plan = under(BARE, defaults);
    assert_eq!(plan.timeout, Some(Span::from_secs(86_400)));
    let common =
        RetryPolicy { attempts: 3, initial: Span::from_secs(2), backoff: Backoff::Fixed, ..RetryPolicy::default() };
    let [a, b, c] = steps_of(&plan)[..] else { panic!("three steps") };
    assert_eq!((a.timeout.as_deref(), &a.retry), (Some("5m"), &common));
    let own = RetryPolicy { initial: Span::from_secs(9), ..common.clone() };
    assert_eq!((b.timeout.as_deref(), &b.retry), (Some("1s"), &own));
    assert_eq!(c.retry, RetryPolicy { attempts: 1, ..common.clone() });
    let returned = StepDefaults { timeout: Some("5m".to_owned()), retry: Some(common), ..StepDefaults::default() };
    assert_eq!(c.expand.as_ref().expect("it expands").defaults, returned);
}

#[test]
fn a_workflow_goes_before_the_installation() {
    let source = format!(
        "timeout: '${{ workflow.input }}'\nstep_timeout: 7s\nretry: {{ attempts: 2, max: '${{ attempt }}' }}\n{BARE}"
    );
    let plan = under(&source, "{ timeout: 1d, step_timeout: 5m, retry: { attempts: 3, max: 1h, jitter: true } }");
    assert_eq!((plan.timeout, plan.conduct.timeout.as_deref()), (None, Some("${ workflow.input }")));
    let step = steps_of(&plan)[0];
    assert_eq!((step.timeout.as_deref(), step.retry.attempts, step.retry.jitter), (Some("7s"), 2, true));
    assert_eq!((step.retry.max, step.retry.computed_max.as_deref()), (None, Some("${ attempt }")));
}

#[test]
fn defaults_that_say_nothing_change_no_plan() {
    let plain = without_warnings(BARE);
    assert_eq!(under(BARE, "{}").hash(), plain.hash());
    assert_eq!(under(BARE, "retry: {}").hash(), plain.hash());
    assert_ne!(under(BARE, "retry: 2").hash(), plain.hash());
    // What is left to say counts, not where it was said.
    assert_eq!(
        under(BARE, "{ retry: 2, step_timeout: 5m }").hash(),
        without_warnings(&format!("retry: 2\nstep_timeout: 5m\n{BARE}")).hash()
    );
}

#[test]
fn yes_and_no_are_text_as_in_yaml_1_2() {
    let plan = without_warnings("workflow: on\nsteps: { off: { activity: echo, input: [yes, no, on, true, 0o17] } }\n");
    let Kind::Step(step) = &plan.root.nodes[0].kind else { panic!("a step") };
    assert_eq!(step.input, json!(["yes", "no", "on", true, 15]));
    assert_eq!(plan.root.nodes[0].name, name("off"));
}

#[test]
fn anchors_aliases_and_merge_keys_repeat_what_they_name() {
    let plan = without_warnings(
        "workflow: w\nsteps:\n  a: &base { activity: echo, queue: slow, input: &in { x: 1 } }\n  b: { <<: *base, queue: fast, after: a }\n  c: { activity: echo, input: { \"<<\": *in, list: [*in] } }\n",
    );
    let input = |at: usize| match &plan.root.nodes[at].kind {
        Kind::Step(step) => (step.queue.as_str(), step.input.clone()),
        other => panic!("{other:?}"),
    };
    assert_eq!(input(1), ("fast", json!({ "x": 1 })));
    assert_eq!(input(2), ("default", json!({ "<<": { "x": 1 }, "list": [{ "x": 1 }] })));
}

#[test]
fn a_file_may_hold_several_workflows() {
    let source = "workflow: a\nsteps: { s: { activity: noop } }\n---\n# b\nworkflow: b\nsteps:\n  s: { activity: noop }\n  t: { activity: echo, input: \"${ steps.s.output }\" }\n---\n";
    let definitions = read_all(source, "two.yaml").expect("two workflows");
    let names: Vec<&str> = definitions.iter().map(|definition| definition.plan.workflow.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(definitions[0].warnings, []);
    assert_eq!(definitions[1].warnings.len(), 1);
    let twice = read_all(&source.replace("workflow: b", "workflow: a"), "two.yaml").expect_err("one name twice");
    let expected = "two.yaml:5:1: a second workflow is called `a`\n  hint: the first one starts on line 1";
    assert!(twice.to_string().contains(expected), "{twice}");
}

#[test]
fn what_is_doubtful_is_a_warning() {
    let source = "workflow: w
retry: { backoff: linear }
steps:
  a: { activity: noop, retry: { multiplier: 2, initial: 1m, max: 30s } }
  b: { activity: noop, retry: { retry_on: [X], no_retry_on: [X] } }
  c:
    after: [b, b]
    steps:
      d: { activity: echo, input: \"${ steps.a.output }\" }
";
    let Definition { plan, warnings } = read(source, "order.yaml").expect("warnings only");
    assert_eq!(plan.root.nodes.len(), 3);
    assert!(warnings.iter().all(|warning| warning.severity == Severity::Warning));
    let told: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    let expected = [
        "order.yaml:4:45: warning: `multiplier` has an effect with `backoff: exponential` only",
        "order.yaml:4:66: warning: `max` (30s) is below `initial` (1m), so every delay is 30s",
        "order.yaml:5:61: warning: `X` stands in `retry_on` too; it is not retried",
        "order.yaml:7:16: warning: `b` is named twice",
        "order.yaml:9:45: warning: `a` may not have ended when `d` reads it\n  hint: let `c` come after it: `after: a`",
    ];
    assert_eq!(told, expected);
}

#[test]
fn however_many_warnings_there_are_they_refuse_nothing_and_hide_no_error() {
    let steps: String = (0..600).map(|i| format!("  s{i}: {{ wait: \"${{ steps.last.output }}\" }}\n")).collect();
    let source = format!("workflow: w\nsteps:\n{steps}  last: {{ activity: noop }}\n");
    let warnings = read(&source, "order.yaml").expect("warnings only").warnings;
    assert_eq!(warnings.len(), 501);
    assert!(warnings.iter().all(|warning| warning.severity == Severity::Warning));
    let faults = read(&format!("{source}output: \"${{ banana }}\"\n"), "order.yaml").expect_err("an error");
    assert!(faults.to_string().contains("`banana` is nothing"), "{faults}");
}

#[test]
fn a_step_may_read_all_that_certainly_ran_before_it() {
    without_warnings(
        r#"
workflow: w
steps:
  first: { steps: { one: { activity: noop }, two: { activity: noop, after: one } } }
  second: { activity: noop, after: first }
  third:
    after: second
    steps:
      deep: { steps: { three: { activity: echo, input: "${ [steps.one.output, steps.first.status, steps.second.error] }" } } }
      last: { after: deep, activity: echo, input: "${ steps.three.output }" }
      watch: { activity: noop, retry: { attempts: 3, backoff: "${ error.type == 'Busy' ? attempt : 60 }" } }
output: "${ steps.three.output }"
"#,
    );
}

/// What is recorded must be readable again: JSON readers stop at 128 levels.
#[test]
fn the_deepest_plan_can_be_read_back() {
    let (mut open, mut close) = (String::new(), String::new());
    for level in 0..15 {
        open.push_str(&format!("{{ s{level}: {{ steps: "));
        close.push_str(" } }");
    }
    let deep = |lists: usize| {
        let (open_lists, close_lists) = ("[".repeat(lists), "]".repeat(lists));
        format!("workflow: w\nsteps: {open} {{ a: {{ activity: echo, input: {open_lists}{close_lists} }} }} {close}\n")
    };
    let lists = (1..60).take_while(|lists| read(&deep(*lists), "deep.yaml").is_ok()).last().expect("some depth");
    assert_eq!(lists, 15);
    let plan = without_warnings(&deep(lists));
    let json = serde_json::to_string(&plan).expect("a plan");
    assert_eq!(serde_json::from_str::<Plan>(&json).expect("not too deep"), plan);
}

#[test]
fn the_example_is_without_faults() {
    let plan = without_warnings(include_str!("../../../examples/order.yaml"));
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

#[test]
fn triggers_ask_for_any_attribute_and_may_tell_an_execution() {
    let plan = without_warnings(
        r#"
workflow: order
on:
  - event: [order.*, invoice.>]
    source: /shops/*
    subject: order-*
    extensions: { tenant: acme, shard: 7 }
  - event: payment.taken
    when: ${ trigger.data.total > 0 }
    signal: paid
    execution: "order-${ trigger.data.order }"
    data: { amount: "${ trigger.data.total }" }
  - { event: order.closed, signal: closed, execution: "${ trigger.subject }" }
steps: { a: { activity: noop } }
"#,
    );
    assert_eq!(plan.rules, Plan::RULES_OF_STARTS);
    assert_eq!(
        serde_json::to_value(&plan.triggers).expect("JSON"),
        json!([
            { "event": {
                "type": ["order.*", "invoice.>"],
                "source": "/shops/*",
                "subject": "order-*",
                "extensions": { "tenant": "acme", "shard": "7" },
            } },
            { "event": {
                "type": "payment.taken",
                "when": "trigger.data.total > 0",
                "signal": {
                    "name": "paid",
                    "execution": "order-${ trigger.data.order }",
                    "data": { "amount": "${ trigger.data.total }" },
                },
            } },
            { "event": { "type": "order.closed", "signal": { "name": "closed", "execution": "${ trigger.subject }" } } },
        ])
    );
}

/// What older replicas can serve asks for no more of them than before.
#[test]
fn a_plain_trigger_asks_for_the_first_rules() {
    let on = r#"{ event: [order.created], when: "true", input: 1 }"#;
    let plan = without_warnings(&format!("workflow: w\non: {on}\nsteps: {{ a: {{ activity: noop }} }}\n"));
    assert_eq!(plan.rules, Plan::FIRST_RULES);
    let event = serde_json::to_value(&plan.triggers[0]).expect("JSON");
    assert_eq!(event, json!({ "event": { "type": "order.created", "when": "true", "input": 1 } }));
}
