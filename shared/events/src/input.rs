//! Inputs: the entries of an execution's log. Whatever happens to an execution is one of these, and nothing else changes it.

use std::collections::BTreeMap;

use sagaline_model::{ExecutionId, JobSpec, Moment, Name, Span, StepError};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

pub use crate::people::{Approval, OnLate, StepAwaits, Update};
use crate::{EntityWord, FramePath, SagaNews, UndoStep, record::Status};

/// What happened, or is asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    Start(Start),
    Bound(Bound),
    Refused(Refused),
    StepStarted(StepStarted),
    StepSucceeded(StepSucceeded),
    StepFailed(StepFailed),
    StepSkipped(StepSkipped),
    StepSnoozed(StepSnoozed),
    TaskDiscarded(TaskDiscarded),
    Signal(Signal),
    Timer(TimerName),
    Cancel(Cancel),
    Pause(Pause),
    Resume(Resume),
    ChildEnded(ChildEnded),
    ChildUnknown(ChildUnknown),
    ParentAsks(ParentAsks),
    ParentGone(ParentGone),
    Approval(Approval),
    StepAwaits(StepAwaits),
    Update(Update),
    StepExpanded(StepExpanded),
    Recalled(Recalled),
    Entity(EntityWord),
    SagaNews(SagaNews),
    ScheduleAsks(ScheduleAsks),
}

/// Begins an execution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Start {
    pub workflow: Name,
    /// Where it is missing, the owner binds the newest version and records that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub input: Value,
    /// The CloudEvent that started it, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<Value>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// The execution that it is a child of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
    /// Where its tasks wait whose steps name no queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<Name>,
    /// It may have been started before, so long ago that the log does not know: its record is looked for first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
    /// What is done already: it goes on from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<Box<Resumption>>,
    /// It is a job: this is what is done, and there is no definition. `workflow` is [`JobSpec::workflow`], `version` 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<Box<JobSpec>>,
    /// It begins at this time, and is pending until then.
    #[serde(rename = "at", default, skip_serializing_if = "Option::is_none")]
    pub begin_at: Option<Moment>,
    /// The schedule that started it, and for when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Box<Scheduled>>,
    /// How many executions led to it by events, one after another; for a child, which has no `trigger` that says so.
    #[serde(default, skip_serializing_if = "crate::hops::is_none")]
    pub hops: u32,
}

/// Which tick of a schedule an execution is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scheduled {
    pub by: Name,
    pub tick: Moment,
    /// The schedule wants to know when it has ended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tell: bool,
}

/// What an execution begins with that goes on where another one failed, or from a later step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Resumption {
    /// The execution of which it is another try. Its tasks have the idempotency keys of that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<ExecutionId>,
    /// Steps of the workflow itself (not those inside of others) that are done.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub done: BTreeMap<Name, DoneStep>,
    /// What has joined `ctx` so far.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub ctx: Map<String, Value>,
}

/// A step that is not done again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DoneStep {
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub output: Value,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub skipped: bool,
}

impl Start {
    /// A start of the newest version, without an input.
    pub fn of(workflow: Name) -> Self {
        Self {
            workflow,
            version: None,
            input: Value::Null,
            trigger: None,
            tags: BTreeMap::new(),
            parent: None,
            queue: None,
            again: false,
            resume: None,
            job: None,
            begin_at: None,
            schedule: None,
            hops: 0,
        }
    }
}

/// The version that a start without one runs on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bound {
    pub version: u32,
}

/// There is nothing to run for this start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refused {
    pub error: StepError,
}

/// A worker began an attempt. Asked for by tasks whose time is limited.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepStarted {
    pub path: FramePath,
    pub attempt: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepSucceeded {
    pub path: FramePath,
    pub attempt: u32,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub output: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
    /// The task asked for a claim: what it did is undone if nobody waits for it any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub claimed: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepFailed {
    pub path: FramePath,
    pub attempt: u32,
    pub error: StepError,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
}

/// The activity says that there is nothing to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepSkipped {
    pub path: FramePath,
    pub attempt: u32,
    #[serde(default)]
    pub reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
}

/// The activity says that it is too early: the next attempt comes after a while. It counts as no failure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepSnoozed {
    pub path: FramePath,
    pub attempt: u32,
    /// How long to wait.
    #[serde(rename = "for")]
    pub delay: Span,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
    /// It did not begin at all: its turn of a rate was over.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
}

/// An operator removed the task from its queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskDiscarded {
    pub path: FramePath,
    pub attempt: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    pub name: Name,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub data: Value,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cancel {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether those at work are told to stop and waited for, before it ends.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cleanup: bool,
    /// For how long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace: Option<Span>,
    /// Whether what it did is undone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rollback: bool,
}

impl Cancel {
    /// It ends at once.
    pub fn at_once(reason: Option<String>) -> Self {
        Self { reason, cleanup: false, grace: None, rollback: false }
    }
}

/// No step begins any more until it is resumed; those that are at work go on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pause {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A paused execution goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Resume {
    /// Joins `ctx` before anything begins.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub context: Map<String, Value>,
}

/// A child tells how it ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChildEnded {
    /// Where in the parent it was started.
    pub path: FramePath,
    pub child: ExecutionId,
    /// As in its record. `failed` also where the id is that of another execution, which is not touched.
    pub status: Status,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub output: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<StepError>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What of it can still be undone, if it completed: that is its parent's from now on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undo: Vec<UndoStep>,
}

/// Nothing is known of a child: its start was lost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChildUnknown {
    pub path: FramePath,
    pub child: ExecutionId,
}

