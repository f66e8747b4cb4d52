//! What a service brings to its partitions: a pure state machine, and the names of what it wants done.
//!
//! The [`crate::owner`] keeps one state per key (an execution, a schedule, a saga), folds the log into them, and performs the
//! acts. A machine does no I/O and reads no clock.

use std::sync::Arc;

use bytes::Bytes;
use sagaline_events::{
    ask::{Answer, Ask},
    record::ExecutionView,
    saga::SagaView,
    schedule_view::ScheduleView,
};
use sagaline_model::{Moment, Span};

use crate::ports::{Bucket, Entry, Message, Sequence};

/// Whom an entry concerns, and what it says.
pub enum Read<I> {
    /// An input for the state under this key.
    Input(Arc<str>, I),
    /// A mark of an owner, or filler: it only takes a place.
    Mark,
}

/// An entry that cannot be read or may not be applied. It goes to `REJECTED` with its original bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// One subject token.
    pub reason: &'static str,
    pub detail: String,
}

/// When and where the input being applied was stored.
#[derive(Clone, Debug)]
pub struct Origin {
    pub sequence: Sequence,
    pub time: Moment,
    pub traceparent: Option<String>,
    /// It is folded to recover, so another owner may have applied it before: what is counted is not counted again.
    pub again: bool,
}

/// What a machine wants done. Each has a name, so doing it twice is harmless.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// Put a task into its queue; its subject is its name.
    Task(QueuedTask),
    /// Publish; its id or its expected sequence is its name.
    Send(Message),
    /// Take a task back, and tell its worker.
    Revoke {
        queue: String,
        subject: String,
        execution: String,
        notice: Bytes,
    },
    /// Read a value; [`Machine::found`] says what follows from it.
    LookUp {
        bucket: Bucket,
        key: String,
    },
    /// Keep this input where an operator finds it.
    Reject(Rejection),
    Start(Box<Starting>),
}

/// Something that begins once: its `start` has an expected sequence, or a name. If it is there already, or the server will never take
/// it, another message is sent instead.
#[derive(Clone, Debug, PartialEq)]
pub struct Starting {
    pub start: Message,
    /// The same for every publish but the live owner's first: by then the log may not know the first any more.
    pub again: Message,
    /// Nothing, where that would be asked for ever: the answer was why it is started.
    pub if_there: Option<Message>,
    pub if_refused: Message,
}

#[derive(Clone, Debug, PartialEq)]
pub struct QueuedTask {
    pub queue: String,
    pub message: Message,
}

/// A value that must be known before an input can be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    pub bucket: Bucket,
    pub key: String,
}

/// A line of a list.
#[derive(Clone, Debug, PartialEq)]
pub enum Listed {
    Execution(ExecutionView),
    Saga(SagaView),
    Schedule(Box<ScheduleView>),
}

pub trait Machine: Send {
    type State: Send;
    type Input: Send;
    /// What is known of a state without having it: small, because there may be very many.
    type Glance: Send;

    fn read(&self, entry: &Entry) -> Result<Read<Self::Input>, Rejection>;

    /// What must be learnt first. Asked again until nothing is.
    fn needs(&self, state: Option<&Self::State>, input: Option<&Self::Input>) -> Option<Need>;

    fn learn(&mut self, need: &Need, value: Option<Bytes>);

    /// The state under a key of which nothing is known.
    fn fresh(&self, key: &Arc<str>) -> Self::State;

    /// Folds an input into the state under `key`.
    fn apply(&mut self, key: &Arc<str>, state: &mut Self::State, input: Self::Input, origin: &Origin) -> Vec<Act>;

    /// What follows from a value that [`Act::LookUp`] asked for: `of` is what it asked for. The state may ask for something else by now.
    fn found(&mut self, key: &Arc<str>, state: &Self::State, of: &Need, value: Option<Bytes>) -> Vec<Act>;

    /// The server will never take this task; what to tell the state instead.
    fn task_refused(&self, key: &Arc<str>, task: &QueuedTask, why: &str) -> Option<Message>;

    /// Every task that the state waits for.
    fn tasks(&self, key: &Arc<str>, state: &Self::State) -> Vec<QueuedTask>;

    /// What else must be done again when nobody knows whether it was: look-ups, for instance.
    fn resume(&self, key: &Arc<str>, state: &Self::State) -> Vec<Act>;

    /// When the first timer is due.
    fn next_timer(&self, state: &Self::State) -> Option<Moment>;

    /// The input that says that it is.
    fn timer(&self, key: &Arc<str>, state: &Self::State) -> Option<Message>;

    /// The record of a state that ended; nothing while it goes on.
    fn ending(&self, state: &Self::State) -> Option<Vec<u8>>;

    /// For how long its record is kept, if not for as long as all others.
    fn kept_for(&self, _state: &Self::State) -> Option<Span> {
        None
    }

    /// Whether a fold from where the state began gives the same end, without what came before that.
    fn stands_alone(&self, state: &Self::State) -> bool;

    /// Whether the state waits for nothing but inputs and its timer: no task of it is wanted, and [`Machine::resume`] has nothing
    /// for it. Such a state may leave memory.
    fn rests(&self, state: &Self::State) -> bool;

    /// What stands in the place of a state whose snapshot is lost or cannot be read: set aside, for people to see. Nothing if no
    /// state can be under this key.
    fn seal(&self, key: &Arc<str>, glance: Option<&Self::Glance>, cause: &str, at: Moment) -> Option<Self::State>;

    /// Whether the state holds nothing at this time, so that forgetting it changes nothing.
    fn is_idle(&self, state: &Self::State, now: Moment) -> bool;

    /// The state as JSON.
    fn snapshot(&self, state: &Self::State) -> Vec<u8>;

    fn restore(&self, json: &[u8]) -> Result<Self::State, String>;

    /// Answers from the state under the key that the question names.
    fn answer(&self, ask: &Ask, state: Option<&Self::State>) -> Answer;

    /// What is kept of the state while it is not in memory; nothing if there is nothing to see yet.
    fn glance(&mut self, state: &Self::State) -> Option<Self::Glance>;

    /// Whether what is under this key is among those that a list asks for: it as it is listed.
    fn listed(&self, ask: &Ask, key: &str, glance: &Self::Glance) -> Option<Listed>;

    /// This is under the key from now on, without an input having been applied: it was read from a snapshot, or is gone. For who keeps
    /// counts; what must be learnt before it can be counted is given back, and then it is asked again.
    fn stands(&mut self, _key: &Arc<str>, _state: Option<&Self::State>) -> Option<Need> {
        None
    }

    /// Whether it is worth having a glance at this state for a list: cheaper than that, where most are not asked for.
    fn may_be_listed(&self, _ask: &Ask, _state: &Self::State) -> bool {
        true
    }
}
