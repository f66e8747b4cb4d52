//! How far an attempt says it is: what its worker keeps in the bucket `heartbeats` beside the event `step.progress`.

use sagaline_model::Moment;
use serde::{Deserialize, Serialize};

/// What was said last. It is shown while that attempt is at work, and means nothing afterwards.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    pub attempt: u32,
    /// By the clock of its worker.
    pub at: Moment,
    /// From 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fraction: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}
