//! Cancelling every open execution of a workflow, page by page: each is one input on its own log, so one that dies half way
//! has cancelled those that it named, and the rest is done by doing it again.

use futures::{StreamExt, TryStreamExt, stream};
use sagaline_events::record::Status;
use sagaline_model::{ExecutionId, Name};

use super::{Client, Error, ListFilter, Listing};

/// So many are found before they are cancelled.
const PAGE: usize = 200;
/// So many cancels are on their way at once.
const AT_ONCE: usize = 32;

/// The open executions of a workflow, being cancelled.
pub struct CancelAll {
    client: Client,
    open: Listing,
    reason: Option<String>,
}

impl Client {
    /// Begins to cancel all executions of a workflow that are open now; nothing happens until [`CancelAll::next`] or
    /// [`CancelAll::finish`] is called. Those that start meanwhile may be left out.
    pub fn cancel_all(&self, workflow: &Name, reason: Option<String>) -> CancelAll {
        let open = Status::ALL.into_iter().filter(|status| !status.is_over()).collect();
        let filter = ListFilter { workflow: Some(workflow.clone()), status: open, ..ListFilter::default() };
        CancelAll { client: self.clone(), open: self.list(filter, None), reason }
    }
}

impl CancelAll {
    /// Cancels the next of them, and gives which; nothing once there are no others.
    pub async fn next(&mut self) -> Result<Option<Vec<ExecutionId>>, Error> {
        let page = self.open.next(PAGE).await?;
        if page.is_empty() {
            return Ok(None);
        }
        let (client, reason) = (&self.client, &self.reason);
        let cancelled = stream::iter(page).map(|listed| async move {
            let execution = listed.view.execution;
            client.cancel(&execution, reason.clone()).await.map(|_| execution)
        });
        cancelled.buffered(AT_ONCE).try_collect().await.map(Some)
    }

    /// Cancels all of them, and gives how many.
    pub async fn finish(&mut self) -> Result<usize, Error> {
        let mut count = 0;
        while let Some(cancelled) = self.next().await? {
            count += cancelled.len();
        }
        Ok(count)
    }

    /// Partitions of which nobody answered: whatever is open there goes on.
    pub fn silent(&self) -> impl Iterator<Item = u32> {
        self.open.silent()
    }
}
