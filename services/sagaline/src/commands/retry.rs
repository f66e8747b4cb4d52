//! `sagaline retry`: has an execution that failed tried again, from where it failed.

use sagaline_model::{ExecutionId, Name};
use sagaline_sdk::client::RetryOptions;

use crate::{
    context::Context,
    failure::{Exit, Failure},
};

const EXAMPLES: &str = "\
Examples:
  sagaline retry order-A-1
  sagaline retry order-A-1 --from charge --wait

A new execution begins with what the first one had done, and does the rest. It
runs on the newest version, which may be the one that was mended. Its tasks have
the idempotency keys of the first one. The workflow must have `dead_letter`. To
retry the same failure again is no second execution (`existing: true`).

One that was rolled back begins again from the beginning, with idempotency keys
of its own; that works for as long as the log has its start, a day.";

/// Try an execution that failed again, from where it failed
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The execution that failed
    execution: String,
    #[command(flatten)]
    how: How,
}

/// How something is tried again.
#[derive(Debug, clap::Args)]
pub(crate) struct How {
    /// The step to go on from: it and all that come after it are done again
    #[arg(long, value_name = "STEP")]
    from: Option<Name>,
    /// What to call the new execution
    #[arg(long)]
    id: Option<String>,
    /// The version to run, if not the newest
    #[arg(long, value_name = "N")]
    version: Option<u32>,
    /// Wait until it is over, and show how it ended
    #[arg(long)]
    pub(super) wait: bool,
}

impl How {
    pub(super) fn options(&self) -> RetryOptions {
        let id = self.id.as_deref().map(ExecutionId::encoded);
        RetryOptions { from: self.from.clone(), id, version: self.version }
    }
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let client = context.client().await?;
    let started = client.retry(&ExecutionId::encoded(&args.execution), args.how.options()).await?;
    super::start::tell(&client, &started, args.how.wait, context).await
}
