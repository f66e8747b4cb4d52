//! `sagaline resume`: lets a paused execution go on.

use serde_json::{Map, Value, json};

use super::args::Which;
use crate::{
    context::Context,
    failure::{Exit, Failure},
    files, words,
};

const EXAMPLES: &str = "\
Examples:
  sagaline resume order-A-1
  sagaline resume order-A-1 --context '{\"approved\": true}'

What the context holds joins `ctx` before the next step begins.";

/// Let a paused execution go on
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    which: Which,
    /// What joins `ctx`: a JSON object, or @FILE for a file of one
    #[arg(long, value_name = "JSON|@FILE")]
    context: Option<String>,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let (execution, output) = (args.which.execution(), &context.output);
    let joins = object(files::data("--context", args.context.as_deref())?)?;
    let client = context.client().await?;
    let before = words::now();
    let sent = client.resume(&execution, joins).await?;
    let known = super::signal::known(&client, &execution, before, output).await;
    if output.is_json() {
        output.json(&json!({ "execution": execution, "sequence": sent.sequence, "known": known }))?;
    } else {
        output.line(&format!("resume sent to {execution}"))?;
    }
    Ok(Exit::Done)
}

/// `ctx` has names for what it holds, so only an object can join it.
fn object(value: Value) -> Result<Map<String, Value>, Failure> {
    match value {
        Value::Null => Ok(Map::new()),
        Value::Object(map) => Ok(map),
        other => {
            let said =
                format!("`--context` must be a JSON object, not `{other}`; for example '{{\"approved\": true}}'");
            Err(Failure::bad_data(said))
        }
    }
}
