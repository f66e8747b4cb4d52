//! What is counted. Handles are made once per label and then cost an atomic each: nothing is formatted on a hot path.
//!
//! Which metrics there are, [`declared`] says. Whoever counts does so through the functions here, and keeps the handle where it counts often.

pub mod declared;
mod labelled;
mod recorder;

use std::{
    sync::{Arc, LazyLock, PoisonError, RwLock},
    time::Duration,
};

use metrics::{Counter, Histogram};

pub use labelled::{MOST_VALUES, OTHER};
pub use metrics::Gauge;
pub use recorder::render;
pub(crate) use recorder::{install, keep_up};

use declared::{
    ACTIVITY_DIFFERED, ACTIVITY_DURATION, Declared, HAND_OVERS, INPUTS_APPLIED, OPEN_EXECUTIONS, PARTITION_LAG,
    PARTITIONS_OWNED, PUBLISH_RETRIES, QUEUE_DEPTH, RECOVERY, REJECTED, SAGA_STEPS, SAGAS_COMPLETED, SAGAS_OPEN,
    SAGAS_STARTED, SAGAS_STUCK, SCHEDULE_LATENESS, SCHEDULE_TICKS, SCHEDULES, SIGNALS, SPANS_DROPPED, SPANS_SENT,
    STARTS_ADMITTED, STEP_RETRIES, STEPS, STREAM_FILL, TASKS_ASKED, WORKFLOW_DURATION, WORKFLOWS_COMPLETED,
    WORKFLOWS_STARTED,
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

/// Those of a partition of another service, whose label says of which.
pub fn partition_called(label: &str) -> Arc<PartitionMetrics> {
    static PARTITIONS: Labelled<PartitionMetrics> = Labelled::new(PartitionMetrics::new);
    PARTITIONS.of(label)
}

/// The sagas of a partition. Its owner asks once and keeps them.
pub fn sagas_of_partition(partition: u32) -> Arc<SagaGauges> {
    static PARTITIONS: Labelled<SagaGauges> = Labelled::new(SagaGauges::new);
    PARTITIONS.of(&partition.to_string())
}

/// A saga of a workflow type began.
pub fn saga_started(workflow_type: &str) {
    static WORKFLOWS: Labelled<Counter> = Labelled::new(|name| recorder::counter(&SAGAS_STARTED, &[name]));
    WORKFLOWS.of(workflow_type).increment(1);
}

/// One is over: `completed` or `resolved`.
pub fn saga_over(workflow_type: &str, status: &'static str) {
    static COMPLETED: Labelled<Counter> =
        Labelled::new(|name| recorder::counter(&SAGAS_COMPLETED, &[name, "completed"]));
    static RESOLVED: Labelled<Counter> = Labelled::new(|name| recorder::counter(&SAGAS_COMPLETED, &[name, "resolved"]));
    if status == "resolved" { &RESOLVED } else { &COMPLETED }.of(workflow_type).increment(1);
}

/// A step of a saga: `compensated`, `skipped`, or `stuck`.
pub fn saga_step(what: &'static str) {
    recorder::counter(&SAGA_STEPS, &[what]).increment(1);
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

/// The schedules of a partition.
pub fn schedules_of_partition(partition: u32) -> Gauge {
    recorder::gauge(&SCHEDULES, &[&partition.to_string()])
}

/// A tick started something, so much later than it was to; nothing, if it was not to start by itself.
pub fn schedule_fired(late: Option<Duration>) {
    static FIRED: LazyLock<(Counter, Histogram)> = LazyLock::new(|| {
        (recorder::counter(&SCHEDULE_TICKS, &["fired"]), recorder::histogram(&SCHEDULE_LATENESS, &[]))
    });
    let (count, lateness) = &*FIRED;
    count.increment(1);
    if let Some(late) = late {
        lateness.record(late);
    }
}

/// So many started nothing.
pub fn schedule_skipped(count: u64) {
    recorder::counter(&SCHEDULE_TICKS, &["skipped"]).increment(count);
}

/// Two runs of one attempt of an activity ended differently.
pub fn activity_differed(activity_type: &str) {
    static ACTIVITIES: Labelled<Counter> = Labelled::new(|activity| recorder::counter(&ACTIVITY_DIFFERED, &[activity]));
    ACTIVITIES.of(activity_type).increment(1);
}

/// How many partitions a service of this process owns.
pub fn partitions_owned(service: &str, count: usize) {
    recorder::gauge(&PARTITIONS_OWNED, &[service]).set(count as f64);
}

/// Whether new executions are let in everywhere, and how full the fullest stream is that they lead to.
pub fn starts_admitted(everywhere: bool, fullest: f64) {
    recorder::gauge(&STARTS_ADMITTED, &[]).set(f64::from(u8::from(everywhere)));
    recorder::gauge(&STREAM_FILL, &[]).set(fullest);
}

/// It let go of one: `handed_over`, `lost` or `failed`.
pub fn let_go_of_partition(service: &str, how: &'static str) {
    recorder::counter(&HAND_OVERS, &[service, how]).increment(1);
}

/// How many tasks of a queue wait for a worker, and how many are with one.
pub fn queue(queue: &str) -> Arc<QueueMetrics> {
    static QUEUES: Labelled<QueueMetrics> = Labelled::new(QueueMetrics::new);
    QUEUES.of(queue)
}

/// What the collector took.
pub(crate) fn spans_sent() -> Counter {
    recorder::counter(&SPANS_SENT, &[])
}

/// What it did not get.
pub(crate) fn spans_dropped(reason: &'static str) -> Counter {
    recorder::counter(&SPANS_DROPPED, &[reason])
}

#[derive(Debug)]
pub struct WorkflowMetrics {
    started: Counter,
    duration: Histogram,
    completed: Statuses,
    steps: Statuses,
    pub step_retries: Counter,
    pub signals: Counter,
}

impl WorkflowMetrics {
    fn new(workflow_type: &str) -> Self {
        Self {
            started: recorder::counter(&WORKFLOWS_STARTED, &[workflow_type]),
            duration: recorder::histogram(&WORKFLOW_DURATION, &[workflow_type]),
            completed: Statuses::of(&WORKFLOWS_COMPLETED, workflow_type),
            steps: Statuses::of(&STEPS, workflow_type),
            step_retries: recorder::counter(&STEP_RETRIES, &[workflow_type]),
            signals: recorder::counter(&SIGNALS, &[workflow_type]),
        }
    }

    pub fn started(&self) {
        self.started.increment(1);
    }

    /// An execution ended with this status (`completed`, `failed`, …), so long after its start.
    pub fn completed(&self, status: &'static str, took: Duration) {
        self.duration.record(took);
        self.completed.count(status);
    }

    /// A step is done, with this status.
    pub fn step_done(&self, status: &'static str) {
        self.steps.count(status);
    }
}

/// A counter for each status of a workflow type.
#[derive(Debug)]
struct Statuses {
    metric: &'static Declared,
    workflow_type: Box<str>,
    /// There are some ten, so that a search from the front is the fastest.
    counters: RwLock<Vec<(&'static str, Counter)>>,
}

impl Statuses {
    fn of(metric: &'static Declared, workflow_type: &str) -> Self {
        Self { metric, workflow_type: workflow_type.into(), counters: RwLock::default() }
    }

    fn count(&self, status: &'static str) {
        let known = self.counters.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, counter)) = known.iter().find(|(name, _)| *name == status) {
            return counter.increment(1);
        }
        drop(known);
        let counter = recorder::counter(self.metric, &[&self.workflow_type, status]);
        counter.increment(1);
        // Two threads may both come here: both counters are the same one, and the second entry is never looked at.
        self.counters.write().unwrap_or_else(PoisonError::into_inner).push((status, counter));
    }
}

/// How much a queue holds.
#[derive(Debug)]
pub struct QueueMetrics {
    pub pending: Gauge,
    pub active: Gauge,
    pub scheduled: Gauge,
    pub retry: Gauge,
}

impl QueueMetrics {
    fn new(queue: &str) -> Self {
        let of_state = |state| recorder::gauge(&QUEUE_DEPTH, &[queue, state]);
        let (pending, active) = (of_state("pending"), of_state("active"));
        Self { pending, active, scheduled: of_state("scheduled"), retry: of_state("retry") }
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

/// What the owner of a partition of sagas sees.
#[derive(Debug)]
pub struct SagaGauges {
    pub open: Gauge,
    pub stuck: Gauge,
}

impl SagaGauges {
    fn new(partition: &str) -> Self {
        Self { open: recorder::gauge(&SAGAS_OPEN, &[partition]), stuck: recorder::gauge(&SAGAS_STUCK, &[partition]) }
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
