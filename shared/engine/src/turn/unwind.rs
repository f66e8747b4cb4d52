//! Failing: retries first, then what `on_error` says, then whatever encloses the node; and the end of an execution.

use sagaline_events::{FramePath, Happening};
use sagaline_model::{OnError, RetryPolicy, Span, StepError};
use serde_json::Value;

use super::{Turn, advance::expression_error};
use crate::{
    compiled::{CompiledKind, NodeId, SpanSource},
    data::{Failure, span_of},
    state::{Dispatched, Outcome, State},
};

impl Turn<'_> {
    /// An attempt failed: another follows, or the step has failed.
    pub(super) fn attempt_failed(&mut self, path: &FramePath, id: NodeId, attempt: u32, error: StepError) {
        match self.next_delay(path, id, attempt, &error) {
            Ok(Some(delay)) => {
                let due = self.back_off(path, id, attempt, error.clone(), delay);
                self.tell(Happening::StepFailed { step: path.clone(), attempt, error, next_at: Some(due) });
            }
            Ok(None) => self.fail(path, id, attempt, error),
            Err(fault) => self.fail(path, id, attempt, fault),
        }
    }

    /// An attempt ran too long: its task is taken back, then it counts as failed.
    pub(super) fn attempt_timed_out(&mut self, path: &FramePath, id: NodeId, task: &Dispatched) {
        let attempt = task.attempt;
        self.revoke(path, id, attempt);
        let limit = task.timeout.map(|timeout| format!(" of {timeout}")).unwrap_or_default();
        let error = StepError::new(StepError::TIMEOUT, format!("attempt {attempt} ran longer than its timeout{limit}"));
        match self.next_delay(path, id, attempt, &error) {
            Ok(Some(delay)) => {
                let due = self.back_off(path, id, attempt, error, delay);
                self.tell(Happening::StepTimedOut { step: path.clone(), attempt, next_at: Some(due) });
            }
            Ok(None) => {
                self.tell(Happening::StepTimedOut { step: path.clone(), attempt, next_at: None });
                self.fail(path, id, attempt, error);
            }
            Err(fault) => self.fail(path, id, attempt, fault),
        }
    }

    fn back_off(
        &mut self,
        path: &FramePath,
        id: NodeId,
        failed: u32,
        error: StepError,
        delay: Span,
    ) -> sagaline_model::Moment {
        let due = self.at + delay;
        let input = match self.run.frames.get(path).map(|frame| &frame.state) {
            Some(State::Dispatched(task)) => task.input.clone(),
            _ => None,
        };
        self.run.set(path, id, State::BackingOff { failed, due, error, input }, self.at);
        due
    }

    /// How long to wait before the next attempt; nothing if none follows.
    fn next_delay(
        &self,
        path: &FramePath,
        id: NodeId,
        attempt: u32,
        error: &StepError,
    ) -> Result<Option<Span>, StepError> {
        let CompiledKind::Step { step, backoff, .. } = &self.plan.node(id).kind else { return Ok(None) };
        let policy: &RetryPolicy = &step.retry;
        if !policy.retries(attempt, error) {
            return Ok(None);
        }
        let delay = match (policy.delay(attempt), backoff) {
            (Some(delay), _) => delay,
            (None, None) => policy.initial,
            (None, Some(expression)) => {
                let failure = Failure { data: self.data(), attempt, error };
                let value = expression.evaluate(&failure).map_err(|fault| expression_error(&fault))?;
                span_of(&value).ok_or_else(|| {
                    let message = format!("the backoff `{}` gave {value}, which is no duration", expression.source());
                    StepError::new(StepError::EXPRESSION, message).final_()
                })?
            }
        };
        Ok(Some(policy.settle(delay, &format!("{}/{path}", self.id), attempt)))
    }

    pub(super) fn try_again(&mut self, path: &FramePath, id: NodeId, attempt: u32, input: Option<Value>) {
        let CompiledKind::Step { timeout, .. } = &self.plan.node(id).kind else { return };
        let timeout = match timeout {
            None => None,
            Some(SpanSource::Fixed(span)) => Some(*span),
            Some(SpanSource::Expression(expression)) => {
                expression.evaluate(&self.data()).ok().as_ref().and_then(span_of)
            }
        };
        self.dispatch(path, id, attempt, input, timeout);
    }

    /// A node has failed for good.
    pub(super) fn fail(&mut self, path: &FramePath, id: NodeId, attempt: u32, error: StepError) {
        let (mut path, mut id, mut attempt) = (path.clone(), id, attempt);
        // The error goes up from frame to frame until one of them takes it.
        loop {
            self.tell(Happening::StepFailed { step: path.clone(), attempt, error: error.clone(), next_at: None });
            let node = self.plan.node(id);
            match node.on_error {
                OnError::Skip => {
                    return self.skip(&path, id, attempt, format!("{}: {}", error.kind, error.message));
                }
                OnError::Continue => {
                    self.run.set(&path, id, State::Failed { at: self.at, attempt, error }, self.at);
                    return self.satisfied(&path, id);
                }
                OnError::Fail => {}
            }
            let state = State::Failed { at: self.at, attempt, error: error.clone() };
            self.run.set(&path, id, state, self.at);
            match (path.parent(), node.parent) {
                (Some(outer), Some(outer_id)) => {
                    self.cancel_below(Some(&outer));
                    (path, id, attempt) = (outer, outer_id, 0);
                }
                (_, _) => {
                    let attempts = (attempt > 0).then_some(attempt);
                    return self.end(Outcome::Failed { error, step: Some(path), attempts });
                }
            }
        }
    }

    /// Cancels every frame below `outer` (the whole tree without it) that is not done.
    fn cancel_below(&mut self, outer: Option<&FramePath>) {
        let below = |path: &FramePath| outer.is_none_or(|outer| path.is_below(outer));
        let frames = self.run.frames.iter();
        let open = frames.filter(|(path, frame)| below(path) && !frame.state.is_done());
        let open: Vec<_> = open.map(|(path, frame)| (path.clone(), frame.node, frame.state.clone())).collect();
        let plan = self.plan;
        self.ready.retain(|id| !below(&plan.node(*id).path));
        for (path, id, state) in open {
            let attempt = state.attempt();
            if let State::Dispatched(_) = state {
                self.revoke(&path, id, attempt);
            }
            self.tell(Happening::StepCancelled { step: path.clone(), attempt });
            self.run.set(&path, id, State::Cancelled { at: self.at, attempt }, self.at);
        }
    }

    /// The execution is over: what is still in flight is cancelled, and everyone is told.
    pub(crate) fn end(&mut self, outcome: Outcome) {
        self.cancel_below(None);
        let duration = self.at.since(self.run.started);
        self.tell(match &outcome {
            Outcome::Completed { .. } => Happening::WorkflowCompleted { duration },
            Outcome::Failed { error, step, attempts } => {
                let (error, step) = (error.clone(), step.clone());
                Happening::WorkflowFailed { duration, error, step, attempts: *attempts }
            }
            Outcome::Cancelled { reason } => Happening::WorkflowCancelled { duration, reason: reason.clone() },
            Outcome::TimedOut => Happening::WorkflowTimedOut { duration },
            Outcome::Refused { error } => Happening::WorkflowStartRefused { error: error.clone() },
        });
        self.over = Some(outcome);
    }
}
