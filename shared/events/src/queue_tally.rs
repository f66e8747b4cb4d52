//! How the attempts of each queue ended of late, as an owner counts them: for people, and for nothing else.

use sagaline_model::{Moment, Name};
use serde::{Deserialize, Serialize};

/// What was counted on one partition, within the last hour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueTally {
    /// Since when: an hour ago, or when its owner began to count. Nothing if it has counted nothing yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Moment>,
    /// By name.
    pub queues: Vec<QueueCounts>,
}

/// The attempts of one queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueCounts {
    pub queue: Name,
    /// Did what they were to do, or found that there was nothing to do.
    pub completed: u64,
    /// Failed or ran out of time, and another one comes.
    pub retried: u64,
    /// Failed or ran out of time, and none comes any more.
    pub dead: u64,
}
