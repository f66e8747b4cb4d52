//! `sagaline signal`: sends a signal to an execution.

use sagaline_model::{ExecutionId, Name};
use sagaline_sdk::client::{Client, Error};
use serde_json::json;

use crate::{
    context::Context,
    failure::{Exit, Failure},
    files,
    output::Output,
};

const EXAMPLES: &str = "\
Examples:
  sagaline signal order-A-1 approved
  sagaline signal order-A-1 approved --data '{\"by\":\"ann\"}'

A signal that nobody waits for yet is kept until somebody does; one for an execution that has not started, for ten minutes.";

/// Send a signal to an execution
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The execution
    id: String,
    /// The signal, as the definition calls it
    name: Name,
    /// What it carries: JSON, or @FILE for a file of JSON
    #[arg(long, value_name = "JSON|@FILE")]
    data: Option<String>,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let (execution, output) = (ExecutionId::encoded(&args.id), &context.output);
    let data = files::data("--data", args.data.as_deref())?;
    let client = context.client().await?;
    let sent = client.signal(&execution, &args.name, data).await?;
    let known = known(&client, &execution, output).await;
    if output.is_json() {
        let (execution, sequence) = (execution.as_str(), sent.sequence);
        output.json(&json!({ "execution": execution, "signal": args.name, "sequence": sequence, "known": known }))?;
    } else {
        output.line(&format!("signal {} sent to {execution}", args.name))?;
    }
    Ok(Exit::Done)
}

/// Whether the execution is there, as far as anybody can say; if not, that is said.
pub(super) async fn known(client: &Client, execution: &ExecutionId, output: &Output) -> Option<bool> {
    match client.get(execution).await {
        Ok(Some(view)) => {
            if view.status.is_over() {
                output
                    .talk(&format!("`{execution}` is over ({}): this changes nothing any more", view.status.as_str()));
            }
            Some(true)
        }
        Ok(None) => {
            output
                .talk(&format!("there is no execution `{execution}` yet; this is kept for ten minutes, for its start"));
            Some(false)
        }
        Err(Error::NoOwner { partition }) => {
            output
                .talk(&format!("it is stored; no orchestrator answers for partition {partition}, so it waits for one"));
            None
        }
        Err(error) => {
            output.talk(&format!("it is stored; whether `{execution}` runs cannot be said: {error}"));
            None
        }
    }
}
