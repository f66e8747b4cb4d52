//! `sagaline query`: what a query of an execution's workflow gives.

use sagaline_model::Name;

use super::{args::Which, get::resolved};
use crate::{
    context::Context,
    failure::{Exit, Failure},
};

const EXAMPLES: &str = "\
Examples:
  sagaline query order-A-1 progress
  sagaline query order-A-1 progress | jq .done

An execution that runs is asked how it is now; one that has ended answers as it
was in the end. The answer is JSON.";

/// Ask an execution one of its workflow's queries
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    which: Which,
    /// The query, as the definition calls it
    name: Name,
}

pub(crate) async fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let (execution, output) = (args.which.execution(), &context.output);
    let client = context.client().await?;
    let value = client.query(&execution, &args.name).await?;
    let value = resolved(&client, value, output).await;
    if output.is_json() {
        output.json(&value)?;
    } else {
        output.line(&value.to_string())?;
    }
    Ok(Exit::Done)
}
