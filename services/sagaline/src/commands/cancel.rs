//! `sagaline cancel`: ends an execution.

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

What it waits for is given up, and it ends as `cancelled`. A step that runs is
told so; whether it stops is up to it.";

/// End an execution
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    which: Which,
    /// Why, for those who look at it later
    #[arg(long)]
    reason: Option<String>,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let (execution, output) = (args.which.execution(), &context.output);
    let client = context.client().await?;
    let before = words::now();
    let sent = client.cancel(&execution, args.reason).await?;
    let known = super::signal::known(&client, &execution, before, output).await;
    if output.is_json() {
        output.json(&json!({ "execution": execution, "sequence": sent.sequence, "known": known }))?;
    } else {
        output.line(&format!("cancel sent to {execution}"))?;
    }
    Ok(Exit::Done)
}
