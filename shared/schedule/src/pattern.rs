//! A pattern: which moments a schedule names. Made of what people wrote ([`When`]), if that makes sense.

mod fault;

use chrono_tz::Tz;
use sagaline_model::{Every, Moment, Name, Span, When, id::fnv1a};

pub use self::fault::{Fault, Part};
use crate::{Cron, zone};

const SECOND: i64 = 1_000_000_000;

/// What cannot be written as a [`Moment`] with room for what is added to it is no tick.
pub(crate) const LAST: Moment = Moment::from_nanos(i64::MAX / 64 * 63);

const FIRST: Moment = Moment::from_nanos(-LAST.as_nanos());

/// The moments that a schedule names, its *ticks*.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    crons: Vec<Cron>,
    zone: Tz,
    every: Option<Periods>,
    /// In order.
    at: Vec<Moment>,
    /// When it was made known.
    since: Moment,
    /// What comes again and again comes after this, and nothing after the other.
    start: Moment,
    until: Moment,
    jitter: Span,
    seed: u32,
}

/// `anchor`, and every `period` before and after.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Periods {
    anchor: i64,
    period: i64,
}

impl Pattern {
    /// The pattern of the schedule of this name, made known at `since`. All that is wrong is told at once.
    pub fn new(name: &Name, when: &When, since: Moment) -> Result<Self, Vec<Fault>> {
        let (crons, zone) = fault::check(when)?;
        let periods = |every: Every| {
            let anchor = every.anchor.or(when.start_at).unwrap_or(Moment::EPOCH) + every.offset.unwrap_or_default();
            Periods { anchor: anchor.as_nanos(), period: i64::try_from(every.period.as_nanos()).unwrap_or(i64::MAX) }
        };
        let mut at: Vec<_> = when.at.iter().copied().chain(when.after.map(|after| since + after)).collect();
        at.sort_unstable();
        at.dedup();
        Ok(Self {
            crons,
            zone,
            every: when.every.map(periods),
            at,
            since,
            start: when.start_at.map_or(FIRST, just_before),
            until: when.end_at.unwrap_or(LAST).min(LAST),
            jitter: when.jitter.unwrap_or_default(),
            seed: fnv1a(name.as_str().as_bytes()),
        })
    }

    /// The first tick after `after`. Costs the same wherever that is.
    ///
    /// What comes again and again has no ticks before it was made known. A date may lie before: whether it is too late for it is
    /// for others to say.
    pub fn next_after(&self, after: Moment) -> Option<Moment> {
        self.first_of(after, after.max(self.since))
    }

    /// As [`Pattern::next_after`], as if it had been known for ever.
    pub fn named_after(&self, after: Moment) -> Option<Moment> {
        self.first_of(after, after)
    }

    pub(crate) fn names(&self, moment: Moment) -> bool {
        self.named_after(just_before(moment)) == Some(moment)
    }

    /// The last tick before `before`, if there is one after `after`.
    pub fn last_between(&self, after: Moment, before: Moment) -> Option<Moment> {
        let is_before = |tick: &Moment| *tick < before;
        let mut last = self.next_after(after).filter(is_before)?;
        let mut end = before.as_nanos();
        // Between `last` and `end` the first half that holds a tick is taken, and nothing after `end` does.
        while last.as_nanos().saturating_add(1) < end {
            let middle = i64::midpoint(last.as_nanos(), end);
            match self.next_after(Moment::from_nanos(middle)).filter(is_before) {
                Some(tick) => last = tick,
                None => match self.next_after(last).filter(|tick| tick.as_nanos() <= middle) {
                    Some(tick) => (last, end) = (tick, middle + 1),
                    None => break,
                },
            }
        }
        Some(last)
    }

    fn first_of(&self, after: Moment, repeated_after: Moment) -> Option<Moment> {
        let dated = self.at.get(self.at.partition_point(|at| *at <= after)).copied();
        let from = repeated_after.max(self.start);
        let crons = self.crons.iter().filter_map(|cron| self.cron_after(cron, from));
        let every = self.every.and_then(|periods| periods.next_after(from));
        crons.chain(every).chain(dated).min().filter(|tick| *tick <= self.until)
    }

    /// When this tick comes: with jitter, a bit after what it names, but never after the tick that follows it.
    pub fn due(&self, tick: Moment) -> Moment {
        if self.jitter == Span::ZERO {
            return tick;
        }
        let room = self.next_after(tick).map_or(self.jitter, |next| next.since(tick).min(self.jitter));
        let share = mixed(u64::from(self.seed) << 32 ^ tick.as_nanos().cast_unsigned());
        let late = (u128::from(share) * u128::from(room.as_nanos())) >> 64;
        tick + Span::from_nanos(late as u64)
    }

    /// No tick comes later than so long after what it names.
    pub fn jitter(&self) -> Span {
        self.jitter
    }

    fn cron_after(&self, cron: &Cron, after: Moment) -> Option<Moment> {
        let after = after.as_nanos().div_euclid(SECOND);
        let tick = zone::next_after(cron, self.zone, after)?;
        tick.checked_mul(SECOND).map(Moment::from_nanos).filter(|tick| *tick <= LAST)
    }
}

impl Periods {
    fn next_after(self, after: Moment) -> Option<Moment> {
        let since = i128::from(after.as_nanos()) - i128::from(self.anchor);
        let period = i128::from(self.period);
        let next = i128::from(self.anchor) + (since.div_euclid(period) + 1) * period;
        i64::try_from(next).ok().map(Moment::from_nanos).filter(|tick| *tick <= LAST)
    }
}

fn just_before(moment: Moment) -> Moment {
    Moment::from_nanos(moment.as_nanos().saturating_sub(1))
}

/// A number that looks random, made of another one.
fn mixed(number: u64) -> u64 {
    let mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}
