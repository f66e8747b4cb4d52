//! Events at an even pace, each twice, and triggers that are killed: each event starts one execution, whoever dies.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use futures::StreamExt;
use sagaline_broker::{
    nats::{Connection, connect},
    ports::{Message, Outcome},
};
use sagaline_events::record::Status;
use sagaline_model::Name;
use sagaline_sdk::client::{Client, ListFilter};
use tokio::{
    task::JoinSet,
    time::{interval, sleep},
};

use crate::{Nodes, Role, System, kills::ONE_AT_A_TIME, load::seconds};

/// How many triggers there are.
const TRIGGERS: usize = 3;
/// So many events each time: 20,000 and more within two minutes.
const AT_ONCE: u32 = 4;
const EVERY: Duration = Duration::from_millis(22);
/// So much later an event comes again, as another message.
const AGAIN_AFTER: Duration = Duration::from_millis(1_500);
/// More than 30 within two minutes.
const KILL_EVERY: Duration = Duration::from_millis(3_500);
/// After the last event: those that a dead trigger had come to another after half a minute.
const OVER_WITHIN: Duration = Duration::from_secs(180);
/// A publish that is not answered is tried again, as publishers have to.
const STORED_WITHIN: Duration = Duration::from_secs(60);
const WORKFLOW: &str = "crash_event";

const DEFINITION: &str = "\
workflow: crash_event
on: { event: crash.*, extensions: { tenant: acme }, input: { number: \"${ trigger.data.number }\" } }
steps:
  note: { set: { number: \"${ workflow.input.number }\" } }
";

/// kill -9 of a trigger every few seconds while events come in. What was measured, in words.
pub async fn killed_triggers(nodes: Nodes) -> String {
    let _alone = ONE_AT_A_TIME.lock().await;
    let environment = vec![("SAGALINE_PARTITIONS", "4".to_owned())];
    let mut system = System::with_services("events", nodes, 2, environment).await;
    for _ in 0..TRIGGERS {
        system.spawn(Role::Trigger);
    }
    let file = system.folder().join("crash_event.yaml");
    std::fs::write(&file, DEFINITION).expect("a definition can be written");
    system.run(&["apply", file.to_str().expect("UTF-8")]).await;
    let connection = connect(&system.nats.url(), "sagaline", "events").await.expect("a connection");

    let until = Instant::now() + Duration::from_secs(u64::from(seconds()));
    let publishing = tokio::spawn(publish_all(connection.clone(), until));
    let mut tick = interval(KILL_EVERY);
    tick.tick().await;
    let mut killed = 0;
    while !publishing.is_finished() {
        tick.tick().await;
        system.kill(Role::Trigger);
        killed += 1;
    }
    let published = publishing.await.expect("they are published");
    let last = Instant::now();
    let expected: BTreeSet<String> = (0..published).map(execution_of).collect();
    let client = Client::connect(&system.nats.url(), "sagaline", "events").await.expect("a client");
    let completed = wait_for_all(&client, &expected).await;
    let over = last.elapsed();
    assert!(completed == expected, "{} executions completed, of {}", completed.len(), expected.len());
    let started = started(&connection).await;
    assert!(
        started == expected,
        "{} executions were started, and {} are meant; not meant: {:?}",
        started.len(),
        expected.len(),
        started.difference(&expected).take(3).collect::<Vec<_>>(),
    );
    system.end().await;
    format!(
        "killed a trigger {killed} times: {published} events, each published twice, started {} executions, one each; all are known \
         to be over {over:.1?} after the last event",
        started.len(),
    )
}

/// How many there were.
async fn publish_all(connection: Connection, until: Instant) -> u32 {
    let mut tick = interval(EVERY);
    let mut publishing = JoinSet::new();
    let mut number = 0;
    while Instant::now() < until {
        tick.tick().await;
        for number in number..number + AT_ONCE {
            let connection = connection.clone();
            publishing.spawn(async move {
                publish(&connection, number).await;
                sleep(AGAIN_AFTER).await;
                publish(&connection, number).await;
            });
        }
        number += AT_ONCE;
        while let Some(done) = publishing.try_join_next() {
            done.expect("it is stored");
        }
    }
    while let Some(done) = publishing.join_next().await {
        done.expect("it is stored");
    }
    number
}

/// Without a Msg-Id, so that the server takes it as often as it comes.
async fn publish(connection: &Connection, number: u32) {
    let kind = if number.is_multiple_of(2) { "crash.even" } else { "crash.odd" };
    let message = Message {
        subject: connection.names().event(kind),
        expected: None,
        msg_id: None,
        ttl: None,
        headers: vec![
            ("ce-specversion", "1.0".to_owned()),
            ("ce-id", number.to_string()),
            ("ce-source", "/crash".to_owned()),
            ("ce-type", kind.to_owned()),
            ("ce-tenant", "acme".to_owned()),
        ],
        payload: format!("{{\"number\":{number}}}").into(),
    };
    let deadline = Instant::now() + STORED_WITHIN;
    loop {
        let outcome = connection.publish(&message).await;
        if matches!(outcome, Outcome::Stored { .. }) {
            return;
        }
        assert!(Instant::now() < deadline, "event {number} is not stored: {outcome:?}");
        sleep(Duration::from_millis(50)).await;
    }
}

fn execution_of(number: u32) -> String {
    let workflow = Name::new(WORKFLOW).expect("a name");
    sagaline_trigger::execution_of(&workflow, "/crash", &number.to_string()).to_string()
}

/// Those that completed, once that are as many as are meant.
async fn wait_for_all(client: &Client, expected: &BTreeSet<String>) -> BTreeSet<String> {
    let deadline = Instant::now() + OVER_WITHIN;
    loop {
        let workflow = Some(Name::new(WORKFLOW).expect("a name"));
        let filter = ListFilter { status: vec![Status::Completed], workflow, ..ListFilter::default() };
        // An owner that does not answer in time is asked again.
        if let Ok(listed) = client.list(filter, None).next(usize::MAX).await {
            let completed: BTreeSet<String> = listed.iter().map(|listed| listed.view.execution.to_string()).collect();
            if expected.len() <= completed.len() || deadline < Instant::now() {
                return completed;
            }
        }
        sleep(Duration::from_secs(1)).await;
    }
}

/// The executions of the workflow whose starts are on the logs.
async fn started(connection: &Connection) -> BTreeSet<String> {
    let names = connection.names();
    let mut started = BTreeSet::new();
    for partition in 0..4 {
        let log = connection.jetstream().get_stream(names.runs(partition)).await.expect("a log");
        let mut subjects = log.info_with_subjects(names.run_all(partition)).await.expect("its subjects");
        while let Some(subject) = subjects.next().await {
            let (subject, count) = subject.expect("a subject");
            let Some((_, execution, "start")) = names.parse_run(&subject) else { continue };
            if execution.starts_with(WORKFLOW) {
                assert_eq!(count, 1, "{execution} was started more than once");
                started.insert(execution.to_owned());
            }
        }
    }
    started
}
