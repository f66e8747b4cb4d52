//! Payloads that nothing refers to any more.

use sagaline_broker::{
    names::{LogKind, Names},
    nats::{Connection, Installation, PayloadOf, Payloads, Swept},
    ports::{Bucket, Outcome, Sequence},
};
use sagaline_model::{Moment, Span};
use serde_json::{Value, json};

use crate::common::{Site, message, small};

const BYTES: u64 = 300_000;

/// A store, and what there is of executions.
struct Store {
    _site: Site,
    connection: Connection,
    payloads: Payloads,
}

impl Store {
    async fn new(size_factor: f64) -> Self {
        let site = Site::start().await;
        let connection = site.connect().await;
        Installation { size_factor, ..small() }.ensure(&connection).await.unwrap();
        let payloads = Payloads::open(&connection).await.unwrap();
        Self { _site: site, connection, payloads }
    }

    /// Stores a payload of this execution and gives the reference.
    async fn payload(&self, execution: &str) -> Value {
        let of = PayloadOf { partition: 0, execution };
        self.payloads.offload(of, json!(execution.repeat(BYTES as usize / execution.len()))).await.unwrap()
    }

    async fn put(&self, subject: String, payload: Value) -> Sequence {
        match self.connection.publish(&message(&subject, payload.to_string())).await {
            Outcome::Stored { sequence, .. } => sequence,
            other => panic!("`{subject}`: {other:?}"),
        }
    }

    async fn entry(&self, execution: &str) -> Sequence {
        self.put(self.names().input(execution, 1), json!({})).await
    }

    async fn snapshot(&self, execution: &str) {
        let key = LogKind::Runs.snapshot_key(0, execution);
        self.put(self.names().key(Bucket::Executions, &key), json!({})).await;
    }

    async fn record(&self, execution: &str, applied: Sequence) {
        self.put(self.names().key(Bucket::Results, execution), json!({ "applied": applied })).await;
    }

    fn names(&self) -> &Names {
        self.connection.names()
    }

    /// As if so much time had passed since.
    async fn sweep(&self, after: Span, in_need: bool) -> Swept {
        self.connection.sweep_payloads(1, in_need, now() + after).await.unwrap()
    }

    async fn is_there(&self, reference: &Value) -> bool {
        self.payloads.resolve(reference.clone()).await.is_ok()
    }

    async fn bytes(&self) -> u64 {
        let stream = self.connection.jetstream().get_stream("OBJ_payloads").await.unwrap();
        stream.cached_info().state.bytes
    }
}

fn now() -> Moment {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Moment::from_millis(i64::try_from(since.as_millis()).unwrap())
}

const LATER: Span = Span::from_secs(2 * 3600);

#[tokio::test]
async fn a_payload_goes_with_the_last_that_is_left_of_its_execution() {
    let store = Store::new(1.0).await;
    let forgotten = store.payload("forgotten").await;
    let on_the_log = store.payload("on-the-log").await;
    store.entry("on-the-log").await;
    let open = store.payload("open").await;
    store.snapshot("open").await;
    let remembered = store.payload("remembered").await;
    store.record("remembered", 7).await;

    let young = store.sweep(Span::from_secs(0), false).await;
    assert_eq!((young.payloads, young.removed), (4, 0), "what refers to them may be on its way");
    let swept = store.sweep(LATER, false).await;
    assert_eq!((swept.removed, swept.removed_early, swept.orphans), (1, 0, 0));
    assert!(!store.is_there(&forgotten).await);
    for reference in [&on_the_log, &open, &remembered] {
        assert!(store.is_there(reference).await, "{reference}");
    }
    assert_eq!(store.sweep(LATER, false).await.removed, 0, "once is enough");

    // The rest is forgotten too.
    for stream in ["RUNS_0", "KV_executions", "KV_results"] {
        store.connection.jetstream().get_stream(stream).await.unwrap().purge().await.unwrap();
    }
    assert!(3 * BYTES < store.bytes().await);
    assert_eq!(store.sweep(LATER, false).await.removed, 3);
    assert_eq!(store.bytes().await, 0, "with all their bytes");
}

#[tokio::test]
async fn in_need_the_payloads_of_ended_executions_go_early_and_the_oldest_first() {
    // 4 MiB; nine of these are more than what is left when there is room again.
    let store = Store::new(0.001).await;
    let mut ended = vec![];
    for number in 0..9 {
        let execution = format!("ended-{number}");
        ended.push(store.payload(&execution).await);
        let last = store.entry(&execution).await;
        store.record(&execution, last).await;
    }
    let running = store.payload("running").await;
    store.entry("running").await;
    // It ended once, and was started again under the same id.
    let again = store.payload("again").await;
    let last = store.entry("again").await;
    store.record("again", last).await;
    store.entry("again").await;

    assert_eq!(store.sweep(LATER, false).await.removed_early, 0, "there is no need");
    assert_eq!(store.sweep(Span::from_secs(60), true).await.removed_early, 0, "whoever waited for them reads them now");
    let swept = store.sweep(LATER, true).await;
    assert_eq!(swept.removed, 0);
    assert!((2..=4).contains(&swept.removed_early), "{swept:?}");
    for (number, reference) in ended.iter().enumerate() {
        assert_eq!(store.is_there(reference).await, swept.removed_early <= number, "{number}");
    }
    assert!(store.is_there(&running).await && store.is_there(&again).await);
    assert_eq!(store.sweep(LATER, true).await.removed_early, 0, "there is room again");
}

