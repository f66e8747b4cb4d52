//! A worker that knows nothing but the page keeps what the page promises.

use std::time::{Duration, Instant};

use sagaline_wire::client::{Client, Started};
use serde_json::{Value, json};

use crate::site::{LONG, Site, Worker};

const ONE_STEP: &str = "workflow: one\nsteps: { work: { activity: raw.work, input: \"${ workflow.input }\" } }\n\
                        output: { by: \"${ steps.work.output.worker }\" }\n";

/// Waits until the execution is over, going by lifecycle events, then gives its record.
fn ended(client: &mut Client, heard: u64, execution: &str) -> Value {
    let deadline = Instant::now() + LONG;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let event = client.nats.next(left).unwrap().unwrap_or_else(|| panic!("`{execution}` does not end"));
        let tokens: Vec<&str> = event.subject.split('.').collect();
        if event.sid == heard && tokens[3] != "started" && tokens[5] == execution {
            break;
        }
    }
    let key = format!("$JS.API.DIRECT.GET.KV_results.$KV.results.{execution}");
    loop {
        let answer = client.nats.request(&key, &[], b"", LONG).unwrap().expect("JetStream answers");
        if answer.status == 0 {
            return serde_json::from_slice::<Value>(&answer.payload).unwrap()["state"].clone();
        }
        assert!(answer.status == 404 && Instant::now() < deadline, "`{execution}` has no record: {answer:?}");
    }
}

fn follow(client: &mut Client) -> u64 {
    client.nats.subscribe("sagaline.lifecycle.workflow.>").unwrap()
}

/// The consumer of the raw workers, as the server has it.
fn consumer(client: &mut Client) -> Value {
    let subject = "$JS.API.CONSUMER.INFO.QUEUE_default.raw~work";
    let info = client.nats.request(subject, &[], b"", LONG).unwrap().expect("JetStream answers");
    serde_json::from_slice(&info.payload).unwrap()
}

#[test]
fn a_raw_client_and_a_raw_worker_bring_a_workflow_to_its_end() {
    let three = "workflow: three\nsteps:\n  a: { activity: raw.work, timeout: 30s }\n  \
                 b: { after: a, activity: raw.work }\n  c: { after: b, activity: raw.work, timeout: 30s }\n";
    let site = Site::with(three);
    let mut worker = Worker::start(&site, "raw.work");
    let mut client = site.client();
    let heard = follow(&mut client);
    assert_eq!(client.start("e-1", "three", &json!({})).unwrap(), Started::Now);
    let record = ended(&mut client, heard, "e-1");
    assert_eq!(record["status"], "completed", "{record}");
    assert_eq!(client.start("e-1", "three", &json!({})).unwrap(), Started::Before, "an id is started once");
    assert_eq!(client.ask("e-1", &json!({"get": {"execution": "e-1"}})).unwrap(), Some(json!("unknown")));
    worker.says("end e-1/c/1");
    // Each was certainly the only copy: nothing was asked.
    let expected =
        ["ready", "begin e-1/a/1", "end e-1/a/1", "begin e-1/b/1", "end e-1/b/1", "begin e-1/c/1", "end e-1/c/1"];
    assert_eq!(worker.said(), expected);
}

#[test]
fn the_task_of_a_killed_worker_is_asked_about_and_done_by_another() {
    let site = Site::with(ONE_STEP);
    let mut client = site.client();
    let heard = follow(&mut client);
    let mut first = Worker::start(&site, "raw.work");
    assert_eq!(client.start("e-1", "one", &json!({"ms": 3000})).unwrap(), Started::Now);
    first.says("begin e-1/work/1");
    first.kill();
    let mut second = Worker::start(&site, "raw.work");
    let record = ended(&mut client, heard, "e-1");
    assert_eq!(
        (&record["status"], &record["output"]),
        (&json!("completed"), &json!({"by": second.name()})),
        "{record}"
    );
    second.says("end e-1/work/1");
    let told: Vec<_> = second.said().iter().filter(|line| !line.starts_with("alive")).collect();
    assert_eq!(told, ["ready", "wanted e-1/work/1", "begin e-1/work/1", "end e-1/work/1"]);
}

