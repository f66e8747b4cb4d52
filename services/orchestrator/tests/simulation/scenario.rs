//! What is simulated: workflows that try everything, clients that start and disturb them, and activities that fail at times.

pub(crate) mod events;
pub(crate) mod expansions;
pub(crate) mod gates;
pub(crate) mod jobs;
pub(crate) mod people;
pub(crate) mod shared;

use sagaline_broker::{
    names::{LogKind, Names},
    ports::{Bucket, Message, Outcome},
    worker::Ended,
};
use sagaline_events::{
    Input, Start, Task,
    ask::{Answer, Ask},
    input::{Cancel, OnLate, Signal},
    record::{Definition, Latest},
};
use sagaline_model::{ExecutionId, Name, Span, StepError};
use sagaline_orchestrator::machine::Executions;
use sagaline_testkit::sim::{Dice, Scenario, Shape, World, limits::unlimited, ports::step, run::Client, tasks::send};
use serde_json::json;

/// One partition, two orchestrators that compete for it, one node.
pub(crate) const SINGLE: Scenario<Executions> = Scenario {
    shape: Shape::single,
    machine: Executions::new,
    kinds: &[LogKind::Runs],
    prepare,
    clients,
    activity,
    must_end: executions,
    limited: unlimited,
    verdict: |_, _| None,
};

/// Several partitions and members, one node or three.
pub(crate) const MANY: Scenario<Executions> = Scenario { shape: Shape::many, ..SINGLE };

/// The same two with loops, races, cases, what is caught, and what handles an end.
pub(crate) const CONTROL: Scenario<Executions> = Scenario { clients: clients_of_control, ..SINGLE };
pub(crate) const MANY_CONTROL: Scenario<Executions> = Scenario { clients: clients_of_control, ..MANY };

/// The same two with parents and children.
pub(crate) const FAMILY: Scenario<Executions> = Scenario { clients: clients_of_families, must_end: families, ..SINGLE };
pub(crate) const MANY_FAMILIES: Scenario<Executions> =
    Scenario { clients: clients_of_families, must_end: families, ..MANY };

/// Parallel branches that join, retries with timers, a wait, a signal, a time limit, a skip, a failure that is borne, much waiting; and
/// loops, races, what is caught, any of several, and what handles an end.
const WORKFLOWS: [&str; 6] = [
    r#"
workflow: fan
steps:
  a: { activity: work, input: { n: "${ workflow.input.n }" } }
  b: { after: a, activity: work, retry: { attempts: 4, initial: 200ms, jitter: true } }
  c: { after: a, activity: work, retry: { attempts: 4, initial: 100ms, backoff: fixed }, on_error: continue }
  d: { after: a, activity: work, timeout: 30s, retry: { attempts: 3, initial: 100ms } , on_error: skip }
  e: { after: [b, c, d], activity: work, input: { of: "${ steps.b.output.n }" }, retry: 5 }
output: { n: "${ ctx.n }" }
"#,
    r#"
workflow: patient
timeout: 10m
steps:
  a: { activity: work, retry: 5 }
  pause: { after: a, wait: 700ms }
  ask: { after: a, await: { signal: go, timeout: 2m } }
  inner:
    after: [pause, ask]
    steps:
      x: { activity: work, retry: 5 }
      y: { after: x, activity: work, on_error: continue }
  z: { after: inner, activity: work, on_error: skip }
"#,
    r#"
workflow: frail
steps:
  a: { activity: work }
  b: { after: a, activity: work, retry: 2 }
  c: { after: a, activity: work }
  d: { after: [b, c], activity: work }
"#,
    r#"
workflow: idle
steps:
  rest: { wait: 20s }
  a: { after: rest, activity: work, retry: 5 }
  sleep: { after: a, wait: 45s }
  ask: { after: rest, await: { signal: go, timeout: 3m } }
  b: { after: ask, activity: work, retry: { attempts: 4, initial: 20s, backoff: fixed }, on_error: skip }
  nap: { after: [sleep, b], wait: 10s }
output: { n: "${ ctx.n }" }
"#,
    r#"
workflow: control
steps:
  each:
    for_each: { items: [1, 2, 3, 4], concurrency: 2, on_item_error: skip }
    steps:
      one: { activity: work, input: "${ item }", retry: { attempts: 3, initial: 200ms } }
      two: { after: one, activity: work, input: "${ steps.one.output }" }
  quote:
    race:
      fast: { activity: work }
      slow: { activity: work, retry: 3 }
  pay:
    after: quote
    try: { charge: { activity: work }, note: { activity: work, retry: 2 } }
    catch: { steps: { mend: { activity: work, retry: 5, input: "${ error.type }" } } }
  route:
    after_any: [each, pay]
    switch:
      - { when: "${ workflow.input.n > 4 }", steps: { many: { activity: work, retry: 5 } } }
      - { steps: { few: { wait: 1s } } }
on_success: { activity: work, retry: 3 }
on_failure: { activity: work }
on_cancel: { steps: { clean: { activity: work, on_error: continue }, rest: { after: clean, wait: 2s } } }
"#,
    r#"
workflow: returned
steps:
  plan: { activity: plan, expand: { concurrency: 2 }, retry: 4, on_error: continue }
  each:
    for_each: { items: [1, 2], concurrency: 1, on_item_error: continue }
    activity: plan
    expand: true
    retry: 3
  sum: { after_graft: [plan, each], activity: work, retry: 5, input: ["${ steps.plan.output }", "${ ctx.a }"] }
"#,
];

