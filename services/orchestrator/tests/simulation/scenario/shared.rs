//! Executions that share: places, of which there are few, and breakers; and those among them that wait for people.

use std::time::Duration;

use sagaline_broker::{names::Names, ports::Outcome};
use sagaline_events::{
    EntityKey, Input, Start, Task,
    ask::{Answer, Ask},
    input::Cancel,
    record::Status,
};
use sagaline_model::{ExecutionId, Name};
use sagaline_orchestrator::machine::Executions;
use sagaline_testkit::sim::{
    Scenario, World,
    limits::{Limit, LimitOf},
    ports::step,
    run::Client,
    tasks::send,
};

use super::{MANY, SINGLE, client, curious, input, people};

pub(crate) const SHARED: Scenario<Executions> = Scenario { clients, must_end: executions, limited, ..SINGLE };
pub(crate) const MANY_SHARED: Scenario<Executions> = Scenario { clients, must_end: executions, limited, ..MANY };

/// The same two where people are waited for with a place held, and while a breaker is asked.
pub(crate) const COMPANY: Scenario<Executions> =
    Scenario { clients: clients_of_company, must_end: people::executions, limited, ..SINGLE };
pub(crate) const MANY_COMPANY: Scenario<Executions> =
    Scenario { clients: clients_of_company, must_end: people::executions, limited, ..MANY };

/// Judged as if every limit were lower by one.
pub(crate) const JUDGED_TOO_HARD: Scenario<Executions> = Scenario { limited: limited_harder, ..SHARED };

pub(super) const WORKFLOWS: [&str; 7] = [
    r#"
workflow: narrow
concurrency: 1
steps:
  a: { activity: work, retry: 5 }
  rest: { after: a, wait: 2s }
  b: { after: rest, activity: work, on_error: skip }
"#,
    r#"
workflow: newest
concurrency: { limit: 1, key: "${ workflow.name }", on_limit: cancel_old }
steps:
  a: { activity: work, retry: 5 }
  rest: { after: a, wait: 45s }
on_cancel: { activity: work, on_error: continue }
"#,
    r#"
workflow: picky
timeout: 10m
concurrency: { limit: 1, on_limit: skip }
steps:
  a: { activity: work, retry: 5 }
  rest: { after: a, wait: 40s }
"#,
    r#"
workflow: double
concurrency: 2
steps:
  each:
    for_each: { items: [1, 2], concurrency: 1, on_item_error: skip }
    activity: work
    breaker: { name: other, threshold: 3, reset: 2s }
  b: { after: each, activity: work, on_error: skip, retry: 3 }
on_success: { activity: work, on_error: continue }
on_cancel: { activity: work, on_error: continue }
"#,
    r#"
workflow: guarded
steps:
  a: { activity: work, retry: { attempts: 6, initial: 200ms }, breaker: { name: b, threshold: 2, reset: 3s }, on_error: skip }
  b: { after: a, activity: work, retry: { attempts: 3, initial: 500ms }, on_error: skip,
       breaker: { name: b, threshold: 2, reset: 3s, when_open: fail } }
  c: { activity: work, retry: 3, breaker: other, timeout: 30s, on_error: skip }
"#,
    r#"
workflow: booked
concurrency: 2
step_concurrency: 2
updates:
  change: { when: "${ update.n != 2 }", set: { n: "${ update.n }" }, result: "${ ctx.n }" }
steps:
  a:
    activity: work
    on_error: pause
    retry: { attempts: 2, initial: 300ms }
    breaker: { name: c, threshold: 2, reset: 3s }
  beside: { activity: doubt, breaker: { name: c, threshold: 2, reset: 3s }, retry: 3, on_error: skip }
  review:
    after: a
    await: { approval: { approvers: [ann, bob], notify: { activity: work } }, timeout: 2m, on_timeout: skip }
    on_error: continue
  b:
    after: [review, beside]
    activity: doubt
    breaker: { name: c, threshold: 2, reset: 3s, when_open: fail }
    on_error: pause
on_cancel: { activity: work, on_error: continue }
"#,
    r#"
workflow: replaced
concurrency: { limit: 1, on_limit: cancel_old }
retry_workflow: { attempts: 2, initial: 2s }
updates:
  change: { set: { n: "${ update.n }" } }
steps:
  a: { activity: work, on_error: pause, breaker: { name: c, threshold: 2, reset: 3s } }
  ask: { after: a, await: { approval: { approvers: ann }, timeout: 3m, on_timeout: skip }, on_error: skip }
  b: { after: ask, activity: work }
on_failure: { activity: work, on_error: continue }
"#,
];

const EXECUTIONS: usize = 12;

