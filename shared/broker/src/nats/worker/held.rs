//! Workers that get a connection back tell each other what they hold (see [`Elsewhere`]).

use std::{sync::Arc, time::Duration};

use async_nats::{Message, Subscriber};
use futures::StreamExt;
use sagaline_events::Holding;
use tokio::{
    sync::Notify,
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};

use super::super::{Connection, boot};
use crate::{
    ports::Failure,
    worker::{Elsewhere, Running},
};

/// How soon a connection that is back is noticed.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// The lines of a worker begin their sessions one after the other, and workers come back together: they are told all at once.
const AT_ONCE: Duration = Duration::from_millis(20);
/// No worker says what it holds more often than this.
const AT_MOST_EVERY: Duration = Duration::from_millis(100);
/// So many attempts fit in a message however long their names are.
const ATTEMPTS_PER_MESSAGE: usize = 256;

/// Tells and hears. It ends when it is dropped.
pub(super) struct Greeter {
    wanted: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Greeter {
    pub(super) async fn open(
        connection: &Connection,
        running: Arc<Running>,
        elsewhere: Arc<Elsewhere>,
    ) -> Result<Self, Failure> {
        let subject = connection.names().held();
        let deaf = |_| Failure::NoAnswer(format!("listen on `{subject}`"));
        let words = connection.client().subscribe(subject.clone()).await.map_err(deaf)?;
        let (wanted, by) = (Arc::new(Notify::new()), connection.client().new_inbox());
        let greeting = Greeting { connection: connection.clone(), subject, by, running, elsewhere };
        let task = tokio::spawn(greeting.go_on(words, wanted.clone()));
        Ok(Self { wanted, task })
    }

    /// Says what is held here, soon, and asks the others.
    pub(super) fn greet(&self) {
        self.wanted.notify_one();
    }
}

impl Drop for Greeter {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Greeting {
    connection: Connection,
    subject: String,
    by: String,
    running: Arc<Running>,
    elsewhere: Arc<Elsewhere>,
}

impl Greeting {
    async fn go_on(self, mut words: Subscriber, wanted: Arc<Notify>) {
        let (mut due, mut asks) = (None::<Instant>, false);
        let mut told = Instant::now();
        let mut losses = self.connection.losses().count();
        let mut look = interval(LOOK_AGAIN);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let soon = || Instant::now().max(told + AT_MOST_EVERY) + AT_ONCE;
            tokio::select! {
                word = words.next() => {
                    let Some(word) = word else { return };
                    if self.hear(&word) {
                        due.get_or_insert_with(soon);
                    }
                }
                () = wanted.notified() => {
                    asks = true;
                    due.get_or_insert_with(soon);
                }
                // Others wait no longer than they must: a session begins only when the consumer has a leader.
                _ = look.tick() => {
                    let now = self.connection.losses().count();
                    if now != losses && self.connection.is_connected() {
                        (losses, asks) = (now, true);
                        due.get_or_insert_with(soon);
                    }
                }
                () = sleep_until(due.unwrap_or(told)), if due.is_some() => {
                    self.tell(asks).await;
                    (due, asks, told) = (None, false, Instant::now());
                }
            }
        }
    }

    /// Whether an answer is wanted.
    fn hear(&self, message: &Message) -> bool {
        let Ok(Holding { by, asks, held }) = serde_json::from_slice(&message.payload) else {
            tracing::debug!(subject = self.subject, "what a worker says it holds cannot be read");
            return false;
        };
        if by == self.by {
            return false;
        }
        self.elsewhere.hear(held, boot());
        asks
    }

    async fn tell(&self, mut asks: bool) {
        // It would be sent much later, and be untrue then; when the connection is back it is told anyway.
        if !self.connection.is_connected() {
            return;
        }
        let held = self.running.held();
        let mut parts = held.chunks(ATTEMPTS_PER_MESSAGE);
        let first = parts.next();
        if first.is_none() && !asks {
            return;
        }
        for part in first.or(Some(&[])).into_iter().chain(parts) {
            let word = Holding { by: self.by.clone(), asks, held: part.to_vec() };
            asks = false;
            let payload = serde_json::to_vec(&word).expect("it has string keys only");
            // What nobody hears is asked about at its owner, as ever.
            if let Err(error) = self.connection.client().publish(self.subject.clone(), payload.into()).await {
                tracing::debug!(%error, "nobody could be told what is held here");
            }
        }
    }
}
