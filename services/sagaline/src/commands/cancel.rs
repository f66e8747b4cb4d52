//! `sagaline cancel`: ends an execution.

use sagaline_events::input::Cancel;
use sagaline_model::Span;
use serde_json::json;

use super::args::Which;
use crate::{
    context::Context,
    failure::{Exit, Failure},
    words,
};

const EXAMPLES: &str = "\
Examples:
  sagaline cancel order-A-1
  sagaline cancel order-A-1 --reason 'the customer changed her mind'
  sagaline cancel order-A-1 --cleanup --grace 2m
  sagaline cancel order-A-1 --rollback --reason 'ordered twice'

What it waits for is given up, and it ends as `cancelled`. A step that runs is
told so; whether it stops is up to it.

With `--cleanup`, steps that run are told to stop, and what they answer within
the grace still counts; nothing else begins. Then it ends, and its `on_cancel`
begins. A second cancel does not wait for that.

With `--rollback`, what it did is undone first, the last step first, and it ends
as `rolled_back`. `sagaline sagas get` shows how far that is.";

/// End an execution
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    which: Which,
    /// Why, for those who look at it later
    #[arg(long)]
    reason: Option<String>,
    /// Wait for the steps that run, once they are told to stop
    #[arg(long)]
    cleanup: bool,
    /// For how long, with `--cleanup`: 90s, 5m [default: 30s]
    #[arg(long, value_name = "SPAN", requires = "cleanup")]
    grace: Option<Span>,
    /// Undo what it did before it ends
    #[arg(long)]
    rollback: bool,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let (execution, output) = (args.which.execution(), &context.output);
    let client = context.client().await?;
    let before = words::now();
    let cancel = Cancel { reason: args.reason, cleanup: args.cleanup, grace: args.grace, rollback: args.rollback };
    let sent = client.cancel_so(&execution, cancel).await?;
    let known = super::signal::known(&client, &execution, before, output).await;
    if output.is_json() {
        output.json(&json!({ "execution": execution, "sequence": sent.sequence, "known": known }))?;
    } else {
        output.line(&format!("cancel sent to {execution}"))?;
    }
    Ok(Exit::Done)
}
