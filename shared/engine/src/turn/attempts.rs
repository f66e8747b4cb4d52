//! The attempts of a step: handing them to the workers, those that are too early, and what their time is limited by.

use sagaline_events::{EntityKey, FramePath, Happening, input::StepSnoozed};
use sagaline_model::{Moment, Name, Span, Step, StepError};

use super::Turn;
use crate::{
    compiled::{CompiledKind, InputSource, LimitSources, NodeId, SpanSource},
    effect::{Dispatch, Effect},
    state::{Course, Dispatched, Frame, Limits, State, TaskInput},
};

/// A shorter snooze counts as this one: nothing else bounds how often an activity may say that it is too early.
const SHORTEST_SNOOZE: Span = Span::from_millis(100);

/// What an attempt has passed before it is handed over.
#[derive(Default)]
pub(super) struct Passed {
    /// When its gates and its breaker were asked, if it has any.
    pub(super) asked: Option<Moment>,
    /// The places that it has since.
    pub(super) held: Vec<EntityKey>,
    /// Until when it may begin.
    pub(super) begin_by: Option<Moment>,
}

impl Turn<'_> {
    pub(super) fn first_attempt(
        &mut self,
        path: &FramePath,
        id: NodeId,
        input: TaskInput,
        limits: &LimitSources,
    ) -> Result<(), StepError> {
        let total = limits.total.as_ref().map(|total| self.span(path, total)).transpose()?.map(|total| self.at + total);
        let at = limits.deadline.as_ref().map(|deadline| self.moment("deadline", deadline, self.data_at(path)));
        let at = at.transpose()?.or(self.run.job.as_ref().and_then(|job| job.deadline));
        // Of a step that halted, or was begun anew with the whole: its attempts go on from there, and none of those counts.
        let before = self.run.frames.get(path).map_or(self.run.attempts_before(), |frame| frame.state.attempt());
        let deadline = total.into_iter().chain(at).min();
        let course = Course { snoozes: before, deadline, beside: self.plan.node(id).beside, late: 0 };
        if at.is_some() && self.leaves_no_time(course, self.at) {
            return Err(self.no_time_left(path, id, course));
        }
        self.next_attempt(path, id, before, input, course)
    }

    /// Hands over the attempt that follows number `before`, or lets it wait for its turn.
    fn next_attempt(
        &mut self,
        path: &FramePath,
        id: NodeId,
        before: u32,
        input: TaskInput,
        course: Course,
    ) -> Result<(), StepError> {
        if course.beside || self.run.has_a_slot() {
            return self.hand_over(path, id, before + 1, input, course);
        }
        let (ticket, since) = (self.run.next_ticket(), self.at);
        self.run.set(path, id, State::Queued { before, ticket, since, input, course }, self.at);
        self.tell(Happening::StepWaiting { step: path.clone(), wait_for: "a slot".to_owned(), until: None });
        Ok(())
    }

    /// Hands over the attempt that has waited longest for a slot, if there is one now. Whether it did.
    pub(super) fn give_a_slot(&mut self) -> bool {
        let Some(path) = self.run.is_next().cloned() else { return false };
        let Some(Frame { node, state: State::Queued { before, input, course, .. }, .. }) = self.run.frames.get(&path)
        else {
            return false;
        };
        let (id, before, input, course) = (*node, *before, input.clone(), *course);
        if self.leaves_no_time(course, self.at) {
            let error = self.no_time_left(&path, id, course);
            self.fail(&path, id, before, error);
        } else if let Err(error) = self.hand_over(&path, id, before + 1, input, course) {
            self.fail(&path, id, before, error);
        }
        true
    }

    /// What was waited for since the attempt before is over.
    pub(super) fn try_again(&mut self, path: &FramePath, id: NodeId, before: u32, input: TaskInput, course: Course) {
        // The owner may have been away for longer than was to be waited.
        if self.leaves_no_time(course, self.at) {
            let error = self.no_time_left(path, id, course);
            return self.fail(path, id, before, error);
        }
        if let Err(error) = self.next_attempt(path, id, before, input, course) {
            self.fail(path, id, before, error);
        }
    }

    /// Hands an attempt to the workers. Its limits are computed anew each time, since steps beside it went on; no limit would be
    /// the wrong answer to a fault.
    fn hand_over(
        &mut self,
        path: &FramePath,
        id: NodeId,
        attempt: u32,
        input: TaskInput,
        course: Course,
    ) -> Result<(), StepError> {
        if self.asks_first(path, id, attempt, &input, course)? {
            return Ok(());
        }
        self.dispatch(path, id, attempt, input, course, Passed::default())
    }

    pub(super) fn dispatch(
        &mut self,
        path: &FramePath,
        id: NodeId,
        attempt: u32,
        input: TaskInput,
        course: Course,
        passed: Passed,
    ) -> Result<(), StepError> {
        let CompiledKind::Step { timeout, limits, .. } = &self.plan.node(id).kind else { return Ok(()) };
        let span = |source: &Option<SpanSource>| source.as_ref().map(|source| self.span(path, source)).transpose();
        let timeout = span(timeout)?;
        let limits = Limits { schedule: span(&limits.schedule)?, heartbeat: span(&limits.heartbeat)? };
        let claim = self.undo_of(id).is_some();
        let Passed { asked, held, begin_by } = passed;
        let cause = self.at;
        let task =
            Dispatched { attempt, cause, input, timeout, limits, report: None, course, asked, claim, held, begin_by };
        match task.is_reported() {
            // It was told when the first of those was asked.
            true if asked.is_some() && self.run.job.is_none() => {}
            _ if self.tell_enqueued(attempt) => {}
            true => self.tell(Happening::StepScheduled { step: path.clone(), attempt }),
            false => self.tell(Happening::StepStarted { step: path.clone(), attempt, worker: None }),
        }
        let queue = self.run.queue.as_ref();
        let handed = task.dispatch(path, &self.plan.node(id).kind, queue);
        let handed = handed.map(|task| self.run.with_own(task));
        self.effects.extend(handed.map(Effect::Dispatch));
        self.run.set(path, id, State::Dispatched(task), self.at);
        self.run.note_attempt(attempt);
        Ok(())
    }

    /// The activity says that it is too early.
    pub(crate) fn step_snoozed(&mut self, said: &StepSnoozed) {
        let (path, attempt) = (&said.path, said.attempt);
        let Some(id) = self.waiting_for(path, attempt) else { return };
        let Some(State::Dispatched(task)) = self.run.frames.get(path).map(|frame| &frame.state) else { return };
        let (input, mut course) = (task.input.clone(), task.course);
        course.snoozes += 1;
        course.late += u32::from(said.late);
        self.report(path, id, None);
        if self.has_given_up(path, id, attempt) {
            return;
        }
        let due = self.at + said.delay.max(SHORTEST_SNOOZE);
        if self.leaves_no_time(course, due) {
            let error = self.no_time_left(path, id, course);
            return self.fail(path, id, attempt, error);
        }
        let reason = said.reason.clone();
        self.run.set(path, id, State::Snoozed { attempt, since: self.at, due, reason, input, course }, self.at);
        self.tell(Happening::StepWaiting { step: path.clone(), wait_for: "time".to_owned(), until: Some(due) });
    }

    /// An attempt ran too long: its task is taken back, then it counts as failed.
    pub(super) fn attempt_timed_out(&mut self, path: &FramePath, id: NodeId, task: &Dispatched) {
        let attempt = task.attempt;
        self.revoke(path, id, attempt);
        self.report(path, id, Some(false));
        let limit = task.timeout.map(|timeout| format!(" of {timeout}")).unwrap_or_default();
        let error = StepError::new(StepError::TIMEOUT, format!("attempt {attempt} ran longer than its timeout{limit}"));
        self.attempt_is_given_up(path, id, Some(&error));
        self.attempt_failed(path, id, attempt, error);
    }

    /// No worker began the attempt in time: its task is taken back, then it counts as failed.
    pub(super) fn nobody_began(&mut self, path: &FramePath, id: NodeId, task: &Dispatched) {
        let attempt = task.attempt;
        self.revoke(path, id, attempt);
        self.report(path, id, None);
        let limit = task.limits.schedule.map(|limit| format!(" of {limit}")).unwrap_or_default();
        let message = format!("no worker began attempt {attempt} within its schedule_timeout{limit}");
        self.attempt_failed(path, id, attempt, StepError::new(StepError::SCHEDULE_TIMEOUT, message));
    }

    /// The time of all attempts is over while one of them is out: its task is taken back, and no other follows.
    pub(super) fn out_of_time(&mut self, path: &FramePath, id: NodeId, task: &Dispatched) {
        self.revoke(path, id, task.attempt);
        self.report(path, id, Some(false));
        let message = match self.deadline_of(id, task.course) {
            Some(deadline) => format!("its time was over at {deadline}, while attempt {} was at work", task.attempt),
            None => format!("its attempts took longer than its total_timeout{}", self.total_of(path, task.course)),
        };
        let error = StepError::new(StepError::TIMEOUT, message).final_();
        self.attempt_is_given_up(path, id, Some(&error));
        self.tell_of_failed_attempt(path, id, task.attempt, &error, None);
        self.fail(path, id, task.attempt, error);
    }

    /// Whether an attempt that begins then would have no time.
    pub(super) fn leaves_no_time(&self, course: Course, then: Moment) -> bool {
        course.deadline.is_some_and(|deadline| deadline <= then)
    }

    pub(super) fn no_time_left(&self, path: &FramePath, id: NodeId, course: Course) -> StepError {
        let message = match self.deadline_of(id, course) {
            Some(deadline) => format!("its time is over at {deadline}, which leaves none for another attempt"),
            None => {
                let total = self.total_of(path, course);
                format!("its total_timeout{total} leaves no time for another attempt")
            }
        };
        StepError::new(StepError::TIMEOUT, message).final_()
    }

    /// When the time of all attempts is over, of a step that has a `deadline`: that, or its `total_timeout` if it is earlier.
    fn deadline_of(&self, id: NodeId, course: Course) -> Option<Moment> {
        match &self.plan.node(id).kind {
            CompiledKind::Step { limits: LimitSources { deadline: Some(_), .. }, .. } => course.deadline,
            _ if self.run.job.is_some() => course.deadline,
            _ => None,
        }
    }

    fn total_of(&self, path: &FramePath, course: Course) -> String {
        let since = self.run.frames.get(path).map(|frame| frame.since);
        let total = course.deadline.zip(since).map(|(deadline, since)| format!(" of {}", deadline.since(since)));
        total.unwrap_or_default()
    }
}

