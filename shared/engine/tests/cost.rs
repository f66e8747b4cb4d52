//! The cost of an execution grows as the plan does, whatever its shape: four times the steps take about four times as long.
//!
//! Each shape is run at 1,000, 2,000 and 4,000 steps. What grew with the square would take sixteen times as long for the largest as
//! for the smallest; ten times is allowed. The time is that of this thread alone, so that a busy machine does not count.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use sagaline_engine::{Compiled, Effect, Execution, apply};
use sagaline_events::{
    EntityInput, EntityKey, EntityWord, FramePath, Input, Says, Start,
    input::{Signal, StepExpanded, StepSucceeded},
};
use sagaline_model::{
    ActivityName, Await, Dag, ExecutionId, Expand, ForEach, Gate, Kind, Moment, Name, Node, OnError, OnTimeout,
    PlacesGate, Plan, RateGate, RateRule, RetryPolicy, Span, Step, StepDefaults,
};
use serde_json::{Value, json};

/// A plan of so many steps.
type Shape = fn(usize) -> Compiled;

/// The best of so many: the one that was disturbed least.
const TRIES: usize = 5;

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn node(name_: &str, after: Vec<Name>, kind: Kind) -> Node {
    Node { after, ..Node::new(name(name_), kind) }
}

fn step(input: Value) -> Kind {
    let activity = ActivityName::new("noop").unwrap();
    Kind::Step(Step {
        activity,
        queue: name("default"),
        input,
        timeout: None,
        limits: Default::default(),
        retry: RetryPolicy::default(),
        metadata: Value::Null,
        expand: None,
        breaker: None,
        compensate: None,
        gates: vec![],
    })
}

fn awaits(signal: &str) -> Kind {
    Kind::Await(Await { signal: name(signal), timeout: Some("1h".to_owned()), on_timeout: OnTimeout::Fail })
}

fn plan(nodes: Vec<Node>) -> Compiled {
    let (note, input_schema, timeout, output) = (None, None, None, None);
    let root = Dag { nodes };
    let plan = Plan {
        workflow: name("w"),
        rules: Plan::RULES_OF_COMPANY,
        note,
        input_schema,
        triggers: vec![],
        timeout,
        tags: vec![],
        root,
        output,
        handlers: Default::default(),
        conduct: Default::default(),
        exchange: Default::default(),
        concurrency: None,
        unique: None,
        config: Default::default(),
    };
    Compiled::new(plan, 1).unwrap()
}

/// Each step after the one before it, whose output it reads.
fn chain(size: usize) -> Compiled {
    let after = |index: usize| index.checked_sub(1).map(|before| name(&format!("n{before}"))).into_iter().collect();
    let input = |index: usize| json!(format!("${{ steps.n{}.output.n }}", index.saturating_sub(1)));
    plan((0..size).map(|index| node(&format!("n{index}"), after(index), step(input(index)))).collect())
}

/// One step, then all the others, then one after all of them.
fn out_and_in(size: usize) -> Compiled {
    let wide = (0..size).map(|index| node(&format!("n{index}"), vec![name("first")], step(Value::Null)));
    let all = (0..size).map(|index| name(&format!("n{index}"))).collect();
    let last = node("last", all, step(Value::Null));
    plan([node("first", vec![], step(Value::Null))].into_iter().chain(wide).chain([last]).collect())
}

/// A chain of conditions none of which holds: all of it is one turn.
fn skipped(size: usize) -> Compiled {
    let after = |index: usize| index.checked_sub(1).map(|before| name(&format!("n{before}"))).into_iter().collect();
    let skipped = |index: usize| Node {
        when: Some("false".to_owned()),
        ..node(&format!("n{index}"), after(index), step(Value::Null))
    };
    plan((0..size).map(skipped).collect())
}

/// Steps with a step inside that fails as it begins, side by side: all of it is one turn.
fn failing_inside(size: usize) -> Compiled {
    let inner = |index: usize| node(&format!("i{index}"), vec![], step(json!("${ 1 / 0 }")));
    let outer = |index: usize| {
        let dag = Kind::Dag(Dag { nodes: vec![inner(index)] });
        Node { on_error: OnError::Continue, ..node(&format!("n{index}"), vec![], dag) }
    };
    plan((0..size).map(outer).collect())
}

/// Waits for signals, half of them for the same.
fn awaiting(size: usize) -> Compiled {
    let signal = |index: usize| if index.is_multiple_of(2) { "same".to_owned() } else { format!("s{index}") };
    plan((0..size).map(|index| node(&format!("n{index}"), vec![], awaits(&signal(index)))).collect())
}

/// Steps side by side, of which a hundred may be at work at once: the others wait in line.
fn queueing(size: usize) -> Compiled {
    let mut plan = out_and_in(size).plan;
    plan.conduct.step_concurrency = Some("100".to_owned());
    Compiled::new(plan, 1).unwrap()
}

/// One step for each of so many items, a hundred at a time.
fn looping(size: usize) -> Compiled {
    let body = Box::new(Node::new(name("item"), step(json!("${ item }"))));
    let items = (0..size).collect::<Vec<_>>().into();
    plan(vec![node(
        "n",
        vec![],
        Kind::ForEach(ForEach { items, item: name("item"), concurrency: 100, body, computed_concurrency: None }),
    )])
}

