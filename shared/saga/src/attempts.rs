//! The attempts of what undoes: handing them to workers, their answers, and what follows.

use sagaline_events::{FramePath, Happening, Input, TimerKind, TimerName, input::StepSnoozed, saga::UndoAction};
use sagaline_model::{Moment, Span, StepError};

use crate::{
    apply::Turn,
    effect::{Dispatch, Effect},
    state::{AT_WORK_MAX, Entry, Saga, State, Work},
};

/// A shorter snooze counts as this one: nothing else bounds how often an activity may say that it is too early.
const SHORTEST_SNOOZE: Span = Span::from_millis(100);
/// The longest message of an error that is kept: many may be, and all of them have to fit into a snapshot.
const MESSAGE_MAX: usize = 1000;

impl Work {
    /// The entry whose worker is waited for by this name.
    pub(crate) fn waiting_for(&self, path: &FramePath, attempt: u32) -> Option<usize> {
        let place = self.place_of_task(path, attempt)?;
        self.entries[place].state.is_with_a_worker().then_some(place)
    }

    /// The entry that this is the current attempt of.
    fn place_of_task(&self, path: &FramePath, attempt: u32) -> Option<usize> {
        let (step, action) = path.undone()?;
        let place = self.index.place_of(&step)?;
        let entry = &self.entries[place];
        (entry.action + 1 == action && entry.attempt() == attempt).then_some(place)
    }

    fn dispatch(&self, saga: &sagaline_model::ExecutionId, place: usize) -> Option<Dispatch> {
        let entry = &self.entries[place];
        let cause = match &entry.state {
            State::Scheduled { cause } | State::Running { cause, .. } => *cause,
            State::Pending
            | State::BackingOff { .. }
            | State::Snoozed { .. }
            | State::Compensated
            | State::Skipped
            | State::Stuck { .. } => return None,
        };
        let UndoAction { activity, queue, input, timeout, metadata, .. } = entry.current()?.clone();
        let path = entry.current_path();
        let owner = entry.step.execution.as_ref().or(self.origin.as_ref()).unwrap_or(saga);
        let late = match entry.round {
            0 => String::new(),
            1 => "-late".to_owned(),
            round => format!("-late{round}"),
        };
        let idempotency_key = format!("{owner}/{path}{late}");
        Some(Dispatch {
            attempt: entry.attempt(),
            path,
            queue,
            activity,
            input,
            timeout,
            cause,
            metadata,
            idempotency_key,
        })
    }
}

impl Entry {
    pub(crate) fn timer(&self) -> Option<(Moment, TimerName)> {
        let kind = match &self.state {
            State::Running { .. } => TimerKind::StepTimeout,
            State::BackingOff { .. } => TimerKind::Retry,
            State::Snoozed { .. } => TimerKind::Snooze,
            State::Pending | State::Scheduled { .. } | State::Compensated | State::Skipped | State::Stuck { .. } => {
                return None;
            }
        };
        Some((self.state.due()?, TimerName::of_frame(kind, &self.current_path(), self.attempt())))
    }
}

impl Saga {
    /// Every task that is waited for.
    pub fn tasks(&self) -> Vec<Dispatch> {
        let Some(work) = self.work() else { return vec![] };
        work.index.at_work.iter().filter_map(|place| work.dispatch(&self.id, *place)).collect()
    }
}

