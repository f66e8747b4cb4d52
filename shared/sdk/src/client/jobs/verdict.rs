//! What came of a job with a unique key: it is the one, or another has it.

use std::time::Duration;

use sagaline_events::record::{ExecutionView, Status};
use sagaline_model::ExecutionId;
use tokio::time::{Instant, sleep};

use super::super::{Client, Error, Explanation};

/// Two owners talk to each other; one that was killed is replaced well within this.
const WITHIN: Duration = Duration::from_secs(12);
const PAUSE: Duration = Duration::from_millis(10);

impl Client {
    /// Waits until it is known. The job is stored in any case: whoever gives up here may submit it again under the same id.
    pub(super) async fn verdict(&self, job: &ExecutionId, key: &str) -> Result<(), Error> {
        let deadline = Instant::now() + WITHIN;
        loop {
            match self.why(job).await? {
                Some(Explanation::Over(view)) => return judged(&view, key),
                // While it waits for its key, that is what it waits for.
                Some(Explanation::Open(reasons))
                    if !reasons.is_empty() && !reasons.iter().any(|reason| reason.cause.contains("unique key")) =>
                {
                    return Ok(());
                }
                Some(Explanation::Open(_)) | None => {
                    // One that ended just now is asked for once more.
                    if let Some(view) = self.get(job).await?.filter(ExecutionView::is_over) {
                        return judged(&view, key);
                    }
                }
            }
            if deadline <= Instant::now() {
                let attempt = format!("learn whether `{job}` has the unique key `{key}`");
                return Err(Error::NoAnswer { attempt, why: "the owner of the key does not answer".to_owned() });
            }
            sleep(PAUSE).await;
        }
    }
}

fn judged(view: &ExecutionView, key: &str) -> Result<(), Error> {
    let holder = view.reason.as_deref().filter(|_| view.status == Status::Cancelled).and_then(holder);
    match holder {
        Some(existing) => Err(Error::NotUnique { job: view.execution.clone(), key: key.to_owned(), existing }),
        None => Ok(()),
    }
}

/// Who has the key, of the reason that the engine gives.
fn holder(reason: &str) -> Option<ExecutionId> {
    let (_, holder) = reason.strip_prefix("unique key ")?.rsplit_once(" is held by `")?;
    ExecutionId::new(holder.strip_suffix('`')?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_is_read_from_the_reason_only_of_such_an_end() {
        assert_eq!(holder("unique key `~unique:a` is held by `job-1`"), ExecutionId::new("job-1").ok());
        assert_eq!(holder("it is held by `job-1`"), None);
    }
}
