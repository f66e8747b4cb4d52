//! The smallest worker that keeps the law: it asks about every task. `small-worker HOST:PORT QUEUE ACTIVITY`
//!
//! Its activity works for `{"ms": …}`. Where it is in doubt it ends, and whoever is given its task goes on.

use std::{
    error::Error,
    time::{Duration, Instant},
};

use sagaline_wire::nats::Nats;
use serde_json::{Value, json};

const SECOND: Duration = Duration::from_secs(1);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, queue, activity] = &arguments[..] else { return Err("give HOST:PORT QUEUE ACTIVITY".into()) };
    let mut nats = Nats::connect(address)?;
    let (inbox, consumer) = (nats.own_subject("tasks"), activity.replace('.', "~"));
    let (tasks, notices) = (nats.subscribe(&inbox)?, nats.subscribe("sagaline.tell.*")?);
    let config = json!({ "durable_name": consumer, "filter_subject": format!("sagaline.queue.{queue}.{consumer}.>"),
        "ack_policy": "explicit", "ack_wait": 4_000_000_000_u64, "max_deliver": -1, "max_ack_pending": 10_000, "max_waiting": 4096 });
    let create = json!({ "stream_name": format!("QUEUE_{queue}"), "action": "create", "config": config }).to_string();
    // Refused if it is there with other settings, which are then the ones that count.
    nats.request(&format!("$JS.API.CONSUMER.CREATE.QUEUE_{queue}.{consumer}"), &[], create.as_bytes(), 5 * SECOND)?;
    loop {
        let next = format!("$JS.API.CONSUMER.MSG.NEXT.QUEUE_{queue}.{consumer}");
        nats.publish(&next, &inbox, &[], br#"{"batch":1,"expires":5000000000}"#)?;
        let Some(delivery) = nats.next(6 * SECOND)?.filter(|message| message.sid == tasks && message.status == 0)
        else {
            continue;
        };
        let mut alive = Instant::now();
        let task: Value = serde_json::from_slice(&delivery.payload)?;
        let field = |name: &str| task[name].as_str().unwrap_or_default();
        let wanted =
            json!({ "wanted": { "execution": task["execution"], "path": task["path"], "attempt": task["attempt"] } });
        let store = |nats: &mut Nats, kind: &str, data: Value| -> Result<(), Box<dyn Error>> {
            let (id, kind) = (format!("{}-{kind}", delivery.reply), format!("sagaline.input.{kind}.v1"));
            let headers = [("ce-specversion", "1.0"), ("ce-id", &id), ("ce-source", "/small"), ("ce-type", &kind)];
            let stored = nats.request(field("reply"), &headers, data.to_string().as_bytes(), 2 * SECOND)?;
            let stored = stored.is_some_and(|stored| {
                serde_json::from_slice::<Value>(&stored.payload).is_ok_and(|ack| ack["seq"].is_u64())
            });
            if stored { Ok(()) } else { Err("nobody knows whether it is stored".into()) }
        };
        let this = json!({ "path": task["path"], "attempt": task["attempt"] });
        // What is claimed is asked about when its start is stored; anything else may be asked about before.
        let claim = task["claim"] == true;
        if claim {
            store(&mut nats, "step_started", this.clone())?;
        }
        let answer = loop {
            nats.publish(&delivery.reply, "", &[], b"+WPI")?;
            let asked = nats.request(field("ask"), &[], wanted.to_string().as_bytes(), SECOND)?;
            if let Some(answer) = asked.filter(|answer| answer.status == 0) {
                break serde_json::from_slice::<Value>(&answer.payload)?;
            }
            std::thread::sleep(SECOND);
        };
        let wanted = answer["wanted"] == true;
        let mut revoked = !wanted;
        if wanted && !claim && (task["timeout"].is_string() || task["report"] == true) {
            store(&mut nats, "step_started", this.clone())?;
        }
        let end = Instant::now() + Duration::from_millis(task["input"]["ms"].as_u64().unwrap_or(0));
        while !revoked && Instant::now() < end {
            if alive.elapsed() >= 3 * SECOND {
                return Err("it was held too long; it may be somebody else's".into());
            }
            nats.publish(&delivery.reply, "", &[], b"+WPI")?;
            alive = Instant::now();
            let heard = nats.next(SECOND.min(end.saturating_duration_since(alive)))?.filter(|message| {
                message.sid == notices && message.subject.ends_with(&format!(".{}", field("execution")))
            });
            let notice =
                heard.and_then(|message| serde_json::from_slice::<Value>(&message.payload).ok()).unwrap_or_default();
            revoked = notice["revoked"] == this;
        }
        if !revoked {
            store(
                &mut nats,
                "step_succeeded",
                json!({ "path": task["path"], "attempt": task["attempt"], "output": { "worker": "small" }, "claimed": claim }),
            )?;
        } else if claim && wanted {
            let error = json!({ "type": "Cancelled", "message": "it was told to stop" });
            store(
                &mut nats,
                "step_failed",
                json!({ "path": task["path"], "attempt": task["attempt"], "error": error }),
            )?;
        }
        nats.publish(&delivery.reply, "", &[], b"+ACK")?;
    }
}
