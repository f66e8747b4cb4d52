//! `sagaline signal`: sends a signal to an execution.

use sagaline_model::{ExecutionId, Moment, Name};
use sagaline_sdk::client::{Client, Error};
use serde_json::json;

use super::args::Which;
use crate::{
    context::Context,
    failure::{Exit, Failure},
    files,
    output::Output,
    words,
};

const EXAMPLES: &str = "\
Examples:
  sagaline signal order-A-1 approved
  sagaline signal order-A-1 approved --data '{\"by\":\"ann\"}'

A signal that nobody waits for yet is kept until somebody does; one for an
execution that has not started, for ten minutes.";

/// Send a signal to an execution
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    which: Which,
    /// The signal, as the definition calls it
    name: Name,
    /// What it carries: JSON, or @FILE for a file of JSON
    #[arg(long, value_name = "JSON|@FILE")]
    data: Option<String>,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let (execution, output) = (args.which.execution(), &context.output);
    let data = files::data("--data", args.data.as_deref())?;
    let client = context.client().await?;
    let before = words::now();
    let sent = client.signal(&execution, &args.name, data).await?;
    let known = known(&client, &execution, before, output).await;
    if output.is_json() {
        let (execution, sequence) = (execution.as_str(), sent.sequence);
        output.json(&json!({ "execution": execution, "signal": args.name, "sequence": sequence, "known": known }))?;
    } else {
        output.line(&format!("signal {} sent to {execution}", args.name))?;
    }
    Ok(Exit::Done)
}

/// Whether the execution is there, as far as anybody can say. That it is not, or was over `before` this was sent, is said.
pub(super) async fn known(client: &Client, execution: &ExecutionId, before: Moment, output: &Output) -> Option<bool> {
    let (known, note) = match client.get(execution).await {
        Ok(Some(view)) if view.ended_at.is_some_and(|ended| ended < before) => {
            let how = view.status.as_str();
            (Some(true), format!("`{execution}` was over already ({how}): this changes nothing any more"))
        }
        Ok(Some(_)) => return Some(true),
        Ok(None) => (
            Some(false),
            format!("there is no execution `{execution}` yet; this is kept for ten minutes, for its start"),
        ),
        Err(Error::NoOwner { partition }) => {
            (None, format!("it is stored; no orchestrator answers for partition {partition}, so it waits for one"))
        }
        Err(error) => (None, format!("it is stored; whether `{execution}` runs cannot be said: {error}")),
    };
    output.talk(&note);
    known
}
