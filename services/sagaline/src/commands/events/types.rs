//! `sagaline events types`: what events look like.

use sagaline_lang::read_event_type;
use serde_json::json;

use super::publish;
use crate::{
    context::Context,
    failure::{Exit, Failure},
    files,
    output::Tone,
    table::Table,
};

const EXAMPLES: &str = "\
Examples:
  sagaline events types list
  sagaline events types set order.created '{ schema: { required: [id] } }'
  sagaline events types set order.created @versions.yaml
  sagaline events types get order.created
  sagaline events types remove order.created

Events of a type that do not fit go to `sagaline rejected list`, with every
way in which they do not. An old version is made the newest before triggers
see it: `versions: { 1: { schema: …, to_next: … }, 2: { schema: … } }`.
Triggers follow within a second. docs/triggers.md has more.";

/// See and set what events must look like, version by version
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List the types of which something is known
    List,
    /// Show one, so that what is shown can be set
    Get {
        /// Such as order.created
        #[arg(value_name = "TYPE", value_parser = publish::kind)]
        kind: String,
    },
    /// Set one, in place of what was known of it
    Set {
        /// Such as order.created
        #[arg(value_name = "TYPE", value_parser = publish::kind)]
        kind: String,
        /// A `schema`, or `versions` of it, in YAML or JSON, or @FILE
        #[arg(value_name = "WHAT")]
        what: String,
    },
    /// Let everything of a type pass
    Remove {
        /// Such as order.created
        #[arg(value_name = "TYPE", value_parser = publish::kind)]
        kind: String,
    },
}

pub(super) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    match args.verb {
        Verb::List => list(context).await,
        Verb::Get { kind } => get(&kind, context).await,
        Verb::Set { kind, what } => set(&kind, &what, context).await,
        Verb::Remove { kind } => {
            if context.client().await?.remove_event_type(&kind).await? {
                context.output.talk(&format!("every event of type `{kind}` passes"));
                return Ok(Exit::Done);
            }
            Err(unknown(&kind))
        }
    }
}

fn unknown(kind: &str) -> Failure {
    Failure::new(Exit::Failed, format!("nothing is known of events of type `{kind}`"))
        .hint("`sagaline events types list` shows of which something is")
}

async fn list(context: &Context) -> Result<Exit, Failure> {
    let output = &context.output;
    let types = context.client().await?.event_types().await?;
    let mut table = Table::new(&["TYPE", "VERSIONS"]);
    for (kind, known) in &types {
        let versions: Vec<String> = known.versions.keys().map(u32::to_string).collect();
        if output.is_json() {
            output.json(&json!({ "type": kind, "versions": known.versions.keys().collect::<Vec<_>>() }))?;
        }
        table.row(vec![(Tone::Strong, kind.clone()), (Tone::Plain, versions.join(", "))]);
    }
    if types.is_empty() {
        output.talk("nothing is known of any type of events: whatever comes passes");
    } else {
        table.show(output)?;
    }
    Ok(Exit::Done)
}

async fn get(kind: &str, context: &Context) -> Result<Exit, Failure> {
    let known = context.client().await?.event_types().await?.remove(kind).ok_or_else(|| unknown(kind))?;
    match context.output.is_json() {
        true => context.output.json(&json!({ "type": kind, "known": known }))?,
        false => context.output.line(&json!(known).to_string())?,
    }
    Ok(Exit::Done)
}

async fn set(kind: &str, given: &str, context: &Context) -> Result<Exit, Failure> {
    let output = &context.output;
    let (text, file) = files::text("WHAT", given)?;
    let known = match read_event_type(&text, &file) {
        Ok((known, warnings)) => {
            files::tell(output, &warnings, &text)?;
            known
        }
        Err(faults) => {
            files::tell(output, &faults.0, &text)?;
            return Err(Failure::silent(Exit::BadData));
        }
    };
    context.client().await?.set_event_type(kind, &known).await?;
    output.talk(&format!("set; within a second, events of type `{kind}` that do not fit are set aside"));
    if output.is_json() {
        output.json(&json!({ "type": kind, "known": known }))?;
    }
    Ok(Exit::Done)
}
