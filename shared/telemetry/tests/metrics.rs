//! The text that Prometheus reads, against what is declared.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use sagaline_telemetry::{
    Telemetry, TelemetrySettings,
    metrics::{self, MOST_VALUES, OTHER, declared},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// One series: `name{label="value",…} 3`.
#[derive(Debug)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

/// A text in Prometheus' format, read strictly.
#[derive(Debug, Default)]
struct Exposition {
    help: BTreeMap<String, String>,
    types: BTreeMap<String, String>,
    samples: Vec<Sample>,
}

impl Exposition {
    fn read(text: &str) -> Self {
        assert!(text.ends_with('\n'), "the last line ends");
        let mut read = Self::default();
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')) {
                assert!(read.help.insert(name.into(), help.into()).is_none(), "twice: {line}");
            } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
                assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
                assert!(read.types.insert(name.into(), kind.into()).is_none(), "twice: {line}");
            } else {
                let sample = Sample::read(line);
                assert!(read.type_of(&sample.name).is_some(), "no type before {line}");
                read.samples.push(sample);
            }
        }
        read
    }

    fn type_of(&self, series: &str) -> Option<&str> {
        let base = ["_bucket", "_sum", "_count"].into_iter().find_map(|end| series.strip_suffix(end));
        let of_histogram = base.and_then(|base| self.types.get(base)).filter(|kind| *kind == "histogram");
        self.types.get(series).or(of_histogram).map(String::as_str)
    }

    fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let labels: BTreeMap<_, _> =
            labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.samples.iter().find(|sample| sample.name == name && sample.labels == labels).map(|sample| sample.value)
    }
}

impl Sample {
    fn read(line: &str) -> Self {
        let (series, value) = line.rsplit_once(' ').expect(line);
        let (name, inside) = series.strip_suffix('}').map_or((series, ""), |open| open.split_once('{').expect(line));
        assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'), "{line}");
        let pair = |pair: &str| {
            let (label, quoted) = pair.split_once('=').expect(line);
            let value = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).expect(line);
            (label.to_owned(), value.to_owned())
        };
        let labels = inside.split(',').filter(|pair| !pair.is_empty()).map(pair).collect();
        Self { name: name.to_owned(), labels, value: value.parse().expect(line) }
    }
}

fn count_everything() {
    let order = metrics::workflow("order");
    order.started();
    order.started();
    for seconds in [0, 4, 700] {
        order.completed("completed", Duration::from_secs(seconds));
    }
    order.completed("failed", Duration::from_secs(30));
    order.step_done("completed");
    order.step_retries.increment(2);
    order.signals.increment(1);
    let queue = metrics::queue("default");
    queue.pending.set(12.0);
    queue.active.set(3.0);
    metrics::activity("payments.charge").ran(Duration::from_millis(300));
    let partition = metrics::partition(3);
    partition.inputs_applied.increment(7);
    partition.lag.set(2.0);
    partition.open_executions.set(40.0);
    partition.recovery_seconds.set(1.5);
    metrics::publish_retried("LIFECYCLE");
    metrics::rejected("unreadable");
    metrics::task_asked("wanted");
}

async fn scraped(telemetry: &Telemetry) -> String {
    let mut stream = TcpStream::connect(telemetry.http_addr().expect("an address")).await.expect("a connection");
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: test\r\n\r\n").await.expect("it is taken");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    assert!(head.contains("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"), "{head}");
    body.to_owned()
}

