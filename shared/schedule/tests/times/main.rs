//! Which moments a pattern names: tables, random expressions beside a clock that is read second by second, and what it costs.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cost;
mod dates;
mod faults;
mod shifts;
mod table;
mod walk;

use sagaline_model::{Moment, Name, When};
use sagaline_schedule::Pattern;

fn moment(text: &str) -> Moment {
    text.parse().unwrap_or_else(|fault| panic!("{fault}"))
}

fn cron(text: &str, zone: &str) -> When {
    When { cron: vec![text.to_owned()], timezone: Some(zone.to_owned()), ..When::default() }
}

/// A pattern that was made known long ago.
fn pattern(when: &When) -> Pattern {
    Pattern::new(&name("nightly"), when, Moment::EPOCH).unwrap_or_else(|faults| panic!("{when:?}: {}", faults[0]))
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// The first ticks from a moment on, itself included.
fn ticks(when: &When, from: &str, count: usize) -> Vec<String> {
    let pattern = pattern(when);
    let before = Moment::from_nanos(moment(from).as_nanos() - 1);
    let next = |tick: &Option<Moment>| tick.map(|tick| pattern.next_after(tick));
    let all = std::iter::successors(Some(pattern.next_after(before)), next).map_while(|tick| tick);
    all.take(count).map(|tick| tick.to_string().replace(".000000000", "")).collect()
}
