//! Every metric: its name, labels, buckets and help. Dashboards and alerts go by what stands here; nothing else is ever exposed by Sagaline.

/// A metric as it is exposed.
#[derive(Debug)]
pub struct Declared {
    pub name: &'static str,
    pub kind: Kind,
    pub labels: &'static [&'static str],
    pub help: &'static str,
}

#[derive(Debug)]
pub enum Kind {
    Counter,
    Gauge,
    /// With the upper bounds of its buckets, in seconds.
    Histogram(&'static [f64]),
}

pub static WORKFLOWS_STARTED: Declared = Declared {
    name: "sagaline_workflows_started_total",
    kind: Kind::Counter,
    labels: &["workflow_type"],
    help: "Executions started",
};

pub static WORKFLOWS_COMPLETED: Declared = Declared {
    name: "sagaline_workflows_completed_total",
    kind: Kind::Counter,
    labels: &["workflow_type", "status"],
    help: "Executions ended, by their last status",
};

pub static WORKFLOW_DURATION: Declared = Declared {
    name: "sagaline_workflow_duration_seconds",
    kind: Kind::Histogram(&[1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0]),
    labels: &["workflow_type"],
    help: "Time from the start of an execution to its end",
};

pub static ACTIVITY_DURATION: Declared = Declared {
    name: "sagaline_activity_duration_seconds",
    kind: Kind::Histogram(&[0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0]),
    labels: &["activity_type"],
    help: "Time that one attempt of an activity ran, whatever its outcome",
};

pub static STEPS: Declared = Declared {
    name: "sagaline_steps_total",
    kind: Kind::Counter,
    labels: &["workflow_type", "status"],
    help: "Steps that are done, by how: completed, failed, timed_out, skipped, cancelled",
};

pub static STEP_RETRIES: Declared = Declared {
    name: "sagaline_step_retries_total",
    kind: Kind::Counter,
    labels: &["workflow_type"],
    help: "Attempts of steps that failed and are followed by another",
};

pub static SIGNALS: Declared = Declared {
    name: "sagaline_signals_total",
    kind: Kind::Counter,
    labels: &["workflow_type"],
    help: "Signals that came to executions at work",
};

pub static INPUTS_APPLIED: Declared = Declared {
    name: "sagaline_inputs_applied_total",
    kind: Kind::Counter,
    labels: &["partition"],
    help: "Inputs that the owner of a partition applied",
};

pub static PARTITION_LAG: Declared = Declared {
    name: "sagaline_partition_lag",
    kind: Kind::Gauge,
    labels: &["partition"],
    help: "How long the last input that was applied had been stored, in seconds",
};

pub static OPEN_EXECUTIONS: Declared = Declared {
    name: "sagaline_open_executions",
    kind: Kind::Gauge,
    labels: &["partition"],
    help: "Executions of a partition that have not ended",
};

pub static PUBLISH_RETRIES: Declared = Declared {
    name: "sagaline_publish_retries_total",
    kind: Kind::Counter,
    labels: &["stream"],
    help: "Publishes done again because the one before was not acknowledged",
};

pub static REJECTED: Declared = Declared {
    name: "sagaline_rejected_total",
    kind: Kind::Counter,
    labels: &["reason"],
    help: "Messages set aside because they cannot be read or may not be applied",
};

pub static TASKS_ASKED: Declared = Declared {
    name: "sagaline_tasks_asked_total",
    kind: Kind::Counter,
    labels: &["answer"],
    help: "Tasks about which the owner was asked before they ran, by its answer",
};

pub static RECOVERY: Declared = Declared {
    name: "sagaline_recovery_seconds",
    kind: Kind::Gauge,
    labels: &["partition"],
    help: "Time that the last takeover of a partition needed until it was live",
};

pub static PARTITIONS_OWNED: Declared = Declared {
    name: "sagaline_partitions_owned",
    kind: Kind::Gauge,
    labels: &["service"],
    help: "Partitions that this process owns",
};

pub static HAND_OVERS: Declared = Declared {
    name: "sagaline_hand_overs_total",
    kind: Kind::Counter,
    labels: &["service", "how"],
    help: "Partitions that this process owned and let go of: handed_over, lost, failed",
};

pub static STARTS_ADMITTED: Declared = Declared {
    name: "sagaline_starts_admitted",
    kind: Kind::Gauge,
    labels: &[],
    help: "Whether every stream has room for new executions: 1, or 0 while starts that lead to a full one are refused",
};

pub static STREAM_FILL: Declared = Declared {
    name: "sagaline_fullest_stream_ratio",
    kind: Kind::Gauge,
    labels: &[],
    help: "How full the fullest of the streams is that new executions lead to, from 0 to 1",
};

pub static QUEUE_DEPTH: Declared = Declared {
    name: "sagaline_queue_depth",
    kind: Kind::Gauge,
    labels: &["queue", "state"],
    help: "Tasks in a queue: pending ones wait for a worker, active ones are with one, scheduled ones and those to retry come later",
};

pub static SPANS_SENT: Declared = Declared {
    name: "sagaline_spans_sent_total",
    kind: Kind::Counter,
    labels: &[],
    help: "Spans that the collector took",
};

pub static SPANS_DROPPED: Declared = Declared {
    name: "sagaline_spans_dropped_total",
    kind: Kind::Counter,
    labels: &["reason"],
    help: "Spans that did not reach the collector: queue_full, not_taken",
};

pub static ACTIVITY_DIFFERED: Declared = Declared {
    name: "sagaline_activity_differed_total",
    kind: Kind::Counter,
    labels: &["activity_type"],
    help: "Attempts run twice on purpose whose second run ended otherwise than the first",
};

pub static SAGAS_STARTED: Declared = Declared {
    name: "sagaline_sagas_started_total",
    kind: Kind::Counter,
    labels: &["workflow_type"],
    help: "Sagas started: executions whose steps are undone",
};

pub static SAGAS_COMPLETED: Declared = Declared {
    name: "sagaline_sagas_completed_total",
    kind: Kind::Counter,
    labels: &["workflow_type", "status"],
    help: "Sagas over, by how: completed, resolved",
};

pub static SAGA_STEPS: Declared = Declared {
    name: "sagaline_sagas_steps_total",
    kind: Kind::Counter,
    labels: &["status"],
    help: "Steps of sagas, by what came of them: compensated, skipped, stuck (which may be tried again)",
};

pub static SAGAS_OPEN: Declared = Declared {
    name: "sagaline_sagas_open",
    kind: Kind::Gauge,
    labels: &["partition"],
    help: "Sagas of a partition that are kept: at work, stuck, or over and still hearing of late successes",
};

pub static SAGAS_STUCK: Declared = Declared {
    name: "sagaline_sagas_stuck",
    kind: Kind::Gauge,
    labels: &["partition"],
    help: "Sagas of a partition that are stuck: somebody has to help",
};

pub static SCHEDULES: Declared = Declared {
    name: "sagaline_schedules",
    kind: Kind::Gauge,
    labels: &["partition"],
    help: "Schedules of a partition that are kept, also those that have no tick any more",
};

pub static SCHEDULE_TICKS: Declared = Declared {
    name: "sagaline_schedules_ticks_total",
    kind: Kind::Counter,
    labels: &["status"],
    help: "Ticks of schedules, by what became of them: fired, skipped",
};

pub static SCHEDULE_LATENESS: Declared = Declared {
    name: "sagaline_schedules_lateness_seconds",
    kind: Kind::Histogram(&[0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 60.0]),
    labels: &[],
    help: "How much later than it was due something was started",
};

/// All of them.
pub static ALL: &[&Declared] = &[
    &WORKFLOWS_STARTED,
    &WORKFLOWS_COMPLETED,
    &WORKFLOW_DURATION,
    &ACTIVITY_DURATION,
    &STEPS,
    &STEP_RETRIES,
    &SIGNALS,
    &INPUTS_APPLIED,
    &PARTITION_LAG,
    &OPEN_EXECUTIONS,
    &PUBLISH_RETRIES,
    &REJECTED,
    &TASKS_ASKED,
    &RECOVERY,
    &PARTITIONS_OWNED,
    &HAND_OVERS,
    &STARTS_ADMITTED,
    &STREAM_FILL,
    &QUEUE_DEPTH,
    &SPANS_SENT,
    &SPANS_DROPPED,
    &ACTIVITY_DIFFERED,
    &SAGAS_STARTED,
    &SAGAS_COMPLETED,
    &SAGA_STEPS,
    &SAGAS_OPEN,
    &SAGAS_STUCK,
    &SCHEDULES,
    &SCHEDULE_TICKS,
    &SCHEDULE_LATENESS,
];
