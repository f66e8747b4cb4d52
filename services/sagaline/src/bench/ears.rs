//! Hearing the ends of executions. A subject tells all there is to know, so nothing else of a message is read.

use async_nats::{Client, Message, Subscriber};
use futures::{FutureExt, StreamExt, stream::SelectAll};
use sagaline_broker::names::Names;
use sagaline_events::Start;

use super::tally::End;
use crate::failure::{Exit, Failure};

/// Ends that are not a completion; a parked execution will not end by itself either.
const OTHER_ENDS: [&str; 5] = ["failed", "cancelled", "timed_out", "start_refused", "parked"];
/// The ends of jobs besides those.
const OTHER_ENDS_OF_JOBS: [&str; 2] = ["dead", "cancelled"];

pub(super) struct Ears {
    completed: Subscriber,
    others: SelectAll<Subscriber>,
    prefix: String,
}

impl Ears {
    /// Hears the ends of executions that are started so, whose ids begin with `prefix`. The server knows of it when this returns.
    pub(super) async fn open(client: &Client, names: &Names, start: &Start, prefix: &str) -> Result<Self, Failure> {
        let subject = |kind: &str, what: &str| names.lifecycle(kind, what, start.workflow.as_str(), "*");
        let kind = if start.job.is_some() { "job" } else { "workflow" };
        let completed = client.subscribe(subject(kind, "completed")).await.map_err(deaf)?;
        let mut others = SelectAll::new();
        let of_jobs = OTHER_ENDS_OF_JOBS.iter().map(|what| ("job", what));
        for (kind, what) in OTHER_ENDS.iter().map(|what| ("workflow", what)).chain(of_jobs) {
            others.push(client.subscribe(subject(kind, what)).await.map_err(deaf)?);
        }
        client.flush().await.map_err(deaf)?;
        Ok(Self { completed, others, prefix: prefix.to_owned() })
    }

    /// Waits for the next ends and gives all that are there.
    pub(super) async fn hear(&mut self, into: &mut Vec<(usize, End)>) {
        tokio::select! {
            biased;
            Some(message) = self.completed.next() => {
                take(&message, End::Completed, &self.prefix, into);
                while let Some(Some(message)) = self.completed.next().now_or_never() {
                    take(&message, End::Completed, &self.prefix, into);
                }
            }
            Some(message) = self.others.next() => take(&message, End::Failed, &self.prefix, into),
            else => std::future::pending().await,
        }
    }
}

fn take(message: &Message, end: End, prefix: &str, into: &mut Vec<(usize, End)>) {
    let execution = message.subject.rsplit('.').next();
    into.extend(execution.and_then(|execution| index_of(execution, prefix)).map(|index| (index, end)));
}

/// The number of an execution of this run.
pub(super) fn index_of(execution: &str, prefix: &str) -> Option<usize> {
    execution.strip_prefix(prefix)?.parse().ok()
}

fn deaf(error: impl std::error::Error) -> Failure {
    Failure::new(Exit::Unreachable, format!("the ends of executions cannot be listened for: {error}"))
}
