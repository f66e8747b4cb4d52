//! Facts to findings: pure. Every rule stands beside the numbers it goes by.

mod durability;
mod nodes;
mod partitions;
mod queues;
mod rejected;
mod room;
mod sagas;
mod schedules;
mod server;
mod sources;
mod streams;

#[cfg(test)]
mod facts;

use sagaline_broker::nats::Durability;
use sagaline_sdk::client::Inspection;

use super::finding::{Finding, Verdict};

/// Everything that is to be said, in the order in which things stand on each other.
pub(super) fn judge(facts: &Inspection, durability: Option<&Durability>) -> Vec<Finding> {
    [
        server::server(facts),
        server::clock(facts),
        streams::streams(facts),
        room::room(facts),
        nodes::nodes(facts),
        durability::durability(durability),
        partitions::partitions(facts),
        queues::queues(facts),
        queues::events(facts),
        sources::sources(facts),
        sagas::sagas(facts),
        schedules::schedules(facts),
        rejected::rejected(facts),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What is wrong with some of many things, or that nothing is.
fn or_ok(findings: Vec<Finding>, ok: impl FnOnce() -> Finding) -> Vec<Finding> {
    if findings.is_empty() { vec![ok()] } else { findings }
}

/// Whether nothing is broken; hints are allowed.
pub(super) fn is_well(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| finding.verdict != Verdict::NotOk)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = include_str!("../../../../../docs/operations.md");

    #[test]
    fn a_healthy_system_has_no_finding_that_is_not_ok() {
        let findings = judge(&facts::healthy(), None);
        assert!(is_well(&findings), "{findings:?}");
    }

    #[test]
    fn every_check_is_explained_to_operators() {
        for Finding { check, .. } in judge(&facts::healthy(), None) {
            assert!(PAGE.contains(&format!("| `{check}` |")), "docs/operations.md does not explain `{check}`");
        }
    }
}
