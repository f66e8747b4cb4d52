//! `sagaline schema`: what editors complete definitions by. Needs no NATS.

use crate::{
    context::Context,
    failure::{Exit, Failure},
};

const EXAMPLES: &str = "\
Examples:
  sagaline schema > workflow.schema.json

An editor with the YAML language server takes it for a file that begins with
  # yaml-language-server: $schema=workflow.schema.json
It finds mistyped keys and values; `sagaline validate` finds everything.";

/// Print the JSON Schema of definitions in YAML, for editors
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {}

pub(crate) fn run(_: &Args, context: &Context) -> Result<Exit, Failure> {
    sagaline_lang::WORKFLOW_SCHEMA.lines().try_for_each(|line| context.output.line(line))?;
    Ok(Exit::Done)
}
