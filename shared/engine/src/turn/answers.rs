//! What comes from outside for a frame: answers of workers, timers. Each is checked against what the frame waits for.

use sagaline_events::{FramePath, Happening, TimerKind, TimerName};
use sagaline_model::StepError;
use serde_json::Value;

use super::{Turn, attempts::queue_of};
use crate::{
    compiled::{CompiledKind, NodeId},
    effect::Effect,
    state::{Outcome, Report, State},
};

impl Turn<'_> {
    /// The node of a frame that waits for the answer of this attempt. An older attempt answers too late.
    pub(super) fn waiting_for(&self, path: &FramePath, attempt: u32) -> Option<NodeId> {
        let frame = self.run.frames.get(path)?;
        frame.state.is_task(attempt).then_some(frame.node)
    }

    /// `claimed`: it is undone, also if nobody waits for it any more.
    pub(crate) fn step_succeeded(&mut self, path: &FramePath, attempt: u32, output: Value, claimed: bool) {
        if let Some(id) = self.waiting_for(path, attempt) {
            self.report(path, id, Some(true));
            self.complete(path, id, attempt, output);
        } else if claimed {
            self.succeeded_late(path, attempt, &output);
        }
    }

    pub(crate) fn step_skipped(&mut self, path: &FramePath, attempt: u32, reason: &str) {
        if let Some(id) = self.waiting_for(path, attempt) {
            self.report(path, id, Some(true));
            self.skip(path, id, attempt, reason.to_owned());
        } else {
            self.failed_late(path, attempt, None);
        }
    }

    pub(crate) fn step_failed(&mut self, path: &FramePath, attempt: u32, error: StepError) {
        if let Some(id) = self.waiting_for(path, attempt) {
            // A task that an operator removed was never tried.
            self.report(path, id, (error.kind != StepError::DISCARDED).then_some(false));
            match error.kind.as_str() {
                // Who is at work on it goes on.
                StepError::DISCARDED => self.attempt_is_given_up(path, id, Some(&error)),
                _ => self.attempt_is_over(path, id, attempt, &error),
            }
            self.attempt_failed(path, id, attempt, error);
        } else if error.kind != StepError::DISCARDED {
            self.failed_late(path, attempt, Some(&error));
        }
    }

    pub(crate) fn step_started(&mut self, path: &FramePath, attempt: u32, worker: Option<String>) {
        let Some(id) = self.waiting_for(path, attempt) else { return };
        let Some(State::Dispatched(task)) = self.run.frames.get(path).map(|frame| &frame.state) else { return };
        let mut task = task.clone();
        task.report = Some(Report { at: self.at, worker: worker.clone() });
        self.run.set(path, id, State::Dispatched(task), self.at);
        self.tell(Happening::StepStarted { step: path.clone(), attempt, worker });
    }

    /// A timer counts only if it is the one that is armed, and due.
    pub(crate) fn timer(&mut self, timer: &TimerName) {
        let Some(path) = &timer.path else {
            if timer.kind == TimerKind::WorkflowRetry {
                return self.begin_round();
            }
            let is_over = self.run.deadline.is_some_and(|deadline| deadline <= self.at);
            if is_over && timer.kind == TimerKind::WorkflowTimeout {
                self.end(Outcome::TimedOut);
            } else if timer.kind == TimerKind::AskAgain {
                self.ask_for_place_again();
            } else if timer.kind == TimerKind::Cleanup {
                self.grace_is_over();
            } else if timer.kind == TimerKind::Settle {
                self.settle_is_over();
            } else if timer.kind == TimerKind::SagaLook {
                self.look_after_saga();
            } else if timer.kind == TimerKind::Begin {
                self.time_to_begin();
            }
            return;
        };
        if timer.kind == TimerKind::ChildLook {
            self.look_after_parting_child(path, timer.attempt);
        }
        let Some(frame) = self.run.frames.get(path) else { return };
        let id = frame.node;
        match frame.state.timer(path) {
            Some((due, armed)) if armed == *timer && due <= self.at => {}
            Some(_) | None => return,
        }
        match frame.state.clone() {
            State::Dispatched(task) => match timer.kind {
                TimerKind::TotalTimeout => self.out_of_time(path, id, &task),
                TimerKind::ScheduleTimeout => self.nobody_began(path, id, &task),
                _ => self.attempt_timed_out(path, id, &task),
            },
            State::BackingOff { failed: before, input, course, .. }
            | State::Snoozed { attempt: before, input, course, .. } => self.try_again(path, id, before, input, course),
            State::Waiting { .. } => {
                self.tell(Happening::StepResumed { step: path.clone() });
                self.complete(path, id, 0, Value::Null);
            }
            State::Awaiting { signal, .. } => {
                self.waited_in_vain(path, id, 0, &format!("no signal `{signal}` came in time"))
            }
            State::Queued { before, course, .. } => {
                let error = self.no_time_left(path, id, course);
                self.fail(path, id, before, error);
            }
            State::Delegated(delegated) => match timer.kind {
                TimerKind::ChildTimeout => self.child_took_too_long(path, id, &delegated),
                _ => self.look_after_child(path, id, delegated),
            },
            State::Gathering(gathering) => self.not_all_came(path, id, &gathering),
            State::Approving(approving) => self.nobody_decided(path, id, &approving),
            State::Asking(asking) => self.ask_again(path, id, asking, timer.kind),
            State::AwaitingEvent(waiting) => match timer.kind {
                TimerKind::AskAgain => self.wait_on(path, id, *waiting),
                _ => self.no_event_came(path, id, &waiting),
            },
            State::Open { .. }
            | State::Looping(_)
            | State::Halted { .. }
            | State::Completed { .. }
            | State::Failed { .. }
            | State::Skipped { .. }
            | State::Cancelled { .. }
            | State::Expanding(_) => {}
        }
    }

    pub(super) fn revoke(&mut self, path: &FramePath, id: NodeId, attempt: u32) {
        if let CompiledKind::Step { step, .. } = &self.plan.node(id).kind {
            let (queue, activity) = (queue_of(step, self.run.queue.as_ref()), step.activity.clone());
            self.effects.push(Effect::Revoke { path: path.clone(), attempt, queue, activity });
        }
    }
}
