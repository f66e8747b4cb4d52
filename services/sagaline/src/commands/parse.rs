//! `sagaline parse`: the plan that a definition compiles to. Needs no NATS.

use std::path::PathBuf;

use sagaline_model::Defaults;

use crate::{
    context::Context,
    failure::{Exit, Failure},
    files,
};

const EXAMPLES: &str = "\
Examples:
  sagaline parse examples/order.yaml
  sagaline parse examples/order.yaml --output json | jq '.root.nodes[].name'
  sagaline parse examples/order.yaml --yaml      what it says, again as YAML

The plan is what `apply` stores and what runs. A file with several definitions
gives one object for each. The defaults of an installation are not in it: this
asks no NATS.";

/// Show the plan that a definition compiles to, as JSON
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// A file of definitions; `-` is standard input
    #[arg(value_name = "PATH")]
    path: PathBuf,
    /// As YAML, written from the plan: in full, without comments
    #[arg(long)]
    yaml: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let output = &context.output;
    let paths = std::slice::from_ref(&args.path);
    let files = match &context.project {
        Some(project) => files::read_within(paths, &project.says.surroundings(&Defaults::default()), output)?,
        // Nobody knows the values, and the plan can be shown all the same.
        None => files::read(paths, output)?,
    };
    for (place, definition) in files.iter().flat_map(|file| &file.definitions).enumerate() {
        if output.is_json() {
            output.json(&definition.plan)?;
        } else if args.yaml {
            if 0 < place {
                output.line("---")?;
            }
            files::show_as_yaml(&definition.plan, output)?;
        } else {
            let plan = serde_json::to_string_pretty(&definition.plan);
            output.line(&plan.map_err(|error| Failure::bug(error.to_string()))?)?;
        }
    }
    Ok(Exit::Done)
}
