//! Executions whose attempts pass gates, places and rates; and those of which one at a time has a key.

use sagaline_events::{EntityKey, Task};
use sagaline_model::Name;
use sagaline_orchestrator::machine::Executions;
use sagaline_testkit::sim::{
    Scenario, World,
    limits::{Limit, LimitOf},
    run::Client,
};

use super::{MANY, SINGLE, clients_of};

pub(crate) const GATED: Scenario<Executions> = Scenario { clients, limited, ..SINGLE };
pub(crate) const MANY_GATED: Scenario<Executions> = Scenario { clients, limited, ..MANY };

/// Judged as if there were one place less.
pub(crate) const JUDGED_TOO_HARD: Scenario<Executions> = Scenario { limited: limited_harder, ..GATED };

pub(super) const WORKFLOWS: [&str; 4] = [
    r#"
workflow: placed
steps:
  a: { activity: work, retry: { attempts: 5, initial: 300ms }, limit: { limit: 2, name: two }, on_error: skip }
  b:
    activity: work
    retry: { attempts: 3, initial: 200ms }
    limit: [{ limit: 2, name: two }, { limit: 3, name: other, key: "${ workflow.name }" }]
    breaker: { name: gate, threshold: 2, reset: 2s }
    on_error: skip
  c: { after: [a, b], activity: work, retry: 5, limit: { limit: 2, name: two }, on_error: skip }
"#,
    r#"
workflow: paced
steps:
  each:
    for_each: { items: [1, 2, 3], concurrency: 3, on_item_error: skip }
    activity: work
    retry: { attempts: 4, initial: 100ms }
    rate_limit: { limit: 4, per: 10s, name: slow }
  b: { after: each, activity: work, timeout: 30s, rate_limit: { limit: 4, per: 10s, name: slow }, on_error: skip }
"#,
    r#"
workflow: both
steps:
  a:
    activity: work
    retry: { attempts: 3, initial: 500ms }
    on_error: skip
    limit: { limit: 1, name: single, key: "${ workflow.name }" }
    rate_limit: [{ limit: 1, per: 1s, name: steady }, { limit: 8, per: 10s, burst: 1, name: wide, key: x }]
"#,
    r#"
workflow: only
unique: { key: same, for: 1d }
steps:
  a: { activity: work, retry: 5, on_error: skip }
  rest: { after: a, wait: 5s }
  b: { after: rest, activity: work, retry: 2, on_error: skip }
"#,
];

fn one_of_these(number: usize) -> &'static str {
    ["placed", "paced", "both", "placed", "only", "only"][number % 6]
}

fn clients(world: World<Executions>, seed: u64) -> Vec<Client> {
    clients_of(world, seed, one_of_these)
}

fn limited(task: &Task) -> Option<Limit> {
    let places = |name: &str, key| EntityKey::places(&Name::new(name).expect("a name"), key);
    let (entity, most, of) = match task.workflow.as_str() {
        "placed" => (places("two", None), 2, LimitOf::Attempts),
        "both" => (places("single", Some("both")), 1, LimitOf::Attempts),
        "only" => (EntityKey::unique("same"), 1, LimitOf::Executions),
        _ => return None,
    };
    Some(Limit { entity: entity.to_string(), most, of })
}

fn limited_harder(task: &Task) -> Option<Limit> {
    limited(task).filter(|limit| limit.most > 1).map(|limit| Limit { most: limit.most - 1, ..limit })
}