/// Steps side by side, each of which passes two gates: all wait at one of them at once.
fn gated(size: usize) -> Compiled {
    let mut plan = out_and_in(size).plan;
    let rule = RateRule { limit: 1000, per: Span::from_secs(1), burst: None };
    for node in &mut plan.root.nodes {
        let Kind::Step(step) = &mut node.kind else { continue };
        step.gates = vec![
            Gate::Places(PlacesGate { name: name("api"), key: None, limit: 10 }),
            Gate::Rate(RateGate { name: name("api"), key: None, rule }),
        ];
    }
    Compiled::new(plan, 1).unwrap()
}

/// What a gate says that has room.
fn let_in(entity: EntityKey, input: EntityInput, at: Moment) -> Option<Input> {
    let (ticket, says) = match input {
        EntityInput::Acquire(ask) => (ask.ticket, Says::Granted),
        EntityInput::Turn(ask) => (ask.ticket, Says::Reserved { at }),
        _ => return None,
    };
    Some(Input::Entity(EntityWord::new(entity, &ticket, says)))
}

/// A step that returns others.
fn expanding(name: &str) -> Node {
    let Kind::Step(step) = step(Value::Null) else { unreachable!("it is a step") };
    node(
        name,
        vec![],
        Kind::Step(Step {
            expand: Some(Box::new(Expand { concurrency: 100, queues: vec![], defaults: StepDefaults::default() })),
            ..step
        }),
    )
}

/// So many returned steps, each after the one before it, whose output it reads.
fn returned_chain(_: usize) -> Compiled {
    plan(vec![expanding("chain")])
}

/// So many returned steps that need nothing of one another.
fn returned_wide(_: usize) -> Compiled {
    plan(vec![expanding("wide")])
}

/// Two returned steps for each of so many items.
fn returned_in_a_loop(size: usize) -> Compiled {
    let (items, body) = ((0..size / 4).collect::<Vec<_>>().into(), Box::new(expanding("few")));
    plan(vec![node(
        "n",
        vec![],
        Kind::ForEach(ForEach { items, item: name("item"), concurrency: 100, body, computed_concurrency: None }),
    )])
}

/// What a step of this name returns, if it returns others.
fn returned(name: &str, size: usize) -> Option<Value> {
    let step = |index: usize| {
        let before = index.checked_sub(1).filter(|_| name == "chain").map(|before| format!("s{before}"));
        let input = before.as_ref().map_or(Value::Null, |before| json!(format!("${{ steps.{before}.output.n }}")));
        let after: Vec<String> = before.into_iter().collect();
        json!({"name": format!("s{index}"), "after": after, "kind": {"step": {"activity": "a", "input": input}}})
    };
    match name {
        "chain" | "wide" => Some((0..size).map(step).collect()),
        "few" => Some((0..2).map(step).collect()),
        _ => None,
    }
}

/// Runs it to its end in a world in which every task succeeds and every signal comes.
fn run(plan: &Compiled, size: usize) -> Duration {
    let mut execution = Execution::unborn(ExecutionId::new("e").unwrap());
    let (version, input, trigger, tags) = (Some(1), Value::Null, None, Default::default());
    let start = Input::Start(Start { version, input, trigger, tags, ..Start::of(name("w")) });
    let signals = plan.plan.root.nodes.iter().filter_map(|node| match &node.kind {
        Kind::Await(what) => Some(Input::Signal(Signal { name: what.signal.clone(), data: Value::Null })),
        _ => None,
    });
    let mut inputs: Vec<Input> = signals.chain([start]).collect();
    let mut at = Moment::EPOCH;
    let begin = thread_time();
    while let Some(input) = inputs.pop() {
        at = Moment::from_nanos(at.as_nanos() + 1);
        let effects = apply(&mut execution, Some(plan), &input, at);
        inputs.extend(effects.into_iter().filter_map(|effect| match effect {
            Effect::Dispatch(task) => Some(answered(task.path, task.attempt, size)),
            Effect::Entity { entity, input } => let_in(entity, input, at),
            _ => None,
        }));
    }
    let took = thread_time() - begin;
    assert!(execution.is_over());
    took
}

fn thread_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).expect("the clock counts from zero")
}

fn answered(path: FramePath, attempt: u32, size: usize) -> Input {
    if let Some(steps) = returned(path.step(), size) {
        return Input::StepExpanded(StepExpanded { path, attempt, steps, worker: None });
    }
    Input::StepSucceeded(StepSucceeded { path, attempt, output: json!({"n": 1}), worker: None, claimed: false })
}

#[test]
fn four_times_the_steps_take_about_four_times_as_long() {
    let shapes: [(&str, Shape); 11] = [
        ("chain", chain),
        ("out and in", out_and_in),
        ("skipped", skipped),
        ("failing inside", failing_inside),
        ("awaiting", awaiting),
        ("looping", looping),
        ("returned chain", returned_chain),
        ("returned wide", returned_wide),
        ("returned in a loop", returned_in_a_loop),
        ("queueing", queueing),
        ("gated", gated),
    ];
    for (shape, plan) in shapes {
        let took = [1000, 2000, 4000].map(|size| {
            let plan = plan(size);
            (0..TRIES).map(|_| run(&plan, size)).min().unwrap()
        });
        assert!(took[2] < took[0] * 10, "{shape} at 1,000, 2,000 and 4,000 steps: {took:?}");
    }
}
