//! Questions to the owner of a partition, on `<ns>.ask.<p>`, and its answers. Not stored.

use std::collections::BTreeMap;

use sagaline_model::{ActivityName, ExecutionId, Moment, Name, StepError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    EntityKey, FramePath,
    entity_view::{EntityPage, EntityView},
    job::JobStatus,
    queue_tally::QueueTally,
    record::ExecutionView,
    saga::{SagaPage, SagaView},
    schedule_view::{SchedulePage, ScheduleView},
};

/// Which jobs are asked for. All conditions must hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JobsAsked {
    /// Any of these; empty: whatever the status.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub status: Vec<JobStatus>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activity: Option<ActivityName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<Name>,
    /// Any of these; empty: whatever the activity.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub activities: Vec<ActivityName>,
}

impl JobsAsked {
    pub fn takes(&self, activity: &ActivityName, queue: &Name, status: JobStatus) -> bool {
        (self.status.is_empty() || self.status.contains(&status))
            && self.activity.as_ref().is_none_or(|wanted| wanted == activity)
            && (self.activities.is_empty() || self.activities.contains(activity))
            && self.queue.as_ref().is_none_or(|wanted| wanted == queue)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// Is this attempt still waited for? Asked before a task runs that may be a copy.
    Wanted { execution: ExecutionId, path: FramePath, attempt: u32 },
    /// The state of one execution.
    Get { execution: ExecutionId },
    /// Why it is not moving.
    Why { execution: ExecutionId },
    /// The open executions, ordered by id, after `after`.
    List {
        #[serde(default)]
        status: Vec<String>,
        #[serde(default)]
        workflow: Option<Name>,
        /// All of these tags; with a value, exactly that one.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        tags: BTreeMap<String, Option<String>>,
        /// Started at this moment or later.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<Moment>,
        #[serde(default)]
        after: Option<ExecutionId>,
        #[serde(default = "some_hundred")]
        limit: usize,
        /// The answer is to be a [`Page`].
        #[serde(default, skip_serializing_if = "is_false")]
        paged: bool,
        /// Only jobs, and of those only these.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        jobs: Option<Box<JobsAsked>>,
    },
    /// How far the owner is. Answered at once, also while it recovers.
    Partition,
    /// What a query of its workflow gives now, or gave when it ended.
    Query { execution: ExecutionId, name: Name },
    /// What came of the update, or of the approval, that was sent under this id. Asked after it was stored.
    Reply { execution: ExecutionId, id: String },
    /// The saga of one execution. Asked of the compensator.
    Saga { execution: ExecutionId },
    /// The sagas that are not over, ordered by the id of their execution, after `after`. Asked of the compensator.
    Sagas {
        /// Only those that are stuck.
        #[serde(default, skip_serializing_if = "is_false")]
        stuck: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        workflow: Option<Name>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<ExecutionId>,
        #[serde(default = "some_hundred")]
        limit: usize,
    },
    /// A limit or a breaker: who holds it, and who waits.
    Entity { entity: EntityKey },
    /// All of them, ordered by name, after `after`.
    Entities {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<EntityKey>,
        #[serde(default = "some_hundred")]
        limit: usize,
    },
    /// One schedule. Asked of the scheduler.
    Schedule { schedule: Name },
    /// The schedules, ordered by name, after `after`. Asked of the scheduler.
    Schedules {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        workflow: Option<Name>,
        /// Only those that are paused.
        #[serde(default, skip_serializing_if = "is_false")]
        paused: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<Name>,
        #[serde(default = "some_hundred")]
        limit: usize,
    },
    /// How the attempts of each queue ended of late.
    Queues,
}

fn some_hundred() -> usize {
    100
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    Wanted(bool),
    Execution(Box<ExecutionView>),
    Why(Vec<Why>),
    Executions(Vec<ExecutionView>),
    Page(Page),
    Partition(PartitionView),
    /// The owner has no such execution in memory: it ended, or was never started.
    Unknown,
    /// The question could not be read.
    Refused(StepError),
    /// What a query gave.
    Value(Value),
    /// What came of what was sent.
    Reply(Reply),
    Saga(Box<SagaView>),
    Sagas(SagaPage),
    Entity(Box<EntityView>),
    Entities(EntityPage),
    Schedule(Box<ScheduleView>),
    Schedules(SchedulePage),
    Queues(QueueTally),
}

/// What came of something that was sent to an execution and is answered: an update, an approval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// It was taken; an update gives a value.
    Taken(Value),
    /// It changed nothing.
    Refused(StepError),
    /// It is kept until the execution has started.
    Kept,
    /// Nobody knows: it is not there, or too long ago.
    Unknown,
}

/// Some of the open executions, ordered by id.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Page {
    pub executions: Vec<ExecutionView>,
    /// Where the next page begins; nothing if there is none. A page may be short, or empty, and there be more all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<ExecutionId>,
}

/// How far the owner of a partition is, for operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionView {
    pub partition: u32,
    /// How many owners the partition has had, this one counted.
    pub epoch: u64,
    /// It has recovered: tasks go out and timers fire.
    pub live: bool,
    /// The last entry of the log that it has applied, 0 if there was none, and when that was stored.
    pub applied: u64,
    pub applied_at: Moment,
    /// Every entry below this one is saved.
    pub checkpoint: u64,
    /// Executions that are open.
    pub open: u64,
    /// How many of these are in memory; the others are loaded when something happens to them.
    pub loaded: u64,
    /// Publishes that NATS has not acknowledged yet.
    pub in_flight: u64,
}

/// One reason why an execution is where it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Why {
    /// Empty where it concerns the whole execution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<FramePath>,
    pub state: String,
    /// What it waits for, in a sentence.
    pub cause: String,
    pub since: Moment,
    /// What ends the wait, and when, if that is known.
    pub ends: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Moment>,
    /// What a person can type to end it.
    pub command: String,
    /// The worker that is waited for, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker_of: Option<WorkerOf>,
}

/// Which workers a task is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerOf {
    pub queue: Name,
    pub activity: ActivityName,
}
