//! `sagaline pause`: lets no further step of an execution begin.

use serde_json::json;

use super::args::Which;
use crate::{
    context::Context,
    failure::{Exit, Failure},
    words,
};

const EXAMPLES: &str = "\
Examples:
  sagaline pause order-A-1
  sagaline pause order-A-1 --reason 'the warehouse is being moved'

Steps that are at work go on, their retries included; no other begins until
`sagaline resume`. Its timeout does not stop meanwhile.";

/// Let no further step of an execution begin
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
    let sent = client.pause(&execution, args.reason).await?;
    let known = super::signal::known(&client, &execution, before, output).await;
    if output.is_json() {
        output.json(&json!({ "execution": execution, "sequence": sent.sequence, "known": known }))?;
    } else {
        output.line(&format!("pause sent to {execution}"))?;
    }
    Ok(Exit::Done)
}
