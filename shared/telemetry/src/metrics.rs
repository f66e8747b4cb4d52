//! What is counted. Handles are made once per label and then cost an atomic each: nothing is formatted on a hot path.
//!
//! Which metrics there are, [`declared`] says. Whoever counts does so through the functions here, and keeps the handle where it counts often.

pub mod declared;
mod labelled;
mod recorder;

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use metrics::{Counter, Gauge, Histogram};

pub use labelled::{MOST_VALUES, OTHER};
pub use recorder::render;
pub(crate) use recorder::{install, keep_up};

use declared::{
    ACTIVITY_DURATION, INPUTS_APPLIED, OPEN_EXECUTIONS, PARTITION_LAG, PUBLISH_RETRIES, RECOVERY, REJECTED,
    TASKS_ASKED, WORKFLOW_DURATION, WORKFLOWS_COMPLETED, WORKFLOWS_STARTED,
};
use labelled::Labelled;

/// The metrics of a workflow type.
pub fn workflow(workflow_type: &str) -> Arc<WorkflowMetrics> {
    static WORKFLOWS: Labelled<WorkflowMetrics> = Labelled::new(WorkflowMetrics::new);
    WORKFLOWS.of(workflow_type)
}

/// The metrics of an activity type.
pub fn activity(activity_type: &str) -> Arc<ActivityMetrics> {
    static ACTIVITIES: Labelled<ActivityMetrics> = Labelled::new(ActivityMetrics::new);
    ACTIVITIES.of(activity_type)
}

/// The metrics of a partition. Its owner asks once and keeps them.
pub fn partition(partition: u32) -> Arc<PartitionMetrics> {
    static PARTITIONS: Labelled<PartitionMetrics> = Labelled::new(PartitionMetrics::new);
    PARTITIONS.of(&partition.to_string())
}

/// A publish to `stream` was not acknowledged and is done again.
pub fn publish_retried(stream: &str) {
    static STREAMS: Labelled<Counter> = Labelled::new(|stream| recorder::counter(&PUBLISH_RETRIES, &[stream]));
    STREAMS.of(stream).increment(1);
}

/// A message could not be read or may not be applied.
pub fn rejected(reason: &'static str) {
    static REASONS: Labelled<Counter> = Labelled::new(|reason| recorder::counter(&REJECTED, &[reason]));
    REASONS.of(reason).increment(1);
}

/// The owner answered whether a task is still wanted.
pub fn task_asked(answer: &'static str) {
    static ANSWERS: Labelled<Counter> = Labelled::new(|answer| recorder::counter(&TASKS_ASKED, &[answer]));
    ANSWERS.of(answer).increment(1);
}

#[derive(Debug)]
pub struct WorkflowMetrics {
    workflow_type: Box<str>,
    started: Counter,
    duration: Histogram,
    /// By status. There are some ten, so that a search from the front is the fastest.
    completed: RwLock<Vec<(&'static str, Counter)>>,
}

impl WorkflowMetrics {
    fn new(workflow_type: &str) -> Self {
        Self {
            workflow_type: workflow_type.into(),
            started: recorder::counter(&WORKFLOWS_STARTED, &[workflow_type]),
            duration: recorder::histogram(&WORKFLOW_DURATION, &[workflow_type]),
            completed: RwLock::default(),
        }
    }

    pub fn started(&self) {
        self.started.increment(1);
    }

    /// An execution ended with this status (`completed`, `failed`, …), so long after its start.
    pub fn completed(&self, status: &'static str, took: Duration) {
        self.duration.record(took);
        let known = self.completed.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, counter)) = known.iter().find(|(name, _)| *name == status) {
            return counter.increment(1);
        }
        drop(known);
        let counter = recorder::counter(&WORKFLOWS_COMPLETED, &[&self.workflow_type, status]);
        counter.increment(1);
        // Two threads may both come here: both counters are the same one, and the second entry is never looked at.
        self.completed.write().unwrap_or_else(PoisonError::into_inner).push((status, counter));
    }
}

#[derive(Debug)]
pub struct ActivityMetrics {
    duration: Histogram,
}

impl ActivityMetrics {
    fn new(activity_type: &str) -> Self {
        Self { duration: recorder::histogram(&ACTIVITY_DURATION, &[activity_type]) }
    }

    /// One attempt ran so long, whatever its outcome.
    pub fn ran(&self, took: Duration) {
        self.duration.record(took);
    }
}

/// What the owner of a partition counts.
#[derive(Debug)]
pub struct PartitionMetrics {
    pub inputs_applied: Counter,
    pub lag: Gauge,
    pub open_executions: Gauge,
    pub recovery_seconds: Gauge,
}

impl PartitionMetrics {
    fn new(partition: &str) -> Self {
        Self {
            inputs_applied: recorder::counter(&INPUTS_APPLIED, &[partition]),
            lag: recorder::gauge(&PARTITION_LAG, &[partition]),
            open_executions: recorder::gauge(&OPEN_EXECUTIONS, &[partition]),
            recovery_seconds: recorder::gauge(&RECOVERY, &[partition]),
        }
    }

    /// The partition goes to another owner, who speaks for it from now on: sums over all processes stay right.
    pub fn released(&self) {
        self.lag.set(0.0);
        self.open_executions.set(0.0);
    }
}