/// A parent asks for the outcome of its child. While the child runs this changes nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParentAsks {
    pub parent: Parent,
}

/// A parent does not wait any more, and its child ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParentGone {
    pub parent: Parent,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether what it did is undone. Its parent waits to be told that it is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rollback: bool,
}

/// What is recorded of an execution that may have been started before; nothing if it was not.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Recalled {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<ChildEnded>,
    /// It was started before and has ended, and it is no child.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub there: bool,
}

/// A schedule asks whether an execution that it started has ended. While that runs this changes nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScheduleAsks {
    pub schedule: Name,
}

/// Who started a child, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    pub execution: ExecutionId,
    pub path: FramePath,
    /// Whether it wants to know how the child ended.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub waits: bool,
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_yes(waits: &bool) -> bool {
    *waits
}

/// The activity says which steps are to be done: they are the rest of its step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepExpanded {
    pub path: FramePath,
    pub attempt: u32,
    /// A list of nodes as they stand in a plan. Read by the engine: what cannot be read fails the step and must not be lost.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub steps: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
}

/// A timer came due. Which one: an old one is told from the one that is armed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TimerName {
    pub kind: TimerKind,
    /// Empty for a timer of the whole execution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<FramePath>,
    #[serde(default)]
    pub attempt: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimerKind {
    /// The whole execution's time is over.
    WorkflowTimeout,
    /// An attempt ran too long.
    StepTimeout,
    /// A failed step may be tried again.
    Retry,
    /// A wait is over.
    Wait,
    /// Nobody sent the signal in time.
    AwaitTimeout,
    /// No worker began an attempt in time.
    ScheduleTimeout,
    /// All attempts of a step together took too long.
    TotalTimeout,
    /// A step that was too early may be tried again.
    Snooze,
    /// A child was waited for long enough.
    ChildTimeout,
    /// Nothing was heard of a child for a while: it is asked.
    ChildLook,
    /// An execution that failed may begin anew.
    WorkflowRetry,
    /// What executions share is asked again: nothing was heard of it for long, or it said when.
    AskAgain,
    /// Those at work had time to tidy up since a cancel.
    Cleanup,
    /// What is undone waited long enough for those that are still at work.
    Settle,
    /// Nothing was heard of a saga for a while: it is asked.
    SagaLook,
    /// Of a saga that is over nothing more is waited for.
    Forget,
    /// An execution that was to begin later begins.
    Begin,
}

/// The prefix of every input's CloudEvent type.
pub const INPUT_TYPE_PREFIX: &str = "sagaline.input.";

/// The owner's own marks in a log: they concern no execution.
pub const OWNER_MARK: &str = "sagaline.input.owner.v1";
pub const FILLER: &str = "sagaline.input.filler.v1";

/// A message on a log that is no input.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    #[error("`{0}` is not a type of input; docs/protocol.md lists them")]
    UnknownType(String),
    #[error("the data of a `{kind}` cannot be read")]
    BadData { kind: String, source: serde_json::Error },
}

macro_rules! inputs {
    ($($variant:ident => $name:literal),+ $(,)?) => {
        /// Every type of input on the wire.
        pub const INPUT_TYPES: &[&str] = &[$(concat!("sagaline.input.", $name, ".v1")),+];

        impl Input {
            /// The CloudEvent type.
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => concat!("sagaline.input.", $name, ".v1")),+ }
            }

            /// The JSON data.
            pub fn data(&self) -> Vec<u8> {
                let json = match self { $(Self::$variant(data) => serde_json::to_vec(data)),+ };
                json.expect("inputs have string keys only")
            }

            /// Reads what [`Input::kind`] and [`Input::data`] wrote.
            pub fn read(kind: &str, data: &[u8]) -> Result<Self, InputError> {
                match kind {
                    $(concat!("sagaline.input.", $name, ".v1") => data_of(kind, data).map(Self::$variant),)+
                    other => Err(InputError::UnknownType(other.to_owned())),
                }
            }
        }
    };
}

inputs! {
    Start => "start",
    Bound => "bound",
    Refused => "refused",
    StepStarted => "step_started",
    StepSucceeded => "step_succeeded",
    StepFailed => "step_failed",
    StepSkipped => "step_skipped",
    StepSnoozed => "step_snoozed",
    TaskDiscarded => "task_discarded",
    Signal => "signal",
    Timer => "timer",
    Cancel => "cancel",
    Pause => "pause",
    Resume => "resume",
    ChildEnded => "child_ended",
    ChildUnknown => "child_unknown",
    ParentAsks => "parent_asks",
    ParentGone => "parent_gone",
    Approval => "approval",
    StepAwaits => "step_awaits",
    Update => "update",
    StepExpanded => "step_expanded",
    Recalled => "recalled",
    Entity => "entity",
    SagaNews => "saga_news",
    ScheduleAsks => "schedule_asks",
}

pub(crate) fn data_of<T: DeserializeOwned>(kind: &str, data: &[u8]) -> Result<T, InputError> {
    // No data at all is the same as an object without fields.
    let data = if data.is_empty() { b"{}" } else { data };
    serde_json::from_slice(data).map_err(|source| InputError::BadData { kind: kind.to_owned(), source })
}

impl TimerName {
    pub fn of_execution(kind: TimerKind) -> Self {
        Self { kind, path: None, attempt: 0 }
    }

    pub fn of_frame(kind: TimerKind, path: &FramePath, attempt: u32) -> Self {
        Self { kind, path: Some(path.clone()), attempt }
    }
}
