//! Applying what a program brings with it: never back to what was newest before.

use sagaline_broker::ports::Bucket;
use sagaline_events::record::Definition as Stored;
use sagaline_model::Name;

use super::{Applied, Client, Error};
use crate::workflow::{Definition, Workflow};

/// What it came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Registered {
    /// As `sagaline apply` would have done it.
    Applied(Applied),
    /// It is an earlier version, and the newest stays the newest.
    Older { workflow: Name, version: u32, newest: u32 },
}

impl Client {
    /// Applies a workflow that a program brings with it, with the defaults of the installation and [its values](Workflow::config). Unlike
    /// [`apply`](Self::apply), it leaves alone what was a version before the newest: a program of yesterday that starts once more does
    /// not take back what one of today applied.
    pub async fn register(&self, workflow: &Workflow) -> Result<Registered, Error> {
        let definition = workflow.build_under(&self.defaults().await?)?;
        let (plan, source) = (definition.plan(), definition.source());
        if let Some(newest) = self.newest_version(&plan.workflow).await?
            && let Some(version) = self.newest_alike(&definition).await?
            && version < newest
        {
            return Ok(Registered::Older { workflow: plan.workflow.clone(), version, newest });
        }
        Ok(Registered::Applied(self.apply(plan, Some(source)).await?))
    }

    /// The last version with this plan, or with this text and these values: those count too, because what an installation adds to a plan may
    /// have changed since.
    async fn newest_alike(&self, definition: &Definition) -> Result<Option<u32>, Error> {
        let (workflow, hash) = (&definition.plan().workflow, definition.plan().hash());
        let filter = self.names().key(Bucket::Definitions, &format!("{workflow}.*"));
        let stream = self.names().bucket_stream(Bucket::Definitions);
        let mut pages = self.pages(&stream, filter, 1, "read the bucket `definitions`".to_owned()).await?;
        let (mut newest, mut more) = (None, 0 < pages.count());
        while more {
            let page = pages.next(100).await?;
            more = page.last().is_some_and(|(position, _)| 0 < position.pending);
            let stored = page.iter().filter_map(|(_, message)| serde_json::from_slice::<Stored>(&message.payload).ok());
            let is_said_alike = |stored: &Stored| {
                stored.source.as_deref() == Some(definition.source()) && stored.plan.config == definition.plan().config
            };
            let alike = stored.filter(|stored| stored.hash == hash || is_said_alike(stored));
            newest = newest.max(alike.map(|stored| stored.version).max());
        }
        pages.close().await;
        Ok(newest)
    }
}
