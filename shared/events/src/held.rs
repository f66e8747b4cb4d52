//! What workers tell each other after a connection was lost: the attempts that they have in hand.

use sagaline_model::ExecutionId;
use serde::{Deserialize, Serialize};

use crate::FramePath;

/// An attempt that a worker runs, or whose result it is storing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Held {
    pub execution: ExecutionId,
    pub path: FramePath,
    pub attempt: u32,
}

/// What one worker says to all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    /// Who says so: no name for people, of which there may be two, but one of this very worker.
    pub by: String,
    /// Whether the others are to say what they hold.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub asks: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<Held>,
}
