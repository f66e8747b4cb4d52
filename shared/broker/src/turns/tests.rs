//! Workers that are full, and what each queue gets of them.

use super::*;

/// A worker whose tasks take a while, on a clock of rounds.
struct World {
    turns: Turns,
    /// How many tasks wait at the consumer of each line.
    waiting: Vec<u64>,
    /// How many each has asked for: they come in the next round.
    asked: Vec<usize>,
    /// The lines of the tasks at work, in the order in which they began.
    working: std::collections::VecDeque<LineId>,
    done: Vec<u64>,
}

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

impl World {
    fn new(slots: usize, order: Order, lines: &[(&str, u64)]) -> Self {
        let mut turns = Turns::new(slots, order);
        for (queue, _) in lines {
            turns.line(&name(queue), None);
        }
        for (line, (_, waiting)) in lines.iter().enumerate() {
            turns.begun(line, *waiting);
        }
        let waiting: Vec<u64> = lines.iter().map(|(_, waiting)| *waiting).collect();
        let none = vec![0; lines.len()];
        Self { turns, waiting, asked: none.clone(), working: [].into(), done: vec![0; none.len()] }
    }

    /// Whose turn it is asks, what was asked for comes, and so many tasks end.
    fn round(&mut self, ends: usize) {
        (0..self.waiting.len()).for_each(|line| self.turns.rested(line));
        while let Some(line) = self.turns.next() {
            let ask = self.turns.ask(line).expect("it is its turn");
            self.asked[line] += ask.count;
            if ask.look && self.waiting[line] == 0 {
                self.turns.unfilled(line, std::mem::take(&mut self.asked[line]));
                self.turns.rest(line);
            }
        }
        for line in 0..self.waiting.len() {
            while 0 < self.asked[line] && 0 < self.waiting[line] {
                self.asked[line] -= 1;
                self.waiting[line] -= 1;
                assert!(self.turns.delivered(line, self.waiting[line]), "it was asked for");
                self.working.push_back(line);
            }
            if 0 < self.asked[line] {
                self.turns.unfilled(line, std::mem::take(&mut self.asked[line]));
            }
        }
        assert!(self.working.len() <= self.turns.slots(), "no more are at work than there are slots");
        for _ in 0..ends {
            let Some(line) = self.working.pop_front() else { break };
            self.done[line] += 1;
            self.turns.release(line);
        }
    }

    fn until_done(&mut self, count: u64, ends: usize) {
        for _ in 0..1_000_000 {
            if count <= self.done.iter().sum() {
                return;
            }
            self.round(ends);
        }
        panic!("no more than {:?} of {count} were done", self.done);
    }

    /// The share of each line, in thousandths.
    fn shares(&self) -> Vec<u64> {
        let all: u64 = self.done.iter().sum();
        self.done.iter().map(|done| done * 1000 / all).collect()
    }
}

const MANY: u64 = 1_000_000;

#[test]
fn queues_that_always_have_tasks_share_by_their_weights() {
    for (slots, ends) in [(1, 1), (2, 1), (3, 2), (10, 1), (10, 10), (64, 7), (512, 1), (512, 100), (512, 512)] {
        let mut world = World::new(slots, Order::Weighted, &[("critical", MANY), ("default", MANY), ("low", MANY)]);
        world.until_done(20_000, ends);
        let shares = world.shares();
        let near = |share: u64, wanted: u64| share.abs_diff(wanted) <= 15;
        assert!(
            near(shares[0], 600) && near(shares[1], 300) && near(shares[2], 100),
            "{slots} slots, {ends} at a time: {shares:?}"
        );
    }
}

#[test]
fn what_an_idle_queue_leaves_goes_to_the_others() {
    let mut world = World::new(16, Order::Weighted, &[("critical", 0), ("default", MANY), ("low", MANY)]);
    world.until_done(20_000, 3);
    let shares = world.shares();
    assert!(shares[0] == 0 && shares[1].abs_diff(750) <= 15, "{shares:?}");
}

