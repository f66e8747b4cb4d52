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

/// All of them.
pub static ALL: [&Declared; 11] = [
    &WORKFLOWS_STARTED,
    &WORKFLOWS_COMPLETED,
    &WORKFLOW_DURATION,
    &ACTIVITY_DURATION,
    &INPUTS_APPLIED,
    &PARTITION_LAG,
    &OPEN_EXECUTIONS,
    &PUBLISH_RETRIES,
    &REJECTED,
    &TASKS_ASKED,
    &RECOVERY,
];
