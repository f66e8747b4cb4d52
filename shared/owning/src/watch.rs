//! What an owner reports, as logs, metrics and readiness.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use sagaline_broker::{names::LogKind, nats, owner::Watcher, ports::Sequence};
use sagaline_model::Moment;
use sagaline_telemetry::{
    health::Part,
    metrics::{self, Gauge, PartitionMetrics, SagaGauges},
};

/// Says what the owner of one partition reports.
pub struct Watch {
    partition: u32,
    metrics: Arc<PartitionMetrics>,
    counts: Counts,
    health: Part,
    /// What is retried again and again is logged once in a while.
    retries: Quiet,
}

/// Where the number of states goes.
enum Counts {
    Executions,
    Sagas(Arc<SagaGauges>),
    Schedules(Gauge),
}

impl Watch {
    pub fn new(kind: LogKind, partition: u32, health: Part) -> Self {
        let (metrics, counts) = match kind {
            LogKind::Runs => (metrics::partition(partition), Counts::Executions),
            LogKind::Sagas => {
                let gauges = metrics::sagas_of_partition(partition);
                (metrics::partition_called(&kind.label(partition)), Counts::Sagas(gauges))
            }
            LogKind::Schedules => {
                let gauge = metrics::schedules_of_partition(partition);
                (metrics::partition_called(&kind.label(partition)), Counts::Schedules(gauge))
            }
        };
        Self { partition, metrics, counts, health, retries: Quiet::default() }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.metrics.released();
        match &self.counts {
            Counts::Executions => {}
            Counts::Sagas(gauges) => gauges.open.set(0.0),
            Counts::Schedules(gauge) => gauge.set(0.0),
        }
    }
}

impl Watcher for Watch {
    fn recovered(&mut self, took: Duration, folded: u64, states: usize) {
        self.metrics.recovery_seconds.set(took.as_secs_f64());
        self.health.ready();
        let took_ms = took.as_secs_f64() * 1000.0;
        tracing::info!(partition = self.partition, took_ms, folded, open = states, "recovered");
    }

    fn applied(&mut self, _sequence: Sequence, time: Moment) {
        self.metrics.inputs_applied.increment(1);
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let stored = Duration::from_nanos(u64::try_from(time.as_nanos()).unwrap_or(0));
        self.metrics.lag.set(now.saturating_sub(stored).as_secs_f64());
    }

    fn states(&mut self, count: usize) {
        match &self.counts {
            Counts::Executions => self.metrics.open_executions.set(count as f64),
            Counts::Sagas(gauges) => gauges.open.set(count as f64),
            Counts::Schedules(gauge) => gauge.set(count as f64),
        }
    }

    fn rejected(&mut self, reason: &'static str, detail: &str, sequence: Sequence) {
        metrics::rejected(reason);
        tracing::warn!(partition = self.partition, sequence, reason, detail, "rejected an entry of the log");
    }

    fn retried(&mut self, subject: &str, why: &str) {
        metrics::publish_retried(stream_of(subject));
        if let Some(unsaid) = self.retries.say() {
            tracing::warn!(partition = self.partition, subject, why, unsaid, "tries again");
        }
    }

    fn shortened(&mut self, what: &str) {
        tracing::warn!(partition = self.partition, "{what}");
    }

    fn alarm(&mut self, what: &str) {
        tracing::error!(partition = self.partition, "{what}");
    }
}

/// What a subject leads to, as a label: few values, whatever the subject.
fn stream_of(subject: &str) -> &'static str {
    let known = [".run.", ".queue.", ".lifecycle.", ".rejected.", "$KV.", ".saga.", ".schedule."];
    let found = known.iter().position(|part| subject.contains(part));
    ["runs", "queue", "lifecycle", "rejected", "bucket", "sagas", "schedules"]
        .get(found.unwrap_or(usize::MAX))
        .copied()
        .unwrap_or("other")
}

/// Lets something through once a second, and counts what it held back.
#[derive(Default)]
struct Quiet {
    last: Duration,
    unsaid: u64,
}

impl Quiet {
    fn say(&mut self) -> Option<u64> {
        let now = nats::boot();
        if now < self.last + Duration::from_secs(1) {
            self.unsaid += 1;
            return None;
        }
        self.last = now;
        Some(std::mem::take(&mut self.unsaid))
    }
}
