//! Failing: retries first, then what `on_error` says, then whatever encloses the node; and the end of an execution.

use sagaline_events::{FramePath, Happening};
use sagaline_model::{Moment, OnError, RetryPolicy, Span, StepError};

use super::{Turn, delay::delay_of};
use crate::{
    compiled::{CompiledKind, NodeId},
    data::Failure,
    state::{Course, Delegated, Outcome, State, TaskInput},
};

impl Turn<'_> {
    /// An attempt failed: another follows, or the step has failed.
    pub(super) fn attempt_failed(&mut self, path: &FramePath, id: NodeId, attempt: u32, error: StepError) {
        if self.is_tidying_up() {
            return self.fail(path, id, attempt, error);
        }
        match self.next_delay(path, id, attempt, &error) {
            Ok(Some(delay)) => {
                let (due, course) = (self.at + delay, self.course(path));
                if self.leaves_no_time(course, due) {
                    let none_left = self.no_time_left(path, id, course);
                    return self.last_attempt_failed(path, id, attempt, after(&error, none_left));
                }
                self.back_off(path, id, attempt, error.clone(), due);
                self.tell_failure(path.clone(), attempt, error.clone(), Some(due));
                self.tell_of_failed_attempt(path, id, attempt, &error, Some(due));
            }
            Ok(None) => self.last_attempt_failed(path, id, attempt, error),
            Err(fault) => self.last_attempt_failed(path, id, attempt, after(&error, fault)),
        }
    }

    fn last_attempt_failed(&mut self, path: &FramePath, id: NodeId, attempt: u32, error: StepError) {
        self.tell_of_failed_attempt(path, id, attempt, &error, None);
        self.fail(path, id, attempt, error);
    }

    /// What is told of a failure: running out of time has a name of its own.
    fn tell_failure(&mut self, step: FramePath, attempt: u32, error: StepError, next_at: Option<Moment>) {
        if self.tell_job_failed(attempt, &error, next_at) {
            return;
        }
        self.tell(if error.kind == StepError::TIMEOUT {
            Happening::StepTimedOut { step, attempt, next_at }
        } else {
            Happening::StepFailed { step, attempt, error, next_at }
        });
    }

    /// What all attempts of this step have in common so far.
    pub(super) fn course(&self, path: &FramePath) -> Course {
        match self.run.frames.get(path).map(|frame| &frame.state) {
            Some(State::Dispatched(task)) => task.course,
            Some(State::Asking(asking)) => asking.course,
            _ => Course::default(),
        }
    }

    fn back_off(&mut self, path: &FramePath, id: NodeId, failed: u32, error: StepError, due: Moment) {
        let (input, course) = match self.run.frames.get(path).map(|frame| &frame.state) {
            Some(State::Dispatched(task)) => (task.input.clone(), task.course),
            Some(State::Asking(asking)) => (asking.input.clone(), asking.course),
            _ => (TaskInput::Literal, Course::default()),
        };
        self.run.set(path, id, State::BackingOff { failed, since: self.at, due, error, input, course }, self.at);
    }

    /// How long to wait before the next attempt; nothing if none follows.
    fn next_delay(
        &self,
        path: &FramePath,
        id: NodeId,
        attempt: u32,
        error: &StepError,
    ) -> Result<Option<Span>, StepError> {
        let CompiledKind::Step { step, retry, .. } = &self.plan.node(id).kind else { return Ok(None) };
        let policy: &RetryPolicy = &step.retry;
        // To have been too early is no failure.
        let failed = attempt.saturating_sub(self.course(path).snoozes);
        if !policy.retries(failed, error) {
            return Ok(None);
        }
        let failure = Failure { data: self.data_at(path), attempt: failed, error };
        delay_of(policy, retry, &failure, &format!("{}/{path}", self.id), attempt).map(Some)
    }

    /// A node has failed for good.
    pub(super) fn fail(&mut self, path: &FramePath, id: NodeId, attempt: u32, error: StepError) {
        let (origin, attempts) = (path.clone(), (attempt > 0).then_some(attempt));
        let (mut path, mut id, mut attempt) = (path.clone(), id, attempt);
        // The error goes up from frame to frame until one of them takes it.
        loop {
            self.tell_failure(path.clone(), attempt, error.clone(), None);
            let node = self.plan.node(id);
            if self.is_tidying_up() && node.on_error != OnError::Skip {
                self.run.set(&path, id, State::Failed { at: self.at, attempt, error }, self.at);
                return self.tidied_up();
            }
            match node.on_error {
                OnError::Skip => {
                    return self.skip(&path, id, attempt, format!("{}: {}", error.kind, error.message));
                }
                OnError::Continue => {
                    self.run.set(&path, id, State::Failed { at: self.at, attempt, error }, self.at);
                    return self.satisfied(&path, id);
                }
                OnError::Pause if self.may_halt(&path, id) => return self.halt(&path, id, attempt, error),
                OnError::Fail | OnError::Pause => {}
            }
            let state = State::Failed { at: self.at, attempt, error: error.clone() };
            self.run.set(&path, id, state, self.at);
            if node.beside {
                return self.satisfied(&path, id);
            }
            match (path.parent(), node.parent) {
                (Some(outer), Some(outer_id)) => {
                    if self.is_contained(&outer, outer_id, &error) {
                        return;
                    }
                    self.cancel_below(Some(&outer));
                    (path, id, attempt) = (outer, outer_id, 0);
                }
                (_, _) => return self.end(Outcome::Failed { error, step: Some(origin), attempts }),
            }
        }
    }

    /// Cancels every frame below `outer` (the whole tree without it) that is not done.
    pub(super) fn cancel_below(&mut self, outer: Option<&FramePath>) {
        self.cancel_those(outer, |state| !state.is_done() && !state.is_beside());
    }

    /// The same, and what runs beside the tree.
    pub(super) fn cancel_all(&mut self) {
        self.cancel_those(None, |state| !state.is_done());
    }

    pub(super) fn cancel_those(&mut self, outer: Option<&FramePath>, is_meant: impl Fn(&State) -> bool) {
        let open = self.run.frames_below(outer).filter(|(_, frame)| is_meant(&frame.state));
        let open: Vec<_> = open.map(|(path, frame)| (path.clone(), frame.node, Held::of(&frame.state))).collect();
        for (path, id, (attempt, held)) in &open {
            match held {
                Held::Task => {
                    self.attempt_is_given_up(path, *id, None);
                    self.revoke(path, *id, *attempt);
                }
                Held::Child(child) => self.let_go(path, *id, child, "its parent does not wait for it any more"),
                Held::Nothing => {}
            }
            self.report(path, *id, None);
            self.leave_event(path);
            self.tell(Happening::StepCancelled { step: path.clone(), attempt: *attempt });
        }
        // From the inside out: an expansion that is over forgets what is inside of it.
        for (path, id, (attempt, _)) in open.into_iter().rev() {
            self.run.set(&path, id, State::Cancelled { at: self.at, attempt }, self.at);
        }
    }

    /// The execution is over, and everyone is told.
    pub(super) fn over_with(&mut self, outcome: Outcome) {
        let duration = self.at.since(self.run.began());
        self.part_from_companions();
        self.tell(match &outcome {
            Outcome::Completed { .. } => Happening::WorkflowCompleted { duration },
            Outcome::Failed { error, step, attempts } => {
                let (error, step) = (error.clone(), step.clone());
                Happening::WorkflowFailed { duration, error, step, attempts: *attempts }
            }
            Outcome::Cancelled { reason } => Happening::WorkflowCancelled { duration, reason: reason.clone() },
            Outcome::TimedOut => Happening::WorkflowTimedOut { duration },
            Outcome::Refused { error } => Happening::WorkflowStartRefused { error: error.clone() },
            Outcome::RolledBack { cause, .. } => {
                let (error, step, reason) = cause.causes();
                let (error, step, reason) = (error.cloned(), step.cloned(), reason.map(str::to_owned));
                Happening::WorkflowRolledBack { duration, error, step, reason }
            }
        });
        let released = self.run.release(&self.id, &outcome);
        self.effects.extend(released);
        self.over = Some(outcome);
    }
}

/// What is out for a frame and has to be taken back.
enum Held {
    Task,
    Child(Delegated),
    Nothing,
}

impl Held {
    fn of(state: &State) -> (u32, Self) {
        let held = match state {
            State::Dispatched(_) => Self::Task,
            State::Delegated(delegated) => Self::Child(delegated.clone()),
            State::BackingOff { .. }
            | State::Snoozed { .. }
            | State::Waiting { .. }
            | State::Awaiting { .. }
            | State::Open { .. }
            | State::Looping(_)
            | State::Queued { .. }
            | State::Gathering(_)
            | State::Approving(_)
            | State::Halted { .. }
            | State::Asking(_)
            | State::AwaitingEvent(_)
            | State::Completed { .. }
            | State::Failed { .. }
            | State::Skipped { .. }
            | State::Cancelled { .. }
            | State::Expanding(_) => Self::Nothing,
        };
        (state.attempt(), held)
    }
}

/// A fault in saying what follows a failure must not hide that failure.
pub(super) fn after(error: &StepError, mut fault: StepError) -> StepError {
    fault.message = format!("{}; the attempt before it failed with {}: {}", fault.message, error.kind, error.message);
    fault
}
