//! How the attempts of each queue ended of late, and how many come later, as an owner counts them: for people, and for nothing else.

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

/// The attempts of one queue: how they ended, and what is to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueCounts {
    pub queue: Name,
    /// Did what they were to do, or found that there was nothing to do.
    pub completed: u64,
    /// Failed or ran out of time, and another one comes.
    pub retried: u64,
    /// Failed or ran out of time, and none comes any more.
    pub dead: u64,
    /// Come when it is their time, now.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub scheduled: u64,
    /// Come again after one that failed, now.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub retry: u64,
}

impl QueueCounts {
    /// Of a queue of which nothing was counted.
    pub fn none(queue: Name) -> Self {
        Self { queue, completed: 0, retried: 0, dead: 0, scheduled: 0, retry: 0 }
    }

    /// With what another partition counted of the same queue.
    pub fn add(&mut self, other: &Self) {
        self.completed += other.completed;
        self.retried += other.retried;
        self.dead += other.dead;
        self.scheduled += other.scheduled;
        self.retry += other.retry;
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}