/// Where the tasks of a step wait: an execution may have a queue of its own, for the steps that name none.
pub(crate) fn queue_of(step: &Step, own: Option<&Name>) -> Name {
    match own {
        Some(own) if step.queue.as_str() == Step::DEFAULT_QUEUE => own.clone(),
        Some(_) | None => step.queue.clone(),
    }
}

impl Dispatched {
    /// The task of this attempt; nothing if the node is no step.
    pub(crate) fn dispatch(&self, path: &FramePath, kind: &CompiledKind, queue: Option<&Name>) -> Option<Dispatch> {
        let CompiledKind::Step { step, input: source, .. } = kind else { return None };
        let input = match (&self.input, source) {
            (TaskInput::Computed(input), _) | (TaskInput::Literal, InputSource::Literal(input)) => input.clone(),
            // Only a snapshot of another plan could lead here; the plan's own words are the best that is left.
            (TaskInput::Literal, InputSource::Template(_)) => step.input.clone(),
        };
        Some(Dispatch {
            path: path.clone(),
            attempt: self.attempt,
            queue: queue_of(step, queue),
            activity: step.activity.clone(),
            input,
            timeout: self.timeout,
            heartbeat: self.limits.heartbeat,
            report: self.claim || (self.timeout.is_none() && self.is_reported()),
            cause: self.cause,
            metadata: step.metadata.clone(),
            origin: None,
            claim: self.claim,
            begin_by: self.begin_by,
        })
    }
}
