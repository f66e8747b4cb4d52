//! What people do with their schedules while the world breaks: they make them known, change, pause, resume, trigger, fill and delete
//! them, and what they send comes late, twice, or after its opposite.

use std::{sync::Arc, time::Duration};

use sagaline_broker::ports::Message;
use sagaline_events::{
    ScheduleInput,
    schedule::{ScheduleBackfill, ScheduleDelete, SchedulePause, ScheduleResume, ScheduleSet, ScheduleTrigger},
};
use sagaline_model::Moment;
use sagaline_testkit::sim::{Dice, World, ports::step, run::Client, tasks::send};

use crate::{
    Both,
    cases::{SCHEDULES, TICKS_FOR, name_of, spec},
};

/// So much is asked of each schedule.
const WISHES: usize = 9;
/// After the last tick, the last wish, and after the world grew calm: whatever was asked for has been decided by then, and who should have heard of
/// an end has asked for it.
const SETTLED_AFTER: Duration = Duration::from_secs(400);

pub(crate) fn all(world: World<Both>, seed: u64) -> Vec<Client> {
    let until = world.lock().now() + TICKS_FOR.into();
    let busy = Arc::new(());
    let person = |number| {
        let (world, busy) = (world.clone(), Arc::clone(&busy));
        let what_they_do = async move {
            person(world, seed, number, until).await;
            drop(busy);
        };
        Box::pin(what_they_do) as Client
    };
    let mut all: Vec<Client> = (0..SCHEDULES).map(person).collect();
    all.push(Box::pin(waits_until_it_is_over(world.clone(), busy)));
    all
}

async fn person(world: World<Both>, seed: u64, number: u32, until: Moment) {
    let mut dice = Dice::new(seed.wrapping_mul(37).wrapping_add(u64::from(number)));
    let name = name_of(number);
    wait(&mut dice, 20).await;
    say(&world, &name, &ScheduleInput::Set(Box::new(ScheduleSet::of(spec(number, &mut dice, until))))).await;
    for wish in 0..WISHES {
        wait(&mut dice, 90).await;
        let id = Some(format!("{name}w{wish}"));
        let now = world.lock().now();
        let input = match dice.below(8) {
            0 | 1 => ScheduleInput::Pause(SchedulePause { id, ..SchedulePause::default() }),
            2 | 3 => ScheduleInput::Resume(ScheduleResume { id, ..ScheduleResume::default() }),
            4 => ScheduleInput::Trigger(ScheduleTrigger { id, ..ScheduleTrigger::default() }),
            5 => {
                let ago = 5_000 + dice.below(40_000) as i64;
                let from = Moment::from_millis(now.as_millis() - ago);
                // It may ask for what is yet to come: that is not its business.
                let to = Moment::from_millis(from.as_millis() + dice.below(60_000) as i64);
                ScheduleInput::Backfill(ScheduleBackfill { id, from, to, overlap: None, by: None })
            }
            6 => ScheduleInput::Delete(ScheduleDelete { id, ..ScheduleDelete::default() }),
            _ => {
                let spec = spec(number, &mut dice, until);
                ScheduleInput::Set(Box::new(ScheduleSet { id, ..ScheduleSet::of(spec) }))
            }
        };
        say(&world, &name, &input).await;
        if dice.chance(300) {
            // A copy of it was on its way all the time.
            wait(&mut dice, 60).await;
            say(&world, &name, &input).await;
        }
    }
    say(&world, &name, &ScheduleInput::Resume(ScheduleResume::default())).await;
}

async fn wait(dice: &mut Dice, most: usize) {
    for _ in 0..dice.below(most) {
        step().await;
    }
}

async fn say(world: &World<Both>, schedule: &str, input: &ScheduleInput) {
    let subject = {
        let world = world.lock();
        world.names.schedule(schedule, world.partitions_of_each())
    };
    let headers = vec![("ce-type", input.kind().to_owned())];
    let payload = input.data().into();
    send(world, &Message { subject, expected: None, msg_id: None, ttl: None, headers, payload }).await;
}

/// Schedules have no end that could be waited for. `busy`: whoever still asks for something has it, too.
async fn waits_until_it_is_over(world: World<Both>, busy: Arc<()>) {
    let last = world.lock().since + TICKS_FOR;
    let mut unsettled = Duration::ZERO;
    loop {
        step().await;
        let world = world.lock();
        if !world.faults.is_calm() || 1 < Arc::strong_count(&busy) {
            unsettled = world.since;
        } else if last.max(unsettled) + SETTLED_AFTER < world.since {
            return;
        }
    }
}
