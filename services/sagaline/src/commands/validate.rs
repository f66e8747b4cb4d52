//! `sagaline validate`: tells every fault of definitions, with its place. Needs no NATS.

use std::path::PathBuf;

use sagaline_model::Defaults;
use serde_json::json;

use crate::{
    context::Context,
    failure::{Exit, Failure},
    files,
    output::Tone,
};

const EXAMPLES: &str = "\
Examples:
  sagaline validate                              all of the project
  sagaline validate examples/order.yaml
  sagaline validate workflows/ --output json     one object for each fault
  sagaline validate --strict                     no warnings either

It exits with 65 if anything is wrong. No server is needed.";

/// Tell every fault of definitions, with its line, column and a hint
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Files of definitions, or folders of them [default: what the project names]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Take warnings for faults
    #[arg(long)]
    strict: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let output = &context.output;
    let paths = context.definitions(&args.paths)?;
    context.warn()?;
    let read = files::read_within(&paths, &context.surroundings(&Defaults::default()), output)?;
    files::refuse_doubts(args.strict, &read)?;
    for file in read {
        for definition in &file.definitions {
            let (workflow, steps) = (&definition.plan.workflow, definition.plan.nodes().len());
            if output.is_json() {
                output.json(&json!({ "file": file.name, "workflow": workflow, "steps": steps, "valid": true }))?;
            } else {
                let steps = if steps == 1 { "1 step".to_owned() } else { format!("{steps} steps") };
                output.line(&format!("{}: {workflow}, {steps}: {}", file.name, output.paint(Tone::Good, "ok")))?;
            }
        }
    }
    Ok(Exit::Done)
}
