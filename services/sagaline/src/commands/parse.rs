//! `sagaline parse`: the plan that a definition compiles to. Needs no NATS.

use std::path::PathBuf;

use crate::{
    context::Context,
    failure::{Exit, Failure},
    files,
};

const EXAMPLES: &str = "\
Examples:
  sagaline parse examples/order.yaml
  sagaline parse examples/order.yaml --output json | jq '.root.nodes[].name'

The plan is what `apply` stores and what runs. A file with several definitions
gives one object for each. The defaults of an installation are not in it: this
asks no NATS.";

/// Show the plan that a definition compiles to, as JSON
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// A file of definitions
    #[arg(value_name = "PATH")]
    path: PathBuf,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let output = &context.output;
    for definition in files::read(std::slice::from_ref(&args.path), output)?.iter().flat_map(|file| &file.definitions) {
        if output.is_json() {
            output.json(&definition.plan)?;
        } else {
            let plan = serde_json::to_string_pretty(&definition.plan);
            output.line(&plan.map_err(|error| Failure::bug(error.to_string()))?)?;
        }
    }
    Ok(Exit::Done)
}