#[test]
fn who_had_nothing_for_long_gets_no_more_than_its_share_then() {
    let mut world = World::new(16, Order::Weighted, &[("critical", 0), ("low", 2 * MANY)]);
    world.until_done(50_000, 4);
    world.waiting[0] = MANY;
    world.done = vec![0, 0];
    world.until_done(7_000, 4);
    let shares = world.shares();
    assert!(shares[0].abs_diff(857) <= 20, "{shares:?}");
}

#[test]
fn the_lines_of_a_queue_share_it_evenly() {
    let lines = [("critical", MANY), ("critical", MANY), ("low", MANY), ("low", 0), ("low", MANY)];
    let mut world = World::new(20, Order::Weighted, &lines);
    world.until_done(20_000, 3);
    let shares = world.shares();
    let wanted = [428, 428, 71, 0, 71];
    assert!(shares.iter().zip(wanted).all(|(share, wanted)| share.abs_diff(wanted) <= 15), "{shares:?}");
}

#[test]
fn weights_may_change_at_any_time() {
    let mut world = World::new(10, Order::Weighted, &[("a", MANY), ("b", MANY)]);
    world.until_done(1_000, 3);
    world.turns.weigh(&name("a"), 9);
    world.turns.weigh(&name("b"), 1);
    world.done = vec![0, 0];
    world.until_done(10_000, 3);
    assert!(world.shares()[0].abs_diff(900) <= 15, "{:?}", world.shares());
}

#[test]
fn in_strict_order_a_queue_waits_while_one_before_it_has_tasks() {
    for (slots, ends) in [(1, 1), (3, 1), (64, 5), (512, 300)] {
        let mut world = World::new(slots, Order::Strict, &[("high", 5_000), ("middle", 5_000), ("low", 5_000)]);
        world.until_done(15_000, ends);
        let mut again = World::new(slots, Order::Strict, &[("high", 5_000), ("middle", 5_000), ("low", 5_000)]);
        while again.waiting[0] > 0 {
            again.round(ends);
        }
        // The last round may have handed out what it had, and what comes next.
        assert!(again.done[1] == 0 && again.waiting[2] == 5_000, "{slots} slots: {:?}", again.done);
        assert_eq!(world.done, [5_000; 3]);
    }
}

#[test]
fn in_strict_order_nothing_begins_before_the_first_queues_are_known() {
    let mut turns = Turns::new(8, Order::Strict);
    let (high, low) = (turns.line(&name("high"), None), turns.line(&name("low"), None));
    turns.begun(low, 5);
    assert_eq!(turns.ask(low), None, "nobody knows what `high` has");
    turns.away(high);
    assert!(turns.ask(low).is_some(), "`high` cannot be served");
}

#[test]
fn tasks_that_cannot_be_had_hold_nobody_up_in_strict_order() {
    let mut turns = Turns::new(8, Order::Strict);
    let (high, low) = (turns.line(&name("high"), None), turns.line(&name("low"), None));
    turns.begun(high, 5);
    turns.begun(low, 5);
    assert!(turns.ask(high).is_some() && turns.ask(low).is_none());
    turns.quiet(high);
    assert!(turns.ask(low).is_some());
}

#[test]
fn an_activity_takes_no_more_than_its_limit_over_all_queues() {
    let mut turns = Turns::new(64, Order::Weighted);
    let limit = Some(turns.limit(4));
    let lines = [turns.line(&name("a"), limit), turns.line(&name("b"), limit)];
    let free = turns.line(&name("a"), None);
    for line in [lines[0], lines[1], free] {
        turns.begun(line, MANY);
    }
    let mut taken = [0; 3];
    for _ in 0..100 {
        for line in [lines[0], lines[1], free] {
            let asked = turns.ask(line).map_or(0, |ask| ask.count);
            (0..asked).for_each(|_| assert!(turns.delivered(line, MANY)));
            taken[line] += asked;
        }
    }
    assert_eq!((taken[0] + taken[1], taken[2]), (4, 60), "{taken:?}");
    assert!(taken[0] > 0 && taken[1] > 0, "both have their turn: {taken:?}");
}

