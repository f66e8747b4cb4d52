//! When each of very many schedules fires: all of them have the same period, each its own place in it.

use sagaline_model::{Every, Moment, Name, ScheduleSpec, Span, When};

use crate::floor::Failure;

const SECOND: i64 = 1_000_000_000;
pub(super) const WORKFLOW: &str = "tick";

#[derive(Clone, Copy, Debug)]
pub(super) struct Phases {
    pub(super) schedules: u32,
    /// How many are due each second.
    pub(super) rate: u32,
    /// On whole seconds.
    pub(super) together: bool,
}

impl Phases {
    pub(super) fn period_nanos(self) -> i64 {
        let period = i64::from(self.schedules) * SECOND / i64::from(self.rate);
        let period = if self.together { (period + SECOND - 1) / SECOND * SECOND } else { period };
        period.max(SECOND)
    }

    /// How long after a multiple of the period it fires.
    fn offset_nanos(self, number: u32) -> i64 {
        let offset = self.period_nanos() / i64::from(self.schedules) * i64::from(number);
        if self.together { offset / SECOND * SECOND } else { offset }
    }

    pub(super) fn name(self, number: u32) -> Result<Name, Failure> {
        Ok(Name::new(format!("tick{number:07}"))?)
    }

    pub(super) fn spec(self, number: u32) -> Result<ScheduleSpec, Failure> {
        let span = |nanos: i64| Ok::<_, Failure>(Span::from_nanos(u64::try_from(nanos)?));
        let offset = Some(span(self.offset_nanos(number))?);
        let every = Every { period: span(self.period_nanos())?, anchor: None, offset };
        Ok(ScheduleSpec::of(Name::new(WORKFLOW)?, When { every: Some(every), ..When::default() }))
    }

    /// Which schedule and which tick started this, if it was one of these: `tick0000012-20261121T060000_25Z`.
    pub(super) fn tick_of(self, execution: &str) -> Option<(u32, Moment)> {
        let (name, time) = execution.strip_prefix("tick")?.split_once('-')?;
        let number = name.parse::<u32>().ok().filter(|number| *number < self.schedules)?;
        let (whole, fraction) = time.strip_suffix('Z')?.split_once('_').unwrap_or((time.strip_suffix('Z')?, "0"));
        let part = |from: usize, to: usize| whole.get(from..to);
        let (day, clock) =
            ([part(0, 4)?, part(4, 6)?, part(6, 8)?].join("-"), [part(9, 11)?, part(11, 13)?, part(13, 15)?].join(":"));
        let tick = format!("{day}T{clock}.{fraction}Z").parse::<Moment>().ok()?;
        let is_its_own = (tick.as_nanos() - self.offset_nanos(number)).rem_euclid(self.period_nanos()) == 0;
        is_its_own.then_some((number, tick))
    }

    /// How many ticks there are, `from` included and `to` not.
    pub(super) fn ticks_between(self, from: Moment, to: Moment) -> u64 {
        let before = |moment: Moment, number| {
            (moment.as_nanos() - 1 - self.offset_nanos(number)).div_euclid(self.period_nanos())
        };
        let count = |number| u64::try_from(before(to, number) - before(from, number)).unwrap_or(0);
        (0..self.schedules).map(count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Moment {
        text.parse().expect("a time")
    }

    #[test]
    fn as_many_are_due_each_second_as_are_asked_for() {
        let (from, to) = (at("2026-11-21T06:00:00Z"), at("2026-11-21T06:00:10Z"));
        let spread = Phases { schedules: 300, rate: 100, together: false };
        assert_eq!(spread.ticks_between(from, to), 1000);
        let together = Phases { together: true, ..spread };
        assert_eq!(together.ticks_between(from, at("2026-11-21T06:00:00.000000001Z")), 100, "all at once");
        // None is more frequent than once a second.
        let few = Phases { schedules: 20, ..spread };
        assert_eq!(few.ticks_between(from, to), 200);
    }

    #[test]
    fn the_id_of_an_execution_says_which_tick_it_was() {
        let phases = Phases { schedules: 300, rate: 100, together: false };
        let tick = phases.tick_of("tick0000025-20261121T060000_25Z");
        assert_eq!(tick, Some((25, at("2026-11-21T06:00:00.25Z"))));
        assert_eq!(phases.tick_of("tick0000026-20261121T060000_25Z"), None, "it is due at another time");
        assert_eq!(phases.tick_of("tick0000000-20261121T060000Z"), Some((0, at("2026-11-21T06:00:00Z"))));
        assert_eq!(phases.tick_of("~owner"), None);
    }
}
