//! `sagaline summary`: a workflow in figures.

use sagaline_model::Plan;
use sagaline_picture::Summary;

use crate::{
    context::Context,
    failure::{Exit, Failure},
    ink,
    plans::{self, Meant},
};

const EXAMPLES: &str = "\
Examples:
  sagaline summary order
  sagaline summary order --version 3
  sagaline summary examples/order.yaml
  sagaline summary order --output json | jq .kinds

A workflow that is applied, or a file. For a file no NATS is asked.";

/// Show a workflow in figures: steps, what starts it, how long it may take
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// A workflow that is applied, or a file of definitions
    #[arg(value_name = "WORKFLOW|PATH")]
    of: String,
    /// This version; the newest without it
    #[arg(long, value_name = "N")]
    version: Option<u32>,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    match Meant::by(&args.of, context)? {
        Meant::File(path) => {
            for (place, plan) in plans::of_file(path, context)?.iter().enumerate() {
                if 0 < place && !context.output.is_json() {
                    context.output.line("")?;
                }
                show(plan, None, context)?;
            }
        }
        Meant::Workflow(workflow) => {
            let found = plans::applied(&context.client().await?, &workflow, args.version).await?;
            show(&found.plan, found.version, context)?;
        }
    }
    Ok(Exit::Done)
}

fn show(plan: &Plan, version: Option<u32>, context: &Context) -> Result<(), Failure> {
    let summary = Summary::of(plan, version);
    if context.output.is_json() {
        return Ok(context.output.json(&summary)?);
    }
    Ok(ink::print(&summary.lines(), &context.output)?)
}
