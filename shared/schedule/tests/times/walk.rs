//! Beside a clock that is read second by second: whoever reads long enough cannot be wrong.
//!
//! What an expression means is decided here without sets of bits, and what the clock shows without looking for shifts. Most of
//! the walks begin about an hour in which a clock is moved.

use std::fmt::Write;

use chrono::{DateTime, Datelike, NaiveDateTime, Offset, TimeZone, Timelike};
use chrono_tz::Tz;
use proptest::{prelude::*, sample::select};
use sagaline_model::Moment;
use sagaline_schedule::Pattern;

use crate::{cron, pattern};

/// One part of a field, as it is written.
#[derive(Clone, Copy, Debug)]
enum Part {
    Star,
    StarStep(u32),
    One(u32),
    Range(u32, u32),
    RangeStep(u32, u32, u32),
    From(u32, u32),
}

type Field = Vec<Part>;

#[derive(Clone, Debug)]
struct Expression {
    /// Seconds only where there are six fields.
    fields: Vec<Field>,
}

const BOUNDS: [(u32, u32); 6] = [(0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 6)];

impl Part {
    fn names(self, value: u32, (least, most): (u32, u32)) -> bool {
        match self {
            Self::Star => true,
            Self::StarStep(step) => (value - least).is_multiple_of(step),
            Self::One(one) => value == one,
            Self::Range(first, last) => (first..=last).contains(&value),
            Self::RangeStep(first, last, step) => {
                (first..=last).contains(&value) && (value - first).is_multiple_of(step)
            }
            Self::From(first, step) => first <= value && value <= most && (value - first).is_multiple_of(step),
        }
    }

    fn is_stepped(self) -> bool {
        !matches!(self, Self::One(_) | Self::Range(..))
    }
}

impl Expression {
    fn text(&self) -> String {
        let mut text = String::new();
        for (place, field) in self.fields.iter().enumerate() {
            text.push_str(if place == 0 { "" } else { " " });
            for (place, part) in field.iter().enumerate() {
                text.push_str(if place == 0 { "" } else { "," });
                match part {
                    Part::Star => write!(text, "*"),
                    Part::StarStep(step) => write!(text, "*/{step}"),
                    Part::One(one) => write!(text, "{one}"),
                    Part::Range(first, last) => write!(text, "{first}-{last}"),
                    Part::RangeStep(first, last, step) => write!(text, "{first}-{last}/{step}"),
                    Part::From(first, step) => write!(text, "{first}/{step}"),
                }
                .unwrap();
            }
        }
        text
    }

    /// All six fields.
    fn all(&self) -> Vec<Field> {
        let seconds = (self.fields.len() == 5).then(|| vec![Part::One(0)]);
        seconds.into_iter().chain(self.fields.clone()).collect()
    }

    fn names(&self, wall: NaiveDateTime) -> bool {
        let all = self.all();
        let says = |place: usize, value: u32| all[place].iter().any(|part| part.names(value, BOUNDS[place]));
        let is_star = |place: usize| all[place].iter().any(|part| matches!(part, Part::Star | Part::StarStep(1)));
        let (month, week) = (says(3, wall.day()), says(5, wall.weekday().num_days_from_sunday()));
        let day = if is_star(3) || is_star(5) { month && week } else { month || week };
        day && says(0, wall.second()) && says(1, wall.minute()) && says(2, wall.hour()) && says(4, wall.month())
    }

    fn follows_clock(&self) -> bool {
        self.all()[..3].iter().flatten().any(|part| part.is_stepped())
    }

    /// Every tick in `from..until`, by reading the clock each `step` seconds.
    fn walk(&self, zone: Tz, from: i64, until: i64, step: i64) -> Vec<i64> {
        let wall_at = |at: i64| {
            let utc = DateTime::from_timestamp(at, 0).unwrap().naive_utc();
            at + i64::from(zone.offset_from_utc_datetime(&utc).fix().local_minus_utc())
        };
        let names = |wall: i64| self.names(DateTime::from_timestamp(wall, 0).unwrap().naive_utc());
        // A day earlier than asked for, so that what was shown before is known.
        let begin = from - 26 * 3600;
        let mut shown = wall_at(begin - step);
        let mut ticks = vec![];
        for at in (begin..until).step_by(step as usize) {
            let wall = wall_at(at);
            let fires = if self.follows_clock() {
                names(wall)
            } else {
                // The times that come with this second: usually one, none that was shown before, and all of a gap.
                (shown + step..=wall).step_by(step as usize).any(names)
            };
            shown = shown.max(wall);
            if fires && from <= at {
                ticks.push(at);
            }
        }
        ticks
    }
}

fn part(place: usize) -> impl Strategy<Value = Part> {
    let (least, most) = BOUNDS[place];
    let value = least..=most;
    prop_oneof![
        3 => value.clone().prop_map(Part::One),
        2 => Just(Part::Star),
        1 => (1..=most - least).prop_map(Part::StarStep),
        1 => (value.clone(), value.clone()).prop_map(|(a, b)| Part::Range(a.min(b), a.max(b))),
        1 => (value.clone(), value.clone(), 1..=most - least)
            .prop_map(|(a, b, step)| Part::RangeStep(a.min(b), a.max(b), step)),
        1 => (value, 1..=most - least).prop_map(|(first, step)| Part::From(first, step)),
    ]
}

fn field(place: usize) -> impl Strategy<Value = Field> {
    prop_oneof![4 => part(place).prop_map(|part| vec![part]), 1 => prop::collection::vec(part(place), 2..4)]
}

