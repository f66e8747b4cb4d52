//! The modelled work queue, with what a real one remembers and forgets.

use std::{collections::BTreeMap, time::Duration};

use sagaline_broker::ports::{Message, Outcome};
use sagaline_model::Moment;

use super::{ACK_WAIT, Pid, WINDOW};
use crate::sim::faults::Nodes;

#[derive(Default)]
pub struct Queue {
    stored: u64,
    messages: BTreeMap<String, QueuedMessage>,
    /// Msg-Ids, and when each was stored and under which subject.
    ids: BTreeMap<String, (Duration, String)>,
    /// When the last message on a subject went.
    gone: BTreeMap<String, Duration>,
}

pub struct QueuedMessage {
    pub message: Message,
    pub stored: Moment,
    since: Duration,
    sequence: u64,
    delivered: u64,
    held: Option<(Pid, Duration)>,
}

/// A task as a worker receives it.
#[derive(Clone, Debug)]
pub struct Delivered {
    pub message: Message,
    pub stored: Moment,
    pub delivered: u64,
    /// Tells this copy from a later one on the same subject.
    pub sequence: u64,
}

impl Queue {
    /// On one node the expected sequence is checked before the Msg-Id, on three after it.
    pub(super) fn publish(&mut self, message: &Message, now: Duration, time: Moment, nodes: Nodes) -> Outcome {
        let is_known = |id: &String| self.ids.get(id).is_some_and(|(stored, _)| now < *stored + WINDOW);
        let is_duplicate = message.msg_id.as_ref().is_some_and(is_known);
        let duplicate = Outcome::Stored { sequence: self.stored, duplicate: true };
        if nodes == Nodes::Three && is_duplicate {
            return duplicate;
        }
        if message.expected == Some(0)
            && let Some(there) = self.messages.get(&message.subject)
        {
            return Outcome::Conflict { last: Some(there.sequence) };
        }
        if is_duplicate {
            return duplicate;
        }
        if let Some(id) = &message.msg_id {
            self.ids.insert(id.clone(), (now, message.subject.clone()));
        }
        self.stored += 1;
        let queued = QueuedMessage {
            message: message.clone(),
            stored: time,
            since: now,
            sequence: self.stored,
            delivered: 0,
            held: None,
        };
        self.messages.insert(message.subject.clone(), queued);
        Outcome::Stored { sequence: self.stored, duplicate: false }
    }

    pub fn len(&self) -> usize {
        self.messages.len()
    }

    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    pub fn contains(&self, subject: &str) -> bool {
        self.messages.contains_key(subject)
    }

    /// Whether a replica that knows of nothing later than `at` has a message on this subject.
    pub fn contained(&self, subject: &str, at: Duration) -> bool {
        match self.messages.get(subject) {
            Some(queued) if queued.since <= at => true,
            _ => self.gone.get(subject).is_some_and(|gone| at < *gone),
        }
    }

    pub fn subjects(&self) -> Vec<String> {
        self.messages.keys().cloned().collect()
    }

    pub fn remove(&mut self, subject: &str, now: Duration) {
        if self.messages.remove(subject).is_some() {
            self.gone.insert(subject.to_owned(), now);
        }
    }

    /// The subjects of what a worker could get now.
    pub fn ready(&self, now: Duration) -> Vec<String> {
        let free = |queued: &QueuedMessage| queued.held.is_none_or(|(_, until)| until <= now);
        self.messages.iter().filter(|(_, queued)| free(queued)).map(|(subject, _)| subject.clone()).collect()
    }

    pub fn take(&mut self, subject: &str, worker: Pid, now: Duration) -> Option<Delivered> {
        let queued = self.messages.get_mut(subject)?;
        queued.delivered += 1;
        queued.held = Some((worker, now + ACK_WAIT));
        Some(Delivered {
            message: queued.message.clone(),
            stored: queued.stored,
            delivered: queued.delivered,
            sequence: queued.sequence,
        })
    }

    /// A sign of life. It counts for the message, whichever delivery of it is meant.
    pub fn progress(&mut self, of: &Delivered, now: Duration) {
        if let Some(queued) = self.messages.get_mut(&of.message.subject)
            && queued.sequence == of.sequence
            && let Some((_, until)) = &mut queued.held
            && now < *until
        {
            *until = now + ACK_WAIT;
        }
    }

    /// Acks count whoever sends them, as long as that copy is there.
    pub fn ack(&mut self, of: &Delivered, now: Duration) {
        let there = self.messages.get(&of.message.subject);
        if there.is_some_and(|queued| queued.sequence == of.sequence) {
            self.remove(&of.message.subject, now);
        }
    }

    /// Given back, by whoever holds it: somebody else may have it at once.
    pub fn give_back(&mut self, of: &Delivered, worker: Pid) {
        if let Some(queued) = self.held_by(of, worker) {
            queued.held = None;
        }
    }

    fn held_by(&mut self, of: &Delivered, worker: Pid) -> Option<&mut QueuedMessage> {
        let queued = self.messages.get_mut(&of.message.subject)?;
        let same = queued.sequence == of.sequence && queued.held.is_some_and(|(holder, _)| holder == worker);
        same.then_some(queued)
    }

    /// A dead worker's tasks come again when their time is over; nothing to do. A restarted broker gives everything anew.
    pub(super) fn forget(&mut self) {
        for queued in self.messages.values_mut() {
            queued.delivered = 0;
            queued.held = None;
        }
        let Self { messages, ids, .. } = self;
        ids.retain(|_, (_, subject)| messages.contains_key(subject));
    }
}
