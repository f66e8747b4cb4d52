//! The cost of an entity grows as the number of those who ask it does: what is asked of a long line costs hardly more than of a short one.
//!
//! What grew with the square would take sixteen times as long for the largest as for the smallest; ten times is allowed. The time is that
//! of this thread alone, so that a busy machine does not count.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use sagaline_engine::{Entity, entity::EntityEffect};
use sagaline_events::{
    EntityInput, EntityKey, FramePath, Says, Ticket,
    entity::{Acquire, Claim, Release, Turn},
};
use sagaline_model::{ExecutionId, Moment, OnLimit, RateRule, Span};

use crate::tale::{BEGIN, name};

/// The best of so many: the one that was disturbed least.
const TRIES: usize = 5;
const SIZES: [usize; 3] = [2_000, 4_000, 8_000];
const PLACES: u32 = 100;

fn ticket(number: usize) -> Ticket {
    let since = BEGIN + Span::from_millis(number as u64);
    let path = Some(FramePath::root(&name("step")));
    Ticket { since, execution: ExecutionId::new(format!("execution-{number}")).unwrap(), path, attempt: 1 }
}

fn after(number: usize) -> Moment {
    BEGIN + Span::from_millis(number as u64)
}

/// All ask for a place at once; whoever gets one gives it back, until nobody waits.
fn line(size: usize) -> usize {
    let mut places = Entity::new(EntityKey::places(&name("api"), None));
    let mut granted = vec![];
    let mut apply = |input: EntityInput, at: Moment, granted: &mut Vec<Ticket>| {
        for effect in places.apply(&input, at) {
            if let EntityEffect::Tell { to, word } = effect
                && matches!(word.says, Says::Granted)
            {
                granted.push(word.ticket(to));
            }
        }
    };
    for number in 0..size {
        let ask = Acquire { ticket: ticket(number), limit: PLACES, on_limit: OnLimit::Queue };
        apply(EntityInput::Acquire(ask), after(number), &mut granted);
    }
    let mut had = 0;
    while let Some(ticket) = granted.pop() {
        had += 1;
        apply(EntityInput::Release(Release { ticket }), after(size), &mut granted);
    }
    had
}

/// All ask when they may begin.
fn turns(size: usize) -> usize {
    let mut rate = Entity::new(EntityKey::rate(&name("api"), None));
    let rule = RateRule { limit: 100, per: Span::from_secs(1), burst: Some(5) };
    let ask = |number: usize| EntityInput::Turn(Turn { ticket: ticket(number), rule });
    (0..size).map(|number| rate.apply(&ask(number), after(number)).len()).sum()
}

/// All want one key.
fn claims(size: usize) -> usize {
    let mut unique = Entity::new(EntityKey::unique("order-7"));
    let ttl = Span::from_secs(3600);
    let ask = |number: usize| EntityInput::Claim(Claim { ticket: ticket(number), ttl, origin: None });
    (0..size).map(|number| unique.apply(&ask(number), after(number)).len()).sum()
}

fn thread_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).expect("the clock counts from zero")
}

/// What is asked, of how many; how many were served.
type Shape = fn(usize) -> usize;

#[test]
fn four_times_as_many_who_ask_take_about_four_times_as_long() {
    for (shape, run) in [("line", line as Shape), ("turns", turns), ("claims", claims)] {
        let took = SIZES.map(|size| {
            let timed = || {
                let begin = thread_time();
                assert_eq!(run(size), size, "each of them has an answer");
                thread_time() - begin
            };
            (0..TRIES).map(|_| timed()).min().unwrap()
        });
        println!("{shape}: {SIZES:?} took {took:?}");
        assert!(took[2] < took[0] * 10, "{shape} with {SIZES:?}: {took:?}");
    }
}

/// Who waits for a turn is known to the execution alone, and of a key those who asked last: so their lines cost no room.
#[test]
fn only_a_line_for_places_takes_room() {
    let snapshot = |size: usize| {
        let mut rate = Entity::new(EntityKey::rate(&name("api"), None));
        let mut unique = Entity::new(EntityKey::unique("order-7"));
        let mut places = Entity::new(EntityKey::places(&name("api"), None));
        let rule = RateRule { limit: 1, per: Span::from_secs(1), burst: None };
        for number in 0..size {
            let (ticket, at) = (ticket(number), after(number));
            rate.apply(&EntityInput::Turn(Turn { ticket: ticket.clone(), rule }), at);
            let ttl = Span::from_secs(3600);
            unique.apply(&EntityInput::Claim(Claim { ticket: ticket.clone(), ttl, origin: None }), at);
            places.apply(&EntityInput::Acquire(Acquire { ticket, limit: 1, on_limit: OnLimit::Queue }), at);
        }
        [&rate, &unique, &places].map(|entity| entity.to_snapshot().len())
    };
    let (few, many) = (snapshot(2_000), snapshot(8_000));
    assert!(many[0] < few[0] + 1_000 && many[1] < few[1] + 1_000, "{few:?} {many:?}");
    let of_one = (many[2] - few[2]) / 6_000;
    assert!(of_one < 150, "{of_one} bytes for each who waits");
}
