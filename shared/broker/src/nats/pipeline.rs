//! What is on its way to the server, and how it ended: any number in flight, no task and no future of its own for any.
//!
//! Every request carries the reply subject `<inbox>.<ticket>`; one subscription gets all the answers. What is handed over
//! waits here until the connection takes it, so handing over never blocks.

use std::{
    collections::{HashMap, VecDeque},
    task::{Context, Poll},
    time::Duration,
};

use async_nats::{Client, Message, PublishErrorKind, Subscriber, message::OutboundMessage};
use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use serde_json::json;

use super::{
    Connection,
    api::{API, last_by_subject},
    outcome, wire,
};
use crate::{
    patience::Patience,
    ports::{self, Event, Outcome, Ticket},
};

pub(super) struct Pipeline {
    client: Client,
    /// Ends in a dot.
    inbox: String,
    answers: Subscriber,
    outbox: VecDeque<Outgoing>,
    waiting: HashMap<Ticket, Waiting>,
    /// In the order in which they end; what is settled is left in it until it comes first.
    deadlines: VecDeque<(Duration, Ticket)>,
    /// Settled without an answer.
    settled: Vec<(Ticket, Outcome)>,
    patience: Patience,
}

struct Outgoing {
    /// Nobody waits for an answer without one.
    ticket: Option<Ticket>,
    message: OutboundMessage,
}

/// What an answer is awaited to.
enum Waiting {
    Publish,
    /// The first half of a revocation: where in this stream is the message?
    Search {
        stream: String,
    },
    /// The second.
    Removal,
    LookUp,
}

impl Pipeline {
    pub(super) async fn open(connection: &Connection) -> Result<Self, async_nats::SubscribeError> {
        let client = connection.client().clone();
        let inbox = format!("{}.", client.new_inbox());
        let answers = client.subscribe(format!("{inbox}*")).await?;
        Ok(Self {
            client,
            inbox,
            answers,
            outbox: VecDeque::new(),
            waiting: HashMap::new(),
            deadlines: VecDeque::new(),
            settled: vec![],
            patience: Patience::default(),
        })
    }

    pub(super) fn publish(&mut self, ticket: Ticket, message: &ports::Message, now: Duration) {
        let outgoing = wire::outbound(message, Some(self.reply(ticket)));
        self.begin(ticket, Waiting::Publish, outgoing, now);
    }

    pub(super) fn revoke(&mut self, ticket: Ticket, stream: String, subject: &str, now: Duration) {
        let outgoing = self.api_request(ticket, &format!("STREAM.MSG.GET.{stream}"), &last_by_subject(subject));
        self.begin(ticket, Waiting::Search { stream }, outgoing, now);
    }

    pub(super) fn look_up(&mut self, ticket: Ticket, stream: &str, subject: &str, now: Duration) {
        let outgoing = self.api_request(ticket, &format!("STREAM.MSG.GET.{stream}"), &last_by_subject(subject));
        self.begin(ticket, Waiting::LookUp, outgoing, now);
    }

    /// Sends without awaiting anything.
    pub(super) fn send(&mut self, subject: &str, reply: Option<String>, payload: impl Into<Bytes>) {
        match wire::plain(subject, reply, payload) {
            Ok(message) => self.outbox.push_back(Outgoing { ticket: None, message }),
            Err(why) => tracing::warn!(why, "a message cannot be sent"),
        }
    }

    fn reply(&self, ticket: Ticket) -> String {
        format!("{}{ticket}", self.inbox)
    }

    fn api_request(&self, ticket: Ticket, verb: &str, body: &serde_json::Value) -> Result<OutboundMessage, String> {
        wire::plain(&format!("{API}.{verb}"), Some(self.reply(ticket)), body.to_string())
    }

    fn begin(&mut self, ticket: Ticket, waiting: Waiting, outgoing: Result<OutboundMessage, String>, now: Duration) {
        match outgoing {
            Ok(message) => {
                self.waiting.insert(ticket, waiting);
                self.deadlines.push_back((now + self.patience.lasts(), ticket));
                self.outbox.push_back(Outgoing { ticket: Some(ticket), message });
            }
            Err(why) => self.settled.push((ticket, Outcome::Refused(why))),
        }
    }

