//! What people and programs ask of a schedule.

use std::collections::BTreeMap;

use sagaline_events::{
    ScheduleHappening,
    schedule::{ScheduleBackfill, ScheduleChange, ScheduleSet, SkipReason},
    schedule_view::Backfilled,
};
use sagaline_model::{Moment, Overlap, ScheduleSpec};

use super::{KEPT, Known, LONGEST_NAME, Pause, Schedule, Stage, Turn, tally::Tally};
use crate::{Effect, Fault, Pattern, Tick};

/// One backfill starts so many at most, and looks at so many ticks.
const BACKFILLED_MOST: usize = 1_000;
const LOOKED_AT_MOST: usize = 10_000;

/// It has to fit into a message with what is remembered of it.
const HEAVIEST: usize = 512 * 1024;

impl Schedule {
    /// It is made known, or changed.
    pub(super) fn set(&mut self, set: &ScheduleSet, effects: &mut Vec<Effect>) {
        let spec = &set.spec;
        if !self.is_said_by(set.definition) {
            return;
        }
        let is_made = self.known().is_some_and(|known| !known.is_defined);
        if self.known().is_some() && (set.new || set.definition.is_some() && is_made) {
            let detail =
                format!("there is a schedule `{}` already; choose another name, or delete it first", self.name);
            return effects.push(Effect::Reject { reason: "schedule_exists", detail });
        }
        self.defined = self.defined.max(set.definition);
        let since = match self.known() {
            Some(known) if known.spec == *spec => return,
            Some(known) if known.spec.when == spec.when => known.since,
            Some(_) | None => self.now,
        };
        let pattern = match self.check(spec, since) {
            Ok(pattern) => pattern,
            Err(detail) => return effects.push(Effect::Reject { reason: "invalid_schedule", detail }),
        };
        let known_before = self.known().map_or(vec![], |known| known.spec.when.at.clone());
        let what = self.take(spec, since, set.definition.is_some());
        let pattern_before = self.pattern.replace(pattern);
        if let Some(mut turn) = self.turn(effects) {
            turn.tell(ScheduleHappening::Changed { what, by: set.by.clone() });
            turn.leave_out_what_is_past(&known_before, pattern_before.as_ref());
            turn.time_passes();
            turn.let_in();
        }
    }

    /// A definition has it no more. What somebody made under the same name is none of its business.
    pub(super) fn delete_defined(&mut self, version: u32, effects: &mut Vec<Effect>) {
        if !self.is_said_by(Some(version)) {
            return;
        }
        self.defined = Some(version);
        if self.known().is_some_and(|known| known.is_defined)
            && let Some(turn) = self.turn(effects)
        {
            turn.farewell(None);
            (self.stage, self.pattern) = (Stage::Deleted, None);
        }
    }

    /// Whether it is heeded what a definition says, or a person. A definition speaks once.
    pub(super) fn is_said_by(&self, definition: Option<u32>) -> bool {
        definition.is_none_or(|version| self.defined < Some(version))
    }

    /// Whether it makes sense; if not, all that is wrong.
    fn check(&self, spec: &ScheduleSpec, since: Moment) -> Result<Pattern, String> {
        let mut wrong = vec![];
        if LONGEST_NAME < self.name.as_str().len() {
            wrong.push(format!(
                "the name `{}` is longer than {LONGEST_NAME} characters; write a shorter one",
                self.name
            ));
        }
        if spec.limit == Some(0) {
            wrong.push("`limit`: it never fires; write at least 1, or leave it out".to_owned());
        }
        let size = serde_json::to_vec(spec).map_or(0, |json| json.len());
        if HEAVIEST < size {
            let (kib, most) = (size / 1024, HEAVIEST / 1024);
            wrong.push(format!("`{}` weighs {kib} KiB, of {most} KiB at most; write less into `input`", self.name));
        }
        let pattern = Pattern::new(&self.name, &spec.when, since);
        wrong.extend(pattern.as_ref().err().into_iter().flatten().map(Fault::to_string));
        pattern.ok().filter(|_| wrong.is_empty()).ok_or_else(|| wrong.join("\n"))
    }

    fn take(&mut self, spec: &ScheduleSpec, since: Moment, is_defined: bool) -> ScheduleChange {
        let spec = spec.clone();
        match &mut self.stage {
            Stage::Known(known) => {
                if known.left == Some(0) {
                    // While there was none left, nothing was missed.
                    self.memory.decide(self.now);
                }
                if known.spec.limit != spec.limit {
                    known.left = spec.limit;
                }
                if spec.overlap == Overlap::Allow {
                    known.running.clear();
                }
                (known.spec, known.since) = (spec, since);
                known.is_defined |= is_defined;
                ScheduleChange::Updated
            }
            Stage::Unknown | Stage::Deleted => {
                let (left, created_at) = (spec.limit, self.now);
                let (paused, running, waiting) = (None, BTreeMap::new(), None);
                let tally = Tally::default();
                let known = Known { spec, created_at, since, left, paused, running, waiting, is_defined, tally };
                self.stage = Stage::Known(Box::new(known));
                ScheduleChange::Created
            }
        }
    }
}

