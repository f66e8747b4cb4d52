//! A tick arrives, and what it does about the execution before; an execution ends, and what waited for that.

use sagaline_events::{ScheduleHappening, Start, input::Scheduled, schedule::SkipReason};
use sagaline_model::{ExecutionId, Moment, Overlap};
use serde_json::json;

use super::{Running, Turn, Waiting, due::FIRST_ASKED};
use crate::{Effect, Tick};

impl Turn<'_> {
    /// It starts, waits, or is left out.
    pub(super) fn arrives(&mut self, tick: Tick, overlap: Overlap) {
        let is_free = self.known.running.is_empty() && self.known.waiting.is_none();
        match overlap {
            Overlap::Allow => self.starts(tick),
            Overlap::Skip | Overlap::QueueOne | Overlap::CancelRunning if is_free => self.starts(tick),
            Overlap::Skip => self.skips(&tick, SkipReason::Overlap),
            Overlap::QueueOne => {
                if self.known.waiting.is_some() {
                    self.skips(&tick, SkipReason::Overlap);
                } else {
                    self.waits(tick);
                }
            }
            Overlap::CancelRunning => {
                self.cancel_running(&tick);
                if let Some(older) = self.known.waiting.take() {
                    self.skips(&older.tick, SkipReason::Replaced);
                }
                self.waits(tick);
            }
        }
    }

    /// An execution has ended. One that is not waited for is none of its business.
    pub(super) fn ended(&mut self, execution: &ExecutionId) {
        if self.known.running.remove(execution).is_some() {
            self.let_in();
        }
    }

    /// A start was lost: it is made again, under the same name. One that was to be cancelled has ended.
    pub(super) fn lost(&mut self, execution: &ExecutionId) {
        match self.known.running.get(execution) {
            None => {}
            Some(running) if running.cancelled => self.ended(execution),
            Some(running) => {
                let start = self.start_of(&running.tick, execution, true);
                let scheduled_at = running.tick.at;
                self.effects.push(Effect::Start { execution: execution.clone(), scheduled_at, start });
            }
        }
    }

    /// What waits begins, if nothing stands in its way any more.
    pub(super) fn let_in(&mut self) {
        let is_free = self.known.running.is_empty() || self.known.spec.overlap == Overlap::Allow;
        if is_free
            && self.known.paused.is_none()
            && let Some(waiting) = self.known.waiting.take()
        {
            self.starts(waiting.tick);
        }
    }

    pub(super) fn skips(&mut self, tick: &Tick, why: SkipReason) {
        self.known.tally.skipped += 1;
        let asked = tick.asked.as_ref().map(|_| tick.execution(self.name));
        self.tell(ScheduleHappening::Skipped { tick: tick.at, last: None, count: 1, more: false, why, asked });
    }

    fn waits(&mut self, tick: Tick) {
        self.known.waiting = Some(Waiting { tick, since: self.at });
    }

    fn starts(&mut self, tick: Tick) {
        // What somebody asked for is beside its ticks, and does not count as one.
        if tick.asked.is_none() {
            self.memory.fire(tick.at, self.pattern);
            self.known.left = self.known.left.map(|left| left.saturating_sub(1));
        }
        let execution = tick.execution(self.name);
        let start = self.start_of(&tick, &execution, false);
        self.effects.push(Effect::Start { execution: execution.clone(), scheduled_at: tick.at, start });
        self.tell(ScheduleHappening::Fired { tick: tick.at, execution: execution.clone() });
        self.known.tally.fires(tick.at, self.at, execution.clone());
        if self.waits_for_ends() {
            let ask_at = self.at + FIRST_ASKED;
            self.known.running.insert(execution, Running { tick, since: self.at, ask_at, asked: 0, cancelled: false });
        }
        if self.known.left == Some(0)
            && let Some(waiting) = self.known.waiting.take_if(|waiting| waiting.tick.asked.is_none())
        {
            self.skips(&waiting.tick, SkipReason::Limit);
        }
    }

    /// Whether it matters when what it started has ended.
    fn waits_for_ends(&self) -> bool {
        self.known.spec.overlap != Overlap::Allow
    }

    /// Its start will never be. It has fired all the same, as far as its ticks are concerned: it would be refused again.
    pub(super) fn refused(&mut self, execution: &ExecutionId, tick: Moment) {
        let (why, asked) = (SkipReason::Refused, Some(execution.clone()));
        self.known.tally.skipped += 1;
        self.tell(ScheduleHappening::Skipped { tick, last: None, count: 1, more: false, why, asked });
        self.ended(execution);
    }

    fn cancel_running(&mut self, tick: &Tick) {
        let by = tick.execution(self.name);
        for (execution, running) in &mut self.known.running {
            if !running.cancelled {
                running.cancelled = true;
                let (execution, reason) = (execution.clone(), format!("`{by}` takes its place"));
                self.effects.push(Effect::Cancel { execution, reason });
            }
        }
    }

    /// The same for the same tick and definition, whenever it is made.
    fn start_of(&self, tick: &Tick, execution: &ExecutionId, again: bool) -> Box<Start> {
        let spec = &self.known.spec;
        let trigger = json!({
            "specversion": "1.0",
            "id": execution.as_str(),
            "type": "sagaline.schedule.fired.v1",
            "source": format!("/schedules/{}", self.name),
            "subject": self.name.as_str(),
            "time": tick.at,
            "data": { "schedule": self.name.as_str(), "scheduled_at": tick.at },
        });
        Box::new(Start {
            version: spec.version,
            input: spec.input.clone(),
            trigger: Some(trigger),
            tags: spec.tags.clone(),
            again,
            job: spec.job.clone(),
            schedule: Some(Box::new(Scheduled { by: self.name.clone(), tick: tick.at, tell: self.waits_for_ends() })),
            ..Start::of(spec.workflow.clone())
        })
    }
}
