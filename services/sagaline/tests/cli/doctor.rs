//! `doctor` on systems that are well, and on systems that are not.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, pull};
use rustix::process::Signal;
use sagaline_broker::{
    names::LogKind,
    nats::{Connection, connect},
    ports::{Bucket, Message, Outcome},
};
use sagaline_model::{ActivityName, Moment};
use sagaline_testkit::site::Nats;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use crate::{
    common::{Folder, Installed, ORDER, Ran, eventually, run},
    dev::{Dev, SOON, at},
};

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
}

/// What was found with this verdict: check and thing.
fn found(ran: &Ran, verdict: &str) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let findings = ran.json().into_iter().filter(|finding| finding["verdict"] == verdict);
    findings.map(|finding| (text(&finding["check"]), text(&finding["thing"]))).collect()
}

fn not_ok(ran: &Ran, check: &str) -> Vec<String> {
    found(ran, "not_ok").into_iter().filter(|(of, _)| of == check).map(|(_, thing)| thing).collect()
}

impl Installed {
    fn doctor(&self) -> Ran {
        self.run(&["doctor", "--output", "json"])
    }

    async fn connection(&self) -> Connection {
        connect(&self.url, &self.namespace, "test").await.expect("a connection")
    }
}

async fn publish(connection: &Connection, subject: String, payload: Vec<u8>) {
    let message =
        Message { subject, expected: None, msg_id: None, ttl: None, headers: vec![], payload: payload.into() };
    let outcome = connection.publish(&message).await;
    assert!(matches!(outcome, Outcome::Stored { .. }), "{outcome:?}");
}

#[test]
fn a_system_that_is_well_is_said_to_be() {
    let dev = Dev::start(&["--output", "json"]);
    let url = dev.ready()["nats_url"].take();
    at(&url, &["apply", ORDER]).ends_with(0);
    let input = r#"{"order_id":"A-1","total":10,"card":"visa"}"#;
    at(&url, &["start", "order", "--input", input, "--wait"]).ends_with(0);
    let doctor = at(&url, &["doctor", "--output", "json"]).ends_with(0);
    let ok: Vec<String> = found(&doctor, "ok").into_iter().map(|(check, _)| check).collect();
    for check in
        ["server", "clock", "streams", "room", "replicas", "partitions", "owners", "queues", "events", "rejected"]
    {
        assert!(ok.iter().any(|of| of == check), "{check}: {}", doctor.stdout);
    }
    let shown = at(&url, &["doctor"]).ends_with(0);
    assert!(shown.stdout.starts_with("ok      server       nats-server "), "{}", shown.stdout);
    assert!(shown.stdout.lines().all(|line| line.chars().count() <= 80), "{}", shown.stdout);
    assert!(shown.stderr.starts_with("nothing is broken"), "{}", shown.stderr);
    dev.signal(Signal::TERM);
    assert!(dev.end().0.success());
}

#[test]
fn without_an_orchestrator_nothing_moves_and_that_is_not_ok() {
    let doctor = Installed::new().doctor().ends_with(1);
    assert_eq!(found(&doctor, "not_ok"), [("partitions".to_owned(), "partitions 0 and 1".to_owned())]);
    assert!(doctor.stdout.contains("no orchestrator runs") && doctor.stderr.starts_with("1 thing is not ok"));
}

/// Its lease is there, and nobody answers.
#[test]
fn an_owner_that_does_not_answer_is_named_with_since_when() {
    let installed = Installed::new();
    runtime().block_on(async {
        let connection = installed.connection().await;
        let key = connection.names().key(Bucket::Partitions, &LogKind::Runs.lease_key(1));
        let lease = json!({ "owner": "o-7", "since": Moment::EPOCH }).to_string();
        publish(&connection, key, lease.into()).await;
    });
    let doctor = installed.doctor().ends_with(1);
    assert_eq!(not_ok(&doctor, "partitions"), ["partition 0", "partition 1"]);
    assert!(doctor.stdout.contains("`o-7` has held its lease since 1970-01-01T00:00:00Z and does not answer"));
}

#[test]
fn streams_that_were_deleted_are_named() {
    let (installed, folder) = (Installed::new(), Folder::new());
    let definition = "workflow: a\nsteps:\n  s: { activity: x, queue: other }\n";
    installed.run(&["apply", &folder.file("a.yaml", definition)]).ends_with(0);
    runtime().block_on(async {
        let connection = installed.connection().await;
        let names = connection.names();
        let queues = ["default", "other"].map(|queue| names.queue_stream(queue));
        for stream in [names.runs(1), names.bucket_stream(Bucket::Results)].into_iter().chain(queues) {
            connection.jetstream().delete_stream(&stream).await.expect("deleted");
        }
    });
    let doctor = installed.doctor().ends_with(1);
    let mut missing = not_ok(&doctor, "streams");
    missing.sort();
    let ns = &installed.namespace;
    let gone = ["QUEUE_default", "QUEUE_other", "RUNS_1"].map(|stream| format!("{ns}_{stream}"));
    assert_eq!(missing, [&[format!("KV_{ns}_results")], &gone[..]].concat());
}

