//! `/metrics` of every service, read by Prometheus' own parser.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use sagaline_telemetry::metrics::declared;
use sagaline_telemetry_tests::{Receiver, Site, scrape, site::WITHIN, tools};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::told::{self, environment};

/// Every family as JSON: name, type, help, and its samples as name, labels, value.
const PARSE: &str = "\
import json, sys
from prometheus_client.parser import text_fd_to_metric_families
families = [
    {'name': family.name, 'type': family.type, 'help': family.documentation,
     'samples': [[sample.name, sample.labels, sample.value] for sample in family.samples]}
    for family in text_fd_to_metric_families(sys.stdin)
]
json.dump(families, sys.stdout)
";

pub(crate) struct Family(Value);

impl Family {
    /// All families of one process, by the names that they were declared with.
    pub(crate) fn all(text: &str) -> BTreeMap<String, Self> {
        let families: Vec<Value> = serde_json::from_str(&tools::python(PARSE, text)).expect("JSON");
        let named = |family: Value| {
            let name = family["name"].as_str().expect("a name");
            // The parser takes the ending of counters for granted.
            let end = if family["type"] == "counter" { "_total" } else { "" };
            (format!("{name}{end}"), Self(family))
        };
        families.into_iter().map(named).collect()
    }

    fn samples(&self) -> impl Iterator<Item = (&str, BTreeMap<&str, &str>, f64)> {
        self.0["samples"].as_array().expect("samples").iter().map(|sample| {
            let labels = sample[1].as_object().expect("labels").iter();
            let labels = labels.map(|(name, value)| (name.as_str(), value.as_str().expect("text"))).collect();
            (sample[0].as_str().expect("a name"), labels, sample[2].as_f64().expect("a number"))
        })
    }

    pub(crate) fn value(&self, labels: &[(&str, &str)]) -> Option<f64> {
        let labels: BTreeMap<&str, &str> = labels.iter().copied().collect();
        self.samples().find(|(_, of, _)| *of == labels).map(|(_, _, value)| value)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_reads_what_every_service_exposes() {
    let receiver = Receiver::listen().await;
    let site = Site::start("telemetry-metrics", environment(&receiver.url())).await;
    told::all(&site, &receiver).await;
    site.start_one("stranded", "stranded-1", Value::Null, None).await;
    until_the_queue_is_seen(&site).await;
    let mut seen = BTreeSet::new();
    for (service, text) in scrape::all(site.system.folder()).await {
        let families = Family::all(&text);
        for (name, family) in &families {
            let metric = declared::ALL.iter().find(|metric| metric.name == name);
            let metric = metric.unwrap_or_else(|| panic!("`{name}` of the {service} is declared nowhere"));
            is_as_declared(metric, family);
            seen.insert(name.clone());
        }
        says_what_happened(&service, &families);
    }
    for name in [
        "sagaline_workflows_started_total",
        "sagaline_spans_sent_total",
        "sagaline_activity_duration_seconds",
        "sagaline_queue_depth",
    ] {
        assert!(seen.contains(name), "{name} of {seen:?}");
    }
    site.system.end().await;
}

/// One task that no worker serves, and one that takes an hour.
async fn until_the_queue_is_seen(site: &Site) {
    let deadline = Instant::now() + WITHIN;
    loop {
        let scraped = scrape::all(site.system.folder()).await;
        let (_, text) = scraped.iter().find(|(service, _)| service == "orchestrator").expect("one");
        let families = Family::all(text);
        let depth = |state| families.get("sagaline_queue_depth")?.value(&[("queue", "default"), ("state", state)]);
        if (depth("pending"), depth("active")) == (Some(1.0), Some(1.0)) {
            return;
        }
        assert!(Instant::now() < deadline, "not within {WITHIN:?}: one task waits and one is with a worker\n{text}");
        sleep(Duration::from_millis(500)).await;
    }
}

fn is_as_declared(metric: &declared::Declared, family: &Family) {
    let (kind, buckets): (_, &[f64]) = match metric.kind {
        declared::Kind::Counter => ("counter", &[]),
        declared::Kind::Gauge => ("gauge", &[]),
        declared::Kind::Histogram(buckets) => ("histogram", buckets),
    };
    assert_eq!((&family.0["type"], &family.0["help"]), (&kind.into(), &metric.help.into()), "{}", metric.name);
    let mut bounds = BTreeSet::new();
    for (name, mut labels, _) in family.samples() {
        if let Some(bound) = labels.remove("le") {
            bounds.insert(bound.to_owned());
        }
        assert!(labels.keys().eq(metric.labels.iter().collect::<BTreeSet<_>>()), "{name} has {labels:?}");
    }
    let declared = buckets.iter().map(f64::to_string).chain((!buckets.is_empty()).then(|| "+Inf".to_owned()));
    assert_eq!(bounds, declared.collect(), "{}", metric.name);
}

fn says_what_happened(service: &str, families: &BTreeMap<String, Family>) {
    let value = |name: &str, labels: &[(&str, &str)]| families.get(name).and_then(|family| family.value(labels));
    let order = ("workflow_type", "order");
    match service {
        "orchestrator" => {
            assert_eq!(value("sagaline_workflows_started_total", &[order]), Some(1.0));
            let completed = &[order, ("status", "completed")];
            assert_eq!(value("sagaline_workflows_completed_total", completed), Some(1.0));
            let failed = &[("workflow_type", "refund"), ("status", "failed")];
            assert_eq!(value("sagaline_workflows_completed_total", failed), Some(1.0));
            assert_eq!(value("sagaline_step_retries_total", &[order]), Some(1.0));
            assert_eq!(value("sagaline_steps_total", completed), Some(4.0));
        }
        "executor" => {
            let fails = families["sagaline_activity_duration_seconds"].samples();
            let count = |(name, labels, _): &(&str, BTreeMap<&str, &str>, f64)| {
                name.ends_with("_count") && labels["activity_type"] == "fail"
            };
            assert_eq!(fails.filter(count).map(|(_, _, value)| value).sum::<f64>(), 3.0);
        }
        _ => {}
    }
    assert_eq!(value("sagaline_spans_dropped_total", &[("reason", "queue_full")]).unwrap_or(0.0), 0.0);
}
