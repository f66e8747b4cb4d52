//! `sagaline watch`: shows an execution as it goes.

use std::time::Duration;

use sagaline_events::record::Status;
use sagaline_model::Span;

use super::args::Which;
use crate::{
    context::Context,
    failure::{Exit, Failure},
    live::Live,
};

const EXAMPLES: &str = "\
Examples:
  sagaline watch order-A-1
  sagaline watch order-A-1 --within 1m       it may yet have to be started
  sagaline watch order-A-1 --output json     the lifecycle events, one a line

It shows what happens from now on, and ends with the execution: exit code 0 only
if that completes. One that is over already is shown as `get` does.";

/// Show an execution as it goes, until it is over
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    which: Which,
    /// How long it may take to be started, if it is not there yet
    #[arg(long, value_name = "DURATION", default_value = "0s")]
    within: Span,
}

pub(crate) async fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let execution = args.which.execution();
    let client = context.client().await?;
    let live = Live::listen(&client, &execution).await?;
    let view = live.show_to_the_end(&client, Duration::from(args.within), &context.output).await?;
    Ok(if view.status == Status::Completed { Exit::Done } else { Exit::Failed })
}
