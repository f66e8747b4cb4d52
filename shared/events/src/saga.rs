//! Sagas: what is undone of an execution, in which order, and what is said about it. Each has a log of its own under the id of its
//! execution; nothing else changes it.
//!
//! What workers answer is what they answer everybody ([`Input`]): they do not know that they undo something.

use sagaline_model::{ActivityName, ExecutionId, Moment, Name, RetryPolicy, Span, StepError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{FramePath, Input, InputError, record::Status, wire::inputs_on_the_wire};

/// What happens to a saga, or is asked of it.
#[derive(Clone, Debug, PartialEq)]
pub enum SagaInput {
    Request(SagaRequest),
    Late(Late),
    Asked(SagaAsked),
    Retry(SagaRetry),
    Skip(SagaSkip),
    Resolve(SagaResolve),
    Recalled(SagaRecalled),
    /// An answer of a worker, or a timer.
    Task(Input),
}

/// An execution has ended such that what it did is to be undone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SagaRequest {
    pub workflow: Name,
    pub version: u32,
    pub cause: SagaCause,
    /// What is undone. Each may be begun when those in its `after` are done.
    pub steps: Vec<UndoStep>,
    /// Of which execution its tasks have the idempotency keys, if it is another try of that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<ExecutionId>,
    /// When the execution began. Long after it is over its id may be another's, which is told by this.
    pub began: Moment,
}

/// How the execution ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SagaCause {
    /// `failed`, `timed_out` or `cancelled`.
    pub status: Status,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<StepError>,
    /// The step that failed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<FramePath>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// One step that is undone. One without actions only holds others together: whatever comes before several and after several more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UndoStep {
    /// Where the step stood. That of a child stands below the step that started the child.
    pub path: FramePath,
    /// The child that it is a step of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution: Option<ExecutionId>,
    /// Places in the list of those that are undone before it: they came after it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<u32>,
    #[serde(default)]
    pub outcome: UndoOutcome,
    /// One after the other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<UndoAction>,
}

/// How a step ended that is undone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UndoOutcome {
    #[default]
    Completed,
    /// Nobody knows whether it had its effect.
    Unknown,
    /// It said that it failed, and is to be undone all the same.
    Failed,
}

/// One activity that undoes, with all that its task needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UndoAction {
    pub activity: ActivityName,
    pub queue: Name,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub input: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    pub retry: RetryPolicy,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_skip: bool,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub metadata: Value,
    /// Why its input could not be computed: it is stuck before its first attempt, and a retry has to bring an input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<StepError>,
    /// Its input is what is known of its step, so what becomes known later belongs to it too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub default_input: bool,
}

/// A step of which nobody knew whether it had its effect has succeeded after all. If it was undone before, it is undone again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Late {
    pub path: FramePath,
    pub attempt: u32,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub output: Value,
}

/// The execution has not heard of its saga for long, and asks how it stands. The answer is an input of the execution.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SagaAsked {
    /// When the execution began, as in its request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began: Option<Moment>,
}

/// What the record says of a saga that may have been before; nothing if there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SagaRecalled {
    /// When it was asked for: an answer of long ago is told from the one that is waited for.
    pub since: Moment,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<SagaNews>,
}

/// Somebody has mended what was wrong: what is stuck is tried again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SagaRetry {
    /// Only this one; all that are stuck without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<FramePath>,
    /// Instead of the input that it had. Only together with `step`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// Somebody says that a step that is stuck need not be undone: the others go on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SagaSkip {
    pub step: FramePath,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// Somebody has done by hand what was left: nothing more is undone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SagaResolve {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    pub why: String,
}

/// What a saga tells its execution: an input of that.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SagaNews {
    /// Nothing, if nothing is known of it: its request was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<SagaStatus>,
    /// Where it is stuck, and by what.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stuck: Vec<(FramePath, StepError)>,
    /// Steps that are undone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub compensated: Vec<FramePath>,
    /// Steps that were passed by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<FramePath>,
    /// Who resolved it, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl SagaNews {
    /// Nothing is known of it.
    pub fn nothing() -> Self {
        Self { status: None, stuck: vec![], compensated: vec![], skipped: vec![], by: None, why: None }
    }

    /// What somebody tells who sees it like this.
    pub fn of(view: &SagaView) -> Self {
        let which = |wanted| {
            let steps = view.steps.iter().filter(move |step| step.status == wanted);
            steps.map(|step| step.step.clone()).collect()
        };
        let resolved = view.interventions.iter().rfind(|done| done.what == InterventionKind::Resolved);
        Self {
            status: Some(view.status),
            stuck: vec![],
            compensated: which(UndoneStatus::Compensated),
            skipped: which(UndoneStatus::Skipped),
            by: resolved.and_then(|resolved| resolved.by.clone()),
            why: resolved.and_then(|resolved| resolved.why.clone()),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SagaStatus {
    Running,
    /// At least one step could not be undone, and nothing else is at work: somebody has to help.
    Stuck,
    Completed,
    Resolved,
    /// A word that this version does not know.
    #[serde(other)]
    Unknown,
}

impl SagaStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stuck => "stuck",
            Self::Completed => "completed",
            Self::Resolved => "resolved",
            Self::Unknown => "unknown",
        }
    }

    pub fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Resolved)
    }
}

/// A saga as people see it, while it runs and after it ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SagaView {
    pub execution: ExecutionId,
    pub workflow: Name,
    pub version: u32,
    pub status: SagaStatus,
    pub cause: SagaCause,
    pub started_at: Moment,
    /// When its execution began.
    pub began: Moment,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Moment>,
    /// In the order in which they are undone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<UndoneView>,
    /// What people did about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interventions: Vec<Intervention>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UndoneView {
    pub step: FramePath,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution: Option<ExecutionId>,
    pub status: UndoneStatus,
    /// The activity that is at work or stuck, or was the last.
    pub activity: ActivityName,
    pub attempt: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<StepError>,
    /// When the next attempt comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Moment>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UndoneStatus {
    /// Something that came after it is undone first.
    Pending,
    Scheduled,
    Running,
    BackingOff,
    Compensated,
    Skipped,
    Stuck,
    /// A word that this version does not know.
    #[serde(other)]
    Unknown,
}

/// Who did what about a saga, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intervention {
    pub at: Moment,
    pub what: InterventionKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<FramePath>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InterventionKind {
    Retried,
    Skipped,
    Resolved,
}

/// Some of the sagas that are not over, ordered by the id of their execution.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SagaPage {
    pub sagas: Vec<SagaView>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<ExecutionId>,
}

inputs_on_the_wire! {
    /// Every type of input of a saga that is not also one of an execution.
    SAGA_INPUT_TYPES: "sagaline.input.saga_" for SagaInput {
        Request => "request",
        Late => "late",
        Asked => "asked",
        Retry => "retry",
        Skip => "skip",
        Resolve => "resolve",
        Recalled => "recalled",
    }
    else Task(read_task_input)
}

/// What an execution and a saga both hear.
fn read_task_input(kind: &str, data: &[u8]) -> Result<Input, InputError> {
    match Input::read(kind, data)? {
        input @ (Input::StepStarted(_)
        | Input::StepSucceeded(_)
        | Input::StepFailed(_)
        | Input::StepSkipped(_)
        | Input::StepSnoozed(_)
        | Input::StepAwaits(_)
        | Input::StepExpanded(_)
        | Input::TaskDiscarded(_)
        | Input::Timer(_)) => Ok(input),
        _ => Err(InputError::UnknownType(kind.to_owned())),
    }
}