#[test]
fn alone_it_grows_while_all_is_given_and_never_beyond_the_slots() {
    let mut turns = Turns::new(64, Order::Weighted);
    let line = turns.line(&name("a"), None);
    turns.begun(line, MANY);
    let mut held = 0;
    for _ in 0..20 {
        while turns.delivered(line, MANY) {
            held += 1;
        }
        turns.ask(line);
        assert_eq!(held + turns.asked(line) + turns.free(), 64);
    }
    assert_eq!((held, turns.free()), (64, 0));
    (0..32).for_each(|_| turns.release(line));
    assert_eq!(turns.ask(line), Some(Ask { count: 32, look: false }), "what is free again is asked for at once");
}

#[test]
fn what_nobody_had_is_free_for_the_others_and_asked_for_less() {
    let mut turns = Turns::new(64, Order::Weighted);
    let (line, _other) = (turns.line(&name("a"), None), turns.line(&name("a"), None));
    turns.begun(line, MANY);
    for asked in [1, 2, 4, 8] {
        assert_eq!(turns.ask(line), Some(Ask { count: asked, look: false }));
        (0..asked).for_each(|_| {
            turns.delivered(line, MANY);
            turns.release(line);
        });
    }
    assert_eq!(turns.ask(line).map(|ask| ask.count), Some(16));
    turns.unfilled(line, 16);
    assert_eq!((turns.asked(line), turns.free()), (0, 64));
    assert_eq!(
        turns.ask(line).map(|ask| ask.count),
        Some(1),
        "and whoever gets nothing keeps one slot from the others"
    );
}

#[test]
fn what_was_not_asked_for_gets_no_slot() {
    let mut turns = Turns::new(4, Order::Weighted);
    let line = turns.line(&name("a"), None);
    turns.begun(line, 0);
    assert!(!turns.delivered(line, 0));
    assert!(turns.ask(line).is_some());
    turns.forget(line);
    assert_eq!(turns.free(), 4);
    assert!(!turns.delivered(line, 0));
}

#[test]
fn with_few_slots_a_line_only_looks_and_then_lets_others() {
    let mut turns = Turns::new(1, Order::Weighted);
    let (idle, busy) = (turns.line(&name("a"), None), turns.line(&name("b"), None));
    turns.begun(idle, 0);
    turns.begun(busy, MANY);
    assert_eq!(turns.ask(idle), Some(Ask { count: 1, look: true }));
    turns.unfilled(idle, 1);
    turns.rest(idle);
    assert_eq!(turns.next(), Some(busy));
    assert_eq!(turns.ask(busy), Some(Ask { count: 1, look: false }));
    turns.delivered(busy, MANY);
    turns.release(busy);
    turns.rested(idle);
    assert_eq!(turns.next(), Some(idle), "it may look again, which costs nothing");
}

#[test]
fn slots_that_are_no_more_go_as_they_are_freed() {
    let mut turns = Turns::new(2, Order::Weighted);
    let line = turns.line(&name("a"), None);
    turns.begun(line, MANY);
    let mut taken = 0;
    let mut take = |turns: &mut Turns| {
        while let Some(ask) = turns.ask(line) {
            (0..ask.count).for_each(|_| assert!(turns.delivered(line, MANY)));
            taken += ask.count;
        }
        taken
    };
    assert_eq!(take(&mut turns), 2);
    turns.resize(5);
    assert_eq!(take(&mut turns), 5);
    turns.resize(2);
    for left in [0, 0, 0, 1, 2] {
        turns.release(line);
        assert_eq!(turns.free(), left);
    }
    // Said twice, and there and back.
    turns.resize(2);
    turns.resize(4);
    assert_eq!((turns.free(), turns.slots()), (4, 4));
}
