//! Jobs of several kinds, now and later, some of them cancelled.

use sagaline_broker::{names::Names, ports::Outcome};
use sagaline_events::{Input, Start, input::Cancel};
use sagaline_model::{Backoff, JobSpec, RetryPolicy, Span};
use sagaline_orchestrator::machine::Executions;
use sagaline_testkit::sim::{Dice, Scenario, World, ports::step, run::Client, tasks::send};
use serde_json::json;

use super::{EXECUTIONS, MANY, SINGLE, input};

pub(crate) const JOBS: Scenario<Executions> = Scenario { clients, ..SINGLE };
pub(crate) const MANY_JOBS: Scenario<Executions> = Scenario { clients, ..MANY };

fn clients(world: World<Executions>, seed: u64) -> Vec<Client> {
    (0..EXECUTIONS).map(|number| Box::pin(client(world.clone(), number, seed)) as Client).collect()
}

async fn client(world: World<Executions>, number: usize, seed: u64) {
    let mut dice = Dice::new(seed.wrapping_mul(37).wrapping_add(number as u64));
    let names = Names::default();
    let partitions = world.lock().shape.partitions;
    let id = format!("e{number}");
    for _ in 0..dice.below(300) {
        step().await;
    }
    let retry = RetryPolicy {
        attempts: 1 + u32::from(dice.chance(700)) * 3,
        initial: Span::from_millis(200),
        backoff: Backoff::Fixed,
        ..JobSpec::default_retry()
    };
    let job = JobSpec {
        retry,
        timeout: dice.chance(400).then(|| Span::from_secs(30)),
        metadata: [("n".to_owned(), json!(number))].into_iter().collect(),
        ..JobSpec::of("work".parse().expect("an activity"))
    };
    let later = dice.chance(400).then(|| world.lock().now() + Span::from_secs(dice.below(40) as u64));
    let start = Start {
        version: Some(0),
        input: json!({"n": number}),
        begin_at: later,
        job: Some(Box::new(job.clone())),
        ..Start::of(job.workflow())
    };
    let start = input(names.start(&id, partitions), Some(0), &Input::Start(start));
    while !matches!(send(&world, &start).await, Outcome::Stored { .. } | Outcome::Conflict { .. }) {}
    if dice.chance(200) {
        for _ in 0..dice.below(200) {
            step().await;
        }
        let cancel = Cancel { cleanup: dice.chance(500), ..Cancel::at_once(None) };
        send(&world, &input(names.input(&id, partitions), None, &Input::Cancel(cancel))).await;
    }
}