/// How soon an execution has its place when nobody has one: long before anybody is asked whether it still wants its own.
const AT_ONCE: Duration = Duration::from_secs(50);

fn executions() -> Vec<String> {
    (0..EXECUTIONS).map(|number| format!("e{number}")).collect()
}

fn one_of_these(number: usize) -> &'static str {
    ["narrow", "newest", "double", "guarded", "picky", "double"][number % 6]
}

fn booked_or_replaced(number: usize) -> &'static str {
    ["booked", "replaced", "booked"][number % 3]
}

fn most_of(workflow: &str) -> Option<usize> {
    match workflow {
        "narrow" | "newest" | "picky" | "replaced" => Some(1),
        "double" | "booked" => Some(2),
        _ => None,
    }
}

fn limited(task: &Task) -> Option<Limit> {
    let key = (task.workflow.as_str() == "newest").then_some("newest");
    let most = most_of(task.workflow.as_str())?;
    Some(Limit { entity: EntityKey::limit(&task.workflow, key).to_string(), most, of: LimitOf::Executions })
}

fn limited_harder(task: &Task) -> Option<Limit> {
    limited(task).filter(|limit| limit.most > 1).map(|limit| Limit { most: limit.most - 1, ..limit })
}

fn clients(world: World<Executions>, seed: u64) -> Vec<Client> {
    let starters = (0..EXECUTIONS).map(|number| Box::pin(client(world.clone(), number, seed, one_of_these)) as Client);
    let others = {
        let world = world.clone();
        async move {
            curious(world.clone(), seed).await;
            latecomers(world, executions, &["narrow", "newest", "picky", "double"]).await;
        }
    };
    starters.chain([Box::pin(others) as Client]).collect()
}

fn clients_of_company(world: World<Executions>, seed: u64) -> Vec<Client> {
    let late = latecomers(world.clone(), people::executions, &["booked", "replaced"]);
    people::clients_of(world, seed, booked_or_replaced).into_iter().chain([Box::pin(late) as Client]).collect()
}

/// One for each of these workflows comes when nobody is there any more and nothing goes wrong: what was taken has been given back,
/// so it has a place at once.
async fn latecomers(world: World<Executions>, others: fn() -> Vec<String>, workflows: &[&str]) {
    let is_alone = |world: &World<Executions>| {
        let world = world.lock();
        let has_ended = |id: &String| !world.is_promised(id) || world.value_of_result(id).is_some();
        world.faults.is_calm() && others().iter().all(has_ended)
    };
    while !is_alone(&world) {
        step().await;
    }
    for (number, workflow) in workflows.iter().enumerate() {
        latecomer(&world, &format!("late{number}"), workflow).await;
    }
}

async fn latecomer(world: &World<Executions>, id: &str, workflow: &str) {
    let (names, partitions) = (Names::default(), world.lock().shape.partitions);
    let start = Start { version: Some(1), ..Start::of(Name::new(workflow).expect("a name")) };
    let start = input(names.start(id, partitions), Some(0), &Input::Start(start));
    while !matches!(send(world, &start).await, Outcome::Stored { .. } | Outcome::Conflict { .. }) {}
    let since = world.lock().since;
    while is_pending(world, id).await {
        let mut world = world.lock();
        let waited = world.since.saturating_sub(since);
        // Places that somebody holds who is lost are found only when that is asked.
        if AT_ONCE < waited && !world.has_lost_some() && world.excused.is_empty() {
            let tales = format!("{}\n{}", world.tale_of(id), world.tale_of(&format!("~limit:{workflow}")));
            world.violations.push(format!("`{id}` has waited for {waited:?} though nobody has a place\n{tales}"));
            return;
        }
    }
    {
        let mut world = world.lock();
        let end = world.value_of_result(id).unwrap_or_default();
        let is_refused = String::from_utf8_lossy(&end).contains("at work already");
        if is_refused && !world.has_lost_some() && world.excused.is_empty() {
            world.violations.push(format!("`{id}` was refused though nobody has a place"));
        }
    }
    // It may wait for people, who have gone.
    let cancel = Input::Cancel(Cancel::at_once(None));
    send(world, &input(names.input(id, partitions), None, &cancel)).await;
}

/// Whether it waits to begin, as its owner says.
async fn is_pending(world: &World<Executions>, id: &str) -> bool {
    let question = world.lock().ask(Ask::Get { execution: ExecutionId::new(id).expect("an id") });
    for _ in 0..300 {
        step().await;
        let mut world = world.lock();
        if world.value_of_result(id).is_some() {
            return false;
        }
        match world.answers.remove(&question) {
            Some(Answer::Execution(view)) => return view.status == Status::Pending,
            Some(_) => return true,
            None => {}
        }
    }
    true
}
