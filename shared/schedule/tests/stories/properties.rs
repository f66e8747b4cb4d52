//! Whatever comes, in whatever order, twice, late, and after a time in which nothing ran.
//!
//! Of a schedule whose times do not change, every tick is accounted for: it fired once, or was told as skipped, or waits. Of one that is
//! also changed, deleted and made known again: nothing starts twice, and nothing before its time.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{prelude::*, sample::select};
use sagaline_events::{
    ScheduleHappening, ScheduleInput,
    schedule::{
        ScheduleBackfill, ScheduleDelete, SchedulePause, ScheduleResume, ScheduleSet, ScheduleTimer, ScheduleTrigger,
        ScheduledEnded, ScheduledUnknown, SkipReason,
    },
};
use sagaline_model::{ExecutionId, Moment, Overlap, ScheduleSpec, Span, When};
use sagaline_schedule::{Effect, Pattern, Schedule};

use crate::tale::{BEGIN, Tale, after, cron, every, name, nobody, spec};

#[derive(Clone, Debug)]
enum Move {
    /// Time passes, and the timer comes as often as it is due.
    Wait(u64),
    /// Time passes, and nothing runs.
    Sleep(u64),
    /// A timer that nobody armed.
    Timer,
    /// One of those that run ends.
    End(usize),
    /// Nothing is known of one of those that run.
    Lose(usize),
    /// Something that came before comes again.
    Again(usize),
    Pause,
    Resume,
    Trigger,
    /// Seconds ago, and for how long.
    Backfill(u64, u64),
    Set(Box<ScheduleSpec>),
    Delete,
}

fn when() -> impl Strategy<Value = When> {
    let dates = || When { at: vec![after("90s"), after("1h"), after("2h1ms")], ..When::default() };
    let limits = |when: When| When { start_at: Some(after("10m")), end_at: Some(after("5h")), ..when };
    let several = When { cron: vec!["*/7 * * * *".into(), "0 * * * *".into()], ..dates() };
    let jitter = |when: When, seconds| When { jitter: Some(Span::from_secs(seconds)), ..when };
    select(vec![
        every("1m"),
        every("10m"),
        every("37s"),
        cron("*/5 * * * *"),
        cron("0 * * * *"),
        dates(),
        limits(every("10m")),
        several.clone(),
        jitter(every("1m"), 50),
        jitter(several, 600),
        jitter(dates(), 100),
    ])
}

fn any_spec() -> impl Strategy<Value = ScheduleSpec> {
    let overlap = select(vec![Overlap::Allow, Overlap::Skip, Overlap::QueueOne, Overlap::CancelRunning]);
    let catch_up = select(vec![None, Some(Span::ZERO), Some(Span::from_secs(90)), Some(Span::from_secs(86_400))]);
    let limit = select(vec![None, None, Some(1), Some(5)]);
    (when(), overlap, catch_up, limit).prop_map(|(when, overlap, catch_up, limit)| ScheduleSpec {
        overlap,
        catch_up,
        limit,
        ..spec(when)
    })
}

fn steady() -> impl Strategy<Value = Move> {
    prop_oneof![
        8 => (1..900_u64).prop_map(Move::Wait),
        2 => (1..8_000_u64).prop_map(Move::Sleep),
        1 => Just(Move::Timer),
        8 => (0..4_usize).prop_map(Move::End),
        1 => (0..4_usize).prop_map(Move::Lose),
        3 => (0..100_usize).prop_map(Move::Again),
        1 => Just(Move::Pause),
        2 => Just(Move::Resume),
        1 => Just(Move::Trigger),
    ]
}

fn anything() -> impl Strategy<Value = Move> {
    prop_oneof![
        12 => steady(),
        2 => (0..20_000_u64, 0..5_000_u64).prop_map(|(ago, length)| Move::Backfill(ago, length)),
        2 => any_spec().prop_map(|spec| Move::Set(Box::new(spec))),
        1 => Just(Move::Delete),
    ]
}

/// What happened, as someone sees it who only reads the effects.
struct World {
    tale: Tale,
    now: Moment,
    asked: usize,
    inputs: Vec<ScheduleInput>,
    started: BTreeMap<ExecutionId, Moment>,
    running: BTreeSet<ExecutionId>,
    cancelled: BTreeSet<ExecutionId>,
    /// Ticks that fired, those that somebody asked for left out.
    fired: BTreeSet<Moment>,
    skipped: Vec<(Moment, Moment, u64, SkipReason)>,
    most_running: usize,
}

impl World {
    fn new(spec: ScheduleSpec) -> Self {
        let mut world = Self {
            tale: nobody(),
            now: BEGIN,
            asked: 0,
            inputs: vec![],
            started: BTreeMap::new(),
            running: BTreeSet::new(),
            cancelled: BTreeSet::new(),
            fired: BTreeSet::new(),
            skipped: vec![],
            most_running: 0,
        };
        world.moves(&Move::Set(Box::new(spec)));
        world
    }

