//! A worker as `docs/protocol.md` describes it, with nothing but a socket: `raw-worker HOST:PORT QUEUE ACTIVITY`.
//!
//! Its activity works for as many milliseconds as the input says (`{"ms": 200}`) and gives back which process that was. What it
//! does, it says on standard output, a line each. Whatever goes wrong, it begins anew with another connection and leaves the task
//! that it had to whoever is given it.

use std::{
    convert::Infallible,
    error::Error,
    io::{Write, stdout},
    thread::sleep,
    time::{Duration, Instant},
};

use sagaline_wire::{
    nats::{Message, Nats},
    texts::{millis, nanos},
};
use serde_json::{Value, json};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// A consumer sends a heartbeat every half second while a request for tasks is open. After five missing ones nobody is there.
const SILENCE: Duration = Duration::from_millis(2500);
const SECOND: Duration = Duration::from_secs(1);

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, queue, activity] = &arguments[..] else {
        return Err("usage: raw-worker HOST:PORT QUEUE ACTIVITY".into());
    };
    loop {
        let Err(why) = attend(address, queue, activity);
        say("lost", &why.to_string());
        sleep(SECOND);
    }
}

/// Serves tasks for as long as there is no doubt whose they are: one connection, one session.
fn attend(address: &str, queue: &str, activity: &str) -> Outcome<Infallible> {
    let mut worker = Worker::connect(address, queue, activity)?;
    loop {
        let (delivery, received) = worker.pull()?;
        worker.serve(&delivery, received)?;
    }
}

struct Worker {
    nats: Nats,
    name: String,
    stream: String,
    consumer: String,
    filter: String,
    /// Where tasks come in, and the number of that subscription.
    inbox: String,
    tasks: u64,
    /// The subscription for what is told to workers.
    notices: u64,
    /// The consumer that is there, and since when it and this connection are known to be.
    created: Value,
    since: i64,
    ack_wait: Duration,
}

/// A task in our hands.
struct Held {
    task: Value,
    /// `execution/path/attempt`.
    name: String,
    /// Where it is acknowledged.
    reply: String,
    /// When the server last had a sign of life.
    kept: Instant,
}

impl Worker {
    fn connect(address: &str, queue: &str, activity: &str) -> Outcome<Self> {
        let mut nats = Nats::connect(address)?;
        let inbox = nats.own_subject("tasks");
        let (tasks, notices) = (nats.subscribe(&inbox)?, nats.subscribe("sagaline.tell.*")?);
        let consumer = activity.replace('.', "~");
        let mut worker = Self {
            name: format!("raw-{}", std::process::id()),
            stream: format!("QUEUE_{queue}"),
            filter: format!("sagaline.queue.{queue}.{consumer}.>"),
            consumer,
            inbox,
            tasks,
            notices,
            created: Value::Null,
            since: 0,
            ack_wait: Duration::ZERO,
            nats,
        };
        worker.ensure_consumer()?;
        say("ready", "");
        Ok(worker)
    }

    /// The consumer is shared by all workers of the activity: whoever comes first makes it, and nobody changes it.
    fn ensure_consumer(&mut self) -> Outcome<()> {
        let Self { stream, consumer, filter, .. } = self;
        let config = json!({
            "durable_name": consumer, "filter_subject": filter, "deliver_policy": "all", "replay_policy": "instant",
            "ack_policy": "explicit", "ack_wait": 4_000_000_000_u64, "max_deliver": -1, "max_ack_pending": 10_000,
            "max_waiting": 4096,
        });
        let create = json!({ "stream_name": stream, "action": "create", "config": config }).to_string();
        let names = format!("{stream}.{consumer}");
        let mut found = self.api(&format!("CONSUMER.CREATE.{names}"), &create)?;
        // It is there, with settings that an operator gave it.
        if found["error"]["err_code"] == 10148 {
            found = self.api(&format!("CONSUMER.INFO.{names}"), "")?;
        }
        let ack_wait = found["config"]["ack_wait"].as_u64().ok_or_else(|| format!("no consumer `{names}`: {found}"))?;
        if self.created != found["created"] {
            self.since = found["ts"].as_str().and_then(nanos).ok_or("an answer without a time")?;
            self.created = found["created"].take();
        }
        self.ack_wait = Duration::from_nanos(ack_wait);
        Ok(())
    }

