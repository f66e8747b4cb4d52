//! The activities that come with Sagaline.

mod fail;
mod http;
mod sleep;

use sagaline_model::StepError;
use sagaline_sdk::worker::{ActivityContext, ActivityError, Worker};
use serde_json::Value;

pub(crate) const NAMES: [&str; 5] = ["noop", "echo", "sleep", "fail", "http"];

/// The worker with all of them.
pub(crate) fn with_all(worker: Worker) -> Worker {
    let client = http::Client::new();
    worker
        .activity("noop", noop)
        .activity("echo", echo)
        .activity("sleep", sleep::sleep)
        .activity("fail", fail::fail)
        .activity("http", move |context, request| client.clone().call(context, request))
}

/// Takes anything, gives null.
async fn noop(_: ActivityContext, _: Value) -> Result<(), ActivityError> {
    Ok(())
}

/// Gives what it takes.
async fn echo(_: ActivityContext, input: Value) -> Result<Value, ActivityError> {
    Ok(input)
}

/// Nobody waits for the result any more.
fn cancelled() -> ActivityError {
    ActivityError::new(StepError::CANCELLED, "nobody waits for the result any more")
}
