//! What people do: they start executions, have some of them rolled back, and help where it is stuck.

use std::time::Duration;

use sagaline_broker::{
    names::LogKind,
    ports::{Message, Outcome},
};
use sagaline_events::{
    Input, SagaInput, SagaStatus, Start,
    ask::{Answer, Ask},
    input::Cancel,
    saga::{SagaRetry, SagaView},
};
use sagaline_model::{ExecutionId, Name};
use sagaline_testkit::sim::{Dice, World, ports::step, run::Client, tasks::send};
use serde_json::json;

use crate::{
    Both,
    cases::{EXECUTIONS, case_of, name_of},
};

/// Longer than a saga hears of late successes.
const A_NIGHT: Duration = Duration::from_secs(25 * 3600);
/// Longer than any worker here sleeps, and than anything takes that is still under way.
const SILENCE: Duration = Duration::from_secs(90);

pub(crate) fn all(world: World<Both>, seed: u64) -> Vec<Client> {
    let starters = (0..EXECUTIONS).map(|number| Box::pin(person(world.clone(), seed, number)) as Client);
    starters.chain([Box::pin(night(world.clone())) as Client]).collect()
}

async fn wait(dice: &mut Dice, most: usize) {
    for _ in 0..dice.below(most) {
        step().await;
    }
}

fn message(subject: String, expected: Option<u64>, kind: &str, data: Vec<u8>) -> Message {
    let headers = vec![("ce-type", kind.to_owned())];
    Message { subject, expected, msg_id: None, ttl: None, headers, payload: data.into() }
}

/// Starts an execution, perhaps has it rolled back, and helps until it has ended.
async fn person(world: World<Both>, seed: u64, number: u32) {
    let mut dice = Dice::new(seed.wrapping_mul(31).wrapping_add(u64::from(number)));
    let (id, case) = (name_of(number), case_of(seed, number));
    let (names, each) = {
        let world = world.lock();
        (world.names.clone(), world.partitions_of_each())
    };
    wait(&mut dice, 300).await;
    let start =
        Start { version: Some(1), input: json!(number), ..Start::of(Name::new(case.workflow).expect("a name")) };
    let start = Input::Start(start);
    let start = message(names.start(&id, each), Some(0), start.kind(), start.data());
    // A conflict: an own earlier try was stored, and only its ack got lost.
    while !matches!(send(&world, &start).await, Outcome::Stored { .. } | Outcome::Conflict { .. }) {}
    if dice.chance(if case.fails.is_empty() { 700 } else { 100 }) {
        wait(&mut dice, 250).await;
        let cancel = Input::Cancel(Cancel { rollback: true, cleanup: dice.chance(300), ..Cancel::at_once(None) });
        send(&world, &message(names.input(&id, each), None, cancel.kind(), cancel.data())).await;
    }
    while !is_done(&world, &id) {
        wait(&mut dice, 300).await;
        let Some(view) = ask(&world, &id).await else { continue };
        if view.status == SagaStatus::Stuck {
            let retry = SagaInput::Retry(SagaRetry::default());
            send(&world, &message(names.saga(&id, each), None, retry.kind(), retry.data())).await;
        }
    }
}

/// Nothing is promised where an operator removed a snapshot.
fn is_done(world: &World<Both>, id: &str) -> bool {
    let world = world.lock();
    world.value_of_result(id).is_some() || world.is_exempt(id) || world.is_exempt(&LogKind::Sagas.record_key(id))
}

/// Sagas with a step of which nobody knows wait for a day to hear of it: when all else is over, that day passes.
async fn night(world: World<Both>) {
    let mut quiet_since = Duration::ZERO;
    loop {
        step().await;
        let mut world = world.lock();
        let open = |key: &String| world.value_of_result(key).is_none() && world.is_promised(key);
        let begun = world.begun();
        let open: Vec<&String> = begun.iter().filter(|key| open(key)).collect();
        let is_quiet = world.faults.is_calm()
            && begun.len() >= EXECUTIONS as usize
            && world.queue.is_empty()
            && open.iter().all(|key| key.starts_with(&LogKind::Sagas.record_key("")));
        if !is_quiet {
            quiet_since = world.since;
        } else if open.is_empty() {
            return;
        } else if quiet_since + SILENCE < world.since {
            world.leap(A_NIGHT);
            quiet_since = world.since;
        }
    }
}

/// How its saga stands, if the owner answers.
async fn ask(world: &World<Both>, id: &str) -> Option<SagaView> {
    let execution = ExecutionId::new(id).expect("an id");
    let question = {
        let mut world = world.lock();
        let place = world.partition_of(&LogKind::Sagas.record_key(id));
        world.ask_owner(place, Ask::Saga { execution })
    };
    for _ in 0..100 {
        if let Some(answer) = world.lock().answers.remove(&question) {
            return if let Answer::Saga(view) = answer { Some(*view) } else { None };
        }
        step().await;
    }
    None
}
