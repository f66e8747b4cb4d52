//! Partitions: who owns them, whether owners keep up, whether what they save moves on, and whether they share evenly.

use std::collections::BTreeMap;

use sagaline_events::ask::PartitionView;
use sagaline_model::Span;
use sagaline_sdk::client::{Inspection, OwnerFacts, PartitionFacts};

use super::{
    super::finding::{Finding, count, counted, list},
    or_ok,
};
use crate::words;

/// An owner that is behind by less has merely not read what just came.
const BEHIND_HINT_MS: u64 = 1_000;
const BEHIND_BAD_MS: u64 = 5_000;
/// A state is saved after it has held the checkpoint for 20,000 entries or ten seconds; several times that is too much.
const UNSAVED_MAX: u64 = 200_000;
/// As many publishes as an owner ever has in flight.
const IN_FLIGHT_MAX: u64 = 4096;

pub(super) fn partitions(facts: &Inspection) -> Vec<Finding> {
    let mut findings = unowned(&facts.partitions);
    for partition in &facts.partitions {
        findings.extend(owner(partition));
        findings.extend(lost_tail(partition));
    }
    let mut findings = or_ok(findings, || {
        let open: u64 = facts.partitions.iter().filter_map(told).map(|view| view.open).sum();
        let number = count(facts.partitions.len() as u64, "partition");
        let says = format!("{number}, each with an owner that keeps up; {} open", count(open, "execution"));
        Finding::ok("partitions", says)
    });
    findings.extend(shares(facts));
    findings
}

fn told(partition: &PartitionFacts) -> Option<&PartitionView> {
    match &partition.owner {
        OwnerFacts::Told(view) => Some(view),
        OwnerFacts::Silent | OwnerFacts::Nobody | OwnerFacts::Refused(_) => None,
    }
}

/// All that nobody owns in one: without an orchestrator it is all of them.
fn unowned(partitions: &[PartitionFacts]) -> Vec<Finding> {
    let nobody = |partition: &&PartitionFacts| partition.owner == OwnerFacts::Nobody && partition.lease.is_none();
    let numbers: Vec<String> = partitions.iter().filter(nobody).map(|it| it.partition.to_string()).collect();
    if numbers.is_empty() {
        return vec![];
    }
    let says = if numbers.len() == partitions.len() {
        "no orchestrator runs: nothing moves, and nothing is lost"
    } else {
        "nobody owns it: its executions do not move; nothing is lost"
    };
    let todo = "start `sagaline-orchestrator`; if one runs, its `/readyz` and its log say why it does not take this";
    let word = if numbers.len() == 1 { "partition" } else { "partitions" };
    vec![Finding::not_ok("partitions", says, todo).of(format!("{word} {}", list(&numbers)))]
}

fn owner(partition: &PartitionFacts) -> Option<Finding> {
    let name = format!("partition {}", partition.partition);
    let holder = partition.lease.as_ref().map(|lease| format!("`{}`", lease.owner));
    let since = partition.lease.as_ref().map_or(String::new(), |lease| format!(" since {}", words::time(lease.since)));
    let finding = match (&partition.owner, holder) {
        (OwnerFacts::Nobody, None) => return None,
        (OwnerFacts::Nobody | OwnerFacts::Silent, Some(holder)) => Finding::not_ok(
            "partitions",
            format!("{holder} has held its lease{since} and does not answer: it has only begun, or it is stuck"),
            "look again in ten seconds; if nothing has changed, see the log of that orchestrator and kill it (another \
             takes over within five seconds)",
        ),
        (OwnerFacts::Silent, None) => Finding::not_ok(
            "partitions",
            "somebody listens to its questions without holding its lease, and does not answer",
            "look again in ten seconds; if nothing has changed, see the logs of the orchestrators",
        ),
        (OwnerFacts::Refused(why), _) => Finding::hint(
            "partitions",
            format!("its owner cannot say how far it is: {why}"),
            "use the `sagaline` of the same version as the orchestrators",
        ),
        (OwnerFacts::Told(view), _) => return keeps_up(partition, view).map(|finding| finding.of(name)),
    };
    Some(finding.of(name))
}

