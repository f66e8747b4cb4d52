//! What an attempt leaves behind for the next one, and what it says on the way. Both are throttled, and neither may fail it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use sagaline_broker::{
    names::Names,
    nats::Connection,
    ports::{Bucket, Message, Outcome},
};
use sagaline_events::{Task, progress::Progress};
use sagaline_model::Moment;
use serde_json::{Value, json};
use tokio::time::{Duration, Instant};

/// What an activity says more often than this is left out, or waits.
const AT_MOST_EVERY: Duration = Duration::from_secs(1);
/// Larger details are left out: a bucket of little things is for all executions together.
pub(super) const DETAILS_BYTES_MAX: usize = 64 * 1024;
/// The CloudEvent type of progress.
const PROGRESS_TYPE: &str = "sagaline.step.progress.v1";

/// What is thrown away when it comes too soon after another.
#[derive(Debug, Default)]
pub(super) struct Throttle(Mutex<Throttled>);

#[derive(Debug, Default)]
struct Throttled {
    last: Option<Instant>,
    held_back: Option<Value>,
    /// Somebody waits for the time to store what is held back.
    is_awaited: bool,
    count: u64,
}

impl Throttle {
    /// The value, if it is time for it; it is held back otherwise. With its number.
    pub(super) fn admit(&self, value: Value) -> Option<(Value, u64)> {
        let mut throttled = self.lock();
        if throttled.last.is_some_and(|last| last.elapsed() < AT_MOST_EVERY) {
            throttled.held_back = Some(value);
            return None;
        }
        throttled.last = Some(Instant::now());
        throttled.held_back = None;
        throttled.count += 1;
        Some((value, throttled.count))
    }

    /// The newest value if it was held back.
    pub(super) fn held_back(&self) -> Option<Value> {
        self.lock().held_back.take()
    }

    /// When what is held back may go, for the first who asks: that one waits, and calls [`Throttle::late`] then.
    pub(super) fn due(&self) -> Option<Instant> {
        let mut throttled = self.lock();
        if throttled.held_back.is_none() || throttled.is_awaited {
            return None;
        }
        throttled.is_awaited = true;
        throttled.last.map(|last| last + AT_MOST_EVERY)
    }

    /// What is still held back when its time has come.
    pub(super) fn late(&self) -> Option<Value> {
        let mut throttled = self.lock();
        throttled.is_awaited = false;
        let value = throttled.held_back.take()?;
        throttled.last = Some(Instant::now());
        Some(value)
    }

    fn lock(&self) -> MutexGuard<'_, Throttled> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The key under which an attempt leaves details for the next.
pub(super) fn key(task: &Task) -> String {
    format!("{}.{}", task.execution, task.path)
}

pub(super) async fn store(connection: &Connection, task: &Task, details: &Value) {
    told(connection.publish(&kept(connection, &key(task), details)).await, "heartbeat");
}

/// Puts a value into the bucket.
fn kept(connection: &Connection, key: &str, value: &Value) -> Message {
    Message {
        subject: connection.names().key(Bucket::Heartbeats, key),
        expected: None,
        msg_id: None,
        ttl: None,
        headers: vec![],
        payload: value.to_string().into(),
    }
}

pub(super) async fn load(connection: &Connection, task: &Task) -> Option<Value> {
    match connection.value(Bucket::Heartbeats, &key(task)).await {
        Ok(found) => found.and_then(|(_, details)| serde_json::from_slice(&details).ok()),
        Err(error) => {
            tracing::warn!(%error, "the last heartbeat cannot be read");
            None
        }
    }
}

/// Publishes a lifecycle event that says how far an attempt is, for who follows it, and keeps the same for who looks at it later.
/// `number` tells it from the ones before.
pub(super) async fn tell(connection: &Connection, task: &Task, said: Value, number: u64, now: Moment) {
    let Task { workflow, version, execution, path, attempt, .. } = task;
    let progress = Progress {
        attempt: *attempt,
        at: now,
        fraction: said["fraction"].as_f64(),
        message: said["message"].as_str().map(str::to_owned),
    };
    let key = Names::progress_key(execution.as_str(), path.as_str());
    let kept = kept(connection, &key, &json!(progress));
    let mut data = json!({
        "workflow": workflow, "version": version, "execution": execution, "at": now, "step": path, "attempt": attempt,
    });
    if let (Some(data), Value::Object(said)) = (data.as_object_mut(), said) {
        data.extend(said);
    }
    let names = connection.names();
    let message = Message {
        subject: names.lifecycle("step", "progress", workflow.as_str(), execution.as_str()),
        expected: None,
        msg_id: None,
        ttl: None,
        headers: vec![
            ("ce-specversion", "1.0".to_owned()),
            ("ce-id", format!("{execution}/{path}/{attempt}/progress-{number}-{}", now.as_nanos())),
            ("ce-source", format!("/sagaline/{}/executor", names.namespace())),
            ("ce-type", PROGRESS_TYPE.to_owned()),
            ("ce-subject", execution.to_string()),
        ],
        payload: data.to_string().into(),
    };
    let (heard, stored) = tokio::join!(connection.publish(&message), connection.publish(&kept));
    told(heard, "progress");
    told(stored, "progress");
}

fn told(outcome: Outcome, what: &str) {
    if !matches!(outcome, Outcome::Stored { .. }) {
        tracing::debug!(?outcome, what, "not stored");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_comes_too_soon_is_held_back_and_the_newest_is_kept() {
        let throttle = Throttle::default();
        assert_eq!(throttle.admit(json!(1)), Some((json!(1), 1)));
        assert_eq!(throttle.admit(json!(2)), None);
        assert_eq!(throttle.admit(json!(3)), None);
        assert_eq!(throttle.held_back(), Some(json!(3)));
        tokio::time::advance(AT_MOST_EVERY).await;
        assert_eq!(throttle.admit(json!(4)), Some((json!(4), 2)));
        assert_eq!(throttle.held_back(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn one_waits_for_what_is_held_back_and_stores_the_newest() {
        let throttle = Throttle::default();
        let began = Instant::now();
        assert_eq!((throttle.admit(json!(1)).is_some(), throttle.due()), (true, None));
        assert_eq!((throttle.admit(json!(2)), throttle.due()), (None, Some(began + AT_MOST_EVERY)));
        assert_eq!((throttle.admit(json!(3)), throttle.due()), (None, None));
        tokio::time::advance(AT_MOST_EVERY).await;
        assert_eq!(throttle.late(), Some(json!(3)));
        // That was just now.
        assert_eq!((throttle.admit(json!(4)), throttle.due()), (None, Some(began + 2 * AT_MOST_EVERY)));
        assert_eq!((throttle.held_back(), throttle.late()), (Some(json!(4)), None));
    }
}
