//! `sagaline defaults`: what the installation gives to workflows that say nothing of their own.

use sagaline_lang::read_defaults;
use sagaline_model::Defaults;
use serde_json::{Value, json};

use crate::{
    context::Context,
    failure::{Exit, Failure},
    files,
    output::Output,
};

const EXAMPLES: &str = "\
Examples:
  sagaline defaults get
  sagaline defaults set '{ step_timeout: 5m, retry: { attempts: 3 } }'
  sagaline defaults set @defaults.yaml
  sagaline defaults set '{}'             none at all

They count for definitions that are applied from then on. What is applied
already stays as it is until it is applied again.";

/// See and set what workflows have that say nothing of their own
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Show the defaults
    Get,
    /// Set all of them, in place of those before
    Set {
        /// A map with any of `timeout`, `step_timeout` and `retry`, in YAML or JSON, or @FILE
        #[arg(value_name = "DEFAULTS")]
        defaults: String,
    },
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    match args.verb {
        Verb::Get => get(context).await,
        Verb::Set { defaults } => set(&defaults, context).await,
    }
}

async fn get(context: &Context) -> Result<Exit, Failure> {
    let defaults = context.client().await?.defaults().await?;
    if defaults.is_empty() && !context.output.is_json() {
        context.output.talk("there are no defaults: what a definition does not say is as docs/workflows.md says");
    }
    show(&defaults, &context.output)
}

async fn set(given: &str, context: &Context) -> Result<Exit, Failure> {
    let output = &context.output;
    let (text, from) = files::text("DEFAULTS", given)?;
    let defaults = match read_defaults(&text, &from) {
        Ok((defaults, warnings)) => {
            files::tell(output, &warnings, &text)?;
            defaults
        }
        Err(faults) => {
            files::tell(output, &faults.0, &text)?;
            return Err(Failure::silent(Exit::BadData));
        }
    };
    context.client().await?.set_defaults(&defaults).await?;
    output.talk("set; definitions have them that are applied from now on");
    show(&defaults, output)
}

/// As they are written, so that what is shown can be set.
fn show(defaults: &Defaults, output: &Output) -> Result<Exit, Failure> {
    let shown = json!(defaults);
    if output.is_json() {
        output.json(&shown)?;
        return Ok(Exit::Done);
    }
    for (key, value) in shown.as_object().into_iter().flatten() {
        match value {
            Value::String(text) => output.line(&format!("{key}: {text}"))?,
            other => output.line(&format!("{key}: {other}"))?,
        }
    }
    Ok(Exit::Done)
}
