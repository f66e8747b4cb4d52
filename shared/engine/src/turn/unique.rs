//! The unique key of an execution: asked for before anything else of it, and before its place, for nobody waits for a key.

use sagaline_events::{EntityInput, EntityKey, Happening, Says, entity::Claim};
use sagaline_model::{StepError, Unique};

use super::{Turn, advance::expression_error, gates::text_of};
use crate::{
    effect::Effect,
    state::{Outcome, OwnKey, PlaceState, asked_again},
};

impl Turn<'_> {
    /// Asks for the key that the execution is to have; whether it must wait for that.
    pub(super) fn asks_for_key(&mut self) -> bool {
        // One that begins later asked when it was accepted.
        if let Some(key) = &self.run.unique {
            return !key.state.is_granted();
        }
        let Some(until) = self.wanted_key().map(|unique| unique.until) else { return false };
        let key = match self.key_text() {
            Ok(key) => key,
            Err(error) => {
                self.end(Outcome::Failed { error, step: None, attempts: None });
                return true;
            }
        };
        let (entity, state) = (EntityKey::unique(&key), PlaceState::Granted { at: self.at });
        self.tell(Happening::WorkflowPending { wait_for: entity.to_string(), until: None });
        self.run.unique = Some(OwnKey { entity, since: self.at, state, until });
        self.claim_key(1);
        true
    }

    /// A job brings its own; of other executions it stands in the plan.
    fn wanted_key(&self) -> Option<&Unique> {
        match &self.run.job {
            Some(job) => job.unique.as_ref(),
            None => self.plan.plan.unique.as_ref(),
        }
    }

    /// That of a job is a text as it is.
    fn key_text(&self) -> Result<String, StepError> {
        match (&self.run.job, &self.plan.unique_key) {
            (None, Some(key)) => key.render(&self.data()).map(text_of).map_err(|fault| expression_error(&fault)),
            (Some(_), _) | (None, None) => Ok(self.wanted_key().map(|unique| unique.key.clone()).unwrap_or_default()),
        }
    }

    fn claim_key(&mut self, times: u32) {
        let Some((key, ttl)) = self.run.unique.as_ref().zip(self.wanted_key().map(|unique| unique.ttl)) else { return };
        let (ticket, origin) = (key.ticket(self.id.clone()), self.run.origin.clone());
        let input = EntityInput::Claim(Claim { ticket, ttl, origin });
        self.effects.push(Effect::Entity { entity: key.entity.clone(), input });
        self.run.set_key(PlaceState::Asked { times, again: asked_again(times, self.at) });
    }

    /// Nothing was heard of the key for long. Whether it is the key that is waited for.
    pub(super) fn claims_key_again(&mut self) -> bool {
        let Some(PlaceState::Asked { times, again }) = self.run.unique.as_ref().map(|key| key.state) else {
            return false;
        };
        if again <= self.at {
            self.claim_key(times + 1);
        }
        true
    }

    pub(super) fn key_says(&mut self, says: &Says) {
        let Some(key) = self.run.unique.as_ref().filter(|key| !key.state.is_granted()) else { return };
        let entity = key.entity.clone();
        match says {
            Says::Claimed { .. } => {
                self.run.set_key(PlaceState::Granted { at: self.at });
                // One that begins later waits for its time.
                if self.run.begins_at().is_none() && !self.asks_for_place() {
                    self.tell(Happening::WorkflowAdmitted);
                    self.open(None, None, 0);
                }
            }
            // It was to do nothing, so nothing handles that it did not.
            Says::Taken { by, .. } => {
                self.run.forget_key();
                let reason = format!("unique key `{entity}` is held by `{by}`");
                self.over_with(Outcome::Cancelled { reason: Some(reason) });
            }
            Says::Granted
            | Says::Refused { .. }
            | Says::GiveUp { .. }
            | Says::StillThere
            | Says::Permitted
            | Says::Delayed { .. }
            | Says::Came { .. }
            | Says::Reserved { .. } => {}
        }
    }
}
