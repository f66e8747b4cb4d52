//! Publishes of a worker in flight: one subscription gets all the acks, and whoever published is woken with its own.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_nats::{Message, PublishErrorKind, Subscriber, message::OutboundMessage};
use futures::StreamExt;
use tokio::{
    sync::oneshot,
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};

use super::super::{Connection, boot, outcome, wire};
use crate::ports::{self, ACK_WITHIN, Failure, Outcome};

/// How soon a lost connection is noticed, and how late an answer may be missed.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

pub(super) struct Publisher {
    connection: Connection,
    /// Ends in a dot.
    inbox: String,
    next: AtomicU64,
    waiting: Arc<Mutex<Waiting>>,
    reader: JoinHandle<()>,
}

#[derive(Default)]
struct Waiting {
    publishes: HashMap<u64, oneshot::Sender<Outcome>>,
    /// In the order in which they end; what is answered is left in it until it comes first.
    deadlines: VecDeque<(Duration, u64)>,
}

impl Publisher {
    pub(super) async fn open(connection: &Connection) -> Result<Self, Failure> {
        let inbox = format!("{}.", connection.client().new_inbox());
        let deaf = |_| Failure::NoAnswer("listen to the acks of results".into());
        let answers = connection.client().subscribe(format!("{inbox}*")).await.map_err(deaf)?;
        let waiting = Arc::<Mutex<Waiting>>::default();
        let reader = tokio::spawn(read(connection.clone(), answers, inbox.len(), waiting.clone()));
        Ok(Self { connection: connection.clone(), inbox, next: AtomicU64::new(0), waiting, reader })
    }

    /// Publishes and waits for the outcome. Nothing is handed over while the connection is lost: it would be sent much later.
    pub(super) async fn publish(&self, message: &ports::Message) -> Outcome {
        if !self.connection.is_connected() {
            return Outcome::Unknown("the connection is lost".into());
        }
        let ticket = self.next.fetch_add(1, Ordering::Relaxed);
        let outbound = match wire::outbound(message, Some(format!("{}{ticket}", self.inbox))) {
            Ok(outbound) => outbound,
            Err(why) => return Outcome::Refused(why),
        };
        let (woken, outcome) = oneshot::channel();
        {
            let mut waiting = lock(&self.waiting);
            waiting.publishes.insert(ticket, woken);
            waiting.deadlines.push_back((boot() + ACK_WITHIN, ticket));
        }
        if let Err(outcome) = self.send(outbound).await {
            lock(&self.waiting).publishes.remove(&ticket);
            return outcome;
        }
        outcome.await.unwrap_or_else(|_| Outcome::Unknown("the worker ends".into()))
    }

    async fn send(&self, message: OutboundMessage) -> Result<(), Outcome> {
        let OutboundMessage { subject, payload, reply, headers } = message;
        let reply = reply.expect("a publish that is waited for has a reply subject");
        let client = self.connection.client();
        let sent = client.publish_with_reply_and_headers(subject, reply, headers.unwrap_or_default(), payload).await;
        sent.map_err(|error| match error.kind() {
            PublishErrorKind::MaxPayloadExceeded | PublishErrorKind::InvalidSubject => {
                Outcome::Refused(std::error::Error::source(&error).map_or(error.to_string(), ToString::to_string))
            }
            PublishErrorKind::Send => Outcome::Unknown(error.to_string()),
        })
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// What is guarded is whole at every moment, so a panic elsewhere does no harm to it.
fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn read(connection: Connection, mut answers: Subscriber, prefix: usize, waiting: Arc<Mutex<Waiting>>) {
    let mut losses = connection.losses().count();
    let mut look = interval(LOOK_AGAIN);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            answer = answers.next() => match answer {
                Some(answer) => take(&answer, prefix, &waiting),
                None => return lock(&waiting).abandon("the connection is closed"),
            },
            _ = look.tick() => {
                let now = connection.losses().count();
                if now != losses {
                    losses = now;
                    lock(&waiting).abandon("the connection was lost");
                }
                lock(&waiting).expire(boot());
            }
        }
    }
}

fn take(answer: &Message, prefix: usize, waiting: &Mutex<Waiting>) {
    let ticket = answer.subject.as_str().get(prefix..).and_then(|ticket| ticket.parse().ok());
    let woken = ticket.and_then(|ticket: u64| lock(waiting).publishes.remove(&ticket));
    if let Some(woken) = woken {
        wake(woken, outcome::of_publish(answer));
    }
}

/// Who does not listen any more was broken off meanwhile.
fn wake(woken: oneshot::Sender<Outcome>, outcome: Outcome) {
    if woken.send(outcome).is_err() {
        tracing::trace!("nobody waits for the outcome of a publish any more");
    }
}

impl Waiting {
    /// Nobody knows any more what became of what is in flight.
    fn abandon(&mut self, why: &str) {
        self.deadlines.clear();
        for (_, woken) in self.publishes.drain() {
            wake(woken, Outcome::Unknown(why.to_owned()));
        }
    }

    fn expire(&mut self, now: Duration) {
        while let Some(&(due, ticket)) = self.deadlines.front() {
            let waits = self.publishes.contains_key(&ticket);
            if waits && now < due {
                return;
            }
            self.deadlines.pop_front();
            if let Some(woken) = self.publishes.remove(&ticket) {
                wake(woken, Outcome::Unknown(format!("no answer within {ACK_WITHIN:?}")));
            }
        }
    }
}