#[tokio::test]
async fn what_is_half_stored_or_half_removed_goes_too() {
    let store = Store::new(1.0).await;
    let chunk = |nuid: &str| store.names().payload_chunks(nuid);
    store.put(chunk("never-ended"), json!("x".repeat(100_000))).await;
    // A sweep that died after the chunks.
    store.payload("half").await;
    let objects = store.connection.jetstream().get_object_store("payloads").await.unwrap();
    let key = store.payload("half").await["$ref"]["key"].as_str().unwrap().to_owned();
    let nuid = objects.info(&key).await.unwrap().nuid;
    let stream = store.connection.jetstream().get_stream("OBJ_payloads").await.unwrap();
    stream.purge().filter(chunk(&nuid)).await.unwrap();
    // One that somebody else keeps there.
    let mut theirs = vec![b'x'; 1000];
    objects.put("theirs", &mut theirs.as_slice()).await.unwrap();
    theirs.clear();

    assert_eq!(store.sweep(Span::from_secs(0), false).await.orphans, 0, "it may be on its way");
    let swept = store.sweep(LATER, false).await;
    assert_eq!((swept.removed, swept.orphans), (1, 1));
    assert!(objects.info("theirs").await.is_ok(), "it is not ours");
    assert_eq!(store.sweep(Span::from_secs(31 * 24 * 3600), false).await.removed, 1, "but not for ever");
    assert_eq!(store.bytes().await, 0);
}

impl Store {
    /// Two parts of a snapshot.
    async fn parts(&self, kind: LogKind, key: &str, generation: &str) {
        for number in 0..2 {
            let part = kind.part_key(0, key, generation, number);
            self.put(self.names().key(Bucket::Executions, &part), json!("x".repeat(1000))).await;
        }
    }

    async fn manifest(&self, kind: LogKind, key: &str, generation: &str) {
        let value = json!({
            "applied": 7, "time": now(),
            "parts": { "generation": generation, "count": 2, "bytes": 2004, "sha256": "" },
        });
        self.put(self.names().key(Bucket::Executions, &kind.snapshot_key(0, key)), value).await;
    }

    async fn checkpoint(&self, kind: LogKind, epoch: u64) {
        let value = json!({ "epoch": epoch, "next": 1 });
        self.put(self.names().key(Bucket::Partitions, &kind.checkpoint_key(0)), value).await;
    }

    async fn has_parts(&self, kind: LogKind, key: &str, generation: &str) -> bool {
        let part = |number| kind.part_key(0, key, generation, number);
        let found = [
            self.connection.value(Bucket::Executions, &part(0)).await.unwrap(),
            self.connection.value(Bucket::Executions, &part(1)).await.unwrap(),
        ];
        assert_eq!(found[0].is_some(), found[1].is_some(), "both or none");
        found[0].is_some()
    }
}

#[tokio::test]
async fn parts_that_former_owners_left_go_and_those_that_something_names_stay() {
    let store = Store::new(1.0).await;
    let kinds = [LogKind::Runs, LogKind::Sagas, LogKind::Schedules];
    for kind in kinds {
        store.checkpoint(kind, 4).await;
        store.manifest(kind, "named", "2-10").await;
        // Named; before it; never named; of a state that is gone; of the owner that lives; not ours.
        for (key, generation) in [
            ("named", "2-10"),
            ("named", "1-9"),
            ("named", "3-11"),
            ("gone", "3-12"),
            ("gone", "4-13"),
            ("gone", "odd"),
        ] {
            store.parts(kind, key, generation).await;
        }
    }
    assert_eq!(store.sweep(Span::from_secs(0), false).await.parts, 0, "whoever wrote them may be about to name them");
    assert_eq!(store.sweep(LATER, false).await.parts, 3 * kinds.len());
    for kind in kinds {
        for (key, generation, stays) in [
            ("named", "2-10", true),
            ("named", "1-9", false),
            ("named", "3-11", false),
            ("gone", "3-12", false),
            ("gone", "4-13", true),
            ("gone", "odd", true),
        ] {
            assert_eq!(store.has_parts(kind, key, generation).await, stays, "{kind:?} {key} {generation}");
        }
    }
    assert_eq!(store.sweep(LATER, false).await.parts, 0, "once is enough");
    for kind in kinds {
        store.checkpoint(kind, 5).await;
    }
    assert_eq!(store.sweep(LATER, false).await.parts, kinds.len(), "of the owner that is no more");
}