/// Fields of days say nothing rather often, so that something happens in a few days; hours are often those in which clocks are moved.
fn expression(seconds: bool) -> impl Strategy<Value = Expression> {
    let star = || Just(vec![Part::Star]);
    let night = prop::collection::vec((0..4_u32).prop_map(Part::One), 1..3);
    let seconds = if seconds { field(0).prop_map(Some).boxed() } else { Just(None).boxed() };
    let time = (seconds, field(1), prop_oneof![1 => night, 1 => field(2)]);
    let days = (
        prop_oneof![3 => star(), 1 => field(3)],
        prop_oneof![3 => star(), 1 => field(4)],
        prop_oneof![
            3 => star(),
            1 => field(5)
        ],
    );
    (time, days).prop_map(|((second, minute, hour), (day, month, weekday))| Expression {
        fields: second.into_iter().chain([minute, hour, day, month, weekday]).collect(),
    })
}

const ZONES: [Tz; 14] = [
    Tz::UTC,
    Tz::Europe__Berlin,
    Tz::America__New_York,
    Tz::Europe__Dublin,
    Tz::Australia__Lord_Howe,
    Tz::Asia__Beirut,
    Tz::Africa__Cairo,
    Tz::Africa__Casablanca,
    Tz::America__St_Johns,
    Tz::America__Sao_Paulo,
    Tz::America__Nuuk,
    Tz::Asia__Kathmandu,
    Tz::Pacific__Apia,
    Tz::Antarctica__Troll,
];

/// Any time between 1995 and 2035, or one about a shift of that zone in those years.
fn place() -> impl Strategy<Value = (Tz, i64)> {
    let (least, most) = (788_918_400_i64, 2_051_222_400_i64);
    let shifted = |((zone, at), quarters): ((Tz, i64), i64)| {
        let ahead = |at: i64| {
            let utc = DateTime::from_timestamp(at, 0).unwrap().naive_utc();
            zone.offset_from_utc_datetime(&utc).fix().local_minus_utc()
        };
        let moves = |at: i64, hours: i64| ahead(at) != ahead(at + hours * 3600);
        let day = (0..400).map(|day| at + day * 86_400).find(|day| moves(*day, 24));
        let hour = day.and_then(|day| (0..24).map(|hour| day + hour * 3600).find(|hour| moves(*hour, 1)));
        (zone, hour.unwrap_or(at) + quarters * 900)
    };
    let any = (select(ZONES.to_vec()), (least / 86_400..most / 86_400).prop_map(|day| day * 86_400));
    prop_oneof![1 => any.clone(), 3 => (any, -8..12_i64).prop_map(shifted)]
}

/// None, if it never fires.
fn pattern_of(expression: &Expression, zone: Tz) -> Option<Pattern> {
    let when = cron(&expression.text(), zone.name());
    match Pattern::new(&crate::name("w"), &when, Moment::EPOCH) {
        Ok(pattern) => Some(pattern),
        Err(faults) => {
            assert!(faults[0].what.contains("is in none of the months"), "{}", faults[0]);
            None
        }
    }
}

fn found(expression: &Expression, zone: Tz, from: i64, until: i64) -> Vec<i64> {
    let Some(pattern) = pattern_of(expression, zone) else { return vec![] };
    let mut after = Moment::from_millis(from * 1000 - 1);
    let next = || {
        let next = pattern.next_after(after)?;
        assert!(after < next, "time goes on");
        after = next;
        Some(after.as_millis() / 1000).filter(|tick| *tick < until)
    };
    std::iter::from_fn(next).collect()
}

/// Both, of the same stretch of time.
fn agree(expression: &Expression, zone: Tz, from: i64, until: i64, step: i64) -> Result<(), TestCaseError> {
    let (found, walked) = (found(expression, zone, from, until), expression.walk(zone, from, until, step));
    prop_assert_eq!(found, walked, "{} in {} from {}", expression.text(), zone, Moment::from_millis(from * 1000));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn minute_by_minute_for_two_days(expression in expression(false), (zone, from) in place()) {
        agree(&expression, zone, from, from + 2 * 86_400, 60)?;
    }

    /// What is next of some moment is next of every moment from there up to it.
    #[test]
    fn from_further_away_it_is_the_same(
        expression in expression(false),
        (zone, from) in place(),
        minutes in 0..40_000_i64,
    ) {
        let pattern = pattern_of(&expression, zone);
        let from = Moment::from_millis(from * 1000);
        if let Some(next) = pattern.as_ref().and_then(|pattern| pattern.next_after(from)) {
            let between = (next.as_millis() - 1 - minutes * 60_000).max(from.as_millis());
            let found = pattern.and_then(|pattern| pattern.next_after(Moment::from_millis(between)));
            prop_assert_eq!(found, Some(next), "{} in {}", expression.text(), zone);
        }
    }
}

proptest! {
    // Few, because each reads the clock a hundred thousand times.
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn second_by_second_for_three_hours(expression in expression(true), (zone, from) in place()) {
        let from = from - 7;
        agree(&expression, zone, from, from + 3 * 3600, 1)?;
    }
}

#[test]
fn the_walk_itself_knows_when_berlin_is_moved() {
    let daily = Expression {
        fields: vec![vec![Part::One(30)], vec![Part::One(2)], vec![Part::Star], vec![Part::Star], vec![Part::Star]],
    };
    let at = |text: &str| crate::moment(text).as_millis() / 1000;
    let walk = |from, until| daily.walk(Tz::Europe__Berlin, at(from), at(until), 60);
    assert_eq!(walk("2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z"), [at("2026-03-29T01:00:00Z")]);
    assert_eq!(walk("2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z"), [at("2026-10-25T00:30:00Z")]);
    assert!(pattern(&cron(&daily.text(), "Europe/Berlin")).next_after(Moment::EPOCH).is_some());
}
