//! What survives what, as far as the servers tell.

use sagaline_broker::nats::{DiskSync, Durability, Storage};

use super::super::finding::{Finding, list};

pub(super) fn durability(durability: Option<&Durability>) -> Vec<Finding> {
    const CHECK: &str = "durability";
    let Some(durability) = durability else {
        return vec![Finding::hint(CHECK, "it cannot be said what survives what", "see the other findings")];
    };
    let says = durability.says();
    let finding = match durability.sync {
        _ if durability.storage == Storage::Memory => {
            Finding::hint(CHECK, says, "for anything but trials, install with storage `file`")
        }
        DiskSync::Always => Finding::ok(CHECK, says),
        // For one node that is how NATS comes, and enough for many.
        DiskSync::Every(_) if durability.replicas == 1 => Finding::ok(CHECK, says),
        DiskSync::Every(_) => {
            Finding::hint(CHECK, says, "set `sync_interval: always` on every node: see nats/cluster.conf")
        }
        DiskSync::Unknown => Finding::hint(
            CHECK,
            says,
            "name the monitoring address of every node: `--nats-monitor http://nats-1:8222,http://nats-2:8222`",
        ),
    };
    let silent = (!durability.silent.is_empty()).then(|| {
        let todo = "does `http_port` stand in the node's configuration, and can this machine reach it?";
        Finding::hint(CHECK, format!("{} gives no answer", list(&durability.silent)), todo)
    });
    std::iter::once(finding).chain(silent).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{super::super::finding::Verdict, *};

    fn of(replicas: usize, sync: DiskSync) -> Durability {
        Durability { replicas, nodes: replicas, sync, storage: Storage::File, silent: vec![] }
    }

    fn verdict(durability: &Durability) -> Verdict {
        super::durability(Some(durability))[0].verdict
    }

    #[test]
    fn what_cannot_be_known_is_a_hint_and_what_is_safe_is_fine() {
        let late = DiskSync::Every(Duration::from_secs(120));
        assert_eq!(verdict(&of(3, DiskSync::Always)), Verdict::Ok);
        assert_eq!(verdict(&of(1, late)), Verdict::Ok);
        assert_eq!(verdict(&of(3, late)), Verdict::Hint);
        assert_eq!(verdict(&of(3, DiskSync::Unknown)), Verdict::Hint);
        assert_eq!(verdict(&Durability { storage: Storage::Memory, ..of(1, DiskSync::Always) }), Verdict::Hint);
        assert_eq!(super::durability(None)[0].verdict, Verdict::Hint);
    }

    #[test]
    fn a_monitoring_address_without_an_answer_is_named() {
        let silent = vec!["http://nats-2:8222".to_owned()];
        let findings = super::durability(Some(&Durability { silent, ..of(3, DiskSync::Unknown) }));
        assert!(findings[1].says.starts_with("http://nats-2:8222 gives no answer"), "{findings:?}");
    }
}