/// Children that are waited for and not, in loops, with patience and without; and events for others.
const FAMILIES: [&str; 3] = [
    r#"
workflow: parent
steps:
  each:
    for_each: { items: [1, 2, 3], concurrency: 2, on_item_error: continue }
    child: { workflow: short, input: { n: "${ item }" } }
  rest: { child: { workflow: middle, timeout: 30m }, on_error: skip }
  hasty: { after: each, child: { workflow: middle, timeout: 4s }, on_error: continue }
  tell: { after: rest, emit: { type: something.happened, data: { n: "${ workflow.input.n }" } } }
  beside: { child: { workflow: middle, wait: false } }
  let_go: { child: { workflow: short, wait: false, on_parent_end: abandon } }
  last: { after: [each, tell, hasty], activity: work, on_error: skip }
"#,
    r#"
workflow: middle
steps:
  pause: { wait: 2s }
  inner: { after: pause, child: short, on_error: skip }
"#,
    r#"
workflow: short
steps: { a: { activity: work, retry: 2, input: { n: "${ workflow.input.n }" } } }
"#,
];

const EXECUTIONS: usize = 12;

fn executions() -> Vec<String> {
    (0..EXECUTIONS).map(|number| format!("e{number}")).collect()
}

/// Which workflow the execution of a number runs.
type Choice = fn(usize) -> &'static str;

fn any(number: usize) -> &'static str {
    ["fan", "patient", "frail", "idle"][number % 4]
}

fn half_of_them_control(number: usize) -> &'static str {
    ["control", "idle", "returned", "frail"][number % 4]
}

/// Few, since each has many children.
const FAMILY_HEADS: usize = 4;

fn families() -> Vec<String> {
    executions().into_iter().take(FAMILY_HEADS).collect()
}

fn two_of_them_parents(number: usize) -> &'static str {
    ["parent", "frail", "middle", "short"][number % 4]
}

fn prepare(world: &World<Executions>) {
    let further = people::WORKFLOWS
        .iter()
        .chain(&expansions::WORKFLOWS)
        .chain(&shared::WORKFLOWS)
        .chain(&gates::WORKFLOWS)
        .chain(&events::WORKFLOWS);
    for source in WORKFLOWS.iter().chain(&FAMILIES).chain(further) {
        let plan = sagaline_lang::read(source, "simulated.yaml").expect("a good definition").plan;
        let (workflow, hash) = (plan.workflow.clone(), plan.hash());
        let definition = Definition { workflow: workflow.clone(), version: 1, hash: hash.clone(), plan, source: None };
        let latest = Latest { version: 1, hash };
        let mut world = world.lock();
        let json = serde_json::to_vec(&definition).expect("JSON");
        world.buckets.put(Bucket::Definitions, &Names::definition_key(workflow.as_str(), 1), json);
        let json = serde_json::to_vec(&latest).expect("JSON");
        world.buckets.put(Bucket::Definitions, &Names::latest_key(workflow.as_str()), json);
    }
}

fn input(subject: String, expected: Option<u64>, input: &Input) -> Message {
    Message {
        subject,
        expected,
        msg_id: None,
        ttl: None,
        headers: vec![("ce-type", input.kind().to_owned())],
        payload: input.data().into(),
    }
}

/// Starts one execution at some moment, and sends it a signal and perhaps a cancel, perhaps before the start.
async fn client(world: World<Executions>, number: usize, seed: u64, choice: Choice) {
    let mut dice = Dice::new(seed.wrapping_mul(31).wrapping_add(number as u64));
    let names = Names::default();
    let partitions = world.lock().shape.partitions;
    let id = format!("e{number}");
    let signal = Input::Signal(Signal { name: Name::new("go").expect("a name"), data: json!({"by": number}) });
    let signal = input(names.input(&id, partitions), None, &signal);
    let early = dice.chance(500);
    if early {
        send(&world, &signal).await;
    }
    for _ in 0..dice.below(300) {
        step().await;
    }
    let start = Start {
        version: dice.chance(500).then_some(1),
        input: json!({"n": number}),
        ..Start::of(Name::new(choice(number)).expect("a name"))
    };
    let start = input(names.start(&id, partitions), Some(0), &Input::Start(start));
    // A conflict: an own earlier try was stored, and only its ack got lost.
    while !matches!(send(&world, &start).await, Outcome::Stored { .. } | Outcome::Conflict { .. }) {}
    if !early {
        for _ in 0..dice.below(300) {
            step().await;
        }
        send(&world, &signal).await;
    }
    // What nobody waits for wakes it as well; two at once have to queue up.
    let noise = Input::Signal(Signal { name: Name::new("noise").expect("a name"), data: json!(number) });
    let noise = input(names.input(&id, partitions), None, &noise);
    for _ in 0..dice.below(6) {
        for _ in 0..dice.below(60) {
            step().await;
        }
        for _ in 0..=dice.below(2) {
            send(&world, &noise).await;
        }
    }
    if dice.chance(150) {
        for _ in 0..dice.below(200) {
            step().await;
        }
        let cancel = Cancel { cleanup: dice.chance(500), ..Cancel::at_once(None) };
        send(&world, &input(names.input(&id, partitions), None, &Input::Cancel(cancel))).await;
    }
}

