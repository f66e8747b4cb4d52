//! What executions share, as one of them sees it: its place, and the breakers that its attempts ask.

use sagaline_events::{
    EntityInput, EntityKey, EntityWord, FramePath, Happening, Says, Ticket, TimerKind,
    entity::{Acquire, Outcome as Reported, Permit},
};
use sagaline_model::{Breaker, ExecutionId, Moment, StepError, WhenOpen};
use serde_json::Value;

use super::{Turn, advance::expression_error};
use crate::{
    compiled::{CompiledKind, NodeId},
    effect::Effect,
    state::{Asking, Course, Dispatched, Outcome, Place, PlaceState, State, TaskInput, asked_again},
};

impl Turn<'_> {
    /// Begins, or asks for the place that it needs first.
    pub(crate) fn begin_or_ask(&mut self) {
        let wanted = self.plan.plan.concurrency.as_ref();
        // Whoever waits for it has a place of the pool already, and would keep that while it waits for one.
        let is_helped = self.run.parent.as_ref().is_some_and(|parent| parent.waits);
        let Some(wanted) = wanted.filter(|wanted| wanted.pool.is_none() || !is_helped) else {
            return self.open(None, None, 0);
        };
        let limit = wanted.limit;
        let key = match self.plan.limit_key.as_ref().map(|key| key.render(&self.data())).transpose() {
            Ok(key) => key.map(|key| match key {
                Value::String(text) => text,
                other => other.to_string(),
            }),
            Err(fault) => {
                let error = expression_error(&fault);
                return self.end(Outcome::Failed { error, step: None, attempts: None });
            }
        };
        let entity = match &wanted.pool {
            Some(pool) => EntityKey::pool(pool, key.as_deref()),
            None => EntityKey::limit(&self.run.workflow, key.as_deref()),
        };
        self.tell(Happening::WorkflowPending { wait_for: entity.to_string(), until: None });
        let state = PlaceState::Granted { at: self.at };
        self.run.place = Some(Place { entity, since: self.at, state });
        self.ask_for_place(1, limit);
    }

    fn ask_for_place(&mut self, times: u32, limit: u32) {
        let Some(place) = &self.run.place else { return };
        let on_limit = self.plan.plan.concurrency.as_ref().map(|it| it.on_limit).unwrap_or_default();
        let input = EntityInput::Acquire(Acquire { ticket: place.ticket(self.id.clone()), limit, on_limit });
        self.effects.push(Effect::Entity { entity: place.entity.clone(), input });
        self.run.set_place(PlaceState::Asked { times, again: asked_again(times, self.at) });
    }

    /// Who ends does not wait for a place any more. One that it has it keeps until it is over.
    pub(super) fn leave_the_queue(&mut self) {
        if self.run.is_pending() {
            let released = self.run.release(&self.id);
            self.effects.extend(released);
            self.run.forget_place();
        }
    }

    /// Nothing was heard of the place for long.
    pub(super) fn ask_for_place_again(&mut self) {
        let Some(PlaceState::Asked { times, again }) = self.run.place.as_ref().map(|place| place.state) else { return };
        if again <= self.at {
            let limit = self.plan.plan.concurrency.as_ref().map_or(1, |concurrency| concurrency.limit);
            self.ask_for_place(times + 1, limit);
        }
    }

    /// What something shared says.
    pub(crate) fn entity_says(&mut self, word: &EntityWord) {
        if !self.run.knows(word) {
            let back = crate::shared::gives_back(&self.id, word);
            self.effects.extend(back);
            return;
        }
        match (&word.path, &word.says) {
            (None, says) => self.place_says(says),
            (Some(path), Says::Permitted) => self.permitted(path),
            (Some(path), Says::Delayed { until }) => self.delayed(path, *until),
            (Some(path), Says::Came { event }) => self.event_came(path, event),
            (Some(path), Says::Refused { limit }) => self.too_many_wait(path, *limit),
            (Some(_), Says::Granted | Says::GiveUp { .. } | Says::StillThere) => {}
        }
    }

    fn place_says(&mut self, says: &Says) {
        let Some(place) = &self.run.place else { return };
        let (entity, was_granted) = (place.entity.clone(), place.is_granted());
        let is_pending = self.run.is_pending();
        match says {
            Says::Granted if !was_granted => {
                self.run.set_place(PlaceState::Granted { at: self.at });
                if is_pending {
                    self.tell(Happening::WorkflowAdmitted);
                    self.open(None, None, 0);
                }
            }
            // It was to do nothing, so nothing handles that it did not.
            Says::Refused { limit } if is_pending => {
                let reason = format!("{limit} of `{entity}` were at work already, which is the limit");
                self.over_with(Outcome::Cancelled { reason: Some(reason) });
            }
            Says::GiveUp { to } if self.run.ending.is_none() && !self.is_tidying_up() => {
                let reason = format!("`{to}` took its place in `{entity}`");
                self.end(Outcome::Cancelled { reason: Some(reason) });
            }
            Says::Granted
            | Says::Refused { .. }
            | Says::GiveUp { .. }
            | Says::StillThere
            | Says::Permitted
            | Says::Delayed { .. }
            | Says::Came { .. } => {}
        }
    }

    /// Asks the breaker of a step before an attempt; `false` if it has none.
    pub(super) fn ask_breaker(
        &mut self,
        path: &FramePath,
        id: NodeId,
        attempt: u32,
        input: &TaskInput,
        course: Course,
    ) -> bool {
        let Some(breaker) = self.breaker_of(id) else { return false };
        let asking = Asking {
            attempt,
            entity: EntityKey::breaker(&breaker.name),
            since: self.at,
            times: 1,
            again: asked_again(1, self.at),
            delayed: false,
            input: input.clone(),
            course,
        };
        // One that fails because its breaker is open has been an attempt too.
        self.run.note_attempt(attempt);
        self.tell(Happening::StepScheduled { step: path.clone(), attempt });
        self.ask(path, id, asking);
        true
    }

    fn ask(&mut self, path: &FramePath, id: NodeId, asking: Asking) {
        let Some(breaker) = self.breaker_of(id) else { return };
        let ticket = asking.ticket(self.id.clone(), path);
        let input = EntityInput::Permit(Permit { ticket, rule: breaker.rule.clone() });
        self.effects.push(Effect::Entity { entity: asking.entity.clone(), input });
        self.run.set(path, id, State::Asking(asking), self.at);
    }

    /// The breaker is to be asked again, or there is no time left for that.
    pub(super) fn ask_again(&mut self, path: &FramePath, id: NodeId, asking: Asking, timer: TimerKind) {
        if timer == TimerKind::TotalTimeout || self.leaves_no_time(asking.course, self.at) {
            self.report(path, id, None);
            let error = self.no_time_left(path, id, asking.course);
            return self.fail(path, id, asking.attempt, error);
        }
        let times = if asking.delayed { 1 } else { asking.times + 1 };
        self.ask(path, id, Asking { times, again: asked_again(times, self.at), delayed: false, ..asking });
    }

    fn permitted(&mut self, path: &FramePath) {
        let Some((id, asking)) = self.asking(path) else { return };
        let Asking { attempt, since, input, course, .. } = asking;
        if let Err(error) = self.dispatch(path, id, attempt, input, course, Some(since)) {
            self.report(path, id, None);
            self.fail(path, id, attempt, error);
        }
    }

    fn delayed(&mut self, path: &FramePath, until: Moment) {
        let Some((id, asking)) = self.asking(path) else { return };
        let Some(breaker) = self.breaker_of(id) else { return };
        match breaker.when_open {
            WhenOpen::Fail => {
                let message = format!("the breaker `{}` is open until {until}", breaker.name);
                // It does not wait for an answer any more, whatever comes of a question that is still on its way.
                self.report(path, id, None);
                let error = StepError::new(StepError::BREAKER_OPEN, message);
                self.attempt_failed(path, id, asking.attempt, error);
            }
            WhenOpen::Delay => {
                let wait_for = format!("breaker {}", breaker.name);
                // Never at once: nothing else bounds how often it is asked.
                let again = until.max(self.at + SHORTEST_DELAY);
                self.run.set(path, id, State::Asking(Asking { again, delayed: true, ..asking }), self.at);
                self.tell(Happening::StepWaiting { step: path.clone(), wait_for, until: Some(again) });
            }
        }
    }

    fn asking(&self, path: &FramePath) -> Option<(NodeId, Asking)> {
        let frame = self.run.frames.get(path)?;
        match &frame.state {
            State::Asking(asking) => Some((frame.node, asking.clone())),
            _ => None,
        }
    }

    fn breaker_of(&self, id: NodeId) -> Option<&'_ Breaker> {
        match &self.plan.node(id).kind {
            CompiledKind::Step { step, .. } => step.breaker.as_deref(),
            _ => None,
        }
    }

    /// Tells the breaker how the attempt ended that asked it; without an outcome if that says nothing about what it is about.
    pub(super) fn report(&mut self, path: &FramePath, id: NodeId, ok: Option<bool>) {
        let Some(breaker) = self.breaker_of(id) else { return };
        let entity = EntityKey::breaker(&breaker.name);
        let ticket = match self.run.frames.get(path).map(|frame| &frame.state) {
            Some(State::Asking(asking)) => Some(asking.ticket(self.id.clone(), path)),
            Some(State::Dispatched(task)) => task.ticket(self.id.clone(), path),
            Some(_) | None => None,
        };
        self.effects.extend(ticket.map(|ticket| {
            let input = EntityInput::Outcome(Reported { ticket, ok });
            Effect::Entity { entity, input }
        }));
    }
}

/// A breaker that says "not before now" is asked again after this.
const SHORTEST_DELAY: sagaline_model::Span = sagaline_model::Span::from_millis(100);

impl Dispatched {
    /// With which ticket this attempt asked its breaker, if it did.
    fn ticket(&self, execution: ExecutionId, path: &FramePath) -> Option<Ticket> {
        Some(Ticket { since: self.asked?, execution, path: Some(path.clone()), attempt: self.attempt })
    }
}