fn keeps_up(partition: &PartitionFacts, view: &PartitionView) -> Option<Finding> {
    let behind = partition.head.saturating_sub(view.applied);
    let behind_for = partition.head_at.map_or(Span::default(), |head| head.since(view.applied_at));
    let behind_ms = behind_for.as_millis();
    if !view.live {
        let says = format!("its owner recovers: at entry {} of {}", view.applied, partition.head);
        return Some(Finding::hint("partitions", says, "wait; `sagaline doctor` again shows whether it moves"));
    }
    if 0 < behind && BEHIND_HINT_MS <= behind_ms {
        let says = format!("its owner is {} behind, {}", counted(behind, "entry", "entries"), words::took(behind_for));
        let todo = "is that machine or nats-server at its limit? More orchestrators share the partitions; see \
                    `sagaline_partition_lag`";
        return Some(if BEHIND_BAD_MS <= behind_ms {
            Finding::not_ok("partitions", says, todo)
        } else {
            Finding::hint("partitions", says, todo)
        });
    }
    let unsaved = view.applied.saturating_sub(view.checkpoint);
    if UNSAVED_MAX < unsaved {
        let says =
            format!("its checkpoint is {unsaved} entries back: a takeover takes long, and its log cannot shrink");
        let todo = "something keeps an execution from being saved: see the warnings of its orchestrator, and the room \
                    in `KV_executions`";
        return Some(Finding::not_ok("partitions", says, todo));
    }
    (IN_FLIGHT_MAX <= view.in_flight).then(|| {
        let says = format!("{} publishes wait for NATS, and no more is taken on meanwhile", view.in_flight);
        Finding::hint("partitions", says, "NATS is slow or a stream is full: see the findings on room and replicas")
    })
}

/// What is known to have been stored lies beyond the end of the log.
fn lost_tail(partition: &PartitionFacts) -> Option<Finding> {
    let checkpoint = partition.checkpoint?;
    if checkpoint <= partition.head + 1 {
        return None;
    }
    let says = format!(
        "its log ends at entry {}, but everything below {checkpoint} was known to be stored: its tail is lost, or it \
         was made anew",
        partition.head
    );
    let todo = "read `has lost acknowledged entries` in docs/operations.md; the next owner of the partition mends what \
                can be mended, so stop its orchestrator if that does not happen by itself";
    Some(Finding::not_ok("partitions", says, todo).of(format!("partition {}", partition.partition)))
}

/// Who owns how many.
fn shares(facts: &Inspection) -> Vec<Finding> {
    let members = facts.members.iter().flatten().map(|member| (member.as_str(), 0));
    let mut shares: BTreeMap<&str, u64> = members.collect();
    for lease in facts.partitions.iter().filter_map(|partition| partition.lease.as_ref()) {
        *shares.entry(&lease.owner).or_default() += 1;
    }
    let (Some(most), Some(least)) = (shares.values().max(), shares.values().min()) else { return vec![] };
    let each: Vec<String> = shares.iter().map(|(owner, share)| format!("`{owner}` {share}")).collect();
    let says = format!("{}: {}", count(shares.len() as u64, "orchestrator"), list(&each));
    let evenly = most - least <= 1;
    let todo = "wait ten seconds after one came or went; if it stays so, see their logs";
    vec![if evenly { Finding::ok("owners", says) } else { Finding::hint("owners", says, todo) }]
}

#[cfg(test)]
mod tests {
    use sagaline_model::Moment;
    use sagaline_sdk::client::LeaseHolder;

    use super::{
        super::{
            super::finding::Verdict,
            facts::{healthy, view},
        },
        *,
    };

    fn with(change: impl FnOnce(&mut PartitionFacts)) -> Vec<Finding> {
        let mut facts = healthy();
        change(&mut facts.partitions[1]);
        partitions(&facts)
    }

    fn with_view(change: impl FnOnce(&mut PartitionFacts, &mut PartitionView)) -> Finding {
        with(|partition| {
            let mut view = view(1);
            change(partition, &mut view);
            partition.owner = OwnerFacts::Told(view);
        })
        .remove(0)
    }

    #[test]
    fn owners_that_keep_up_are_fine() {
        let findings = partitions(&healthy());
        assert!(findings.iter().all(|finding| finding.verdict == Verdict::Ok), "{findings:?}");
        assert!(findings[1].says.starts_with("1 orchestrator: "), "{findings:?}");
    }

