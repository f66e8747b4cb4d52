//! How many nodes hold the streams, and which of them are away or behind.

use std::{collections::BTreeMap, time::Duration};

use sagaline_sdk::client::{Inspection, Replica, StreamState};

use super::super::finding::{Finding, count};

/// A leader hears of its followers every second or so. Of a node that was killed it is not said for minutes that it is offline.
const AWAY_AFTER: Duration = Duration::from_secs(5);
/// A replica may be behind by what is in flight.
const BEHIND_MAX: u64 = 10_000;

pub(super) fn nodes(facts: &Inspection) -> Vec<Finding> {
    let states: Vec<(&str, &StreamState)> =
        facts.streams.iter().filter_map(|stream| Some((stream.name.as_str(), stream.state()?))).collect();
    let most = states.iter().map(|(_, state)| state.copies).max().unwrap_or(1);
    let mut findings = vec![];
    let fewer: Vec<String> =
        states.iter().filter(|(_, state)| state.copies < most).map(|(name, _)| (*name).to_owned()).collect();
    if !fewer.is_empty() {
        let says = format!("fewer nodes hold it than the {most} that hold others: it is the weakest part");
        let todo = format!("start an orchestrator anew with `--replicas {most}`; for a queue: `nats stream edit`");
        findings.push(Finding::not_ok("replicas", says, todo).of(super::super::finding::list(&fewer)));
    }
    findings.extend(replicas(&states));
    if findings.is_empty() {
        findings.push(Finding::ok("replicas", well(most)));
    }
    findings
}

/// By node: one that is away concerns every stream that it holds.
fn replicas(states: &[(&str, &StreamState)]) -> Vec<Finding> {
    let mut away: BTreeMap<&str, u64> = BTreeMap::new();
    let mut behind: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for replica in states.iter().flat_map(|(_, state)| &state.replicas) {
        let Replica { node, current, offline, lag, unheard_for } = replica;
        if *offline || !current && AWAY_AFTER <= *unheard_for {
            *away.entry(node).or_default() += 1;
        } else if !current {
            let (streams, most) = behind.entry(node).or_default();
            (*streams, *most) = (*streams + 1, *lag.max(most));
        }
    }
    let away = away.into_iter().map(|(node, streams)| {
        let says = format!("it is away: {} one copy less, and one more such loss may stop them", have(streams));
        let todo = "start this nats-server again; it catches up by itself. Never remove its data meanwhile";
        Finding::not_ok("replicas", says, todo).of(format!("node {node}"))
    });
    let behind = behind.into_iter().map(|(node, (streams, lag))| {
        let says = format!("it is behind in {}, by up to {}", count(streams, "stream"), count(lag, "operation"));
        let todo = "wait until it has caught up before you stop another node; if it does not, see its log and disk";
        let finding = if lag < BEHIND_MAX {
            Finding::hint("replicas", says, todo)
        } else {
            Finding::not_ok("replicas", says, todo)
        };
        finding.of(format!("node {node}"))
    });
    away.chain(behind).collect()
}

fn have(streams: u64) -> String {
    let verb = if streams == 1 { "has" } else { "have" };
    format!("{} {verb}", count(streams, "stream"))
}

fn well(copies: usize) -> String {
    match copies {
        1 => "one node holds each stream: while it is down nothing goes on".to_owned(),
        2 => "two nodes hold each stream, and both must run".to_owned(),
        copies => format!("{copies} nodes hold each stream, all of them current; {} may fail", (copies - 1) / 2),
    }
}

#[cfg(test)]
mod tests {
    use sagaline_sdk::client::Found;

    use super::{
        super::{super::finding::Verdict, facts::healthy},
        *,
    };

    /// Every stream is held by three nodes, of which one is so.
    fn cluster(third: &Replica) -> Inspection {
        let mut facts = healthy();
        for stream in &mut facts.streams {
            let Found::There(state) = &mut stream.found else { continue };
            (state.copies, state.leader) = (3, Some("n1".into()));
            let second = Replica { node: "n2".into(), current: true, ..Replica::default() };
            state.replicas = vec![second, third.clone()];
        }
        facts
    }

    fn third(current: bool, offline: bool, lag: u64) -> Inspection {
        cluster(&Replica { node: "n3".into(), current, offline, lag, unheard_for: Duration::ZERO })
    }

    #[test]
    fn three_current_nodes_are_fine_and_so_is_one_alone() {
        assert_eq!(nodes(&healthy())[0].verdict, Verdict::Ok);
        let findings = nodes(&third(true, false, 0));
        assert!(findings[0].says.contains("1 may fail"), "{findings:?}");
    }

    #[test]
    fn a_node_that_is_away_is_said_once() {
        let facts = third(false, true, 0);
        let findings = nodes(&facts);
        assert_eq!(findings.len(), 1);
        assert_eq!((findings[0].verdict, findings[0].thing.as_deref()), (Verdict::NotOk, Some("node n3")));
        assert!(findings[0].says.contains(&format!("{} streams have", facts.streams.len())), "{findings:?}");
    }

    #[test]
    fn a_node_that_was_killed_is_away_before_it_is_called_offline() {
        let unheard =
            |seconds| Replica { node: "n3".into(), unheard_for: Duration::from_secs(seconds), ..Replica::default() };
        assert_eq!(nodes(&cluster(&unheard(60)))[0].thing.as_deref(), Some("node n3"));
        assert_eq!(nodes(&cluster(&unheard(60)))[0].verdict, Verdict::NotOk);
        assert_eq!(nodes(&cluster(&unheard(1)))[0].verdict, Verdict::Hint);
    }

    #[test]
    fn a_node_that_is_behind_is_a_hint_until_it_is_far_behind() {
        assert_eq!(nodes(&third(false, false, 3))[0].verdict, Verdict::Hint);
        assert_eq!(nodes(&third(false, false, BEHIND_MAX))[0].verdict, Verdict::NotOk);
    }

    #[test]
    fn a_stream_that_fewer_nodes_hold_is_named() {
        let mut facts = third(true, false, 0);
        if let Found::There(state) = &mut facts.streams[0].found {
            state.copies = 1;
        }
        let findings = nodes(&facts);
        assert_eq!(findings[0].thing.as_deref(), Some(facts.streams[0].name.as_str()));
        assert_eq!(findings[0].verdict, Verdict::NotOk);
    }
}
