//! What an operator says about a queue: bucket `settings`, key `queue.<queue>`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{ActivityName, Gate, Moment, Name, PlacesGate, RateGate, RateRule};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueSettings {
    /// Its share of executors that serve several queues, beside those of the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<u32>,
    /// So many tasks of it are begun in a time, by all executors together. Steps of definitions and jobs have it from when they are
    /// applied or submitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<RateRule>,
    /// So many of its tasks are at work at once, by all executors together. As with `rate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// So many tasks of an activity are at work at once. The server sees to it, from now on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub activities: BTreeMap<ActivityName, u32>,
    /// Nothing of it is handed out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<QueuePause>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueuePause {
    pub at: Moment,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl QueueSettings {
    /// The gates that the tasks of this queue have for it.
    pub fn gates(&self, queue: &Name) -> Vec<Gate> {
        let name = || Name::new(format!("queue-{}", queue.as_str().chars().take(120).collect::<String>()));
        let rate = self.rate.zip(name().ok()).map(|(rule, name)| Gate::Rate(RateGate { name, key: None, rule }));
        let places = self.concurrency.zip(name().ok());
        let places = places.map(|(limit, name)| Gate::Places(PlacesGate { name, key: None, limit }));
        rate.into_iter().chain(places).collect()
    }

    /// What a queue weighs of which nothing is said: `critical` 6, `low` and `low_priority` 1, any other 3.
    pub fn default_weight(queue: &Name) -> u32 {
        match queue.as_str() {
            "critical" => 6,
            "low" | "low_priority" => 1,
            _ => 3,
        }
    }
}
