//! Executions that wait for events, and triggers that pass those on: before anybody waits, afterwards, and more than once.

use std::collections::BTreeSet;

use sagaline_broker::{
    names::Names,
    ports::{Message, Outcome},
};
use sagaline_events::{EntityInput, EntityKey, Input, Start, entity::Came};
use sagaline_model::{EventRule, Kind, Name, Plan, Span, event_wait::text_of};
use sagaline_orchestrator::machine::Executions;
use sagaline_testkit::sim::{Dice, Scenario, World, ports::step, run::Client, tasks::send};
use serde_json::{Value, json};

use super::{MANY, SINGLE, curious, input};

pub(crate) const HEARD: Scenario<Executions> = Scenario { clients, must_end: executions, verdict, ..SINGLE };
pub(crate) const MANY_HEARD: Scenario<Executions> = Scenario { clients, must_end: executions, verdict, ..MANY };

/// Events come once, before or after: who gives an event to nobody, or forgets it, shows.
pub(crate) const UNHEARD: Scenario<Executions> = Scenario { clients: clients_without_events, ..HEARD };

/// One event for each item of a loop, one that all wait for, and one that never comes.
pub(super) const WORKFLOWS: [&str; 2] = [
    r#"
workflow: hears
steps:
  a: { activity: work, retry: 5, on_error: skip }
  own: { after: a, await: { event: paid, match: { n: "${ workflow.input.n }" }, keep: 1d } }
  all: { await: { event: opened, keep: 1d } }
  b: { after: [own, all], activity: work, retry: 5, on_error: skip }
output: { had: ["${ steps.own.output.id }"], all: "${ steps.all.output.id }" }
"#,
    r#"
workflow: counts
steps:
  each:
    for_each: { items: [1, 2, 3], concurrency: 2 }
    await: { event: paid, match: { n: "${ workflow.input.n }" }, keep: 1d }
  never: { await: { event: refused, match: { n: "${ workflow.input.n }" }, timeout: 20s, on_timeout: skip } }
  b: { after: [each, never], activity: work, retry: 5, on_error: skip }
output: { had: "${ steps.each.output.map(e, e.id) }" }
"#,
];

const EXECUTIONS: usize = 8;
const OPENED: &str = "opened-1";

fn executions() -> Vec<String> {
    (0..EXECUTIONS).map(|number| format!("e{number}")).collect()
}

fn workflow_of(number: usize) -> &'static str {
    ["hears", "counts"][number % 2]
}

/// The ids of the events that are for one execution alone.
fn own_events(number: usize) -> Vec<String> {
    let count = if workflow_of(number) == "hears" { 1 } else { 3 };
    (1..=count).map(|event| format!("paid-{number}-{event}")).collect()
}

/// As triggers have it from the definitions.
fn rule_of(kind: &str) -> EventRule {
    let plans = WORKFLOWS.map(|source| sagaline_lang::read(source, "simulated.yaml").expect("a good definition").plan);
    let rules = |plan: &Plan| -> Vec<EventRule> {
        let of_node = |kind: &Kind| match kind {
            Kind::AwaitEvent(what) => Some(what.rule.clone()),
            _ => None,
        };
        plan.nodes().into_iter().filter_map(|node| of_node(&node.kind)).collect()
    };
    plans.iter().flat_map(rules).find(|rule| rule.kind == kind).expect("somebody waits for it")
}

/// An event, as a trigger passes it on. `named`: under its name, so that the log takes it once within its memory.
fn event(world: &World<Executions>, kind: &str, id: &str, number: usize, named: bool) -> Message {
    let (rule, world) = (rule_of(kind), world.lock());
    let key = if rule.key.is_null() { String::new() } else { text_of(&json!({ "n": number })).expect("a text") };
    let entity = EntityKey::event(&rule, &key);
    let event = json!({ "id": id, "type": kind, "source": "/sim", "data": { "n": number } });
    let came =
        Came { source: "/sim".to_owned(), id: id.to_owned(), at: world.now(), keep: Span::from_secs(86_400), event };
    let input = EntityInput::Event(came);
    Message {
        subject: Names::default().input(entity.as_str(), world.shape.partitions),
        expected: None,
        msg_id: named.then(|| format!("event-{id}")),
        ttl: None,
        headers: vec![("ce-type", input.kind().to_owned())],
        payload: input.data().into(),
    }
}

async fn pass_on(world: &World<Executions>, kind: &str, id: &str, number: usize, dice: &mut Dice) {
    let message = event(world, kind, id, number, dice.chance(500));
    while !matches!(send(world, &message).await, Outcome::Stored { .. }) {}
}

async fn some_steps(dice: &mut Dice, most: usize) {
    for _ in 0..dice.below(most) {
        step().await;
    }
}

