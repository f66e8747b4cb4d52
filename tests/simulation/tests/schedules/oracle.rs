//! What must have become of each tick, going by what people asked and when that was stored, and by nothing that the scheduler remembers:
//! it started one execution, or it is recorded as skipped, and nothing else was started.
//!
//! Every schedule here is a period; which of its ticks there are between two requests is plain arithmetic.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
};

use sagaline_broker::names::LogKind;
use sagaline_events::{ScheduleInput, schedule::SkipReason};
use sagaline_model::{Moment, Overlap, ScheduleSpec};
use sagaline_testkit::sim::World;
use serde_json::Value;

use crate::{Both, cases::names};

/// How often what may become of a tick did, over all worlds of this process.
static SEEN: Mutex<BTreeMap<&str, u64>> = Mutex::new(BTreeMap::new());

pub(crate) fn seen(what: &str) -> u64 {
    SEEN.lock().expect("no panic").get(what).copied().unwrap_or(0)
}

pub(crate) fn verdict(world: &World<Both>, _seed: u64) -> Option<String> {
    let world = world.lock();
    let told: Vec<Told> = world.to_be_told().filter_map(|(subject, data)| Told::read(subject, data)).collect();
    names().find_map(|name| {
        let scheduler = LogKind::Schedules.record_key(&name);
        let begun = world.begun();
        let own = begun.iter().filter(|execution| execution.starts_with(&format!("{name}-")));
        if world.is_exempt(&scheduler) || own.into_iter().any(|execution| world.is_exempt(execution)) {
            return None;
        }
        let heard = world.heard_by(&name);
        let inputs =
            heard.iter().filter_map(|heard| Some((heard.at, ScheduleInput::read(&heard.kind, &heard.data).ok()?)));
        let due = Due::of(inputs);
        let what = due.differs_from(&name, &told);
        due.count(&told);
        let what = what?;
        Some(format!("{name}: {what}\n{}", world.tale_of(&scheduler)))
    })
}

/// What was told of a schedule, or that an execution began.
#[derive(Debug)]
enum Told {
    Began(String),
    Skipped { schedule: String, first: Moment, last: Moment, count: u64, why: SkipReason, asked: Option<String> },
}

impl Told {
    fn read(subject: &str, data: &[u8]) -> Option<Self> {
        let tokens: Vec<&str> = subject.split('.').collect();
        let data: Value = serde_json::from_slice(data).ok()?;
        match (*tokens.get(2)?, *tokens.get(3)?) {
            ("workflow", "started") => Some(Self::Began((*tokens.last()?).to_owned())),
            ("schedule", "skipped") => {
                let text = |field: &str| data[field].as_str().map(str::to_owned);
                let time = |field: &str| text(field).and_then(|time| time.parse::<Moment>().ok());
                let first = time("tick")?;
                Some(Self::Skipped {
                    schedule: text("schedule")?,
                    first,
                    last: time("last").unwrap_or(first),
                    count: data["count"].as_u64()?,
                    why: serde_json::from_value(data["why"].clone()).ok()?,
                    asked: text("execution"),
                })
            }
            _ => None,
        }
    }
}

/// What is known of a tick before anybody looks what became of it.
#[derive(Clone, Copy, Debug, Default)]
struct Tick {
    /// It lies in a time of the schedule, and not before or after.
    is_due: bool,
    /// It came while the schedule was paused.
    paused: bool,
    /// Nothing stood in its way: it had to start.
    must_start: bool,
    /// Somebody asked for it afterwards,
    filled: bool,
    /// and while the pattern was the same that names it: of one that came later it counts as fired where it lies between ticks
    /// that did.
    must_fill: bool,
}

/// What the requests say.
#[derive(Debug, Default)]
struct Due {
    ticks: BTreeMap<Moment, Tick>,
    /// What was asked for besides the ticks.
    asked: BTreeSet<String>,
}

