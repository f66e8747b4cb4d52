//! Tasks that say `claim`, put into the queue by hand. The test is their owner and reads their answers.

use std::process::{Child, Command};

use sagaline_wire::{
    client::{Client, Started},
    texts::partition,
};
use serde_json::{Value, json};

use crate::site::{LONG, Site, Worker};

/// Answers must be stored, and this is a stream's.
const REPLY: &str = "sagaline.events.answers";
const ASK: &str = "test.ask";
const EXECUTION: &str = "e-1";

/// Whoever put the task there.
struct Owner {
    client: Client,
    asks: u64,
}

/// What a worker did.
#[derive(Debug, PartialEq)]
enum Did {
    /// It asked, and this was the answer.
    Asked(bool),
    Answered(&'static str),
}

impl Owner {
    fn of(site: &Site) -> Self {
        let mut client = site.client();
        let asks = client.nats.subscribe(ASK).unwrap();
        client.nats.subscribe(REPLY).unwrap();
        Self { client, asks }
    }

    fn put(&mut self, step: &str, ms: u64, headers: &[(&str, &str)]) {
        let task = json!({
            "workflow": "one", "version": 1, "execution": EXECUTION, "path": step, "attempt": 1, "queue": "default",
            "activity": "raw.work", "input": { "ms": ms }, "idempotency_key": step, "reply": REPLY, "ask": ASK,
            // Later than any session of a worker.
            "cause": "2099-01-01T00:00:00Z", "report": true, "claim": true,
        });
        let id = [("ce-specversion", "1.0"), ("ce-id", step), ("ce-source", "/test"), ("ce-type", "sagaline.task.v1")];
        let headers = [&id[..], headers].concat();
        let subject = format!("sagaline.queue.default.raw~work.{EXECUTION}.{step}.1");
        let stored = self.client.nats.request(&subject, &headers, task.to_string().as_bytes(), LONG).unwrap().unwrap();
        assert!(serde_json::from_slice::<Value>(&stored.payload).unwrap()["seq"].is_u64(), "{stored:?}");
    }

    /// The next that a worker does; a question is answered so. And what it said.
    fn sees(&mut self, wanted: bool) -> (Did, Value) {
        let message = self.client.nats.next(LONG).unwrap().expect("the worker does something");
        let said: Value = serde_json::from_slice(&message.payload).unwrap();
        if message.sid == self.asks {
            let answer = json!({ "wanted": wanted }).to_string();
            self.client.nats.publish(&message.reply, "", &[], answer.as_bytes()).unwrap();
            return (Did::Asked(wanted), said);
        }
        let kinds = ["step_started", "step_succeeded", "step_failed"];
        let kind = message.header("ce-type").expect("a type").to_owned();
        let named = kinds.into_iter().find(|known| kind == format!("sagaline.input.{known}.v1"));
        (Did::Answered(named.unwrap_or_else(|| panic!("{kind}"))), said)
    }

    /// Waits until the queue has nothing any more.
    fn sees_all_acknowledged(&mut self) {
        loop {
            let info = self.client.nats.request("$JS.API.STREAM.INFO.QUEUE_default", &[], b"", LONG).unwrap().unwrap();
            if serde_json::from_slice::<Value>(&info.payload).unwrap()["state"]["messages"] == 0 {
                return;
            }
        }
    }
}

fn site() -> Site {
    Site::with("workflow: one\nsteps: { work: { activity: raw.work } }\n")
}

struct Small(Child);

impl Small {
    fn start(site: &Site) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_small-worker"));
        Self(command.args([&*site.address(), "default", "raw.work"]).spawn().expect("the small worker can be started"))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        drop((self.0.kill(), self.0.wait()));
    }
}

