//! Activities of every type, as one: JSON in, JSON out.

use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{ActivityContext, ActivityError, IntoOutcome, Outcome};

pub(super) type Activity = Arc<dyn Fn(ActivityContext, Value) -> Attempt + Send + Sync>;
pub(super) type Attempt = BoxFuture<'static, Result<Outcome<Value>, ActivityError>>;

pub(super) fn typed<F, I, O, Running>(run: F) -> Activity
where
    F: Fn(ActivityContext, I) -> Running + Send + Sync + 'static,
    I: DeserializeOwned + Send + 'static,
    O: IntoOutcome + 'static,
    Running: Future<Output = Result<O, ActivityError>> + Send + 'static,
{
    let run = Arc::new(run);
    Arc::new(move |context, input| {
        let run = run.clone();
        async move {
            let input = serde_json::from_value(input).map_err(|error| {
                ActivityError::new("BadInput", format!("the input cannot be read: {error}")).not_retryable()
            })?;
            // Through `Box`: an output need not be `Send`, as long as nothing is awaited while it is there.
            let outcome = run(context, input).await.map(IntoOutcome::into_outcome)?;
            outcome.map_err(|error| {
                ActivityError::new("BadOutput", format!("the output cannot be written as JSON: {error}"))
                    .not_retryable()
            })
        }
        .boxed()
    })
}