    fn moves(&mut self, next: &Move) {
        self.asked += 1;
        let id = Some(format!("r{}", self.asked));
        let chosen = |number: usize| self.running.iter().nth(number % self.running.len().max(1)).cloned();
        let input = match next {
            Move::Wait(seconds) => return self.passes(self.now + Span::from_secs(*seconds)),
            Move::Sleep(seconds) => {
                self.now = self.now + Span::from_secs(*seconds);
                return;
            }
            Move::Timer => Some(ScheduleInput::Timer(ScheduleTimer {})),
            Move::End(number) => {
                let execution = chosen(*number);
                if let Some(execution) = &execution {
                    self.running.remove(execution);
                }
                execution.map(|execution| ScheduleInput::Ended(ScheduledEnded { execution }))
            }
            Move::Lose(number) => {
                let execution = chosen(*number);
                // One that was cancelled before it was there never comes.
                if let Some(execution) = execution.as_ref().filter(|execution| self.cancelled.contains(*execution)) {
                    self.running.remove(execution);
                }
                execution.map(|execution| ScheduleInput::Unknown(ScheduledUnknown { execution }))
            }
            Move::Again(number) => self.inputs.get(number % self.inputs.len().max(1)).cloned().filter(|input| {
                // That nothing is known of an execution is said by who knows: not again once it is there.
                !matches!(input, ScheduleInput::Unknown(_))
            }),
            Move::Pause => Some(ScheduleInput::Pause(SchedulePause { id, note: None, by: None })),
            Move::Resume => Some(ScheduleInput::Resume(ScheduleResume { id, note: None, by: None })),
            Move::Trigger => Some(ScheduleInput::Trigger(ScheduleTrigger { id, overlap: None, by: None })),
            Move::Backfill(ago, length) => {
                let from = Moment::from_millis(self.now.as_millis() - (*ago as i64) * 1000);
                let to = from + Span::from_secs(*length);
                Some(ScheduleInput::Backfill(ScheduleBackfill { id, from, to, overlap: None, by: None }))
            }
            Move::Set(spec) => {
                Some(ScheduleInput::Set(Box::new(ScheduleSet { id, ..ScheduleSet::of((**spec).clone()) })))
            }
            Move::Delete => Some(ScheduleInput::Delete(ScheduleDelete { id, ..ScheduleDelete::default() })),
        };
        let Some(input) = input else { return };
        self.applies(&input);
        self.inputs.push(input);
    }

    /// Up to then, the timer comes whenever it is due.
    fn passes(&mut self, until: Moment) {
        while let Some(due) = self.tale.schedule.next_timer().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.applies(&ScheduleInput::Timer(ScheduleTimer {}));
        }
        self.now = self.now.max(until);
    }

    fn applies(&mut self, input: &ScheduleInput) {
        self.tale.applies(input, self.now);
        for effect in std::mem::take(&mut self.tale.effects) {
            self.sees(effect, input);
        }
        self.most_running = self.most_running.max(self.running.len());
        assert!(self.tale.schedule.to_snapshot().len() < 64 * 1024, "a snapshot stays small");
    }

    fn sees(&mut self, effect: Effect, input: &ScheduleInput) {
        match effect {
            Effect::Start { execution, start, .. } if start.again => {
                assert!(self.started.contains_key(&execution), "made again, but never made");
            }
            Effect::Start { execution, scheduled_at, .. } => {
                assert!(scheduled_at <= self.now || is_asked(&execution), "{execution} before its time");
                let before = self.started.insert(execution.clone(), scheduled_at);
                assert_eq!(before, None, "{execution} twice");
                self.running.insert(execution.clone());
                if !is_asked(&execution) {
                    assert!(self.fired.insert(scheduled_at));
                }
            }
            Effect::Cancel { execution, .. } => {
                assert!(self.started.contains_key(&execution), "cancelled, but never started");
                if matches!(input, ScheduleInput::Unknown(unknown) if unknown.execution == execution) {
                    self.running.remove(&execution);
                }
                assert!(self.cancelled.insert(execution), "cancelled twice");
            }
            Effect::Watch { execution } => assert!(self.started.contains_key(&execution)),
            Effect::Tell(ScheduleHappening::Skipped { asked: Some(execution), why, .. }) => {
                assert!(is_asked(&execution) && why != SkipReason::Missed);
            }
            Effect::Tell(ScheduleHappening::Skipped { tick, last, count, more, why, asked: None }) => {
                assert!(!more && 0 < count);
                self.skipped.push((tick, last.unwrap_or(tick), count, why));
            }
            Effect::Tell(_) => {}
            Effect::Reject { reason, detail } => {
                let is_expected = matches!(reason, "unknown_schedule" | "backfill_too_long");
                assert!(is_expected, "{input:?}: {reason}: {detail}");
            }
        }
    }

    /// Each tick up to now: fired, skipped, or waiting; and only one of them.
    fn accounts(&self, pattern: &Pattern, limit: Option<u64>) {
        let waiting = self.tale.schedule.waiting().filter(|waiting| waiting.tick.asked.is_none());
        let mut skipped_in = vec![0; self.skipped.len()];
        let mut tick = Moment::from_nanos(BEGIN.as_nanos() - 1);
        while let Some(next) = pattern.next_after(tick).filter(|next| pattern.due(*next) <= self.now) {
            tick = next;
            let fired = usize::from(self.fired.contains(&tick));
            let waits = usize::from(waiting.is_some_and(|waiting| waiting.tick.at == tick));
            let ranges: Vec<_> = (0..self.skipped.len()).filter(|place| self.skips(*place, tick)).collect();
            ranges.iter().for_each(|place| skipped_in[*place] += 1);
            let (known, is_over) = (fired + waits + ranges.len(), self.tale.schedule.left() == Some(0));
            assert!(known == 1 || known == 0 && is_over, "{tick}: fired {fired}, waits {waits}, skipped {ranges:?}");
        }
        for (place, (first, _, count, why)) in self.skipped.iter().enumerate() {
            assert_eq!(skipped_in[place], *count, "from {first} on: {why:?}");
        }
        if let Some(limit) = limit {
            assert!(self.fired.len() as u64 <= limit, "{} of {limit}", self.fired.len());
        }
    }

    fn skips(&self, place: usize, tick: Moment) -> bool {
        let (first, last, ..) = self.skipped[place];
        (first..=last).contains(&tick)
    }
}