#[test]
fn signs_of_life_keep_a_task_for_longer_than_ack_wait() {
    let site = Site::with(ONE_STEP);
    let mut client = site.client();
    let heard = follow(&mut client);
    let mut first = Worker::start(&site, "raw.work");
    assert_eq!(client.start("e-1", "one", &json!({"ms": 9000})).unwrap(), Started::Now);
    first.says("begin e-1/work/1");
    // It asks for tasks all the while, and would be given this one.
    let mut second = Worker::start(&site, "raw.work");
    let record = ended(&mut client, heard, "e-1");
    assert_eq!(record["output"], json!({"by": first.name()}), "{record}");
    let signs = first.said().iter().filter(|line| *line == "alive e-1/work/1").count();
    assert!((4..=12).contains(&signs), "{signs} signs of life in 9 s");
    // The server counts every delivery that it made: there was one.
    let info = consumer(&mut client);
    assert_eq!(info["delivered"]["consumer_seq"], 1, "{info}");
    assert_eq!(second.said(), ["ready"]);
}

/// What came while it stood still looks like a first delivery, and is with somebody else by now.
#[test]
fn a_worker_that_stood_still_drops_what_it_was_given_meanwhile() {
    let site = Site::with(ONE_STEP);
    let mut client = site.client();
    let heard = follow(&mut client);
    let mut first = Worker::start(&site, "raw.work");
    let deadline = Instant::now() + LONG;
    let given = (1..).map(|number| format!("e-{number}")).find(|execution| {
        first.signal("STOP");
        assert_eq!(client.start(execution, "one", &json!({})).unwrap(), Started::Now);
        // It is given the task if a request of its own is open at this moment, which it nearly always is.
        loop {
            let info = consumer(&mut client);
            if info["num_ack_pending"] == 1 {
                return true;
            }
            if info["num_waiting"] == 0 && info["num_pending"] == 1 {
                first.signal("CONT");
                first.says(&format!("end {execution}/work/1"));
                return false;
            }
            assert!(Instant::now() < deadline, "nobody is given the task of `{execution}`: {info}");
        }
    });
    let execution = given.expect("there is always another number");
    let second = Worker::start(&site, "raw.work");
    let record = ended(&mut client, heard, &execution);
    assert_eq!(record["output"], json!({"by": second.name()}), "{record}");
    first.signal("CONT");
    first.says("lost ");
    second.kill();
    // It is as good as a new one.
    assert_eq!(client.start("after", "one", &json!({})).unwrap(), Started::Now);
    first.says("end after/work/1");
    assert!(!first.said().contains(&format!("begin {execution}/work/1")), "{:?}", first.said());
}

#[test]
fn a_cancel_reaches_the_worker_whose_task_it_ends() {
    let site = Site::with(ONE_STEP);
    let mut client = site.client();
    let heard = follow(&mut client);
    let mut worker = Worker::start(&site, "raw.work");
    assert_eq!(client.start("e-1", "one", &json!({"ms": 600_000})).unwrap(), Started::Now);
    worker.says("begin e-1/work/1");
    client.send("e-1", "cancel", &json!({"reason": "not today"})).unwrap();
    worker.says("cancelled e-1/work/1");
    let record = ended(&mut client, heard, "e-1");
    assert_eq!((&record["status"], &record["reason"]), (&json!("cancelled"), &json!("not today")), "{record}");
    // It is free for the next one at once.
    assert_eq!(client.start("e-2", "one", &json!({})).unwrap(), Started::Now);
    worker.says("end e-2/work/1");
}

#[test]
fn an_attempt_that_runs_out_of_time_fails_as_a_timeout() {
    let site =
        Site::with("workflow: late\nsteps: { work: { activity: raw.work, input: { ms: 60000 }, timeout: 500ms } }\n");
    let mut client = site.client();
    let heard = follow(&mut client);
    let _worker = Worker::start(&site, "raw.work");
    assert_eq!(client.start("e-1", "late", &Value::Null).unwrap(), Started::Now);
    let record = ended(&mut client, heard, "e-1");
    assert_eq!((&record["status"], &record["error"]["type"]), (&json!("failed"), &json!("Timeout")), "{record}");
}

#[test]
fn an_attempt_that_is_too_early_comes_again_and_its_snooze_is_no_failure() {
    let site = Site::with(ONE_STEP);
    let mut client = site.client();
    let heard = follow(&mut client);
    let mut worker = Worker::start(&site, "raw.work");
    assert_eq!(client.start("e-1", "one", &json!({"snooze": "700ms"})).unwrap(), Started::Now);
    let record = ended(&mut client, heard, "e-1");
    assert_eq!((&record["status"], &record["steps"][0]["attempt"]), (&json!("completed"), &json!(2)), "{record}");
    worker.says("end e-1/work/2");
    assert_eq!(
        worker.said(),
        ["ready", "begin e-1/work/1", "snoozed e-1/work/1", "begin e-1/work/2", "end e-1/work/2"]
    );
}

