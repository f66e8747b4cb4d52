//! Waits for events. Where a wait and its event meet is an entity, so that it does not matter which comes first.

use sagaline_events::{
    EntityInput, EntityKey, FramePath, Happening,
    entity::{Awaited, Leave, Release},
};
use sagaline_expr::Template;
use sagaline_model::{AwaitEvent, Moment, Span, StepError};
use serde_json::Value;

use super::Turn;
use crate::{
    compiled::NodeId,
    effect::Effect,
    state::{AwaitingEvent, State, asked_again},
};

impl Turn<'_> {
    pub(super) fn wait_for_event(
        &mut self,
        path: &FramePath,
        id: NodeId,
        what: &AwaitEvent,
        with: &Template,
        timeout: Option<Span>,
    ) -> Result<(), StepError> {
        let kind = &what.rule.kind;
        let with = self.render(path, with)?;
        let Some(key) = what.rule.text_of(&with) else {
            let message =
                format!("what the event `{kind}` must have in common with the execution is not there: {with}");
            return Err(StepError::new(StepError::EXPRESSION, message).final_());
        };
        let until: Option<Moment> = timeout.map(|timeout| self.at + timeout);
        let waiting = AwaitingEvent {
            entity: EntityKey::event(&what.rule, &key),
            since: self.at,
            round: self.run.rounds.as_ref().map_or(0, |rounds| rounds.failed),
            event: kind.clone(),
            key,
            keep: what.keep,
            until,
            times: 1,
            again: asked_again(1, self.at),
        };
        self.tell(Happening::StepWaiting { step: path.clone(), wait_for: format!("event {kind}"), until });
        self.say_that_it_waits(path, &waiting);
        self.run.set(path, id, State::AwaitingEvent(Box::new(waiting)), self.at);
        Ok(())
    }

    fn say_that_it_waits(&mut self, path: &FramePath, waiting: &AwaitingEvent) {
        let ticket = waiting.ticket(self.id.clone(), path);
        let input = EntityInput::Await(Awaited { ticket, keep: waiting.keep });
        self.effects.push(Effect::Entity { entity: waiting.entity.clone(), input });
    }

    /// Nothing was heard for long: what was said may have been lost.
    pub(super) fn wait_on(&mut self, path: &FramePath, id: NodeId, waiting: AwaitingEvent) {
        let waiting = waiting.said_again(self.at);
        self.say_that_it_waits(path, &waiting);
        self.run.set(path, id, State::AwaitingEvent(Box::new(waiting)), self.at);
    }

    pub(super) fn event_came(&mut self, path: &FramePath, event: &Value) {
        let Some((id, waiting)) = self.awaiting_event(path) else { return };
        // It is told again until it is said that it is here.
        let input = EntityInput::Release(Release { ticket: waiting.ticket(self.id.clone(), path) });
        self.effects.push(Effect::Entity { entity: waiting.entity, input });
        self.tell(Happening::StepResumed { step: path.clone() });
        self.complete(path, id, 0, event.clone());
    }

    pub(super) fn too_many_wait(&mut self, path: &FramePath, limit: u32) {
        let Some((id, waiting)) = self.awaiting_event(path) else { return };
        // What it said may come once more, when there is room.
        self.leave_event(path);
        let what = waiting.what();
        let message = format!(
            "{limit} steps wait for the event {what} already, which is the limit; tell them apart by what they have in common with it"
        );
        self.fail(path, id, 0, StepError::new(StepError::REFUSED, message).final_());
    }

    pub(super) fn no_event_came(&mut self, path: &FramePath, id: NodeId, waiting: &AwaitingEvent) {
        self.leave_event(path);
        self.waited_in_vain(path, id, 0, &format!("no event {} came in time", waiting.what()));
    }

    /// It does not wait any more, and has got nothing.
    pub(super) fn leave_event(&mut self, path: &FramePath) {
        let Some((_, waiting)) = self.awaiting_event(path) else { return };
        let input = EntityInput::Leave(Leave { ticket: waiting.ticket(self.id.clone(), path) });
        self.effects.push(Effect::Entity { entity: waiting.entity, input });
    }

    fn awaiting_event(&self, path: &FramePath) -> Option<(NodeId, AwaitingEvent)> {
        let frame = self.run.frames.get(path)?;
        match &frame.state {
            State::AwaitingEvent(waiting) => Some((frame.node, (**waiting).clone())),
            _ => None,
        }
    }
}