/// Asks about executions, of which an owner must know every one that has begun and not ended.
async fn curious(world: World<Executions>, seed: u64) {
    let mut dice = Dice::new(seed ^ 0xA5C);
    for _ in 0..40 {
        for _ in 0..dice.below(200) {
            step().await;
        }
        let id = format!("e{}", dice.below(EXECUTIONS));
        let has_begun = world.lock().started.contains(&id);
        let execution = ExecutionId::new(id.as_str()).expect("an id");
        let ask = match dice.below(3) {
            0 => Ask::Why { execution },
            _ => Ask::Get { execution },
        };
        let question = world.lock().ask(ask);
        for _ in 0..300 {
            step().await;
            let mut world = world.lock();
            let Some(answer) = world.answers.remove(&question) else { continue };
            let has_ended = world.value_of_result(&id).is_some() || world.has_cut(&id) || world.is_excused(&id);
            if has_begun && !has_ended && answer == Answer::Unknown {
                world.violations.push(format!("the owner knows nothing of `{id}`, which is open"));
            }
            break;
        }
    }
}

fn clients(world: World<Executions>, seed: u64) -> Vec<Client> {
    clients_of(world, seed, any)
}

fn clients_of_control(world: World<Executions>, seed: u64) -> Vec<Client> {
    clients_of(world, seed, half_of_them_control)
}

fn clients_of_families(world: World<Executions>, seed: u64) -> Vec<Client> {
    clients_of(world, seed, two_of_them_parents).into_iter().take(FAMILY_HEADS).collect()
}

fn clients_of(world: World<Executions>, seed: u64, choice: Choice) -> Vec<Client> {
    let starters = (0..EXECUTIONS).map(|number| Box::pin(client(world.clone(), number, seed, choice)) as Client);
    starters.chain([Box::pin(curious(world.clone(), seed)) as Client]).collect()
}

fn activity(seed: u64, task: &Task) -> Ended {
    let name = format!("{seed}/{}/{}/{}", task.execution, task.path, task.attempt);
    let mut dice = Dice::new(u64::from(sagaline_model::id::fnv1a(name.as_bytes())));
    if task.activity.as_str() == "grow" {
        return expansions::grown(task.path.as_str(), &mut dice);
    }
    match dice.below(100) {
        0..=84 if task.activity.as_str() == "plan" => Ended::Expanded(steps(&task.path.to_string())),
        0..=79 if task.activity.as_str() == "crowd" => Ended::Expanded(people::crowd()),
        0..=39 if task.activity.as_str() == "doubt" => Ended::Awaits {
            approvers: vec!["ann".to_owned()],
            timeout: dice.chance(500).then(|| Span::from_secs(20)),
            on_timeout: OnLate::Skip,
        },
        40..=54 if task.activity.as_str() == "doubt" => {
            Ended::Snoozed { delay: Span::from_secs(2), reason: "not yet".to_owned() }
        }
        0..=74 => Ended::Succeeded(json!({"n": task.attempt, "step": task.path})),
        75..=94 => Ended::Failed(StepError::new("Flaky", "it happens")),
        _ => Ended::Skipped(String::new()),
    }
}

/// What a step returns: others that need one another, and one that returns others itself.
fn steps(path: &str) -> serde_json::Value {
    let retry = json!({"attempts": 3, "initial": "200ms", "backoff": "fixed"});
    let work = |input: &str| json!({"step": {"activity": "work", "input": input, "retry": retry}});
    let mut steps = vec![
        json!({"name": "a", "kind": work("first")}),
        json!({"name": "b", "on_error": "skip", "kind": work("second")}),
        json!({"name": "c", "after": ["a", "b"], "on_error": "continue", "kind": work("${ ctx.a.n }")}),
        json!({"name": "rest", "after": ["a"], "kind": {"wait": {"duration": "700ms"}}}),
    ];
    if path == "plan" {
        let further = json!({"step": {"activity": "plan", "expand": {"concurrency": 1}, "retry": retry}});
        steps.push(json!({"name": "further", "on_error": "continue", "kind": further}));
    }
    json!(steps)
}
