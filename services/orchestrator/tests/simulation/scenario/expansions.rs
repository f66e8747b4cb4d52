//! Steps that return others, of every shape, at every depth, in loops, races and handlers, some of which cannot be run.

use sagaline_broker::worker::Ended;
use sagaline_model::StepError;
use sagaline_orchestrator::machine::Executions;
use sagaline_testkit::sim::{Dice, Scenario, World, run::Client};
use serde_json::{Value, json};

use super::{MANY, SINGLE, client};

pub(crate) const EXPANSIONS: Scenario<Executions> = Scenario { clients, must_end: executions, ..SINGLE };
pub(crate) const MANY_EXPANSIONS: Scenario<Executions> = Scenario { clients, must_end: executions, ..MANY };

pub(super) const WORKFLOWS: [&str; 2] = [
    r#"
workflow: garden
step_concurrency: 3
on_step_error: { activity: work }
steps:
  wide: { activity: grow, expand: { concurrency: 3 }, retry: 3, on_error: continue }
  each:
    for_each: { items: [1, 2], concurrency: 2, on_item_error: skip }
    activity: grow
    expand: true
  last: { after_graft: [wide, each], activity: work, retry: 5, input: "${ steps.wide.output }" }
on_success: { activity: grow, expand: true }
"#,
    r#"
workflow: hedge
retry_workflow: { attempts: 2, initial: 1s }
steps:
  either: { race: { vine: { activity: grow, expand: true, retry: 2 }, late: { wait: 20s } } }
  try_it:
    try: { grown: { activity: grow, expand: true } }
    catch: { steps: { mend: { activity: work, retry: 4 } } }
  last: { after: [either, try_it], activity: grow, expand: { concurrency: 1 }, retry: 3 }
on_failure: { activity: grow, expand: true }
"#,
];

/// Few, since each has many steps.
const EXECUTIONS: usize = 4;
/// Steps below so many others return none.
const DEEPEST: usize = 4;

fn executions() -> Vec<String> {
    (0..EXECUTIONS).map(|number| format!("e{number}")).collect()
}

fn either(number: usize) -> &'static str {
    ["garden", "hedge"][number % 2]
}

fn clients(world: World<Executions>, seed: u64) -> Vec<Client> {
    (0..EXECUTIONS).map(|number| Box::pin(client(world.clone(), number, seed, either)) as Client).collect()
}

/// How an attempt of the activity `grow` ends.
pub(super) fn grown(path: &str, dice: &mut Dice) -> Ended {
    let may_go_on = path.matches('/').count() + 1 < DEEPEST;
    match dice.below(100) {
        0..=9 => Ended::Failed(StepError::new("Flaky", "it happens")),
        10..=14 => Ended::Succeeded(json!({"n": 1})),
        15..=19 => Ended::Expanded(json!([])),
        // They wait for one another, or for a queue that nobody serves.
        20..=22 => Ended::Expanded(json!([step("a", &["b"], work()), step("b", &["a"], work())])),
        23..=24 => Ended::Expanded(json!([{"name": "a", "kind": {"step": {"activity": "work", "queue": "nowhere"}}}])),
        25..=44 => Ended::Expanded(chain()),
        45..=69 if may_go_on => Ended::Expanded(further()),
        _ => Ended::Expanded(fan()),
    }
}

fn work() -> Value {
    json!({"step": {"activity": "work", "retry": {"attempts": 3, "initial": "200ms", "backoff": "fixed"}}})
}

fn step(name: &str, after: &[&str], kind: Value) -> Value {
    json!({"name": name, "after": after, "on_error": "continue", "kind": kind})
}

fn chain() -> Value {
    let emit = json!({"emit": {"type": "something.grew", "data": {"n": "${ steps.a.output.n }"}}});
    json!([
        step("a", &[], work()),
        step("b", &["a"], emit),
        step("c", &["b"], json!({"wait": {"duration": "700ms"}})),
        step("d", &["c"], work()),
    ])
}

fn fan() -> Value {
    let item = json!({"name": "item", "kind": work()});
    let looped = json!({"for_each": {"items": [1, 2], "as": "item", "concurrency": 2, "body": item}});
    json!([
        step("a", &[], work()),
        step("b", &[], json!({"race": {"nodes": [step("x", &[], work()), step("y", &[], work())]}})),
        step("c", &[], looped),
        step("d", &["a"], json!({"set": {"values": {"n": "${ ctx.a.n }"}}})),
        step("join", &["a", "b", "c", "d"], work()),
    ])
}

fn further() -> Value {
    let grow = json!({"step": {"activity": "grow", "expand": {"concurrency": 2}}});
    let inside = json!({"dag": {"nodes": [step("again", &[], grow.clone()), step("then", &["again"], work())]}});
    json!([step("a", &[], grow), step("b", &[], inside), step("c", &["a"], json!({"child": {"workflow": "short"}}))])
}
