//! `sagaline cancel-all`: ends every open execution of a workflow.

use sagaline_model::Name;
use serde_json::json;

use crate::{
    context::Context,
    failure::{Exit, Failure},
    silent::{self, Owner},
};

const EXAMPLES: &str = "\
Examples:
  sagaline cancel-all nightly
  sagaline cancel-all order --reason 'the warehouse moves' --output json

Those that are open now are cancelled, each as `sagaline cancel` does it:
paused ones too, and one that is at its handlers is cut short. One that starts
meanwhile may be left out. That there is none is no error. If an orchestrator
does not answer, it says so and the exit code is 69: do it again then.";

/// End all open executions of a workflow
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The workflow
    workflow: Name,
    /// Why, for those who look at it later
    #[arg(long)]
    reason: Option<String>,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let (workflow, output) = (args.workflow, &context.output);
    let client = context.client().await?;
    let mut all = client.cancel_all(&workflow, args.reason);
    let mut count = 0;
    loop {
        // A reader of the count must not take half of it for the whole.
        let cancelled = all.next().await.map_err(|error| {
            let failure = Failure::from(error);
            if count == 0 { failure } else { failure.hint(format!("{count} were cancelled before that; do it again")) }
        })?;
        let Some(cancelled) = cancelled else { break };
        count += cancelled.len();
        output.progress(&format!("cancelling executions of {workflow}: {count}"));
    }
    let silent: Vec<_> = all.silent().collect();
    if output.is_json() {
        output.json(&json!({ "workflow": workflow, "cancelled": count, "silent_partitions": silent }))?;
    } else {
        output.line(&format!("cancel sent to {count} executions of {workflow}"))?;
    }
    silent::none(silent, Owner::Orchestrator, "open executions of it were not cancelled").map_err(|mut failure| {
        failure.hints.iter_mut().for_each(|hint| hint.push_str("; then do it again"));
        failure
    })
}
