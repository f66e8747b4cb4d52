//! `sagaline apply`: makes definitions the newest versions of their workflows.

use std::{io, path::PathBuf};

use sagaline_model::Defaults;
use sagaline_sdk::client::{Applied, Change, WithoutWorker};
use serde_json::json;

use crate::{
    context::Context,
    failure::{Exit, Failure},
    files,
    output::{Output, Tone},
};

const EXAMPLES: &str = "\
Examples:
  sagaline apply                         all of the project (sagaline.toml)
  sagaline apply examples/order.yaml     one file
  sagaline apply workflows/              every definition in a folder
  sagaline apply a.yaml b.yaml --output json

All files are read before the first is applied: a fault in any of them leaves
everything as it was. Applying what is the newest version already changes
nothing. Executions that run stay on the version they started with. What a
definition leaves out comes from the project, then from `sagaline defaults`,
and stays in its version.";

/// Make definitions the newest versions of their workflows
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Files of definitions, or folders of them; `-` is standard input [default: what the project names]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Take warnings for faults
    #[arg(long)]
    strict: bool,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let output = &context.output;
    let paths = context.definitions(&args.paths)?;
    context.warn()?;
    files::tell_further_in(&paths, output);
    let read = files::read_within(&paths, &context.surroundings(&Defaults::default()), output)?;
    files::refuse_doubts(args.strict, &read)?;
    let client = context.client().await?;
    let installation = client.defaults().await?;
    let within = context.surroundings(&installation);
    let read = read.into_iter().map(|file| match installation.is_empty() {
        true => Ok(file),
        false => files::under(file, &within, output),
    });
    let read = read.collect::<Result<Vec<_>, _>>()?;
    for file in &read {
        for definition in &file.definitions {
            let applied = client.apply(&definition.plan, Some(&file.text)).await?;
            show(&applied, &file.name, output)?;
        }
    }
    let plans = read.iter().flat_map(|file| &file.definitions).map(|definition| &definition.plan);
    for one in client.without_worker(plans).await? {
        tell_without_worker(&one, output);
    }
    Ok(Exit::Done)
}

pub(crate) fn tell_without_worker(one: &WithoutWorker, output: &Output) {
    let WithoutWorker { activity, queue } = one;
    output.talk(&format!(
        "warning: no worker has served `{activity}` in the queue `{queue}` so far; its tasks wait for one"
    ));
}

/// What an apply came to.
pub(crate) fn show(applied: &Applied, file: &str, output: &Output) -> io::Result<()> {
    let (word, tone) = match applied.change {
        Change::Created => ("created", Tone::Good),
        Change::Changed => ("changed", Tone::Good),
        Change::Unchanged => ("unchanged", Tone::Quiet),
    };
    let (workflow, version) = (&applied.workflow, applied.version);
    if output.is_json() {
        return output
            .json(&json!({ "workflow": workflow, "version": version, "change": applied.change, "file": file }));
    }
    output.line(&format!("{workflow} version {version} {}", output.paint(tone, word)))
}