    fn api(&mut self, verb: &str, body: &str) -> Outcome<Value> {
        let answer = self.nats.request(&format!("$JS.API.{verb}"), &[], body.as_bytes(), 5 * SECOND)?;
        Ok(serde_json::from_slice(&answer.ok_or("JetStream does not answer")?.payload)?)
    }

    /// The next task, and when it came at the earliest.
    fn pull(&mut self) -> Outcome<(Message, Instant)> {
        loop {
            self.ensure_consumer()?;
            let request = format!("$JS.API.CONSUMER.MSG.NEXT.{}.{}", self.stream, self.consumer);
            let what = json!({ "batch": 1, "expires": 5_000_000_000_u64, "idle_heartbeat": 500_000_000 });
            self.nats.publish(&request, &self.inbox, &[], what.to_string().as_bytes())?;
            let mut looked = Instant::now();
            loop {
                // What lies in our buffers then came we do not know when, and may be with somebody else.
                if self.ack_wait / 2 < looked.elapsed() {
                    return Err("this process stood still".into());
                }
                looked = Instant::now();
                let message = self.nats.next(SILENCE)?.ok_or("no heartbeat comes from the consumer")?;
                match message.status {
                    // A notice, about a task that is not ours.
                    _ if message.sid != self.tasks => {}
                    0 => return Ok((message, looked)),
                    100 => {}
                    404 | 408 => break,
                    status => return Err(format!("NATS ended the request with status {status}").into()),
                }
            }
        }
    }

    fn serve(&mut self, delivery: &Message, received: Instant) -> Outcome<()> {
        let task: Value = serde_json::from_slice(&delivery.payload)?;
        let name = format!("{}/{}/{}", text(&task, "execution")?, text(&task, "path")?, task["attempt"]);
        let mut held = Held { task, name, reply: delivery.reply.clone(), kept: received };
        let is_only_copy = self.is_only_copy(delivery, &held.task);
        if !is_only_copy {
            let wanted = self.is_wanted(&mut held)?;
            say(if wanted { "wanted" } else { "unwanted" }, &held.name);
            if !wanted {
                return self.acknowledge(&held, "+ACK");
            }
        }
        let limit = held.task["timeout"].as_str().and_then(millis);
        let claim = held.task["claim"] == true;
        if limit.is_some() || held.task["report"] == true || claim {
            self.store(&mut held, "step_started", json!({}))?;
        }
        let claimed = !claim || self.is_wanted(&mut held)?;
        // It may be somebody else's by now, so it is left alone.
        if self.ack_wait <= held.kept.elapsed() {
            say("dropped", &held.name);
            return Ok(());
        }
        if !claimed {
            say("unclaimed", &held.name);
            // Of a copy another may run.
            if is_only_copy {
                let error = json!({ "type": "NotBegun", "message": "it has done nothing", "retryable": false });
                self.store(&mut held, "step_failed", json!({ "error": error }))?;
            }
            return self.acknowledge(&held, "+ACK");
        }
        say("begin", &held.name);
        let ms = held.task["input"]["ms"].as_u64().unwrap_or(0);
        if !self.work(&mut held, Duration::from_millis(ms.min(limit.unwrap_or(ms))))? {
            say("cancelled", &held.name);
            if claim {
                let error = json!({ "type": "Cancelled", "message": "it was told to stop" });
                self.store(&mut held, "step_failed", json!({ "error": error }))?;
            }
        } else if limit.is_some_and(|limit| limit < ms) {
            let error = json!({ "type": "Timeout", "message": "the attempt ran longer than its timeout" });
            self.store(&mut held, "step_failed", json!({ "error": error }))?;
            say("failed", &held.name);
        } else if let (Some(delay), 1) =
            (held.task["input"]["snooze"].as_str(), held.task["attempt"].as_u64().unwrap_or(0))
        {
            let again = json!({ "for": delay, "reason": "too early" });
            self.store(&mut held, "step_snoozed", again)?;
            say("snoozed", &held.name);
        } else {
            let output = json!({ "worker": self.name });
            self.store(&mut held, "step_succeeded", json!({ "output": output, "claimed": claim }))?;
            say("end", &held.name);
        }
        self.acknowledge(&held, "+ACK")
    }

