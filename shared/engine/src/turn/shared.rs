//! What executions share, as one of them sees it: its place, and the breakers that its attempts ask behind their gates.

use sagaline_events::{
    EntityInput, EntityKey, EntityWord, FramePath, Happening, Says, Ticket, TimerKind,
    entity::{Acquire, EntityKind, Outcome as Reported, Permit, Release},
};
use sagaline_model::{Breaker, ExecutionId, Moment, StepError, WhenOpen};

use super::{Turn, advance::expression_error, gates::text_of};
use crate::{
    compiled::{CompiledKind, NodeId},
    effect::Effect,
    state::{Asking, AtGates, Course, Dispatched, Outcome, Place, PlaceState, State, TaskInput, asked_again, is_place},
};

impl Turn<'_> {
    /// Begins, or asks for the key and the place that it needs first.
    pub(crate) fn begin_or_ask(&mut self) {
        if !self.asks_for_key() && !self.asks_for_place() {
            self.open(None, None, 0);
        }
    }

    /// Asks for the place that the execution needs; `false` if it needs none.
    pub(super) fn asks_for_place(&mut self) -> bool {
        let wanted = self.plan.plan.concurrency.as_ref();
        // Whoever waits for it has a place of the pool already, and would keep that while it waits for one.
        let is_helped = self.run.parent.as_ref().is_some_and(|parent| parent.waits);
        let Some(wanted) = wanted.filter(|wanted| wanted.pool.is_none() || !is_helped) else {
            return false;
        };
        let limit = wanted.limit;
        let key = match self.plan.limit_key.as_ref().map(|key| key.render(&self.data())).transpose() {
            Ok(key) => key.map(text_of),
            Err(fault) => {
                let error = expression_error(&fault);
                self.end(Outcome::Failed { error, step: None, attempts: None });
                return true;
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
        true
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
        if self.run.is_pending() || self.run.begins_at().is_some() {
            let released = self.run.release_place(&self.id).into_iter().chain(self.run.release_key(&self.id));
            self.effects.extend(released);
            self.run.forget_place();
            self.run.forget_key();
        }
    }

    /// Nothing was heard of the place for long.
    pub(super) fn ask_for_place_again(&mut self) {
        if self.claims_key_again() {
            return;
        }
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
            (None, says) if word.entity.kind() == EntityKind::Unique => self.key_says(says),
            (None, says) => self.place_says(says),
            (Some(path), Says::Permitted) => self.permitted(path),
            (Some(path), Says::Delayed { until }) => self.delayed(path, *until),
            (Some(path), Says::Came { event }) => self.event_came(path, event),
            (Some(path), Says::Refused { limit }) => self.too_many_wait(path, *limit),
            (Some(path), Says::Granted) => self.place_granted(path, &word.entity),
            (Some(path), Says::Reserved { at }) => self.turn_reserved(path, &word.entity, *at),
            (Some(_), Says::GiveUp { .. } | Says::StillThere | Says::Claimed { .. } | Says::Taken { .. }) => {}
        }
    }

    fn place_says(&mut self, says: &Says) {
        let Some(place) = &self.run.place else { return };
        let (entity, was_granted) = (place.entity.clone(), place.state.is_granted());
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
            | Says::Came { .. }
            | Says::Reserved { .. }
            | Says::Claimed { .. }
            | Says::Taken { .. } => {}
        }
    }

    /// Asks the gates of a step before an attempt, or its breaker; `false` if it has neither.
    pub(super) fn asks_first(
        &mut self,
        path: &FramePath,
        id: NodeId,
        attempt: u32,
        input: &TaskInput,
        course: Course,
    ) -> Result<bool, StepError> {
        let (gates, breaker) = (self.gates_of(path, id)?, self.breaker_of(id));
        let entity = match (gates.is_empty(), breaker) {
            (true, None) => return Ok(false),
            (_, breaker) => breaker.map(|breaker| EntityKey::breaker(&breaker.name)),
        };
        // One that fails because its breaker is open has been an attempt too.
        self.run.note_attempt(attempt);
        self.tell(Happening::StepScheduled { step: path.clone(), attempt });
        let (input, since, again) = (input.clone(), self.at, asked_again(1, self.at));
        match entity.filter(|_| gates.is_empty()) {
            Some(entity) => {
                let delayed = false;
                let gates = None;
                self.ask(path, id, Asking { attempt, entity, since, times: 1, again, delayed, input, course, gates });
            }
            None => self.begin_at_gates(path, id, attempt, (input, course), gates, course.late),
        }
        Ok(true)
    }

    pub(super) fn ask(&mut self, path: &FramePath, id: NodeId, asking: Asking) {
        let question = match asking.is_at_gate() {
            true => self.gate_question(path, id, &asking),
            false => self.breaker_of(id).map(|breaker| {
                let ticket = asking.ticket(self.id.clone(), path);
                let input = EntityInput::Permit(Permit { ticket, rule: breaker.rule.clone() });
                Effect::Entity { entity: asking.entity.clone(), input }
            }),
        };
        self.effects.extend(question);
        // For a place it may wait long; that it asked is all that is known until it has it.
        if asking.times == 1 && asking.is_at_gate() && is_place(&asking.entity) {
            let wait_for = asking.entity.to_string();
            self.tell(Happening::StepWaiting { step: path.clone(), wait_for, until: None });
        }
        self.run.set(path, id, State::Asking(asking), self.at);
    }

    /// Who was asked is to be asked again, or its turn has come, or there is no time left for that.
    pub(super) fn ask_again(&mut self, path: &FramePath, id: NodeId, asking: Asking, timer: TimerKind) {
        if timer == TimerKind::TotalTimeout || self.leaves_no_time(asking.course, self.at) {
            self.report(path, id, None);
            let error = self.no_time_left(path, id, asking.course);
            return self.fail(path, id, asking.attempt, error);
        }
        if let Some(turn) = asking.gates.as_ref().and_then(|gates| gates.turn) {
            return self.turn_came(path, id, asking, turn);
        }
        // Whatever it passed is not its own any more.
        if asking.delayed && asking.gates.is_some() {
            let missed = asking.course.late;
            return self.gates_anew(path, id, asking, missed);
        }
        let times = if asking.delayed { 1 } else { asking.times + 1 };
        self.ask(path, id, Asking { times, again: asked_again(times, self.at), delayed: false, ..asking });
    }

    fn permitted(&mut self, path: &FramePath) {
        let Some((id, asking)) = self.asking(path) else { return };
        // What it was let to do before it gave its gates back counts no more.
        let is_behind = asking.gates.is_none() || !asking.delayed;
        if is_behind && !asking.is_at_gate() {
            self.let_through(path, id, asking);
        }
    }

    fn delayed(&mut self, path: &FramePath, until: Moment) {
        let Some((id, asking)) = self.asking(path) else { return };
        let Some(breaker) = self.breaker_of(id).filter(|_| !asking.is_at_gate()) else { return };
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
                let mut asking = Asking { again, delayed: true, ..asking };
                // Meanwhile others may have what it got at its gates, and turns do not keep. It passes them anew, as somebody else.
                if let Some(gates) = &mut asking.gates {
                    **gates = AtGates::default();
                    asking.since = self.at;
                    self.report(path, id, None);
                }
                self.run.set(path, id, State::Asking(asking), self.at);
                self.tell(Happening::StepWaiting { step: path.clone(), wait_for, until: Some(again) });
            }
        }
    }

    pub(super) fn asking(&self, path: &FramePath) -> Option<(NodeId, Asking)> {
        let frame = self.run.frames.get(path)?;
        match &frame.state {
            State::Asking(asking) => Some((frame.node, asking.clone())),
            _ => None,
        }
    }

    pub(super) fn breaker_of(&self, id: NodeId) -> Option<&'_ Breaker> {
        match &self.plan.node(id).kind {
            CompiledKind::Step { step, .. } => step.breaker.as_deref(),
            _ => None,
        }
    }

    /// Gives back what an attempt has, and tells the breaker how it ended, if it asked it; without an outcome if that says nothing
    /// about what the breaker is about.
    pub(super) fn report(&mut self, path: &FramePath, id: NodeId, ok: Option<bool>) {
        let (ticket, asked): (Ticket, Vec<EntityKey>) = match self.run.frames.get(path).map(|frame| &frame.state) {
            Some(State::Asking(asking)) => (asking.ticket(self.id.clone(), path), asking.asked().cloned().collect()),
            Some(State::Dispatched(task)) => {
                let Some(ticket) = task.ticket(self.id.clone(), path) else { return };
                let breaker = self.breaker_of(id).map(|breaker| EntityKey::breaker(&breaker.name));
                (ticket, task.held.iter().cloned().chain(breaker).collect())
            }
            Some(_) | None => return,
        };
        self.effects.extend(asked.into_iter().map(|entity| {
            let ticket = ticket.clone();
            let input = match is_place(&entity) {
                true => EntityInput::Release(Release { ticket }),
                false => EntityInput::Outcome(Reported { ticket, ok }),
            };
            Effect::Entity { entity, input }
        }));
    }
}

/// A breaker that says "not before now" is asked again after this.
const SHORTEST_DELAY: sagaline_model::Span = sagaline_model::Span::from_millis(100);

impl Dispatched {
    /// With which ticket this attempt asked its gates and its breaker, if it did.
    fn ticket(&self, execution: ExecutionId, path: &FramePath) -> Option<Ticket> {
        Some(Ticket { since: self.asked?, execution, path: Some(path.clone()), attempt: self.attempt })
    }
}
