//! Questions to the owner of a partition, on `<ns>.ask.<p>`, and its answers. Not stored.

use sagaline_model::{ExecutionId, Moment, Name, StepError};
use serde::{Deserialize, Serialize};

use crate::{FramePath, record::ExecutionView};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// Is this attempt still waited for? Asked before a task runs that may be a copy.
    Wanted { execution: ExecutionId, path: FramePath, attempt: u32 },
    /// The state of one execution.
    Get { execution: ExecutionId },
    /// Why it is not moving.
    Why { execution: ExecutionId },
    /// The open executions, ordered by id, after `after`.
    List {
        #[serde(default)]
        status: Vec<String>,
        #[serde(default)]
        workflow: Option<Name>,
        #[serde(default)]
        after: Option<ExecutionId>,
        #[serde(default = "some_hundred")]
        limit: usize,
    },
}

fn some_hundred() -> usize {
    100
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    Wanted(bool),
    Execution(Box<ExecutionView>),
    Why(Vec<Why>),
    Executions(Vec<ExecutionView>),
    /// The owner has no such execution in memory: it ended, or was never started.
    Unknown,
    /// The question could not be read.
    Refused(StepError),
}

/// One reason why an execution is where it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Why {
    /// Empty where it concerns the whole execution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<FramePath>,
    pub state: String,
    /// What it waits for, in a sentence.
    pub cause: String,
    pub since: Moment,
    /// What ends the wait, and when, if that is known.
    pub ends: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Moment>,
    /// What a person can type to end it.
    pub command: String,
}
