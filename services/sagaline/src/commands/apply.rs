//! `sagaline apply`: makes definitions the newest versions of their workflows.

use std::path::PathBuf;

use sagaline_sdk::client::Change;
use serde_json::json;

use crate::{
    context::Context,
    failure::{Exit, Failure},
    files,
    output::Tone,
};

const EXAMPLES: &str = "\
Examples:
  sagaline apply examples/order.yaml     one file
  sagaline apply workflows/              every definition in a folder
  sagaline apply a.yaml b.yaml --output json

All files are read before the first is applied: a fault in any of them leaves
everything as it was. Applying what is the newest version already changes
nothing. Executions that run stay on the version they started with. What a
definition leaves out comes from `sagaline defaults`, and stays in its version.";

/// Make definitions the newest versions of their workflows
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Files of definitions, or folders of them
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let (output, read) = (&context.output, files::read(&args.paths, &context.output)?);
    let client = context.client().await?;
    let defaults = client.defaults().await?;
    let read = read.into_iter().map(|file| files::under(file, &defaults, output)).collect::<Result<Vec<_>, _>>()?;
    for file in &read {
        for definition in &file.definitions {
            let applied = client.apply(&definition.plan, Some(&file.text)).await?;
            let (word, tone) = match applied.change {
                Change::Created => ("created", Tone::Good),
                Change::Changed => ("changed", Tone::Good),
                Change::Unchanged => ("unchanged", Tone::Quiet),
            };
            if output.is_json() {
                let (workflow, version) = (&applied.workflow, applied.version);
                output.json(
                    &json!({ "workflow": workflow, "version": version, "change": applied.change, "file": file.name }),
                )?;
            } else {
                let word = output.paint(tone, word);
                output.line(&format!("{} version {} {word}", applied.workflow, applied.version))?;
            }
        }
    }
    Ok(Exit::Done)
}
