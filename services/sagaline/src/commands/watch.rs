//! `sagaline watch`: shows an execution as it goes.

use std::time::Duration;

use sagaline_events::record::Status;
use sagaline_model::ExecutionId;

use crate::{
    context::Context,
    failure::{Exit, Failure},
    live::Live,
};

const EXAMPLES: &str = "\
Examples:
  sagaline watch order-A-1
  sagaline watch order-A-1 --output json     the lifecycle events themselves, one a line

It shows what happens from now on, and ends with the execution: exit code 0 only if that completes.";

/// Show an execution as it goes, until it is over
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The execution
    id: String,
}

pub(crate) async fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let execution = ExecutionId::encoded(&args.id);
    let client = context.client().await?;
    let live = Live::listen(&client, &execution).await?;
    let view = live.show_to_the_end(&client, Duration::ZERO, &context.output).await?;
    Ok(if view.status == Status::Completed { Exit::Done } else { Exit::Failed })
}
