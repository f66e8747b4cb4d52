//! The one place of a process where numbers come together, and their text for Prometheus.
//!
//! It is made when the first handle is asked for, so that a handle counts whether telemetry was started before or after it.

use std::sync::OnceLock;

use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use super::declared::{self, Declared, Kind};

static METADATA: Metadata<'static> = Metadata::new("sagaline", Level::INFO, None);

fn recorder() -> &'static (PrometheusRecorder, PrometheusHandle) {
    static RECORDER: OnceLock<(PrometheusRecorder, PrometheusHandle)> = OnceLock::new();
    RECORDER.get_or_init(|| {
        let recorder = declared::ALL.iter().copied().fold(PrometheusBuilder::new(), with_buckets).build_recorder();
        for &metric in declared::ALL {
            describe(&recorder, metric);
        }
        let handle = recorder.handle();
        (recorder, handle)
    })
}

fn with_buckets(builder: PrometheusBuilder, metric: &Declared) -> PrometheusBuilder {
    match metric.kind {
        Kind::Counter | Kind::Gauge => builder,
        Kind::Histogram(buckets) => builder
            .set_buckets_for_metric(Matcher::Full(metric.name.to_owned()), buckets)
            .expect("a declared histogram has buckets"),
    }
}

fn describe(recorder: &PrometheusRecorder, metric: &Declared) {
    let (name, help) = (metric.name.into(), metric.help.into());
    match metric.kind {
        Kind::Counter => recorder.describe_counter(name, None, help),
        Kind::Gauge => recorder.describe_gauge(name, None, help),
        Kind::Histogram(_) => recorder.describe_histogram(name, None, help),
    }
}

/// Takes in what activities count through the `metrics` crate themselves. A host that has a recorder of its own keeps it: then theirs
/// goes there, and ours is still served here.
pub(crate) fn install() {
    if metrics::set_global_recorder(&recorder().0).is_err() {
        tracing::debug!("this process has a recorder of metrics already; it keeps it");
    }
}

/// Folds what was recorded into buckets.
pub(crate) fn keep_up() {
    recorder().1.run_upkeep();
}

/// All metrics of this process in the text format of Prometheus.
pub fn render() -> String {
    recorder().1.render()
}

pub(super) fn counter(metric: &'static Declared, values: &[&str]) -> Counter {
    recorder().0.register_counter(&key(metric, values), &METADATA)
}

pub(super) fn gauge(metric: &'static Declared, values: &[&str]) -> Gauge {
    recorder().0.register_gauge(&key(metric, values), &METADATA)
}

pub(super) fn histogram(metric: &'static Declared, values: &[&str]) -> Histogram {
    recorder().0.register_histogram(&key(metric, values), &METADATA)
}

fn key(metric: &'static Declared, values: &[&str]) -> Key {
    debug_assert_eq!(metric.labels.len(), values.len(), "{} has one value per label", metric.name);
    let labels = metric.labels.iter().zip(values).map(|(label, value)| Label::new(*label, (*value).to_owned()));
    Key::from_parts(metric.name, labels.collect::<Vec<_>>())
}
