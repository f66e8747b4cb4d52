//! The page for operators against what is declared.

use std::collections::BTreeSet;

use sagaline_telemetry::metrics::declared::{self, Kind};

/// The rows of the table under `## Metrics`: name, type, labels.
fn documented() -> Vec<(String, String, String)> {
    let page = include_str!("../../../docs/operations.md");
    let (_, section) = page.split_once("\n## Metrics\n").expect("the page has a section on metrics");
    let section = section.split("\n## ").next().expect("a split has a first part");
    let rows = section.lines().filter(|line| line.starts_with("| `sagaline_"));
    let cell =
        |row: &str, place| row.split('|').nth(place).map(|cell: &str| cell.trim().replace('`', "")).expect("a cell");
    rows.map(|row| (cell(row, 1), cell(row, 2), cell(row, 3))).collect()
}

#[test]
fn every_metric_is_on_the_page_and_nothing_else() {
    let mut declared: Vec<_> = declared::ALL
        .iter()
        .map(|metric| {
            let kind = match metric.kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::Histogram(_) => "histogram",
            };
            (metric.name.to_owned(), kind.to_owned(), metric.labels.join(", "))
        })
        .collect();
    let mut documented = documented();
    declared.sort();
    documented.sort();
    assert_eq!(documented, declared);
}

#[test]
fn the_page_says_the_buckets() {
    let page = include_str!("../../../docs/operations.md");
    for metric in declared::ALL {
        let Kind::Histogram(buckets) = metric.kind else { continue };
        let buckets: Vec<String> = buckets.iter().map(f64::to_string).collect();
        let line = format!("`{}`: {}", metric.name, buckets.join(", "));
        assert!(page.contains(&line), "{line}");
    }
}

/// An alert on a metric that is not there never fires.
#[test]
fn alerts_are_about_metrics_that_there_are() {
    let alerts = include_str!("../../../deploy/prometheus/alerts.yml");
    let words = alerts.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let named: BTreeSet<&str> = words.filter(|word| word.starts_with("sagaline_")).collect();
    assert!(named.len() > 5, "{named:?}");
    // A histogram is there as three.
    let is_declared = |name: &str| {
        declared::ALL.iter().any(|metric| match metric.kind {
            Kind::Histogram(_) => {
                name.strip_prefix(metric.name).is_some_and(|part| matches!(part, "_bucket" | "_sum" | "_count"))
            }
            Kind::Counter | Kind::Gauge => metric.name == name,
        })
    };
    let unknown: Vec<_> = named.into_iter().filter(|name| !is_declared(name)).collect();
    assert_eq!(unknown, Vec::<&str>::new());
}