impl Turn<'_> {
    pub(crate) fn set(&mut self, place: usize, state: State) {
        let was = std::mem::replace(&mut self.work.entries[place].state, state);
        self.work.index.changed(place, &was, &self.work.entries);
    }

    /// Begins what may be begun.
    pub(crate) fn go_on(&mut self) {
        while let Some(place) = self.work.index.ready.first().copied() {
            if self.work.entries[place].step.actions.is_empty() {
                self.set(place, State::Compensated);
                continue;
            }
            if AT_WORK_MAX <= self.work.index.at_work.len() {
                // One without actions may stand behind those that have to wait.
                let joint = self.work.index.ready.iter().copied();
                let mut joint = joint.filter(|place| self.work.entries[*place].step.actions.is_empty());
                let Some(joint) = joint.next() else { return };
                self.set(joint, State::Compensated);
                continue;
            }
            self.begin_action(place);
        }
    }

    /// The next attempt of the current action, or of none.
    fn begin_action(&mut self, place: usize) {
        let Some(action) = self.work.entries[place].current() else { return self.finish(place) };
        if let Some(fault) = action.fault.clone() {
            return self.no_attempt_left(place, fault);
        }
        self.hand_over(place);
    }

    fn hand_over(&mut self, place: usize) {
        self.work.entries[place].count_attempt();
        self.set(place, State::Scheduled { cause: self.at });
        let task = self.work.dispatch(self.id, place);
        self.effects.extend(task.map(Effect::Dispatch));
    }

    pub(crate) fn answered(&mut self, answer: &Input) {
        match answer {
            Input::StepStarted(started) => self.started(&started.path, started.attempt),
            Input::StepSucceeded(done) => self.done(&done.path, done.attempt),
            // There was nothing to undo.
            Input::StepSkipped(skipped) => self.done(&skipped.path, skipped.attempt),
            Input::StepFailed(failed) => self.failed(&failed.path, failed.attempt, &failed.error),
            Input::StepSnoozed(snoozed) => self.snoozed(snoozed),
            Input::StepAwaits(awaits) => self.cannot(&awaits.path, awaits.attempt, "wait for somebody"),
            Input::StepExpanded(expanded) => self.cannot(&expanded.path, expanded.attempt, "return further steps"),
            Input::TaskDiscarded(gone) => {
                let error = StepError::new(StepError::DISCARDED, "an operator removed the task from its queue");
                self.failed(&gone.path, gone.attempt, &error.final_());
            }
            // What else happens to executions is no input of a saga; a timer goes another way.
            _ => {}
        }
    }

    fn started(&mut self, path: &FramePath, attempt: u32) {
        let Some(place) = self.work.waiting_for(path, attempt) else { return };
        let entry = &self.work.entries[place];
        // A second worker may have it after the first was lost: the time of the attempt goes on.
        let State::Scheduled { cause } = entry.state else { return };
        let due = entry.current().and_then(|action| action.timeout).map(|timeout| self.at + timeout);
        self.set(place, State::Running { cause, due });
    }

    fn done(&mut self, path: &FramePath, attempt: u32) {
        let Some(place) = self.work.waiting_for(path, attempt) else { return };
        self.next_action(place);
    }

    fn next_action(&mut self, place: usize) {
        let entry = &mut self.work.entries[place];
        (entry.failures, entry.error) = (0, None);
        if entry.once_more {
            return self.begin_once_more(place);
        }
        entry.action += 1;
        self.begin_action(place);
    }

    /// All of its actions are done or passed by.
    fn finish(&mut self, place: usize) {
        let entry = &mut self.work.entries[place];
        let (step, passed, unknown) = (entry.step.path.clone(), entry.passed, entry.may_be_heard_of());
        let attempt = entry.attempts.last().copied().unwrap_or(0);
        if !unknown {
            // What is done needs no inputs any more, and a snapshot that does not have them is small.
            for action in &mut entry.step.actions {
                action.input = serde_json::Value::Null;
            }
        }
        self.set(place, if passed { State::Skipped } else { State::Compensated });
        if !passed {
            self.tell(Happening::SagaStepCompensated { step, attempt });
        }
    }

    fn cannot(&mut self, path: &FramePath, attempt: u32, what: &str) {
        let message = format!("the activity of a compensation cannot {what}");
        self.failed(path, attempt, &StepError::new(StepError::UNTYPED, message).final_());
    }

    fn failed(&mut self, path: &FramePath, attempt: u32, error: &StepError) {
        let Some(place) = self.work.waiting_for(path, attempt) else { return };
        self.attempt_failed(place, brief(error));
    }

    fn attempt_failed(&mut self, place: usize, error: StepError) {
        let seed = format!("{}/{}", self.id, self.work.entries[place].current_path());
        let entry = &mut self.work.entries[place];
        entry.failures += 1;
        let Some(policy) = entry.current().map(|action| &action.retry) else { return };
        if !policy.retries(entry.failures, &error) {
            return self.no_attempt_left(place, error);
        }
        let delay = policy.delay(entry.failures).unwrap_or(policy.initial);
        let due = self.at + policy.settle(delay, &seed, entry.attempt());
        entry.error = Some(error);
        self.set(place, State::BackingOff { due });
    }

    fn no_attempt_left(&mut self, place: usize, error: StepError) {
        let entry = &mut self.work.entries[place];
        let step = entry.step.path.clone();
        entry.error = Some(error.clone());
        if entry.current().is_some_and(|action| action.allow_skip) {
            entry.passed = true;
            self.tell(Happening::SagaStepSkipped { step, reason: error.message, by: None });
            return self.next_action(place);
        }
        self.set(place, State::Stuck { error: error.clone() });
        self.tell(Happening::SagaStuck { step, error });
    }

    fn snoozed(&mut self, said: &StepSnoozed) {
        let Some(place) = self.work.waiting_for(&said.path, said.attempt) else { return };
        self.set(place, State::Snoozed { due: self.at + said.delay.max(SHORTEST_SNOOZE) });
    }

    pub(crate) fn time_came(&mut self, timer: &TimerName) {
        let Some(path) = &timer.path else { return };
        let Some(place) = self.work.place_of_task(path, timer.attempt) else { return };
        let entry = &self.work.entries[place];
        if entry.state.due().is_none_or(|due| self.at < due) {
            return;
        }
        match (&entry.state, timer.kind) {
            (State::Running { .. }, TimerKind::StepTimeout) => {
                let limit = entry.current().and_then(|action| action.timeout);
                let limit = limit.map(|limit| format!(" of {limit}")).unwrap_or_default();
                let message = format!("attempt {} ran longer than its timeout{limit}", timer.attempt);
                self.revoke(place);
                self.attempt_failed(place, StepError::new(StepError::TIMEOUT, message));
            }
            (State::BackingOff { .. }, TimerKind::Retry) | (State::Snoozed { .. }, TimerKind::Snooze) => {
                self.hand_over(place);
            }
            _ => {}
        }
    }

    pub(crate) fn revoke(&mut self, place: usize) {
        let entry = &self.work.entries[place];
        let Some(action) = entry.current().filter(|_| entry.state.is_with_a_worker()) else { return };
        let (queue, activity) = (action.queue.clone(), action.activity.clone());
        self.effects.push(Effect::Revoke { path: entry.current_path(), attempt: entry.attempt(), queue, activity });
    }
}

/// As much of an error as is kept.
fn brief(error: &StepError) -> StepError {
    let details = error.details.clone().filter(|details| details.to_string().len() <= MESSAGE_MAX);
    StepError { message: error.message.chars().take(MESSAGE_MAX).collect(), details, ..error.clone() }
}
