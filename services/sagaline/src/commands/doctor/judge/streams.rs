//! Streams and buckets: there, led, and as declared.

use sagaline_sdk::client::{Found, Inspection, StreamFacts, StreamKind};

use super::{
    super::finding::{Finding, count, list},
    or_ok,
};

pub(super) fn streams(facts: &Inspection) -> Vec<Finding> {
    let mut findings: Vec<Finding> = facts.streams.iter().filter_map(missing).collect();
    findings.extend(silent(facts));
    for stream in &facts.streams {
        let Some(state) = stream.state() else { continue };
        if let Some(differs) = &state.differs {
            let todo = "start an orchestrator anew: it mends what can be mended, and says what cannot";
            let says = format!("it is not as it is declared: {differs}");
            findings.push(Finding::not_ok("streams", says, todo).of(&stream.name));
        }
    }
    findings.extend(in_memory(facts));
    or_ok(findings, || {
        let number = count(facts.streams.len() as u64, "stream");
        Finding::ok("streams", format!("{number} (buckets are streams too) are there as declared, each with a leader"))
    })
}

fn missing(stream: &StreamFacts) -> Option<Finding> {
    if stream.found != Found::Absent {
        return None;
    }
    let (says, todo) = match &stream.kind {
        StreamKind::Log(partition) => (
            format!("the log of partition {partition} is gone: nothing can be started, answered or ended in it"),
            "if you have a backup of it, restore that (`nats stream restore`); else start an orchestrator anew: it \
             makes an empty log, and open executions go on from their snapshots"
                .to_owned(),
        ),
        StreamKind::Queue(queue) => (
            format!("the queue `{queue}` is gone, and with it the tasks that waited in it"),
            "apply a definition that names it again, or start an orchestrator anew if it is `default`; tasks that are \
             still wanted are handed out again within two minutes"
                .to_owned(),
        ),
        StreamKind::Single => (
            "it is gone".to_owned(),
            "start an orchestrator anew: it makes what is missing; what was in it is lost unless you restore a backup"
                .to_owned(),
        ),
    };
    Some(Finding::not_ok("streams", says, todo).of(&stream.name))
}

/// One finding for all: where a node or a quorum is away it concerns many.
fn silent(facts: &Inspection) -> Option<Finding> {
    let leaderless = |stream: &&StreamFacts| match &stream.found {
        Found::Silent => true,
        Found::There(state) => !state.replicas.is_empty() && state.leader.is_none(),
        Found::Absent => false,
    };
    let names: Vec<String> = facts.streams.iter().filter(leaderless).map(|stream| stream.name.clone()).collect();
    if names.is_empty() {
        return None;
    }
    let says = format!("{} no leader: nothing can be read from or written to {}", have(&names), it(&names));
    let todo = "see that more than half of the nodes that hold it run and reach each other; a new leader is there a \
                few seconds after that";
    Some(Finding::not_ok("streams", says, todo).of(list(&names)))
}

fn in_memory(facts: &Inspection) -> Option<Finding> {
    let is_in_memory = |stream: &&StreamFacts| stream.state().is_some_and(|state| state.in_memory);
    let names: Vec<String> = facts.streams.iter().filter(is_in_memory).map(|stream| stream.name.clone()).collect();
    let says =
        format!("{} kept in memory, and lost when nats-server ends", if names.len() == 1 { "is" } else { "are" });
    let todo = "for anything but trials, install with storage `file`";
    (!names.is_empty()).then(|| Finding::hint("streams", says, todo).of(list(&names)))
}

fn have(names: &[String]) -> &'static str {
    if names.len() == 1 { "it has" } else { "they have" }
}

fn it(names: &[String]) -> &'static str {
    if names.len() == 1 { "it" } else { "them" }
}

#[cfg(test)]
mod tests {
    use sagaline_sdk::client::{Replica, StreamState};

    use super::{
        super::{
            super::finding::Verdict,
            facts::{healthy, stream_of},
        },
        *,
    };

    /// What is said when one stream is another.
    fn with(name: &str, change: impl FnOnce(&mut StreamFacts)) -> Vec<Finding> {
        let mut facts = healthy();
        change(stream_of(&mut facts, name));
        streams(&facts)
    }

    fn state(stream: &mut StreamFacts) -> &mut StreamState {
        match &mut stream.found {
            Found::There(state) => state,
            Found::Absent | Found::Silent => panic!("a healthy stream is there"),
        }
    }

    fn bad(findings: &[Finding]) -> Vec<(&str, Verdict)> {
        let bad = findings.iter().filter(|finding| finding.verdict != Verdict::Ok);
        bad.map(|finding| (finding.thing.as_deref().unwrap_or_default(), finding.verdict)).collect()
    }

    #[test]
    fn a_stream_that_is_gone_is_named_with_what_that_means() {
        let findings = with("RUNS_1", |stream| stream.found = Found::Absent);
        assert_eq!(bad(&findings), [("RUNS_1", Verdict::NotOk)]);
        assert!(findings[0].says.contains("the log of partition 1 is gone"));
        let findings = with("QUEUE_default", |stream| stream.found = Found::Absent);
        assert!(findings[0].says.contains("the queue `default` is gone"));
        let findings = with("KV_results", |stream| stream.found = Found::Absent);
        assert!(findings[0].todo.as_ref().is_some_and(|todo| todo.contains("orchestrator")));
    }

    #[test]
    fn a_stream_without_a_leader_is_not_ok() {
        assert_eq!(bad(&with("RUNS_0", |stream| stream.found = Found::Silent)), [("RUNS_0", Verdict::NotOk)]);
        let leaderless = |stream: &mut StreamFacts| state(stream).replicas = vec![Replica::default()];
        assert_eq!(bad(&with("RUNS_0", leaderless)), [("RUNS_0", Verdict::NotOk)]);
    }

    #[test]
    fn a_stream_that_is_not_as_declared_says_in_what() {
        let findings = with("RUNS_0", |stream| state(stream).differs = Some("max_age is 1h".into()));
        assert!(findings[0].says.ends_with("declared: max_age is 1h"), "{}", findings[0].says);
    }

    #[test]
    fn memory_is_for_trials() {
        assert_eq!(bad(&with("RUNS_0", |stream| state(stream).in_memory = true)), [("RUNS_0", Verdict::Hint)]);
    }
}