/// A time in which one pattern holds.
struct Era {
    since: Moment,
    /// Up to here its ticks are noted.
    noted: Moment,
    spec: ScheduleSpec,
    paused: bool,
}

impl Era {
    fn ticks_after(&self, after: Moment) -> impl Iterator<Item = Moment> {
        let every = self.spec.when.every.expect("each has a period");
        let (offset, period) = (every.offset.unwrap_or_default().as_nanos(), every.period.as_nanos());
        let (offset, period) = (i64::try_from(offset).expect("short"), i64::try_from(period).expect("short"));
        let first = (after.as_nanos() - offset).div_euclid(period) + 1;
        let until = self.spec.when.end_at.expect("each has an end");
        (first..).map(move |n| Moment::from_nanos(offset + n * period)).take_while(move |tick| *tick <= until)
    }

    /// Notes what was due by `at`.
    fn note(&mut self, at: Moment, due: &mut Due) {
        let (paused, spec) = (self.paused, &self.spec);
        let must_start = !paused && spec.overlap == Overlap::Allow && spec.catch_up.is_none();
        for tick in self.ticks_after(self.noted.max(self.since)).take_while(|tick| *tick <= at) {
            let known = due.ticks.entry(tick).or_default();
            (known.is_due, known.paused, known.must_start) = (true, paused, must_start);
        }
        self.noted = at;
    }
}

impl Due {
    fn of(inputs: impl Iterator<Item = (Moment, ScheduleInput)>) -> Self {
        let mut due = Self::default();
        let mut era: Option<Era> = None;
        let mut seen: BTreeSet<String> = BTreeSet::new();
        let mut end = Moment::EPOCH;
        // When there was another pattern before this one.
        let mut began: Option<Moment> = None;
        for (at, input) in inputs {
            if let Some(era) = &mut era {
                era.note(at, &mut due);
            }
            if input.id().is_some_and(|id| !seen.insert(id.to_owned())) {
                continue;
            }
            match (input, &mut era) {
                (ScheduleInput::Set(set), era) => {
                    began = began.or(era.as_ref().map(|era| era.since));
                    end = set.spec.when.end_at.unwrap_or(end);
                    let since = era.as_ref().filter(|era| era.spec.when == set.spec.when).map_or(at, |era| era.since);
                    let paused = era.as_ref().is_some_and(|era| era.paused);
                    *era = Some(Era { since, noted: at, spec: set.spec, paused });
                }
                (ScheduleInput::Pause(_), Some(era)) => era.paused = true,
                (ScheduleInput::Resume(_), Some(era)) => era.paused = false,
                (ScheduleInput::Delete(_), era) => {
                    began = began.or(era.as_ref().map(|era| era.since));
                    *era = None;
                }
                (ScheduleInput::Trigger(trigger), Some(_)) => {
                    due.asked.extend(trigger.id.map(|id| format!("now_{id}")));
                }
                (ScheduleInput::Backfill(backfill), Some(era)) => {
                    let before = Moment::from_nanos(backfill.from.as_nanos() - 1);
                    let to = backfill.to.min(at);
                    for tick in era.ticks_after(before).take_while(|tick| *tick <= to) {
                        let known = due.ticks.entry(tick).or_default();
                        known.filled = true;
                        known.must_fill |= era.since < tick || began.is_none();
                    }
                }
                // The others are not what people ask, or ask nothing of one that is not there.
                _ => {}
            }
        }
        if let Some(mut era) = era {
            era.note(end, &mut due);
        }
        due
    }

