//! The ports of a partition owner: the log, the queues, the buckets and the clock, as it sees them.
//!
//! The owner is written against these alone. `nats` implements them over a real server; the simulation implements them over a
//! model, and runs the very same owner. Publishing is pipelined: [`Ports::publish`] hands over and returns at once, and how it
//! ended comes back as an [`Event::Settled`] with the same ticket.

use std::{future::Future, sync::Arc, time::Duration};

use bytes::Bytes;
use sagaline_events::ask::{Answer, Ask};
use sagaline_model::Moment;

/// The position of a message in its stream, from 1.
pub type Sequence = u64;

/// How long an ack is waited for; after that nobody knows, and it is sent again. What is sent while a leader dies is never
/// acknowledged; elections take longer than this, so a wait does not outlast them.
pub const ACK_WITHIN: Duration = Duration::from_secs(3);

/// Names something in flight; given by the owner, never used twice.
pub type Ticket = u64;

/// What comes to an owner.
#[derive(Debug)]
pub enum Event {
    /// The next entry of the log. Sequences only rise; a jump is a gap.
    Entry(Entry),
    /// How a publish, a revocation or a look-up ended.
    Settled(Ticket, Outcome),
    /// Somebody asks.
    Asked(Ask, Asker),
    /// The reader lost its place (connection lost, consumer gone, heartbeat missing): position must be proved anew.
    ReaderLost(String),
    /// Told to let go: finish what is in flight and hand over.
    Stop,
}

/// One message of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub sequence: Sequence,
    /// When the server stored it.
    pub time: Moment,
    pub subject: String,
    /// The CloudEvent in it, or why it is none.
    pub content: Result<Content, String>,
    /// The payload as it came.
    pub payload: Bytes,
}

/// What an owner needs of an entry's CloudEvent.
#[derive(Clone, Debug, PartialEq)]
pub struct Content {
    pub kind: String,
    pub traceparent: Option<String>,
    pub data: Bytes,
}

/// A publish to a stream or bucket.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub subject: String,
    /// `Nats-Expected-Last-Subject-Sequence`: 0 means that nothing is there yet.
    pub expected: Option<Sequence>,
    /// `Nats-Msg-Id`.
    pub msg_id: Option<String>,
    /// `Nats-TTL`, at least a second.
    pub ttl: Option<Duration>,
    /// Further headers, the CloudEvent's among them.
    pub headers: Vec<(&'static str, String)>,
    pub payload: Bytes,
}

/// How a publish, a revocation or a look-up ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Stored; `duplicate`: its Msg-Id was known, so it was stored before (which does not say that it is still there).
    Stored { sequence: Sequence, duplicate: bool },
    /// The expected sequence was another: somebody else wrote, or an own earlier try did. `last`: the sequence that is there,
    /// a mark of a removal included, if the server tells.
    Conflict { last: Option<Sequence> },
    /// Another write to the same subject is in flight: try again.
    Contended,
    /// No room (stream or server limit): try again later.
    Full(String),
    /// No answer, no stream, no connection: nobody knows whether it was stored.
    Unknown(String),
    /// The server will never take this message (too large, malformed).
    Refused(String),
    /// A revocation: the message is not in the queue (any more).
    Gone,
    /// A look-up: the value, if there is one.
    Found(Option<(Sequence, Bytes)>),
}

/// Whom to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asker(pub String);

/// A request to the server failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    #[error("no answer from NATS while trying to {0}")]
    NoAnswer(String),
    #[error("NATS refused to {what}: {why}")]
    Refused { what: String, why: String },
}

/// A stored snapshot.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// The key below `<p>.`.
    pub key: String,
    pub revision: Sequence,
    /// Nothing where it was removed.
    pub value: Option<Bytes>,
}

/// A page of snapshots. A key may come again with a higher revision, which takes the place of the one before.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshots {
    pub stored: Vec<Stored>,
    /// Where the next page begins; nothing behind the last one.
    pub next: Option<Sequence>,
}

