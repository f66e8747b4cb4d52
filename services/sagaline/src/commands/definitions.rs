//! `sagaline definitions`: the versions of a workflow, what one of them says, and what changed between two.

mod diff;

use sagaline_events::record::Definition;
use sagaline_model::Name;
use sagaline_sdk::client::{Client, Error};
use serde_json::json;

use self::diff::{Diff, Key};
use crate::{
    context::Context,
    failure::{Exit, Failure},
    files,
    output::{Output, Tone},
    table::Table,
    words,
};

const EXAMPLES: &str = "\
Examples:
  sagaline definitions list order
  sagaline definitions get order 3               the text it was compiled from
  sagaline definitions get order --yaml          the newest, from its plan
  sagaline definitions get order --output json   the newest, with its plan
  sagaline definitions diff order                what the newest version changed
  sagaline definitions diff order 1 4";

/// Look into the versions of a workflow
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List the versions of a workflow, the oldest first
    List { workflow: Name },
    /// Show the text of a version, of the newest if none is named
    Get {
        workflow: Name,
        version: Option<u32>,
        /// As YAML, written from what it was compiled to: with the defaults of the installation, without comments
        #[arg(long)]
        yaml: bool,
    },
    /// Tell what changed between two versions, the newest two if none are named
    Diff {
        workflow: Name,
        #[arg(value_name = "V1", requires = "to")]
        from: Option<u32>,
        #[arg(value_name = "V2")]
        to: Option<u32>,
    },
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let (client, output) = (context.client().await?, &context.output);
    match args.verb {
        Verb::List { workflow } => list(&client, workflow, output).await,
        Verb::Get { workflow, version, yaml } => get(&client, &workflow, version, yaml, output).await,
        Verb::Diff { workflow, from, to } => diff(&client, &workflow, from.zip(to), output).await,
    }
}

async fn list(client: &Client, workflow: Name, output: &Output) -> Result<Exit, Failure> {
    let versions = client.versions(&workflow).await?;
    if versions.is_empty() {
        return Err(client.unknown_workflow(&workflow).await.into());
    }
    let mut table = Table::new(&["VERSION", "APPLIED", "STEPS", "NOTE"]);
    for version in &versions {
        if output.is_json() {
            output.json(version)?;
            continue;
        }
        table.row(vec![
            (Tone::Plain, version.version.to_string()),
            (Tone::Plain, words::time(version.applied_at)),
            (Tone::Plain, version.steps.to_string()),
            (Tone::Quiet, version.note.as_deref().map(words::short).unwrap_or_default()),
        ]);
    }
    table.show(output)?;
    Ok(Exit::Done)
}

async fn get(
    client: &Client,
    workflow: &Name,
    version: Option<u32>,
    yaml: bool,
    output: &Output,
) -> Result<Exit, Failure> {
    let version = match version {
        Some(version) => version,
        None => newest(client, workflow).await?,
    };
    let definition = find(client, workflow, version).await?;
    if output.is_json() {
        output.json(&definition)?;
    } else if yaml {
        files::show_as_yaml(&definition.plan, output)?;
    } else if let Some(source) = &definition.source {
        source.lines().try_for_each(|line| output.line(&words::one_line(line)))?;
    } else {
        output.line(&format!("{:#}", json!(definition.plan)))?;
    }
    Ok(Exit::Done)
}

async fn diff(
    client: &Client,
    workflow: &Name,
    versions: Option<(u32, u32)>,
    output: &Output,
) -> Result<Exit, Failure> {
    let (from, to) = match versions {
        Some(versions) => versions,
        None => match newest(client, workflow).await? {
            1 => {
                let message =
                    format!("workflow `{workflow}` has one version only: there is nothing to compare it with");
                return Err(Failure::new(Exit::Failed, message));
            }
            newest => (newest - 1, newest),
        },
    };
    let (old, new) = (find(client, workflow, from).await?, find(client, workflow, to).await?);
    let diff = Diff::between(&old.plan, &new.plan);
    if output.is_json() {
        let Diff { workflow: keys, added, removed, changed } = &diff;
        let (added, removed): (Vec<_>, Vec<_>) =
            (added.iter().map(|step| &step.name).collect(), removed.iter().map(|step| &step.name).collect());
        output.json(&json!({
            "workflow": workflow, "from": from, "to": to,
            "keys": keys, "added": added, "removed": removed, "changed": changed,
        }))?;
    } else {
        show(&diff, &format!("{workflow}: version {from} → {to}"), output)?;
    }
    Ok(Exit::Done)
}

fn show(diff: &Diff, heading: &str, output: &Output) -> std::io::Result<()> {
    output.line(&output.paint(Tone::Strong, heading))?;
    if diff.is_empty() {
        return output.line("no difference");
    }
    let key = |indent: &str, key: &Key| {
        let text = |value: &Option<serde_json::Value>| value.as_ref().map_or("nothing".to_owned(), diff::text);
        output.line(&format!("{indent}{}: {} → {}", words::short(&key.key), text(&key.old), text(&key.new)))
    };
    diff.workflow.iter().try_for_each(|changed| key("~ ", changed))?;
    for step in &diff.added {
        output.line(&output.paint(Tone::Good, &format!("+ step {}: {}", step.name, words::short(&step.what))))?;
    }
    for step in &diff.removed {
        output.line(&output.paint(Tone::Bad, &format!("- step {}: {}", step.name, words::short(&step.what))))?;
    }
    for step in &diff.changed {
        output.line(&output.paint(Tone::Busy, &format!("~ step {}", step.step)))?;
        step.keys.iter().try_for_each(|changed| key("    ", changed))?;
    }
    Ok(())
}

async fn newest(client: &Client, workflow: &Name) -> Result<u32, Failure> {
    match client.newest_version(workflow).await? {
        Some(newest) => Ok(newest),
        None => Err(client.unknown_workflow(workflow).await.into()),
    }
}

async fn find(client: &Client, workflow: &Name, version: u32) -> Result<Definition, Failure> {
    if let Some(definition) = client.definition(workflow, version).await? {
        return Ok(definition);
    }
    let latest = newest(client, workflow).await?;
    let missing = Error::UnknownVersion { workflow: workflow.clone(), version, latest };
    Err(Failure::new(Exit::Failed, missing.to_string())
        .hint(format!("`sagaline definitions list {workflow}` shows which there are")))
}