fn is_asked(execution: &ExecutionId) -> bool {
    execution.as_str().contains("-now_")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_tick_fires_once_or_is_told(spec in any_spec(), moves in prop::collection::vec(steady(), 1..60)) {
        let pattern = Pattern::new(&name("nightly"), &spec.when, BEGIN).unwrap();
        let mut world = World::new(spec.clone());
        for next in &moves {
            world.moves(next);
            if spec.overlap != Overlap::Allow {
                prop_assert!(world.most_running <= 1, "{:?}", world.running);
            }
        }
        // In the end all is quiet: what runs ends, what waits starts.
        world.moves(&Move::Resume);
        for _ in 0..3 {
            world.moves(&Move::Wait(700));
            while !world.running.is_empty() {
                world.moves(&Move::End(0));
            }
        }
        prop_assert!(world.tale.schedule.waiting().is_none());
        world.accounts(&pattern, spec.limit);
    }

    #[test]
    fn nothing_starts_twice_or_before_its_time(spec in any_spec(), moves in prop::collection::vec(anything(), 1..60)) {
        let mut world = World::new(spec);
        for next in &moves {
            world.moves(next);
        }
    }

    /// Whether a timer came often, or once at the end, the same ticks are decided in the same way, as long as none is too late.
    #[test]
    fn how_often_a_timer_comes_does_not_matter(when in when(), seconds in prop::collection::vec(1..2_000_u64, 1..20)) {
        let spec = ScheduleSpec { catch_up: Some(Span::from_secs(1_000_000)), ..spec(when) };
        let (mut often, mut once) = (World::new(spec.clone()), World::new(spec));
        for seconds in seconds {
            often.moves(&Move::Wait(seconds));
            once.moves(&Move::Sleep(seconds));
        }
        once.moves(&Move::Wait(0));
        prop_assert_eq!(&often.fired, &once.fired);
        prop_assert_eq!(often.tale.schedule.next_timer(), once.tale.schedule.next_timer());
        prop_assert!(once.skipped.is_empty() && often.skipped.is_empty());
    }
}

/// As a clock that is read each second would have it.
#[test]
fn three_hundred_skipped_ticks_and_their_backfill_stay_small_and_exact() {
    let mut world = World::new(ScheduleSpec { overlap: Overlap::Skip, ..spec(every("1m")) });
    for minute in 0..600 {
        world.moves(&Move::Wait(60));
        if minute % 2 == 1 {
            world.moves(&Move::End(0));
        }
    }
    assert_eq!((world.fired.len(), world.skipped.len()), (300, 300));
    let memory = world.tale.schedule.to_snapshot().len();
    assert!(memory < 16 * 1024, "{memory}");
    world.moves(&Move::End(0));
    let overlap = ScheduleSpec { overlap: Overlap::Allow, ..spec(every("1m")) };
    world.moves(&Move::Set(Box::new(overlap)));
    world.moves(&Move::Backfill(36_000, 36_000));
    // Of the oldest nobody knows any more which fired: they are left alone.
    assert!((400..600).contains(&world.fired.len()), "{}", world.fired.len());
    let restored = Schedule::from_snapshot(&world.tale.schedule.to_snapshot()).unwrap();
    assert_eq!(restored, world.tale.schedule);
}
