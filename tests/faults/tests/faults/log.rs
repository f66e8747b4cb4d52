//! Garbage on the log of a partition: set aside, and passed over, also by an orchestrator that has to recover across it.

use sagaline_sdk::client::fresh_id;

use crate::site::{Site, event, id_on};

/// So much of what is set aside is kept beside the reason; the whole is in the log.
const KEPT: usize = 512 * 1024;

/// Where it is published, with which headers, the payload; and the reason for which it is set aside.
struct Garbage {
    subject: String,
    headers: Vec<(&'static str, &'static str)>,
    payload: Vec<u8>,
    reason: &'static str,
}

/// One of every kind for a partition, each for an execution of its own.
fn garbage(site: &Site, partition: u32) -> Vec<Garbage> {
    let count = site.client.partitions();
    let on = |partition: u32, id: &str, end: &str| format!("sagaline.run.{partition}.{id}.{end}");
    let fresh = |end| on(partition, id_on(partition, count).as_str(), end);
    let stray = on(partition, id_on((partition + 1) % count, count).as_str(), "in");
    let one = |subject, headers: &[_], payload: &[u8], reason| Garbage {
        subject,
        headers: headers.to_vec(),
        payload: payload.to_vec(),
        reason,
    };
    let (start, signal) = (event("sagaline.input.start.v1"), event("sagaline.input.signal.v1"));
    let result = event("sagaline.input.step_succeeded.v1");
    let structured = [("content-type", "application/cloudevents+json")];
    vec![
        one(fresh("in"), &[], b"\0\xff\r\nraw bytes", "not_a_cloudevent"),
        one(fresh("start"), &[], b"", "not_a_cloudevent"),
        one(fresh("in"), &structured, b"{", "not_a_cloudevent"),
        // As much as the server takes: its copy, with the reason, would be more.
        one(fresh("in"), &[], &vec![b'x'; 1024 * 1024 - 100], "not_a_cloudevent"),
        one(fresh("in"), &event("sagaline.input.nonsense.v1"), b"{}", "bad_input"),
        one(fresh("start"), &start, b"{ not JSON", "bad_input"),
        one(fresh("start"), &start, b"{}", "bad_input"),
        one(fresh("start"), &start, &b"[".repeat(100_000), "bad_input"),
        one(fresh("in"), &result, b"{\"path\":\"a//b\",\"attempt\":1}", "bad_input"),
        one(fresh("in"), &signal, b"{\"name\":\"not a name\"}", "bad_input"),
        one(stray, &signal, b"{\"name\":\"go\"}", "wrong_partition"),
        one(fresh("in"), &start, b"{\"workflow\":\"echo\"}", "bad_subject"),
        one(fresh("start"), &signal, b"{\"name\":\"go\"}", "bad_subject"),
        one(on(partition, "a.b", "in"), &signal, b"{\"name\":\"go\"}", "bad_subject"),
        one(fresh("elsewhere"), &signal, b"{\"name\":\"go\"}", "bad_subject"),
        one(on(partition, "a$b", "in"), &signal, b"{\"name\":\"go\"}", "bad_id"),
        one(on(partition, &"a".repeat(129), "in"), &signal, b"{\"name\":\"go\"}", "bad_id"),
    ]
}

/// Puts everything on the logs of all partitions: the log, the sequence, and what it was.
fn litter(site: &Site) -> Vec<(String, u64, Garbage)> {
    let on_one = |partition| {
        let log = site.names().runs(partition);
        garbage(site, partition).into_iter().map(move |garbage| {
            let sequence = site.store(&garbage.subject, &garbage.headers, garbage.payload.clone());
            (log.clone(), sequence, garbage)
        })
    };
    site.partitions().flat_map(on_one).collect()
}

#[track_caller]
fn all_is_set_aside(site: &Site, litter: &[(String, u64, Garbage)]) {
    for (log, sequence, garbage) in litter {
        let kept = garbage.payload.len().min(KEPT);
        site.is_rejected(log, *sequence, garbage.reason, &garbage.payload[..kept]);
    }
}

#[test]
fn garbage_is_set_aside_once_and_stops_no_partition_nor_its_recovery() {
    let site = Site::shared();
    let first = litter(&site);
    all_is_set_aside(&site, &first);
    site.goes_on();

    // The second lot may be met by the one that dies, by the one that recovers, or by both.
    let second = litter(&site);
    site.replace_orchestrator();
    all_is_set_aside(&site, &second);
    site.goes_on();
    all_is_set_aside(&site, &first);
}

#[test]
fn what_comes_for_an_unknown_execution_changes_nothing_and_is_not_set_aside() {
    let site = Site::shared();
    let id = fresh_id();
    let subject = site.names().input(id.as_str(), site.client.partitions());
    let log = subject.split('.').nth(2).and_then(|partition| partition.parse().ok()).map(|p| site.names().runs(p));
    let late = r#"{"path":"echo","attempt":1,"output":{"n":1}}"#;
    let late = site.store(&subject, &event("sagaline.input.step_succeeded.v1"), late);
    let cancel = site.store(&subject, &event("sagaline.input.cancel.v1"), "");
    // Everything before these is folded by then.
    site.goes_on();
    let log = log.expect("a partition");
    assert!(site.rejected(&log, late).is_empty() && site.rejected(&log, cancel).is_empty());
    site.sagaline(&["get", id.as_str()]).ends_with(1).says(&["there is no execution", "hint: "]);
}
