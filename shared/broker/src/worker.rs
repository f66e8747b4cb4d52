//! The task protocol: what a worker does with one task, from its receipt to its acknowledgement.
//!
//! [`serve`] is written against [`TaskPorts`] (the queue, the clocks, the log to answer to) and [`Host`] (the activities).
//! `nats::worker` implements the ports over a real server; the simulation implements them over a model, and runs the very
//! same code. Nothing here knows a runtime, a server or an activity.

mod answer;
mod claim;
mod doubt;
mod elsewhere;
mod hold;
mod message;
mod prepare;
mod pulse;
mod running;
mod serve;
#[cfg(test)]
mod tests;

use std::{future::Future, sync::Arc, time::Duration};

use bytes::Bytes;
use sagaline_events::{
    Task,
    ask::{Answer, Ask},
    input::OnLate,
};
use sagaline_model::{Moment, Span, StepError};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

pub use doubt::CAUSE_WITHIN;
pub use elsewhere::Elsewhere;
pub use pulse::Pulse;
pub use running::Running;
pub use serve::{CANCEL_GRACE, Served, serve};

use crate::{
    names::Names,
    ports::{Content, Message, Outcome, Sequence},
};

/// One task as it was delivered.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    pub subject: String,
    /// Where it stands in the stream of its queue.
    pub sequence: Sequence,
    /// When the server stored it.
    pub stored: Moment,
    /// How often it was delivered, this time included.
    pub delivered: u64,
    /// Whether it is marked as a copy.
    pub repeat: bool,
    pub content: Result<Content, String>,
    pub payload: Bytes,
    /// The subject on which it is acknowledged.
    pub reply: String,
    /// By the boot clock; rather too early than too late.
    pub received: Duration,
    /// The number of the session in which it came.
    pub session: u64,
}

/// A stretch of time in which a worker has had its consumer without a doubt. A new one begins with every connection, with every
/// consumer made anew, and after the process slept: the server may have forgotten what it delivered before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    pub number: u64,
    /// When it began, by the server's clock; `None` while there is no consumer.
    pub since: Option<Moment>,
    /// After so long without a sign of life from us the server gives a task to somebody else.
    pub ack_wait: Duration,
    /// A task stored later than this after its cause may be a copy: at most half the time for which its queue remembers Msg-Ids.
    pub cause_within: Span,
    /// By the boot clock: until then other workers may still be getting back the connection that was lost, and what is older than
    /// the session may be theirs.
    pub gathering_until: Duration,
}

/// What the queue is told about a task that it delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acknowledgement {
    /// Remove it.
    Done,
    /// It is being worked on: give it to nobody else for another `ack_wait`.
    Progress,
    /// Give it to somebody else at once.
    Again,
}

/// Why a payload that travels as a reference cannot be read or stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PayloadFault {
    /// It never will be.
    Never(String),
    /// The store cannot be reached, or has no room.
    Later(String),
}

/// What a worker needs of the world, for the tasks of one queue and activity.
pub trait TaskPorts: Sync {
    fn names(&self) -> &Names;

    /// The name of this worker, for people.
    fn worker(&self) -> &str;

    /// The attempts that run in this worker.
    fn running(&self) -> &Running;

    /// The attempts that other workers say they hold.
    fn elsewhere(&self) -> &Elsewhere;

    /// The session now.
    fn session(&self) -> Session;

    /// The boot-time clock: it only rises, also while the machine sleeps.
    fn boot(&self) -> Duration;

    /// What time it is for the server, rather too early than too late; `None` while that is not known.
    fn now(&self) -> Option<Moment>;

    /// Lets time pass.
    fn pause(&self, time: Duration) -> impl Future<Output = ()> + Send;

    /// Tells the queue; nobody knows whether it hears.
    fn acknowledge(&self, reply: &str, what: Acknowledgement) -> impl Future<Output = ()> + Send;

    /// Asks the owner of a partition. `None`: nobody answered.
    fn ask(&self, subject: &str, ask: &Ask) -> impl Future<Output = Option<Answer>> + Send;

    /// Publishes to a stream and waits for the outcome.
    fn publish(&self, message: &Message) -> impl Future<Output = Outcome> + Send;

    /// Whether there is a stream for this subject, be it without a leader. `None`: nobody knows.
    fn is_taken(&self, _subject: &str) -> impl Future<Output = Option<bool>> + Send {
        std::future::ready(None)
    }

    /// The value with everything that it refers to in place of the references.
    fn resolve(&self, value: Value) -> impl Future<Output = Result<Value, PayloadFault>> + Send;

    /// A reference to where the value, of the task's execution, now is; the value itself if it is small.
    fn offload(&self, task: &Task, value: Value) -> impl Future<Output = Result<Value, PayloadFault>> + Send;
}

/// One attempt, about to run.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its `input` was taken out of it.
    pub task: Arc<Task>,
    /// Without references.
    pub input: Value,
    /// The W3C trace context of the task.
    pub traceparent: Option<String>,
    /// Cancelled when nobody waits for the outcome any more, or the time is up.
    pub cancel: CancellationToken,
    /// Where the activity shows that it is alive, if it must.
    pub pulse: Pulse,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ended {
    Succeeded(Value),
    /// There was nothing to do.
    Skipped(String),
    /// It is too early: another attempt comes after the delay.
    Snoozed {
        delay: Span,
        reason: String,
    },
    Failed(StepError),
    /// Its part is done: the step waits for somebody who approves or rejects.
    Awaits {
        /// Who may; anyone, if nobody is named.
        approvers: Vec<String>,
        timeout: Option<Span>,
        on_timeout: OnLate,
    },
    /// These steps are to be done in its place: a list of nodes as they stand in a plan.
    Expanded(Value),
    /// It did not begin: its turn of a rate was over. No activity says so.
    Late,
}

/// What runs activities.
pub trait Host: Sync {
    /// Runs the activity to its end. It never panics; dropping the future ends the activity.
    fn run(&self, run: Run) -> impl Future<Output = Ended> + Send;

    /// The owner was asked whether a task is still wanted, and said so or denied it.
    fn asked(&self, wanted: bool);
}

/// How a worker is brought to an end. Cancelling `release` without `drain` is the same as cancelling both.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    /// Nothing that has not begun begins any more; it goes back to the queue.
    pub drain: CancellationToken,
    /// What still runs is broken off, and goes back to the queue.
    pub release: CancellationToken,
}