impl Turn<'_> {
    /// Dates that are new, and lie where everything is decided already.
    fn leave_out_what_is_past(&mut self, known_before: &[Moment], pattern_before: Option<&Pattern>) {
        let decided = self.memory.decided();
        let has_fired = |at| self.memory.is_in_run(at) && pattern_before.is_some_and(|pattern| pattern.names(at));
        let is_past = |at: &Moment| *at <= decided && !known_before.contains(at) && !has_fired(*at);
        let mut past: Vec<_> = self.known.spec.when.at.iter().copied().filter(is_past).collect();
        past.sort_unstable();
        past.dedup();
        for at in past {
            self.skips(&Tick::of(at), SkipReason::Missed);
        }
    }

    /// It is no more. Of its ticks nothing is kept but that they are over.
    pub(super) fn farewell(mut self, by: Option<&str>) {
        if let Some(waiting) = self.known.waiting.take() {
            self.skips(&waiting.tick, SkipReason::Deleted);
        }
        self.tell(ScheduleHappening::Changed { what: ScheduleChange::Deleted, by: by.map(str::to_owned) });
        self.memory.blur(self.at);
    }

    pub(super) fn pause(&mut self, note: Option<String>, by: Option<String>) {
        if self.known.paused.is_none() {
            self.known.paused = Some(Pause { at: self.at, note: note.clone(), by: by.clone() });
            self.tell(ScheduleHappening::Paused { note, by });
        }
    }

    pub(super) fn resume(&mut self, note: Option<String>, by: Option<String>) {
        if self.known.paused.take().is_some() {
            self.tell(ScheduleHappening::Resumed { note, by });
            self.let_in();
        }
    }

    pub(super) fn trigger(&mut self, id: Option<&str>, overlap: Option<Overlap>) {
        let at = self.memory.ask(self.at);
        match Tick::asked(at, id) {
            Some(tick) => self.arrives(tick, overlap.unwrap_or(self.known.spec.overlap)),
            None => {
                let what = "the id of the request is too long";
                self.reject("invalid_request", format!("`{}`: {what}; write at most 40 letters and digits", self.name));
            }
        }
    }

    /// Every tick of a time gone by that has not fired, nor waits.
    pub(super) fn backfill(&mut self, backfill: &ScheduleBackfill) {
        let ScheduleBackfill { from, to, overlap, .. } = *backfill;
        if to < from {
            let what = format!("`{}` cannot be filled from {from} to {to}", self.name);
            return self.reject("invalid_request", format!("{what}; the second time must not be before the first"));
        }
        let oldest = self.oldest_to_fill();
        if from < oldest {
            let what = format!("`{}` can be filled from {oldest} on", self.name);
            let why = "what lies before may have been started by one of the same name that is forgotten";
            return self.reject("backfill_too_early", format!("{what}; {why}"));
        }
        let to = to.min(self.at);
        let waits = self.known.waiting.as_ref().map(|waiting| waiting.tick.clone());
        let is_wanted = |tick: &Moment| !self.memory.has_fired(*tick) && waits != Some(Tick::of(*tick));
        let before = Moment::from_nanos(from.as_nanos().saturating_sub(1));
        let next = |tick: &Moment| self.pattern.named_after(*tick);
        let ticks = std::iter::successors(self.pattern.named_after(before), next).take_while(|tick| *tick <= to);
        let looked_at: Vec<_> = ticks.take(LOOKED_AT_MOST + 1).collect();
        let wanted: Vec<_> = looked_at.iter().copied().filter(is_wanted).take(BACKFILLED_MOST + 1).collect();
        if LOOKED_AT_MOST < looked_at.len() || BACKFILLED_MOST < wanted.len() {
            let what = format!("from {from} to {to} there are too many ticks of `{}`", self.name);
            let hint = format!("ask for {BACKFILLED_MOST} of them at a time");
            return self.reject("backfill_too_long", format!("{what}; {hint}"));
        }
        let (ticks, before) = (wanted.len() as u64, (self.known.tally.fired, self.known.tally.skipped));
        for tick in wanted {
            if self.known.left == Some(0) {
                self.skips(&Tick::of(tick), SkipReason::Limit);
            } else {
                self.arrives(Tick::of(tick), overlap.unwrap_or(self.known.spec.overlap));
            }
        }
        let tally = &mut self.known.tally;
        let (started, skipped) = (tally.fired - before.0, tally.skipped - before.1);
        tally.backfilled = Some(Backfilled { id: backfill.id.clone(), started, skipped, ticks });
    }

    /// One that was deleted or over was remembered for so long. No tick of one that is forgotten by now lies later than so long
    /// before this one was made known.
    fn oldest_to_fill(&self) -> Moment {
        let kept = i64::try_from(KEPT.as_nanos()).unwrap_or(i64::MAX);
        Moment::from_nanos(self.known.created_at.as_nanos().saturating_sub(kept))
    }
}
