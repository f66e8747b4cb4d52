//! The checker must be able to fail: a finished task is put into its queue again, disguised as the only copy, and the load's report
//! must say that a step was repeated.

use std::{io::Read, time::Duration};

use sagaline_broker::{
    names::Names,
    nats,
    ports::{Message, Outcome},
};
use sagaline_crash::{Nodes, Role, System, Witness, kills::now};
use sagaline_events::{Task, task::TASK_TYPE};
use serde_json::Value;
use tokio::time::{sleep, timeout};

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_is_made_to_run_again_is_noticed() {
    let mut system = System::start("seeded", Nodes::One, vec![("SAGALINE_PARTITIONS", "2".to_owned())]).await;
    system.spawn(Role::Orchestrator);
    system.spawn(Role::Executor);
    system.ready().await;
    let (witness, since) = (system.witness_file(), now());
    let path = witness.to_str().expect("a path in UTF-8").to_owned();
    let arguments =
        ["bench", "--output", "json", "--workflows", "100", "--rate", "10", "--step-ms", "20", "--witness", &path];
    let mut bench = system.sagaline(&arguments);
    let connection = nats::connect(&system.nats.url(), "sagaline", "seeder").await.expect("a connection");
    let finished = timeout(Duration::from_secs(30), async {
        loop {
            let runs = if witness.exists() { Witness::read(&witness) } else { Witness::default() };
            if let Some(run) = runs.one_ended(since) {
                return run;
            }
            sleep(Duration::from_millis(100)).await;
        }
    });
    let (execution, step, attempt) = finished.await.expect("something runs");
    // Its result is stored by now: the witness is written before, but this is a second later.
    sleep(Duration::from_secs(1)).await;
    let outcome = connection.publish(&disguised(&connection, &execution, &step, attempt)).await;
    assert!(matches!(outcome, Outcome::Stored { .. }), "{outcome:?}");
    let report = tokio::task::spawn_blocking(move || {
        let mut text = String::new();
        bench.stdout.take().expect("it was piped").read_to_string(&mut text).expect("text");
        (bench.wait().expect("it has ended"), text)
    });
    let (status, text) = report.await.expect("no panic");
    let report: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(report["repeated_steps"], 1, "{report}");
    assert_eq!(status.code(), Some(1), "{report}");
    system.end().await;
}

fn disguised(connection: &nats::Connection, execution: &str, step: &str, attempt: u32) -> Message {
    let names: &Names = connection.names();
    let cause = now();
    let json = serde_json::json!({
        "workflow": "bench", "version": 1, "execution": execution, "path": step, "attempt": attempt,
        "queue": "default", "activity": "sleep", "input": {"ms": 0}, "idempotency_key": format!("{execution}/{step}"),
        "reply": names.input(execution, 2), "ask": names.ask(0), "cause": cause,
    });
    let task: Task = serde_json::from_value(json).expect("a task");
    Message {
        subject: names.task("default", &task.activity, execution, step, attempt),
        expected: None,
        msg_id: None,
        ttl: None,
        headers: vec![
            ("ce-specversion", "1.0".to_owned()),
            ("ce-id", format!("seeded-{execution}")),
            ("ce-source", "/sagaline/test".to_owned()),
            ("ce-type", TASK_TYPE.to_owned()),
        ],
        payload: serde_json::to_vec(&task).expect("JSON").into(),
    }
}
