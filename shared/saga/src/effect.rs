//! What a saga wants done. Each effect has a name in the shell, so that doing it twice is harmless.

use sagaline_events::{FramePath, Happening, SagaNews};
use sagaline_model::{ActivityName, Moment, Name, Span};
use serde_json::Value;

#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Put a task into its queue.
    Dispatch(Dispatch),
    /// Take a task back: nobody waits for its answer any more.
    Revoke { path: FramePath, attempt: u32, queue: Name, activity: ActivityName },
    /// Tell whoever follows.
    Tell(Happening),
    /// Tell the execution.
    News(SagaNews),
    /// Nothing is known of this saga here: find its record.
    Recall,
    /// This input may not be applied; keep it where an operator finds it.
    Reject { reason: &'static str, detail: String },
}

/// One attempt of an action.
#[derive(Clone, Debug, PartialEq)]
pub struct Dispatch {
    pub path: FramePath,
    pub attempt: u32,
    pub queue: Name,
    pub activity: ActivityName,
    pub input: Value,
    pub timeout: Option<Span>,
    /// When the input that caused this was stored.
    pub cause: Moment,
    pub metadata: Value,
    /// The same for every attempt of this action, and another one if it is done once more because of a late success.
    pub idempotency_key: String,
}
