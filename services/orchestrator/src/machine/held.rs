//! What one partition holds: executions, and what they share. Which of the two is under a key is seen by the key.

use std::sync::Arc;

use sagaline_engine::{Entity, Execution};
use sagaline_events::{EntityInput, EntityKey, Input};
use sagaline_model::ExecutionId;

#[derive(Debug)]
pub enum Held {
    Execution(Execution),
    Entity(Entity),
}

#[derive(Debug)]
pub enum HeldInput {
    Execution(Input),
    Entity(EntityInput),
}

/// The entity that a key names; nothing if it is the id of an execution.
pub(super) fn entity_key(key: &str) -> Option<EntityKey> {
    if key.starts_with('~') { EntityKey::try_from(key.to_owned()).ok() } else { None }
}

impl Held {
    pub(super) fn fresh(key: &Arc<str>) -> Self {
        match entity_key(key) {
            Some(key) => Self::Entity(Entity::new(key)),
            None => Self::Execution(Execution::unborn(ExecutionId::new(&**key).expect("`read` lets only ids through"))),
        }
    }

    pub(super) fn execution(&self) -> Option<&Execution> {
        match self {
            Self::Execution(execution) => Some(execution),
            Self::Entity(_) => None,
        }
    }

    pub(super) fn snapshot(&self) -> Vec<u8> {
        match self {
            Self::Execution(execution) => execution.to_snapshot(),
            Self::Entity(entity) => entity.to_snapshot(),
        }
    }

    pub(super) fn restore(json: &[u8]) -> Result<Self, String> {
        /// Only an entity has a key.
        #[derive(serde::Deserialize)]
        struct Which {
            #[serde(default)]
            key: Option<EntityKey>,
        }
        let which: Which = serde_json::from_slice(json).map_err(|fault| fault.to_string())?;
        let read = match which.key {
            Some(_) => Entity::from_snapshot(json).map(Self::Entity),
            None => Execution::from_snapshot(json).map(Self::Execution),
        };
        read.map_err(|fault| fault.to_string())
    }
}
