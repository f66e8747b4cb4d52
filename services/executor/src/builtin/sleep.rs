//! `sleep`: takes `{ms}`, and as long.

use std::time::Duration;

use sagaline_sdk::worker::{ActivityContext, ActivityError};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    ms: u64,
}

pub(super) async fn sleep(context: ActivityContext, input: Input) -> Result<(), ActivityError> {
    let slept = context.cancellation().run_until_cancelled(tokio::time::sleep(Duration::from_millis(input.ms)));
    slept.await.ok_or_else(super::cancelled)
}
