//! The workflows that a worker brings with it: applied when it starts.

use std::time::Duration;

use sagaline_broker::nats::Connection;
use tokio::time::sleep;

use crate::{
    client::{Change, Class, Client, Error, Registered},
    workflow::Workflow,
};

const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Applies each of them, however long that takes: tasks are served meanwhile. What is refused for good is told, and the others follow.
pub(super) async fn apply(connection: Connection, worker: String, workflows: Vec<Workflow>) {
    for workflow in workflows {
        let mut pause = FIRST_PAUSE;
        while let Err(error) = once(&connection, &worker, &workflow).await {
            let workflow = workflow.name();
            if !may_be_tried_again(&error) {
                tracing::error!(
                    workflow,
                    error = &error as &dyn std::error::Error,
                    "the workflow of this worker is not applied"
                );
                break;
            }
            tracing::warn!(
                workflow,
                error = &error as &dyn std::error::Error,
                ?pause,
                "the workflow of this worker is not applied yet"
            );
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

fn may_be_tried_again(error: &Error) -> bool {
    error.class() == Class::Unreachable || matches!(error, Error::Contended { .. } | Error::Full { .. })
}

async fn once(connection: &Connection, worker: &str, workflow: &Workflow) -> Result<(), Error> {
    let client = Client::over(connection.clone(), worker).await?;
    match client.register(workflow).await? {
        Registered::Applied(applied) => {
            let (workflow, version) = (applied.workflow.as_str(), applied.version);
            match applied.change {
                Change::Created => tracing::info!(workflow, version, "applied a new workflow"),
                Change::Changed => tracing::info!(workflow, version, "applied a new version of the workflow"),
                Change::Unchanged => tracing::info!(workflow, version, "the workflow is applied already"),
            }
        }
        Registered::Older { workflow, version, newest } => {
            let workflow = workflow.as_str();
            tracing::warn!(
                workflow,
                version,
                newest,
                "the workflow of this worker is an older version, and is left at that; `sagaline apply` makes it the newest again"
            );
        }
    }
    Ok(())
}
