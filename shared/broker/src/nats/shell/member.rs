//! Being a member: a key in the bucket `partitions` that lasts three seconds, put anew every second.
//!
//! The same beat renews the leases. So when a process dies, its membership is over by the time its leases are, and its share is
//! the others' as soon as its partitions are free.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use sagaline_model::Moment;
use serde::{Deserialize, Serialize};
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval, timeout},
};

use super::super::{Connection, LEASE_TTL};
use crate::{
    names::LogKind,
    ports::{Bucket, Message, Outcome},
};

/// How often a membership and the leases are renewed: three tries fit into what they last.
const RENEW_EVERY: Duration = Duration::from_secs(1);
/// How long one try may take, so that the next is in time.
const TRY_WITHIN: Duration = Duration::from_millis(900);
/// What is left of a member that went, for as long as NATS allows at least.
const LEFT_FOR: Duration = Duration::from_secs(1);

/// What a member says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Presence {
    pub(super) joined: Moment,
}

/// A place among the members, taken or not.
pub(super) struct Seat {
    pub(super) connection: Connection,
    pub(super) kind: LogKind,
    pub(super) id: Arc<str>,
}

impl Seat {
    /// Keeps the place for as long as `wanted` says since when, and gives it back when it does not. Ends with the sender of
    /// `wanted`. Whoever renews something does so on each of the `beats`.
    pub(super) async fn keep(self, mut wanted: watch::Receiver<Option<Moment>>, beats: watch::Sender<u64>) {
        let mut due = interval(RENEW_EVERY);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut taken = None;
        loop {
            let goes_on = tokio::select! {
                _ = due.tick() => true,
                changed = wanted.changed() => changed.is_ok(),
            };
            let joined = wanted.borrow_and_update().filter(|_| goes_on);
            beats.send_modify(|beat| *beat += 1);
            if let Some(joined) = joined {
                self.write(&self.here(joined)).await;
            } else if taken.is_some() {
                self.write(&self.gone()).await;
            }
            if taken != joined {
                taken = joined;
                nudge(&self.connection, self.kind).await;
            }
            if !goes_on {
                return;
            }
        }
    }

    /// Nobody else writes this key, so nothing is expected of it. Whatever is not stored now is in a second.
    async fn write(&self, message: &Message) {
        match timeout(TRY_WITHIN, self.connection.publish(message)).await {
            Ok(Outcome::Stored { .. }) => {}
            Ok(outcome) => tracing::warn!(member = &*self.id, ?outcome, "the membership was not written"),
            Err(_elapsed) => tracing::warn!(member = &*self.id, "the membership was not written: no answer"),
        }
    }

    fn here(&self, joined: Moment) -> Message {
        let presence = serde_json::to_vec(&Presence { joined }).expect("a presence has string keys only");
        self.message(LEASE_TTL, vec![], presence.into())
    }

    fn gone(&self) -> Message {
        self.message(LEFT_FOR, vec![("KV-Operation", "DEL".into())], Bytes::new())
    }

    fn message(&self, ttl: Duration, headers: Vec<(&'static str, String)>, payload: Bytes) -> Message {
        let subject = self.connection.names().key(Bucket::Partitions, &self.kind.member_key(&self.id));
        Message { subject, expected: None, msg_id: None, ttl: Some(ttl), headers, payload }
    }
}

/// Tells the members that there is something to see. They would see it by themselves, a moment later.
pub(super) async fn nudge(connection: &Connection, kind: LogKind) {
    let subject = connection.names().share(kind);
    if connection.is_connected()
        && let Err(error) = connection.client().publish(subject, Bytes::new()).await
    {
        tracing::debug!(%error, "the other members were not told");
    }
}

/// An id that nobody else has, also on another machine or after a restart: a token of a subject.
pub(super) fn new_id(boot: Duration) -> Arc<str> {
    let system = rustix::system::uname();
    let machine = system.nodename().to_string_lossy();
    let token = |letter: char| if letter.is_ascii_alphanumeric() || letter == '-' { letter } else { '_' };
    let machine: String = machine.chars().map(token).take(64).collect();
    format!("{machine}-{}-{:x}", std::process::id(), boot.as_nanos()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_token() {
        let id = new_id(Duration::from_nanos(255));
        assert!(id.ends_with("-ff") && !id.contains(['.', '*', '>', ' ']), "{id}");
    }
}
