//! What time brings: ticks that are due, those that are too late, and executions of which nothing was heard.

use sagaline_events::{ScheduleHappening, schedule::SkipReason};
use sagaline_model::{Moment, Overlap, ScheduleSpec, Span};

use super::{Running, Turn};
use crate::{Effect, Tick};

/// So many ticks start at once; the timer is due again for those that are left.
const AT_ONCE: usize = 1_000;

/// Ticks that were left out are counted up to here; beyond, it is said that they are more.
const COUNTED_MOST: u64 = 10_000;

/// How long after it was started an execution is asked whether it has ended; then twice as long, and so on.
pub(super) const FIRST_ASKED: Span = Span::from_secs(60);

/// The pause is doubled so often at most: it is an hour then, and a bit.
const DOUBLED_MOST: u32 = 6;

impl Turn<'_> {
    /// Decides all that is due by now.
    pub(super) fn time_passes(&mut self) {
        if self.has_ticks() {
            if self.known.paused.is_some() {
                self.leave_out(just_after(self.at), SkipReason::Paused);
            } else {
                let late = self.known.spec.catch_up.unwrap_or(ScheduleSpec::CATCH_UP);
                self.leave_out(earlier(earlier(self.at, late), self.pattern.jitter()), SkipReason::Missed);
                self.fire_what_is_due();
            }
        }
        self.ask_what_runs();
    }

    pub(super) fn next_timer(&self) -> Option<Moment> {
        let is_firing = self.has_ticks() && self.known.paused.is_none();
        let tick = if is_firing { self.next_tick().map(|tick| self.pattern.due(tick)) } else { None };
        let asks = self.known.running.values().map(|running| running.ask_at).min();
        tick.into_iter().chain(asks).min()
    }

    fn has_ticks(&self) -> bool {
        self.known.left != Some(0)
    }

    fn next_tick(&self) -> Option<Moment> {
        self.pattern.next_after(self.memory.decided())
    }

    fn fire_what_is_due(&mut self) {
        let overlap = self.known.spec.overlap;
        for _ in 0..AT_ONCE {
            self.leave_out_crowds(overlap);
            let due = self.next_tick().filter(|tick| self.pattern.due(*tick) <= self.at);
            let Some(tick) = due.filter(|_| self.has_ticks()) else { return };
            self.memory.decide(tick);
            // A backfill may have been before it, while it waited for its jitter.
            if !self.memory.has_fired(tick) {
                self.arrives(Tick::of(tick), overlap);
            }
        }
    }

    /// Where many are due at once, say after a time in which nothing ran, those that have no chance are not told one by one.
    fn leave_out_crowds(&mut self, overlap: Overlap) {
        let end = just_after(earlier(self.at, self.pattern.jitter()));
        match overlap {
            Overlap::Allow => {}
            Overlap::Skip if self.known.running.is_empty() && self.known.waiting.is_none() => {}
            Overlap::Skip => self.leave_out(end, SkipReason::Overlap),
            Overlap::QueueOne if self.known.waiting.is_none() => {}
            Overlap::QueueOne => self.leave_out(end, SkipReason::Overlap),
            Overlap::CancelRunning => {
                // Only the last would stay: none is begun to be cancelled at once.
                if let Some(last) = self.pattern.last_between(self.memory.decided(), end) {
                    self.leave_out(last, SkipReason::Replaced);
                }
            }
        }
    }

    /// Every tick before `end` that is not decided yet starts nothing. However many they are, they are told at once.
    pub(super) fn leave_out(&mut self, end: Moment, why: SkipReason) {
        let Some(first) = self.next_tick().filter(|tick| *tick < end) else { return };
        let (mut count, mut next) = (0, Some(first));
        while let Some(tick) = next.filter(|tick| *tick < end && count <= COUNTED_MOST) {
            count += u64::from(!self.memory.has_fired(tick));
            next = self.pattern.next_after(tick);
        }
        let last = self.pattern.last_between(self.memory.decided(), end).filter(|last| *last != first);
        self.memory.decide(last.unwrap_or(first));
        let (more, count) = (COUNTED_MOST < count, count.min(COUNTED_MOST));
        if 0 < count {
            self.known.tally.skipped += count;
            self.tell(ScheduleHappening::Skipped { tick: first, last, count, more, why, asked: None });
        }
    }

    /// Whoever should have been heard of is asked.
    fn ask_what_runs(&mut self) {
        for (execution, running) in &mut self.known.running {
            if running.ask_at <= self.at {
                running.asks_again(self.at);
                self.effects.push(Effect::Watch { execution: execution.clone() });
            }
        }
    }
}

impl Running {
    fn asks_again(&mut self, at: Moment) {
        self.asked = (self.asked + 1).min(DOUBLED_MOST);
        self.ask_at = at + FIRST_ASKED.times(f64::from(1_u32 << self.asked));
    }
}

fn earlier(moment: Moment, by: Span) -> Moment {
    let by = i64::try_from(by.as_nanos()).unwrap_or(i64::MAX);
    Moment::from_nanos(moment.as_nanos().saturating_sub(by))
}

fn just_after(moment: Moment) -> Moment {
    Moment::from_nanos(moment.as_nanos().saturating_add(1))
}