    /// Whether nobody else can have been given this task, or a copy of it.
    fn is_only_copy(&self, delivery: &Message, task: &Value) -> bool {
        // $JS.ACK.<stream>.<consumer>.<delivered>.<sequence>.<delivery>.<stored>.<pending>, with two tokens more in front of the
        // stream, and perhaps one behind, in the form that is to come.
        let tokens: Vec<&str> = delivery.reply.split('.').collect();
        let first = if tokens.len() == 9 { 4 } else { 6 };
        let number = |place: usize| tokens.get(place).and_then(|token| token.parse::<i64>().ok());
        let (Some(delivered), Some(stored)) = (number(first), number(first + 3)) else { return false };
        let Some(cause) = task["cause"].as_str().and_then(nanos) else { return false };
        delivered == 1
            && delivery.header("Sagaline-Repeat").is_none()
            && self.since < cause
            && stored - cause <= 30_000_000_000
    }

    /// Asks the owner of the partition until it says so or denies it.
    fn is_wanted(&mut self, held: &mut Held) -> Outcome<bool> {
        let task = &held.task;
        let attempt = json!({ "execution": task["execution"], "path": task["path"], "attempt": task["attempt"] });
        let (subject, question) = (text(task, "ask")?.to_owned(), json!({ "wanted": attempt }).to_string());
        loop {
            if let Some(answer) = self.nats.request(&subject, &[], question.as_bytes(), SECOND)? {
                match serde_json::from_slice(&answer.payload) {
                    Ok(Value::Object(answer)) if answer.contains_key("wanted") => return Ok(answer["wanted"] == true),
                    Ok(Value::String(answer)) if answer == "unknown" => return Ok(false),
                    // Nobody owns the partition for the moment.
                    _ => sleep(SECOND / 5),
                }
            }
            self.keep(held)?;
        }
    }

    /// Works, keeping the task all the while. `false`: nobody waits for the outcome any more.
    fn work(&mut self, held: &mut Held, time: Duration) -> Outcome<bool> {
        let end = Instant::now() + time;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(true);
            }
            if let Some(notice) = self.nats.next(left.min(self.ack_wait / 6))?
                && notice.sid == self.notices
                && notice.subject.rsplit('.').next() == held.task["execution"].as_str()
            {
                let notice: Value = serde_json::from_slice(&notice.payload)?;
                let task = &held.task;
                if notice["revoked"] == json!({ "path": task["path"], "attempt": task["attempt"] }) {
                    return Ok(false);
                }
            }
            self.keep(held)?;
        }
    }

    /// Puts an input on the execution's log, however long that takes.
    fn store(&mut self, held: &mut Held, kind: &str, mut data: Value) -> Outcome<()> {
        data["path"] = held.task["path"].clone();
        data["attempt"] = held.task["attempt"].clone();
        data["worker"] = self.name.clone().into();
        let (id, kind) = (format!("{}/{kind}", held.name), format!("sagaline.input.{kind}.v1"));
        let headers = [("ce-specversion", "1.0"), ("ce-id", &*id), ("ce-source", "/raw-worker"), ("ce-type", &*kind)];
        let reply = text(&held.task, "reply")?.to_owned();
        loop {
            if let Some(answer) = self.nats.request(&reply, &headers, data.to_string().as_bytes(), SECOND)? {
                // `{"stream":"RUNS_0","seq":17}`, or an error.
                let answer: Value = serde_json::from_slice(&answer.payload).unwrap_or_default();
                if answer["error"].is_null() && answer["seq"].is_u64() {
                    return Ok(());
                }
                sleep(SECOND / 5);
            }
            self.keep(held)?;
        }
    }

    /// Gives a sign of life if it is time for one. A task that may be somebody else's already is not kept any more.
    fn keep(&mut self, held: &mut Held) -> Outcome<()> {
        if (self.ack_wait / 3..self.ack_wait).contains(&held.kept.elapsed()) {
            held.kept = Instant::now();
            self.acknowledge(held, "+WPI")?;
            say("alive", &held.name);
        }
        Ok(())
    }

    fn acknowledge(&mut self, held: &Held, what: &str) -> Outcome<()> {
        Ok(self.nats.publish(&held.reply, "", &[], what.as_bytes())?)
    }
}

fn text<'a>(task: &'a Value, field: &str) -> Outcome<&'a str> {
    Ok(task[field].as_str().ok_or_else(|| format!("the task has no `{field}`"))?)
}

/// For whoever watches. A closed pipe ends nothing.
fn say(what: &str, about: &str) {
    writeln!(stdout(), "{what} {about}").unwrap_or_default();
}
