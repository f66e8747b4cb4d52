//! `sagaline update`: makes an update that an execution's workflow allows for.

use sagaline_model::Name;
use sagaline_sdk::client::Replied;
use serde_json::json;

use super::args::Which;
use crate::{
    context::Context,
    failure::{Exit, Failure},
    files,
};

const EXAMPLES: &str = "\
Examples:
  sagaline update order-A-1 raise_limit --data '{\"by\": 5}'
  sagaline update order-A-1 raise_limit --data '{\"by\": 5}' --id raise-2026-11

What the update answers is printed as JSON. One that does not fit, or that the
workflow does not allow now, changes nothing, and this exits with 1. The same
--id again is not made twice, and has the same answer.";

/// Make an update that the workflow allows for
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    which: Which,
    /// The update, as the definition calls it
    name: Name,
    /// What it carries: JSON, or @FILE for a file of JSON
    #[arg(long, value_name = "JSON|@FILE")]
    data: Option<String>,
    /// What this one is called, so that trying again is safe
    #[arg(long = "id", value_name = "TEXT")]
    called: Option<String>,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let (execution, output) = (args.which.execution(), &context.output);
    let data = files::data("--data", args.data.as_deref())?;
    let client = context.client().await?;
    let (value, kept) = match client.update(&execution, &args.name, data, args.called).await? {
        Replied::Taken(value) => (value, false),
        Replied::Kept => {
            output
                .talk(&format!("there is no execution `{execution}` yet; this is kept for ten minutes, for its start"));
            (serde_json::Value::Null, true)
        }
    };
    if output.is_json() {
        output.json(&json!({ "execution": execution, "update": args.name, "result": value, "kept": kept }))?;
    } else if !kept {
        output.line(&value.to_string())?;
    }
    Ok(Exit::Done)
}