    #[test]
    fn without_an_orchestrator_everything_stands_still_and_that_is_said_once() {
        let mut facts = Inspection { members: Some(vec![]), ..healthy() };
        for partition in &mut facts.partitions {
            (partition.owner, partition.lease) = (OwnerFacts::Nobody, None);
        }
        let findings = partitions(&facts);
        assert_eq!((findings.len(), findings[0].verdict), (1, Verdict::NotOk));
        assert_eq!(findings[0].thing.as_deref(), Some("partitions 0 and 1"));
        assert!(findings[0].says.starts_with("no orchestrator runs"));
    }

    #[test]
    fn a_partition_that_nobody_owns_is_named() {
        let findings = with(|partition| (partition.owner, partition.lease) = (OwnerFacts::Nobody, None));
        assert_eq!((findings[0].verdict, findings[0].thing.as_deref()), (Verdict::NotOk, Some("partition 1")));
    }

    #[test]
    fn an_owner_that_holds_the_lease_and_does_not_answer_is_named() {
        for owner in [OwnerFacts::Silent, OwnerFacts::Nobody] {
            let findings = with(|partition| partition.owner = owner.clone());
            assert_eq!(findings[0].verdict, Verdict::NotOk, "{owner:?}");
            assert!(findings[0].says.contains("`o-1` has held its lease since "), "{}", findings[0].says);
        }
    }

    #[test]
    fn an_owner_of_another_version_is_a_hint() {
        let findings = with(|partition| partition.owner = OwnerFacts::Refused("unknown variant".into()));
        assert_eq!(findings[0].verdict, Verdict::Hint);
    }

    #[test]
    fn an_owner_that_recovers_is_a_hint() {
        let finding = with_view(|_, view| (view.live, view.applied) = (false, 40));
        assert_eq!((finding.verdict, finding.says.as_str()), (Verdict::Hint, "its owner recovers: at entry 40 of 100"));
    }

    #[test]
    fn how_far_behind_an_owner_is_decides() {
        let behind = |ms: i64| {
            with_view(|partition, view| {
                view.applied = 90;
                partition.head_at = Some(Moment::from_millis(view.applied_at.as_millis() + ms));
            })
        };
        assert_eq!(behind(200).verdict, Verdict::Ok);
        assert_eq!(behind(2_000).verdict, Verdict::Hint);
        assert_eq!(
            (behind(9_000).verdict, behind(9_000).says),
            (Verdict::NotOk, "its owner is 10 entries behind, 9.0s".into())
        );
    }

    #[test]
    fn a_checkpoint_that_stands_still_is_not_ok() {
        let finding = with_view(|partition, view| {
            (partition.head, view.applied, view.checkpoint) = (UNSAVED_MAX + 10, UNSAVED_MAX + 10, 5);
        });
        assert!(finding.verdict == Verdict::NotOk && finding.says.contains("entries back"), "{finding:?}");
    }

    #[test]
    fn an_owner_that_waits_for_nats_is_a_hint() {
        assert_eq!(with_view(|_, view| view.in_flight = IN_FLIGHT_MAX).verdict, Verdict::Hint);
    }

    #[test]
    fn a_log_that_ends_before_what_was_known_of_it_has_lost_its_tail() {
        let findings = with(|partition| (partition.head, partition.checkpoint) = (3, Some(90)));
        assert!(findings[0].verdict == Verdict::NotOk && findings[0].says.contains("tail is lost"), "{findings:?}");
    }

    #[test]
    fn an_uneven_share_is_a_hint() {
        let mut facts = Inspection { members: Some(vec!["o-2".into(), "o-3".into()]), ..healthy() };
        let lease = |owner: &str| Some(LeaseHolder { owner: owner.into(), since: Moment::EPOCH });
        let template = facts.partitions[0].clone();
        facts.partitions = ["o-1", "o-1", "o-1", "o-2"]
            .iter()
            .map(|owner| PartitionFacts { lease: lease(owner), ..template.clone() })
            .collect();
        let share = partitions(&facts).pop().expect("a finding");
        assert_eq!(
            (share.verdict, share.says.as_str()),
            (Verdict::Hint, "3 orchestrators: `o-1` 3, `o-2` 1 and `o-3` 0")
        );
    }
}