/// The bucket that says how many partitions there are is what is gone.
#[test]
fn without_the_bucket_of_partitions_the_rest_is_looked_at_all_the_same() {
    let installed = Installed::new();
    runtime().block_on(async {
        let connection = installed.connection().await;
        let bucket = connection.names().bucket_stream(Bucket::Partitions);
        connection.jetstream().delete_stream(&bucket).await.expect("deleted");
    });
    let doctor = installed.doctor().ends_with(1);
    assert_eq!(not_ok(&doctor, "streams"), [format!("KV_{}_partitions", installed.namespace)]);
    assert_eq!(not_ok(&doctor, "partitions"), ["partitions 0 and 1"]);
}

#[test]
fn a_log_that_was_made_anew_is_recognised_from_its_checkpoint() {
    let installed = Installed::new();
    runtime().block_on(async {
        let connection = installed.connection().await;
        let key = connection.names().key(Bucket::Partitions, &LogKind::Runs.checkpoint_key(0));
        publish(&connection, key, br#"{"epoch":3,"next":500}"#.to_vec()).await;
    });
    let doctor = installed.doctor().ends_with(1);
    assert!(doctor.stdout.contains("its log ends at entry 0, but everything below 500 was known to be stored"));
}

#[test]
fn a_bucket_that_is_full_is_named_with_how_full() {
    const VALUE: usize = 900 * 1024;
    let installed = Installed::new();
    runtime().block_on(async {
        let connection = installed.connection().await;
        let stream = connection.names().bucket_stream(Bucket::Settings);
        let jetstream = connection.jetstream();
        // Small, so that little fills it.
        let mut config = jetstream.get_stream(&stream).await.expect("the bucket").cached_info().config.clone();
        config.max_bytes = 4 << 20;
        jetstream.update_stream(config).await.expect("updated");
        for key in ["a", "b", "c", "d"] {
            publish(&connection, connection.names().key(Bucket::Settings, key), vec![b'x'; VALUE]).await;
        }
    });
    let doctor = installed.doctor().ends_with(1);
    assert_eq!(not_ok(&doctor, "room"), [format!("KV_{}_settings", installed.namespace)]);
    assert!(doctor.stdout.contains("% full: 3.5 MiB of 4.0 MiB"), "{}", doctor.stdout);
}

/// Whether a worker is there is seen from who asks for tasks: nobody, then somebody, then nobody again.
#[test]
fn tasks_that_no_worker_takes_are_not_ok_until_one_is_there() {
    let (installed, folder) = (Installed::new(), Folder::new());
    let definition = "workflow: mail\nsteps:\n  send: { activity: mail.send }\n";
    installed.run(&["apply", &folder.file("mail.yaml", definition)]).ends_with(0);
    let thing = "queue `default` activity `mail.send`";
    let hints = found(&installed.doctor(), "hint");
    assert!(hints.contains(&("queues".to_owned(), thing.to_owned())), "nothing waits yet: {hints:?}");

    let runtime = runtime();
    let activity = ActivityName::new("mail.send").expect("a name");
    let connection = runtime.block_on(async {
        let connection = installed.connection().await;
        publish(&connection, connection.names().task("default", &activity, "m-1", "send", 1), b"{}".to_vec()).await;
        connection
    });
    let doctor = installed.doctor().ends_with(1);
    assert_eq!(not_ok(&doctor, "queues"), [thing]);
    assert!(doctor.stdout.contains("no worker has ever served this"), "{}", doctor.stdout);

    // A worker was there once.
    let queue = connection.names().queue_stream("default");
    let consumer = runtime.block_on(async {
        let config = pull::Config {
            durable_name: Some(connection.names().consumer(&activity)),
            ack_policy: AckPolicy::Explicit,
            filter_subject: connection.names().tasks_of("default", &activity),
            ..pull::Config::default()
        };
        let stream = connection.jetstream().get_stream(&queue).await.expect("the queue");
        stream.create_consumer(config).await.expect("a consumer")
    });
    let doctor = installed.doctor().ends_with(1);
    assert!(doctor.stdout.contains("1 task waits, and no worker is there"), "{}", doctor.stdout);

    // One is there: it takes the task, and asks for more.
    let mut messages = runtime.block_on(async { consumer.stream().messages().await.expect("a worker") });
    let task =
        runtime.block_on(async { futures::StreamExt::next(&mut messages).await }).expect("a task").expect("a task");
    assert_eq!(not_ok(&installed.doctor(), "queues"), Vec::<String>::new());
    runtime.block_on(async { task.ack().await.expect("acknowledged") });
    drop(messages);
    drop((consumer, task, connection));

    // It has gone, with its connection.
    let runtime = self::runtime();
    runtime.block_on(async {
        let connection = installed.connection().await;
        publish(&connection, connection.names().task("default", &activity, "m-2", "send", 1), b"{}".to_vec()).await;
    });
    eventually("it is seen that it has gone", SOON, || not_ok(&installed.doctor(), "queues") == [thing]);
}

#[test]
fn nats_that_cannot_be_reached_exits_with_69() {
    assert!(run(["doctor", "--nats-url", "nats://127.0.0.1:1"]).ends_with(69).stderr.contains("hint: "));
    assert!(
        run(["doctor", "--nats-url", crate::common::server_url(), "--namespace", "nobody"])
            .ends_with(69)
            .stderr
            .contains("no Sagaline")
    );
}

#[test]
fn one_of_three_nodes_that_is_down_is_named_until_it_is_back() {
    let runtime = runtime();
    let mut nats = runtime.block_on(Nats::cluster("doctor"));
    runtime.block_on(async {
        let connection = connect(&nats.url(), "sagaline", "test").await.expect("a connection");
        nats.installation().ensure(&connection).await.expect("an installation");
    });
    let (url, monitors) = (json!(nats.url()), nats.monitor_urls().join(","));
    let dev = Dev::start(&["--nats-url", &nats.url(), "--output", "json"]);
    dev.ready();
    let doctor = || at(&url, &["doctor", "--output", "json", "--nats-monitor", &monitors]);
    eventually("all is well", SOON, || doctor().code == Some(0));
    let well = doctor();
    assert!(well.stdout.contains("3 nodes hold each stream, all of them current; 1 may fail"), "{}", well.stdout);
    assert!(well.stdout.contains("3 copies of each message"), "{}", well.stdout);

    let name = nats.nodes().node(2).name().to_owned();
    runtime.block_on(nats.nodes().node_mut(2).kill());
    let mut last = String::new();
    eventually("the node is missed", Duration::from_secs(90), || {
        let doctor = doctor();
        last.clone_from(&doctor.stdout);
        doctor.code == Some(1) && not_ok(&doctor, "replicas") == [format!("node {name}")]
    });
    assert!(last.contains("one copy less"), "{last}");
    runtime.block_on(nats.nodes().node_mut(2).restart()).expect("it starts again");
    eventually("all is well again", Duration::from_secs(90), || doctor().code == Some(0));
    dev.signal(Signal::TERM);
    assert!(dev.end().0.success());
    runtime.block_on(nats.stop());
}

/// One source is of a stream that is not there, another is taken from, and a message of that is no event.
#[test]
fn a_source_of_events_that_is_not_there_is_not_ok_and_what_was_set_aside_is_a_hint() {
    let dev = Dev::start(&["--output", "json"]);
    let url = dev.ready()["nats_url"].take();
    let set = |name: &str, source: &str| at(&url, &["events", "sources", "set", name, source]).ends_with(0);
    set("till", "{ subject: till.> }");
    let doctor = || at(&url, &["doctor", "--output", "json"]);
    let ok = |ran: &Ran| found(ran, "ok").into_iter().any(|(check, _)| check == "sources");
    eventually("it is taken from", SOON, || ok(&doctor()));
    set("shop", "{ stream: SHOP }");
    runtime().block_on(async {
        let address = url.as_str().expect("an address");
        let connection = connect(address, "sagaline", "test").await.expect("a connection");
        publish(&connection, "till.7".to_owned(), b"no event".to_vec()).await;
    });
    let hint = ("sources".to_owned(), "source `till`".to_owned());
    eventually("it is set aside", SOON, || found(&doctor(), "hint").contains(&hint));
    let ran = doctor().ends_with(1);
    assert_eq!(not_ok(&ran, "sources"), ["source `shop`"]);
    assert!(ran.stdout.contains("there is no stream `SHOP`"), "{}", ran.stdout);
    let overlapping = ["events", "sources", "set", "other", "{ subject: till.7 }"];
    let refused = at(&url, &overlapping).ends_with(1).stderr;
    assert!(refused.contains("stored in the stream `SOURCE_till` already"), "{refused}");
    dev.signal(Signal::TERM);
    assert!(dev.end().0.success());
}
