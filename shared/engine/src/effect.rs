//! What the engine wants done. Each effect has a name in the shell, so that doing it twice is harmless.

use sagaline_events::{
    DeadLetter, EntityInput, EntityKey, FramePath, Happening, Parent, SagaRequest, Start, input::ChildEnded, saga::Late,
};
use sagaline_model::{ActivityName, ExecutionId, Moment, Name, Span};
use serde_json::Value;

#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Put a task into its queue.
    Dispatch(Dispatch),
    /// Take a task back: nobody waits for its answer any more.
    Revoke { path: FramePath, attempt: u32, queue: Name, activity: ActivityName },
    /// Tell whoever follows.
    Tell(Happening),
    /// Find the version that this start runs on, and record it as an input.
    Bind { workflow: Name, version: Option<u32> },
    /// This input may not be applied; keep it where an operator finds it.
    Reject { reason: &'static str, detail: String },
    /// Start a child; one that is there already is asked how it ended.
    StartChild { child: ExecutionId, start: Start },
    /// Ask a child how it ended.
    AskChild { child: ExecutionId, parent: Parent },
    /// Nobody waits for a child any more, and it is to end.
    CancelChild { child: ExecutionId, parent: Parent, reason: String, rollback: bool },
    /// Tell the parent how this execution ended; `again`: because it asked.
    TellParent { parent: ExecutionId, ended: ChildEnded, again: bool },
    /// A parent asks for this execution, of which nothing is known here: find its record.
    Recall,
    /// Keep what this execution leaves behind, for so long.
    Bury { letter: Box<DeadLetter>, ttl: Span },
    /// Publish an event.
    Emit { id: String, kind: String, source: Option<String>, subject: Option<String>, data: Value, hops: u32 },
    /// Tell something that executions share.
    Entity { entity: EntityKey, input: EntityInput },
    /// Tell the worker of an attempt to stop and to answer; if none has it yet, none is to begin.
    AskToStop { path: FramePath, attempt: u32, queue: Name, activity: ActivityName },
    /// Ask for a saga that undoes what this execution did; `again`: because nobody knew of it.
    AskSaga { request: Box<SagaRequest>, again: bool },
    /// Ask how the saga stands of the execution that began then.
    LookAfterSaga { began: Moment },
    /// Tell the saga that a step has had its effect of which that was not known.
    Late { late: Late },
    /// Tell the schedule that started this execution that it has ended; `again`: because it asked.
    TellSchedule { schedule: Name, again: bool },
}

/// One attempt of a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Dispatch {
    pub path: FramePath,
    pub attempt: u32,
    pub queue: Name,
    pub activity: ActivityName,
    pub input: Value,
    pub timeout: Option<Span>,
    pub heartbeat: Option<Span>,
    /// Whether the worker says when it begins, though there is no `timeout`.
    pub report: bool,
    /// When the input that caused this was stored.
    pub cause: Moment,
    /// What the definition says about the step for the activity to read.
    pub metadata: Value,
    /// The execution whose idempotency keys the task has, where this is another try of that.
    pub origin: Option<ExecutionId>,
    /// Whether the worker asks once more when it has said that it begins, and answers in any case.
    pub claim: bool,
    /// Until when it may begin: its turn of a rate is over then.
    pub begin_by: Option<Moment>,
}

impl Effect {
    /// A signal or an update that there is no room to keep.
    pub(crate) fn mailbox_full(signal: &str) -> Self {
        let detail =
            format!("the signals that wait already and that no step took leave no room; `{signal}` was not kept");
        Self::Reject { reason: "mailbox_full", detail }
    }
}