/// Starts one execution; its events come before that, or later, and some of them again.
async fn client(world: World<Executions>, number: usize, seed: u64, events: bool) {
    let mut dice = Dice::new(seed.wrapping_mul(37).wrapping_add(number as u64));
    let id = format!("e{number}");
    let own = own_events(number);
    let early = if events { dice.below(own.len() + 1) } else { 0 };
    for event in &own[..early] {
        pass_on(&world, "paid", event, number, &mut dice).await;
        some_steps(&mut dice, 100).await;
    }
    some_steps(&mut dice, 300).await;
    let start = Start {
        version: dice.chance(500).then_some(1),
        input: json!({ "n": number }),
        ..Start::of(Name::new(workflow_of(number)).expect("a name"))
    };
    let partitions = world.lock().shape.partitions;
    let start = input(Names::default().start(&id, partitions), Some(0), &Input::Start(start));
    while !matches!(send(&world, &start).await, Outcome::Stored { .. } | Outcome::Conflict { .. }) {}
    if !events {
        return;
    }
    for event in &own[early..] {
        some_steps(&mut dice, 800).await;
        pass_on(&world, "paid", event, number, &mut dice).await;
    }
    // Some are published again, soon or late.
    for event in &own {
        while dice.chance(400) {
            some_steps(&mut dice, 800).await;
            pass_on(&world, "paid", event, number, &mut dice).await;
        }
    }
    again_if_lost(&world, &id, &mut dice, async |world, dice| {
        for event in &own {
            pass_on(world, "paid", event, number, dice).await;
        }
    })
    .await;
}

/// The event that all wait for.
async fn opens(world: World<Executions>, seed: u64) {
    let mut dice = Dice::new(seed ^ 0x0BE5);
    some_steps(&mut dice, 2000).await;
    pass_on(&world, "opened", OPENED, 0, &mut dice).await;
    while dice.chance(500) {
        some_steps(&mut dice, 1000).await;
        pass_on(&world, "opened", OPENED, 0, &mut dice).await;
    }
    for id in executions() {
        again_if_lost(&world, &id, &mut dice, async |world, dice| pass_on(world, "opened", OPENED, 0, dice).await)
            .await;
    }
}

/// Nothing is promised of what a log lost with its tail, or of what was set aside: whoever published it does so again. Where
/// nothing was lost nobody does, and what was passed on once must have been enough.
async fn again_if_lost(
    world: &World<Executions>,
    id: &str,
    dice: &mut Dice,
    again: impl AsyncFn(&World<Executions>, &mut Dice),
) {
    let is_calm = || world.lock().faults.is_calm();
    while !is_calm() {
        step().await;
    }
    let is_whole = || has_lost_nothing(world);
    let has_ended = || world.lock().value_of_result(id).is_some() || !world.lock().is_promised(id);
    while !is_whole() && !has_ended() {
        again(world, dice).await;
        for _ in 0..2_000 {
            step().await;
        }
    }
}

fn has_lost_nothing(world: &World<Executions>) -> bool {
    let world = world.lock();
    !world.has_lost_some() && world.excused.is_empty()
}

fn clients(world: World<Executions>, seed: u64) -> Vec<Client> {
    let starters = (0..EXECUTIONS).map(|number| Box::pin(client(world.clone(), number, seed, true)) as Client);
    let others: [Client; 2] = [Box::pin(opens(world.clone(), seed)), Box::pin(curious(world.clone(), seed))];
    starters.chain(others).collect()
}

fn clients_without_events(world: World<Executions>, seed: u64) -> Vec<Client> {
    (0..EXECUTIONS).map(|number| Box::pin(client(world.clone(), number, seed, false)) as Client).collect()
}

/// Each has its own events, each of them once, and none of somebody else's.
fn verdict(world: &World<Executions>, _seed: u64) -> Option<String> {
    let whole = has_lost_nothing(world);
    (0..EXECUTIONS).find_map(|number| {
        let id = format!("e{number}");
        let record: Value = serde_json::from_slice(&world.lock().value_of_result(&id)?).ok()?;
        let output = record.get("output").filter(|_| record["status"] == "completed")?;
        let had: Vec<String> = serde_json::from_value(output["had"].clone()).unwrap_or_default();
        let (own, set): (BTreeSet<_>, BTreeSet<_>) =
            (own_events(number).into_iter().collect(), had.iter().cloned().collect());
        let foreign = !set.is_subset(&own);
        // Who begins anew after a loss may be told of one twice.
        let twice = whole && (set != own || had.len() != own.len());
        let all = workflow_of(number) == "counts" || output["all"] == OPENED;
        (foreign || twice || !all).then(|| format!("`{id}` waited for {own:?}, and ended with {output}"))
    })
}