    /// Moves on what can be moved on and appends what was settled, at most `limit` answers.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, now: Duration, limit: usize, into: &mut Vec<Event>) {
        for _ in 0..limit {
            let Poll::Ready(Some(answer)) = self.answers.poll_next_unpin(cx) else {
                // Only now: an answer that lies here since long ago is an answer.
                self.expire(now);
                break;
            };
            self.take(&answer);
        }
        self.drain_settled(into);
    }

    pub(super) fn drain_settled(&mut self, into: &mut Vec<Event>) {
        into.extend(self.settled.drain(..).map(|(ticket, outcome)| Event::Settled(ticket, outcome)));
    }

    /// Hands to the connection what it takes. While it is lost nothing is handed over: that would be sent much later.
    pub(super) fn flush(&mut self, cx: &mut Context<'_>, connected: bool) {
        while connected && !self.outbox.is_empty() {
            match self.client.poll_ready_unpin(cx) {
                Poll::Pending => return,
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => return self.abandon("the connection is closed"),
            }
            let Some(Outgoing { ticket, message }) = self.outbox.pop_front() else { return };
            if ticket.is_some_and(|ticket| !self.waiting.contains_key(&ticket)) {
                continue;
            }
            if let Err(error) = self.client.start_send_unpin(message) {
                let outcome = match error.kind() {
                    PublishErrorKind::MaxPayloadExceeded | PublishErrorKind::InvalidSubject => {
                        Outcome::Refused(with_source(&error))
                    }
                    PublishErrorKind::Send => Outcome::Unknown(error.to_string()),
                };
                match ticket {
                    Some(ticket) => self.settle(ticket, outcome),
                    None => tracing::warn!(?outcome, "a message could not be sent"),
                }
            }
        }
    }

    /// Nobody knows any more what became of what is in flight.
    pub(super) fn abandon(&mut self, why: &str) {
        self.outbox.clear();
        self.deadlines.clear();
        self.settled.extend(self.waiting.drain().map(|(ticket, _)| (ticket, Outcome::Unknown(why.to_owned()))));
    }

    fn settle(&mut self, ticket: Ticket, outcome: Outcome) {
        if self.waiting.remove(&ticket).is_some() {
            self.settled.push((ticket, outcome));
        }
    }

    /// Whatever has waited too long is given up: an answer that comes later concerns nobody.
    fn expire(&mut self, now: Duration) {
        while let Some(&(due, ticket)) = self.deadlines.front() {
            let waits = self.waiting.contains_key(&ticket);
            if waits && now < due {
                // The oldest in flight: whatever was answered since took no longer.
                let age = self.patience.lasts().saturating_sub(due.saturating_sub(now));
                self.patience.was_enough(age);
                return;
            }
            self.deadlines.pop_front();
            if waits {
                let patience = self.patience.lasts();
                self.settle(ticket, Outcome::Unknown(format!("no answer within {patience:?}")));
            }
        }
    }

    fn take(&mut self, answer: &Message) {
        let ticket = answer.subject.as_str().get(self.inbox.len()..).and_then(|ticket| ticket.parse().ok());
        let Some(ticket) = ticket else { return };
        let Some(waiting) = self.waiting.get(&ticket) else { return self.patience.was_too_short() };
        match waiting {
            Waiting::Publish => self.settle(ticket, outcome::of_publish(answer)),
            Waiting::Removal => self.settle(ticket, outcome::of_removal(answer)),
            Waiting::LookUp => self.settle(ticket, outcome::of_look_up(answer)),
            Waiting::Search { stream } => match outcome::of_search(answer) {
                Ok(sequence) => {
                    let verb = format!("STREAM.MSG.DELETE.{stream}");
                    // Overwriting the bytes on the disk would cost a seek, for nothing that is secret.
                    let body = json!({ "seq": sequence, "no_erase": true });
                    match self.api_request(ticket, &verb, &body) {
                        Ok(message) => {
                            self.waiting.insert(ticket, Waiting::Removal);
                            self.outbox.push_back(Outgoing { ticket: Some(ticket), message });
                        }
                        Err(why) => self.settle(ticket, Outcome::Refused(why)),
                    }
                }
                Err(outcome) => self.settle(ticket, outcome),
            },
        }
    }
}

fn with_source(error: &async_nats::PublishError) -> String {
    match std::error::Error::source(error) {
        Some(source) => source.to_string(),
        None => error.to_string(),
    }
}
