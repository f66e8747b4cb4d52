//! Waiting for the end of an execution.

use std::time::Duration;

use futures::StreamExt;
use sagaline_events::record::{ExecutionView, Status};
use sagaline_model::ExecutionId;
use tokio::time::{Instant, interval, timeout_at};

use super::{Client, Error, LifecycleFilter};

/// Events are not stored for who listens: what might have been missed is asked for at least this often.
const ASK_AGAIN: Duration = Duration::from_secs(15);
/// How soon a new connection is noticed, on which what happened meanwhile was not heard.
const LOOK_AT_CONNECTION: Duration = Duration::from_millis(250);

impl Client {
    /// Waits until the execution is over, or parked, and gives how it is then. Survives restarts of whatever it speaks to.
    pub async fn wait(&self, execution: &ExecutionId) -> Result<ExecutionView, Error> {
        let filter = LifecycleFilter { execution: Some(execution.to_string()), ..LifecycleFilter::default() };
        // First listen, then look: an end between the two is heard.
        let mut heard = self.listen(&filter).await?;
        let mut connects = self.connects();
        let mut looks = interval(LOOK_AT_CONNECTION);
        loop {
            match self.get(execution).await {
                Ok(Some(view)) if view.is_over() || view.status == Status::Parked => return Ok(view),
                Ok(Some(_)) => {}
                Ok(None) => return Err(Error::NotFound(execution.clone())),
                // Whoever waits has time: somebody will answer again.
                Err(Error::NoOwner { partition }) => {
                    tracing::warn!(partition, "no orchestrator answers; still waiting")
                }
                Err(Error::Failure(error)) => tracing::warn!(%error, "still waiting"),
                Err(error) => return Err(error),
            }
            let ask_again = Instant::now() + ASK_AGAIN;
            loop {
                tokio::select! {
                    event = timeout_at(ask_again, heard.next()) => match event {
                        Ok(Some(event)) if is_an_end(&event.subject) => break,
                        Ok(Some(_)) => {}
                        // Time is up, or the subscription ended with its connection.
                        Ok(None) | Err(_) => break,
                    },
                    _ = looks.tick() => {
                        let now = self.connects();
                        if now != connects {
                            connects = now;
                            break;
                        }
                    }
                }
            }
        }
    }
}

/// Whether an event of this subject leaves an execution as it will stay.
fn is_an_end(subject: &str) -> bool {
    let mut tokens = subject.rsplit('.').skip(2);
    match (tokens.next(), tokens.next()) {
        (Some(what), Some("workflow")) => !matches!(what, "started" | "resumed" | "paused" | "retried"),
        (Some(what), Some("job")) => matches!(what, "completed" | "dead" | "cancelled"),
        (_, _) => false,
    }
}
