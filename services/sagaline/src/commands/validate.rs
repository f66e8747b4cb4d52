//! `sagaline validate`: tells every fault of definitions, with its place. Needs no NATS; of one that is named it asks who serves what.

use std::{path::PathBuf, time::Duration};

use sagaline_model::{Defaults, Plan};
use serde_json::json;
use tokio::time::timeout;

use crate::{
    commands::apply,
    context::Context,
    failure::{Exit, Failure},
    files,
    output::Tone,
};

/// Who validates waits for no server that does not answer.
const PATIENCE: Duration = Duration::from_secs(3);

const EXAMPLES: &str = "\
Examples:
  sagaline validate                              all of the project
  sagaline validate examples/order.yaml
  sagaline validate workflows/ --output json     one object for each fault
  sagaline validate --strict                     no warnings either

It exits with 65 if anything is wrong. No server is needed; if one is named
and answers, it also says which activities no worker has served so far.";

/// Tell every fault of definitions, with its line, column and a hint
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

pub(crate) async fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let output = &context.output;
    let paths = context.definitions(&args.paths)?;
    context.warn()?;
    files::tell_further_in(&paths, output);
    let read = files::read_within(&paths, &context.surroundings(&Defaults::default()), output)?;
    files::refuse_doubts(args.strict, &read)?;
    let plans = read.iter().flat_map(|file| &file.definitions).map(|definition| &definition.plan);
    warn_of_activities(plans, context).await;
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

/// Without an installation, or if it does not answer, there is nothing to say.
async fn warn_of_activities(plans: impl IntoIterator<Item = &Plan>, context: &Context) {
    if !context.names_nats() {
        return;
    }
    let asked = async { context.client().await.ok()?.without_worker(plans).await.ok() };
    for one in timeout(PATIENCE, asked).await.ok().flatten().into_iter().flatten() {
        apply::tell_without_worker(&one, &context.output);
    }
}
