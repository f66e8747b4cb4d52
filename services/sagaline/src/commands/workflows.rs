//! `sagaline workflows`: what is applied.

use sagaline_model::{Plan, Trigger};
use serde_json::json;

use crate::{
    context::Context,
    failure::{Exit, Failure},
    output::Tone,
    table::Table,
    words,
};

const EXAMPLES: &str = "\
Examples:
  sagaline workflows
  sagaline workflows --output json | jq -r .workflow";

/// List the workflows that are applied, each with its newest version
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {}

pub(crate) async fn run(_args: &Args, context: &Context) -> Result<Exit, Failure> {
    let (client, output) = (context.client().await?, &context.output);
    let mut table = Table::new(&["WORKFLOW", "VERSION", "STEPS", "STARTED BY"]);
    let workflows = client.workflows().await?;
    for (workflow, latest) in &workflows {
        let definition = client.definition(workflow, latest.version).await?;
        let steps = definition.as_ref().map(|definition| definition.plan.nodes().len());
        let started_by = definition.as_ref().map(|definition| starters(&definition.plan)).unwrap_or_default();
        if output.is_json() {
            let (version, hash) = (latest.version, &latest.hash);
            let metadata = definition.as_ref().map(|definition| &definition.plan.conduct.metadata);
            output.json(&json!({
                "workflow": workflow, "version": version, "hash": hash, "steps": steps, "started_by": started_by,
                "metadata": metadata,
            }))?;
        } else {
            table.row(vec![
                (Tone::Plain, workflow.to_string()),
                (Tone::Plain, latest.version.to_string()),
                (Tone::Plain, steps.map_or_else(|| "?".to_owned(), |steps| steps.to_string())),
                (Tone::Plain, words::short(&started_by.join(", "))),
            ]);
        }
    }
    if workflows.is_empty() {
        output.talk("no workflow is applied yet; `sagaline apply FILE` applies one");
    } else {
        table.show(output)?;
    }
    Ok(Exit::Done)
}

fn starters(plan: &Plan) -> Vec<String> {
    let starter = |trigger: &Trigger| match trigger {
        // It is told to one that runs.
        Trigger::Event(event) if event.signal.is_some() => None,
        Trigger::Event(event) => Some(format!("event {}", event.types.join(" or "))),
        Trigger::Manual => Some("people".to_owned()),
        Trigger::Schedule(schedule) => Some(super::schedules::when(&schedule.when)),
    };
    let starters: Vec<String> = plan.triggers.iter().filter_map(starter).collect();
    if starters.is_empty() { vec!["people".to_owned()] } else { starters }
}