#[tokio::test]
async fn what_is_served_is_what_is_declared() {
    // Counted before telemetry starts, as a service may: nothing of it is lost.
    count_everything();
    let http = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let telemetry = Telemetry::start(TelemetrySettings { http, ..TelemetrySettings::new("test") }).expect("it starts");
    let text = scraped(&telemetry).await;
    let served = Exposition::read(&text);

    let is_served = |metric: &&&declared::Declared| served.types.contains_key(metric.name);
    for metric in declared::ALL.iter().filter(is_served) {
        let (kind, buckets) = match metric.kind {
            declared::Kind::Counter => ("counter", None),
            declared::Kind::Gauge => ("gauge", None),
            declared::Kind::Histogram(buckets) => ("histogram", Some(buckets)),
        };
        assert_eq!(served.types.get(metric.name).map(String::as_str), Some(kind), "{}", metric.name);
        assert_eq!(served.help.get(metric.name).map(String::as_str), Some(metric.help));
        let of_metric = |sample: &&Sample| {
            sample.name.strip_prefix(metric.name).is_some_and(|end| end.is_empty() || end.starts_with('_'))
        };
        let mut bounds = BTreeSet::new();
        for sample in served.samples.iter().filter(of_metric) {
            bounds.extend(sample.labels.get("le").cloned());
            let labels: BTreeSet<_> = sample.labels.keys().map(String::as_str).filter(|label| *label != "le").collect();
            assert_eq!(labels, metric.labels.iter().copied().collect(), "{}", sample.name);
        }
        let declared: BTreeSet<_> =
            buckets.into_iter().flatten().map(f64::to_string).chain(buckets.map(|_| "+Inf".into())).collect();
        assert_eq!(bounds, declared, "{}", metric.name);
    }
    let is_declared = |name: &&String| declared::ALL.iter().any(|metric| metric.name == name.as_str());
    let undeclared: Vec<_> = served.types.keys().filter(|name| !is_declared(name)).collect();
    assert_eq!(undeclared, Vec::<&String>::new());
    let unserved = DRAWN.iter().find(|(name, _)| !served.types.contains_key(*name));
    assert_eq!(unserved, None);

    let of = |name: &str, labels: &[(&str, &str)]| served.value(name, labels);
    let order = ("workflow_type", "order");
    assert_eq!(of("sagaline_workflows_started_total", &[order]), Some(2.0));
    assert_eq!(of("sagaline_workflows_completed_total", &[order, ("status", "completed")]), Some(3.0));
    assert_eq!(of("sagaline_workflows_completed_total", &[order, ("status", "failed")]), Some(1.0));
    let below = |bound| of("sagaline_workflow_duration_seconds_bucket", &[order, ("le", bound)]);
    assert_eq!(["1", "5", "30", "600", "+Inf"].map(below), [1.0, 2.0, 3.0, 3.0, 4.0].map(Some));
    assert_eq!(of("sagaline_workflow_duration_seconds_sum", &[order]), Some(734.0));
    assert_eq!(of("sagaline_queue_depth", &[("queue", "default"), ("state", "pending")]), Some(12.0));
    assert_eq!(of("sagaline_steps_total", &[order, ("status", "completed")]), Some(1.0));
    assert_eq!(of("sagaline_inputs_applied_total", &[("partition", "3")]), Some(7.0));
    assert_eq!(of("sagaline_recovery_seconds", &[("partition", "3")]), Some(1.5));
    telemetry.shutdown().await;
}

/// Names and labels that dashboards were drawn for before there was anything to draw.
const DRAWN: [(&str, &[&str]); 5] = [
    ("sagaline_workflows_started_total", &["workflow_type"]),
    ("sagaline_workflows_completed_total", &["workflow_type", "status"]),
    ("sagaline_workflow_duration_seconds", &["workflow_type"]),
    ("sagaline_activity_duration_seconds", &["activity_type"]),
    ("sagaline_queue_depth", &["queue", "state"]),
];

#[test]
fn the_names_and_buckets_that_dashboards_go_by() {
    for (name, labels) in DRAWN {
        let declared = declared::ALL.iter().find(|metric| metric.name == name);
        assert_eq!(declared.map(|metric| metric.labels), Some(labels), "{name}");
    }
    let buckets = |metric: &declared::Declared| match metric.kind {
        declared::Kind::Histogram(buckets) => buckets,
        declared::Kind::Counter | declared::Kind::Gauge => &[],
    };
    assert_eq!(buckets(&declared::WORKFLOW_DURATION), [1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0]);
    assert_eq!(buckets(&declared::ACTIVITY_DURATION), [0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0]);
}

/// An execution, a step or an attempt is a label of nothing: there are as many of them as there is work.
#[test]
fn no_label_grows_with_the_work() {
    let bounded = [
        "workflow_type",
        "activity_type",
        "queue",
        "partition",
        "status",
        "state",
        "reason",
        "answer",
        "stream",
        "service",
        "bucket",
        "how",
    ];
    let labels = declared::ALL.iter().flat_map(|metric| metric.labels.iter().map(|label| (metric.name, *label)));
    let unknown: Vec<_> = labels.filter(|(_, label)| !bounded.contains(label)).collect();
    assert_eq!(unknown, [], "is the number of its values bounded? Then add it here");
}

#[test]
fn a_released_partition_is_spoken_for_by_its_next_owner() {
    let partition = metrics::partition(9);
    partition.lag.set(12.0);
    partition.open_executions.set(3.0);
    partition.released();
    let served = Exposition::read(&metrics::render());
    for name in ["sagaline_partition_lag", "sagaline_open_executions"] {
        assert_eq!(served.value(name, &[("partition", "9")]), Some(0.0), "{name}");
    }
}

/// As many activity types as anybody likes cost a bounded number of series.
#[test]
fn types_beyond_the_limit_are_counted_together() {
    for number in 0..MOST_VALUES + 50 {
        metrics::activity(&format!("bulk.{number}")).ran(Duration::from_millis(1));
    }
    let served = Exposition::read(&metrics::render());
    let counts: Vec<_> =
        served.samples.iter().filter(|sample| sample.name == "sagaline_activity_duration_seconds_count").collect();
    assert_eq!(counts.len(), MOST_VALUES + 1);
    let others = served.value("sagaline_activity_duration_seconds_count", &[("activity_type", OTHER)]);
    assert!(others.is_some_and(|others| others >= 50.0), "{others:?}");
}
