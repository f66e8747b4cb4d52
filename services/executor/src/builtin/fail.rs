//! `fail`: fails as often as it is told, then succeeds.

use sagaline_sdk::worker::{ActivityContext, ActivityError};
use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    /// Every attempt up to this one fails; without it all do.
    times: Option<u32>,
    #[serde(default)]
    error: Told,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Told {
    #[serde(rename = "type")]
    kind: String,
    message: String,
}

impl Default for Told {
    fn default() -> Self {
        Self { kind: "Error".to_owned(), message: "it was told to fail".to_owned() }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Output {
    attempts: u32,
}

pub(super) async fn fail(context: ActivityContext, input: Input) -> Result<Output, ActivityError> {
    let attempts = context.attempt();
    if input.times.is_none_or(|times| attempts <= times) {
        return Err(ActivityError::new(input.error.kind, input.error.message));
    }
    Ok(Output { attempts })
}
