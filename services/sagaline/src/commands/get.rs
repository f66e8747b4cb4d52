//! `sagaline get`: the state of an execution, or how it ended.

use sagaline_sdk::client::{Client, Error};
use serde_json::Value;

use super::args::Which;
use crate::{
    context::Context,
    failure::{Exit, Failure, chain},
    output::Output,
    view,
};

const EXAMPLES: &str = "\
Examples:
  sagaline get order-A-1
  sagaline get order-A-1 --output json | jq -r .status

An execution that runs is asked of its orchestrator; one that ended is kept for
seven days.";

/// Show an execution: its status, steps and output
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    which: Which,
}

pub(crate) async fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let (execution, output) = (args.which.execution(), &context.output);
    let client = context.client().await?;
    let mut view = client.get(&execution).await?.ok_or(Error::NotFound(execution))?;
    view.output = resolved(&client, std::mem::take(&mut view.output), output).await;
    if output.is_json() {
        output.json(&view)?;
    } else {
        for line in view::lines(&view, output) {
            output.line(&line)?;
        }
    }
    Ok(Exit::Done)
}

/// An output that was too large for a message, as it is; where it cannot be had any more, the reference to it.
pub(super) async fn resolved(client: &Client, value: Value, output: &Output) -> Value {
    match client.resolve(value.clone()).await {
        Ok(whole) => whole,
        Err(error) => {
            output.talk(&format!("the output is shown as the reference it is: {}", chain(&error)));
            value
        }
    }
}