    fn count(&self, told: &[Told]) {
        let mut seen = SEEN.lock().expect("no panic");
        let mut count = |what, more: usize| *seen.entry(what).or_default() += more as u64;
        count("asked", self.asked.len());
        count("filled", self.ticks.values().filter(|tick| tick.filled).count());
        for told in told {
            match told {
                Told::Began(_) => count("began", 1),
                Told::Skipped { why: SkipReason::Missed, .. } => count("missed", 1),
                Told::Skipped { why: SkipReason::Paused, .. } => count("paused", 1),
                Told::Skipped { why: SkipReason::Overlap, .. } => count("overlap", 1),
                Told::Skipped { why: SkipReason::Replaced, .. } => count("replaced", 1),
                Told::Skipped { why: SkipReason::Deleted, .. } => count("deleted", 1),
                Told::Skipped { why: SkipReason::Limit | SkipReason::Refused | SkipReason::Unknown, .. } => {}
            }
        }
    }

    /// What became of something that is not what had to become of it.
    fn differs_from(&self, name: &str, told: &[Told]) -> Option<String> {
        let mut began: BTreeMap<&str, u32> = BTreeMap::new();
        let mut skipped: BTreeMap<Moment, Vec<SkipReason>> = BTreeMap::new();
        let mut skipped_asked: BTreeSet<&str> = BTreeSet::new();
        for told in told {
            match told {
                Told::Began(execution) => {
                    if let Some(tick) = execution.strip_prefix(&format!("{name}-")) {
                        *began.entry(tick).or_default() += 1;
                    }
                }
                Told::Skipped { schedule, .. } if schedule != name => {}
                Told::Skipped { asked: Some(asked), .. } => {
                    skipped_asked.extend(asked.strip_prefix(&format!("{name}-")));
                }
                Told::Skipped { first, last, count, why, .. } => {
                    let covered: Vec<Moment> = self.ticks.range(*first..=*last).map(|(tick, _)| *tick).collect();
                    let told = usize::try_from(*count).unwrap_or(usize::MAX);
                    // A tick that somebody filled meanwhile is not counted again.
                    let filled = covered.iter().filter(|tick| self.ticks[tick].filled).count();
                    if told < covered.len() - filled || covered.len() < told {
                        return Some(format!("{count} ticks from {first} to {last} are told, not {}", covered.len()));
                    }
                    covered.into_iter().for_each(|tick| skipped.entry(tick).or_default().push(*why));
                }
            }
        }
        for (at, tick) in &self.ticks {
            let starts = began.remove(compact(*at).as_str()).unwrap_or(0);
            let skips = skipped.get(at).map_or(&[][..], Vec::as_slice);
            let what = match (starts, skips.len()) {
                (2.., _) => "it started more than once",
                (0, 0) if tick.is_due || tick.must_fill => "it neither started nor is it recorded as skipped",
                (1, 1..) if !tick.filled => "it started and is recorded as skipped",
                (_, 2..) if !tick.filled => "it is recorded as skipped more than once",
                (0, _) if tick.must_start => "nothing stood in its way, and it did not start",
                (1, _) if tick.paused && !tick.filled => "it started though the schedule was paused",
                (0, _) if tick.paused && !tick.filled && skips != [SkipReason::Paused] => "it is not told as paused",
                _ => continue,
            };
            return Some(format!("the tick {at}: {what} ({starts} starts, {skips:?}, {tick:?})"));
        }
        for asked in &self.asked {
            match (began.remove(asked.as_str()).unwrap_or(0), skipped_asked.contains(asked.as_str())) {
                (1, false) | (0, true) => {}
                (starts, skip) => return Some(format!("`{asked}`: {starts} starts, skipped: {skip}")),
            }
        }
        let (strange, _) = began.first_key_value()?;
        Some(format!("`{strange}` started, and nothing asked for it"))
    }
}

/// As it is in the id of an execution; no tick here has a fraction beyond milliseconds.
fn compact(at: Moment) -> String {
    let text = at.to_string();
    let (time, fraction) = text.trim_end_matches('Z').split_once('.').unwrap_or((&text, ""));
    let time: String = time.chars().filter(char::is_ascii_alphanumeric).collect();
    match fraction.trim_end_matches('0') {
        "" => format!("{time}Z"),
        fraction => format!("{time}_{fraction}Z"),
    }
}