#[test]
fn a_task_that_no_worker_begins_in_time_is_given_up_and_one_that_is_begun_is_not() {
    let site = Site::with(
        "workflow: soon\nsteps: { work: { activity: raw.work, input: \"${ workflow.input }\", schedule_timeout: 2s } }\n",
    );
    let mut client = site.client();
    let heard = follow(&mut client);
    assert_eq!(client.start("e-1", "soon", &json!({})).unwrap(), Started::Now);
    let record = ended(&mut client, heard, "e-1");
    assert_eq!(
        (&record["status"], &record["error"]["type"]),
        (&json!("failed"), &json!("ScheduleTimeout")),
        "{record}"
    );
    let mut worker = Worker::start(&site, "raw.work");
    assert_eq!(client.start("e-2", "soon", &json!({"ms": 4000})).unwrap(), Started::Now);
    let record = ended(&mut client, heard, "e-2");
    assert_eq!(record["status"], "completed", "{record}");
    worker.says("end e-2/work/1");
    let told: Vec<_> = worker.said().iter().filter(|line| !line.starts_with("alive")).collect();
    assert_eq!(told, ["ready", "begin e-2/work/1", "end e-2/work/1"], "the task that was given up is gone");
}

/// A start before anything is ready for it is no less a start.
#[test]
fn a_signal_is_kept_for_a_start_that_comes_later() {
    let site = Site::with(
        "workflow: gate\nsteps: { go: { await: { signal: approved } } }\noutput: \"${ steps.go.output }\"\n",
    );
    let mut client = site.client();
    let heard = follow(&mut client);
    client.send("e-1", "signal", &json!({"name": "approved", "data": {"by": "ada"}})).unwrap();
    assert_eq!(client.start("e-1", "gate", &Value::Null).unwrap(), Started::Now);
    let record = ended(&mut client, heard, "e-1");
    assert_eq!((&record["status"], &record["output"]), (&json!("completed"), &json!({"by": "ada"})), "{record}");
    assert_eq!(client.start("e-2", "gate", &Value::Null).unwrap(), Started::Now);
    // Folding takes a moment; asking is what is tested, so it is asked until it is known.
    let deadline = Instant::now() + LONG;
    let why = loop {
        let why = client.ask("e-2", &json!({"why": {"execution": "e-2"}})).unwrap().unwrap_or_default();
        if why["why"][0]["step"] == "go" {
            break why;
        }
        assert!(Instant::now() < deadline, "{why}");
        client.nats.next(Duration::from_millis(50)).unwrap();
    };
    assert_eq!(why["why"][0]["command"], "sagaline signal e-2 approved");
}

/// The small worker asks about every task, works while it is kept alive for longer than `ack_wait`, and ends what is cancelled.
#[test]
fn a_small_worker_that_always_asks_keeps_the_promises_too() {
    let site = Site::with(ONE_STEP);
    let mut client = site.client();
    let heard = follow(&mut client);
    let mut small = std::process::Command::new(env!("CARGO_BIN_EXE_small-worker"))
        .args([&*site.address(), "default", "raw.work"])
        .spawn()
        .expect("the small worker can be started");
    assert_eq!(client.start("e-1", "one", &json!({"ms": 6000})).unwrap(), Started::Now);
    let record = ended(&mut client, heard, "e-1");
    assert_eq!((&record["status"], &record["output"]["by"]), (&json!("completed"), &json!("small")), "{record}");
    assert_eq!(consumer(&mut client)["num_redelivered"], 0, "it was kept while it was worked on");

    assert_eq!(client.start("e-2", "one", &json!({"ms": 600_000})).unwrap(), Started::Now);
    client.send("e-2", "cancel", &json!({})).unwrap();
    assert_eq!(ended(&mut client, heard, "e-2")["status"], "cancelled");
    // It is free for the next one at once: the notice reached it, or it was told that nobody wants the task.
    assert_eq!(client.start("e-3", "one", &json!({"ms": 10})).unwrap(), Started::Now);
    assert_eq!(ended(&mut client, heard, "e-3")["status"], "completed");
    small.kill().expect("it runs");
    small.wait().expect("it has ended");
}
