//! What it costs that very many wait for a place: to come, to be saved, to be read again, and to leave. Sixteen times as many may
//! take about sixteen times as long: forty times is allowed, where what grows with the square takes 256 times as long. The time is
//! that of this thread alone, and where neighbours slow it down, the best of a few tries counts.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use sagaline_engine::{Entity, entity::EntityEffect};
use sagaline_events::{
    EntityInput, EntityKey, Ticket,
    entity::{Acquire, Release},
};
use sagaline_model::{ExecutionId, Moment, Name, OnLimit};

const PLACES: u32 = 50;
const TRIES: usize = 5;

fn ticket(number: usize) -> Ticket {
    let execution = ExecutionId::new(format!("01m7yxryphrnytjob{number:08}")).unwrap();
    Ticket { since: Moment::from_millis(1_800_000_000_000 + number as i64), execution, path: None, attempt: 1 }
}

fn thread_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).expect("the clock counts from zero")
}

fn timed<T>(act: impl FnOnce() -> T) -> (Duration, T) {
    let begun = thread_time();
    let done = act();
    (thread_time() - begun, done)
}

/// How long it takes that so many come, are saved, are read again and leave, and how large the snapshot is.
fn times(size: usize) -> ([Duration; 4], usize) {
    let at = Moment::from_millis(1_800_001_000_000);
    let mut entity = Entity::new(EntityKey::places(&Name::new("narrow").unwrap(), None));
    let (come, ()) = timed(|| {
        for number in 0..size {
            let ask = Acquire { ticket: ticket(number), limit: PLACES, on_limit: OnLimit::Queue };
            entity.apply(&EntityInput::Acquire(ask), at);
        }
    });
    let (save, snapshot) = timed(|| entity.to_snapshot());
    let (read, mut again) = timed(|| Entity::from_snapshot(&snapshot).unwrap());
    assert_eq!(again, entity);
    let (leave, granted) = timed(|| {
        let releases = (0..size).map(|number| EntityInput::Release(Release { ticket: ticket(number) }));
        let said = releases.flat_map(|release| again.apply(&release, at));
        said.filter(|effect| matches!(effect, EntityEffect::Tell { .. })).count()
    });
    assert_eq!(granted, size - PLACES as usize, "everyone comes to a place");
    ([come, save, read, leave], snapshot.len())
}

#[test]
fn sixteen_times_as_many_who_wait_take_about_sixteen_times_as_long() {
    let mut best = [[Duration::MAX; 4]; 2];
    for _ in 0..TRIES {
        for (size, best) in [6_250, 100_000].into_iter().zip(&mut best) {
            let (times, bytes) = times(size);
            let [come, save, read, leave] = times;
            eprintln!("{size} wait, {bytes} bytes: come {come:?}, saved {save:?}, read {read:?}, leave {leave:?}");
            *best = std::array::from_fn(|stage| best[stage].min(times[stage]));
        }
        let [small, large] = &best;
        if small.iter().zip(large).all(|(small, large)| *large < *small * 40) {
            return;
        }
    }
    panic!("to come, to be saved, to be read and to leave took {:?} with 6,250, {:?} with 100,000", best[0], best[1]);
}