/// How full a log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogRoom {
    /// Its first entry.
    pub first: Sequence,
    pub entries: u64,
    pub bytes: u64,
    /// Nothing: without a limit.
    pub bytes_max: Option<u64>,
    pub subjects: u64,
}

/// The log of one partition and what its owner writes to. Everything of one partition is served by one value.
pub trait Ports {
    /// Waits until something happens, at the latest until the boot clock shows `wake`, and appends what happened.
    /// Entries come only while `hungry`. Never loses an event, also when the future is dropped.
    fn events(&mut self, hungry: bool, wake: Duration, into: &mut Vec<Event>) -> impl Future<Output = ()> + Send;

    /// Hands a message over for publishing.
    fn publish(&mut self, ticket: Ticket, message: Arc<Message>);

    /// Removes the message on `subject` from the stream of the queue, if it is there: [`Outcome::Gone`].
    fn revoke(&mut self, ticket: Ticket, queue: &str, subject: &str);

    /// Reads a value of a bucket: [`Outcome::Found`].
    fn look_up(&mut self, ticket: Ticket, bucket: Bucket, key: &str);

    fn answer(&mut self, asker: Asker, answer: &Answer);

    /// Tells the workers of an execution that an attempt is over for good. Best effort.
    fn tell(&mut self, execution: &str, notice: Bytes);

    /// Reads the log from `sequence` on (the first that will be delivered is this or a later one).
    fn read_from(&mut self, sequence: Sequence) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Publishes one message and waits for its outcome.
    fn publish_and_wait(&mut self, message: Message) -> impl Future<Output = Outcome> + Send;

    /// When the message of the log at `sequence` was stored, if it is there.
    fn stored_at(&mut self, sequence: Sequence) -> impl Future<Output = Result<Option<Moment>, Failure>> + Send;

    /// The first message of the log stored later than `time`.
    fn first_after(&mut self, time: Moment) -> impl Future<Output = Result<Option<Sequence>, Failure>> + Send;

    /// How full the log is.
    fn log_room(&mut self) -> impl Future<Output = Result<LogRoom, Failure>> + Send;

    /// Removes what is below `sequence` from the log.
    fn purge_below(&mut self, sequence: Sequence) -> impl Future<Output = Result<(), Failure>> + Send;

    /// For each subject of a queue: whether a message is there.
    fn queued(&mut self, tasks: &[(String, String)]) -> impl Future<Output = Result<Vec<bool>, Failure>> + Send;

    /// A page of the snapshots of this partition's states, in the order of their revisions: the first one, or that from
    /// [`Snapshots::next`] on. What was stored before the first page was asked for is among them.
    fn snapshots(&mut self, from: Option<Sequence>) -> impl Future<Output = Result<Snapshots, Failure>> + Send;

    /// A value of a bucket, as the leader has it.
    fn value(
        &mut self,
        bucket: Bucket,
        key: &str,
    ) -> impl Future<Output = Result<Option<(Sequence, Bytes)>, Failure>> + Send;

    /// Several values of a bucket at once, in the order of the keys; nothing that was acknowledged before is missed.
    fn values(
        &mut self,
        bucket: Bucket,
        keys: &[String],
    ) -> impl Future<Output = Result<Vec<Option<(Sequence, Bytes)>>, Failure>> + Send;

    /// How many bytes one message may carry, what is said in its headers left aside.
    fn message_room(&self) -> usize;

    /// Lets time pass.
    fn pause(&mut self, time: Duration) -> impl Future<Output = ()> + Send;

    /// Whether the lease of the partition is still ours, by the boot clock.
    fn holds_lease(&self) -> bool;

    /// The time of day, near the server's.
    fn now(&self) -> Moment;

    /// The boot-time clock: it only rises, also while the machine sleeps.
    fn boot(&self) -> Duration;
}

/// The buckets an owner reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bucket {
    Definitions,
    /// Snapshots of open executions, key `<p>.<id>`.
    Executions,
    /// Ended ones.
    Results,
    /// Leases and checkpoints.
    Partitions,
    Heartbeats,
    Settings,
}