#[test]
fn a_claimed_task_runs_when_its_start_is_stored_and_it_is_wanted() {
    let site = site();
    let mut owner = Owner::of(&site);
    let serves_one = |owner: &mut Owner, step: &str| {
        owner.put(step, 10, &[]);
        assert_eq!(owner.sees(true).0, Did::Answered("step_started"));
        let (asked, question) = owner.sees(true);
        assert_eq!(asked, Did::Asked(true));
        assert_eq!(question, json!({"wanted": {"execution": EXECUTION, "path": step, "attempt": 1}}));
        let (ended, success) = owner.sees(true);
        assert_eq!((ended, &success["claimed"]), (Did::Answered("step_succeeded"), &json!(true)), "{success}");
        owner.sees_all_acknowledged();
    };
    let raw = Worker::start(&site, "raw.work");
    serves_one(&mut owner, "by-raw");
    raw.kill();
    let _small = Small::start(&site);
    serves_one(&mut owner, "by-small");
}

#[test]
fn a_claimed_task_that_is_not_wanted_any_more_has_done_nothing() {
    let site = site();
    let mut owner = Owner::of(&site);
    let mut raw = Worker::start(&site, "raw.work");
    owner.put("only", 10, &[]);
    assert_eq!(owner.sees(false).0, Did::Answered("step_started"));
    assert_eq!(owner.sees(false).0, Did::Asked(false));
    let (ended, failure) = owner.sees(false);
    assert_eq!((ended, &failure["error"]["type"]), (Did::Answered("step_failed"), &json!("NotBegun")), "{failure}");
    owner.sees_all_acknowledged();
    // Another may run what this is a copy of: it says nothing more.
    owner.put("copy", 10, &[("Sagaline-Repeat", "1")]);
    assert_eq!(owner.sees(true).0, Did::Asked(true));
    assert_eq!(owner.sees(true).0, Did::Answered("step_started"));
    assert_eq!(owner.sees(false).0, Did::Asked(false));
    owner.sees_all_acknowledged();
    let said = raw.said();
    assert!(!said.iter().any(|line| line.starts_with("begin")), "{said:?}");
}

#[test]
fn a_claimed_task_that_is_revoked_while_it_runs_is_answered_for() {
    let site = site();
    let mut owner = Owner::of(&site);
    let stopped = |owner: &mut Owner, step: &str, begun: &mut dyn FnMut()| {
        owner.put(step, 600_000, &[]);
        assert_eq!(owner.sees(true).0, Did::Answered("step_started"));
        assert_eq!(owner.sees(true).0, Did::Asked(true));
        begun();
        let notice = json!({"revoked": {"path": step, "attempt": 1}}).to_string();
        owner.client.nats.publish(&format!("sagaline.tell.{EXECUTION}"), "", &[], notice.as_bytes()).unwrap();
        assert_eq!(owner.sees(true).0, Did::Answered("step_failed"));
        owner.sees_all_acknowledged();
    };
    let mut raw = Worker::start(&site, "raw.work");
    stopped(&mut owner, "by-raw", &mut || raw.says("begin"));
    raw.kill();
    let _small = Small::start(&site);
    // It listens from its first breath, so the notice waits for it.
    stopped(&mut owner, "by-small", &mut || ());
}

#[test]
fn the_tasks_of_a_step_that_can_be_undone_are_claimed() {
    let site = Site::with("workflow: one\nsteps: { work: { activity: raw.work, compensate: raw.undo } }\n");
    let mut client = site.client();
    let partition = partition(EXECUTION, 2);
    let log = client.nats.subscribe(&format!("sagaline.run.{partition}.{EXECUTION}.in")).unwrap();
    let _worker = Worker::start(&site, "raw.work");
    assert_eq!(client.start(EXECUTION, "one", &json!({})).unwrap(), Started::Now);
    let mut kinds = vec![];
    let success = loop {
        let message = client.nats.next(LONG).unwrap().expect("it goes on");
        if message.sid == log {
            kinds.push(message.header("ce-type").expect("a type").to_owned());
            if kinds.last().is_some_and(|kind| kind.ends_with("step_succeeded.v1")) {
                break serde_json::from_slice::<Value>(&message.payload).unwrap();
            }
        }
    };
    assert!(kinds.contains(&"sagaline.input.step_started.v1".to_owned()), "{kinds:?}");
    assert_eq!(success["claimed"], true, "{success}");
}
