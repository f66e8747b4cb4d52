//! `sagaline sagas list`: the sagas that are not over.

use sagaline_events::saga::{SagaView, UndoneStatus};
use sagaline_model::{ExecutionId, Name};
use sagaline_sdk::client::SagaFilter;

use crate::{
    context::Context,
    failure::{Exit, Failure},
    output::Tone,
    saga_view,
    silent::{self, Owner},
    table::Table,
    words,
};

const EXAMPLES: &str = "\
Examples:
  sagaline sagas list                        all that are not over
  sagaline sagas list --stuck                those that wait for somebody
  sagaline sagas list --stuck --output json | jq -r .execution
  sagaline sagas list --after order-A-100    what follows that one

By the id of the execution. Those that are over are in `sagaline list --status
rolled_back`. If a compensator does not answer, the list says so and the exit
code is 69.";

/// List the sagas that are not over
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Only those that are stuck
    #[arg(long)]
    stuck: bool,
    /// Only of this workflow
    #[arg(long, value_name = "W")]
    workflow: Option<Name>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Only what stands behind this execution
    #[arg(long, value_name = "ID")]
    after: Option<String>,
}

pub(super) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let output = &context.output;
    let after = args.after.as_deref().map(ExecutionId::encoded);
    let client = context.client().await?;
    let mut listing = client.sagas(SagaFilter { stuck: args.stuck, workflow: args.workflow }, after);
    let limit = args.limit as usize;
    // One more tells whether there are others.
    let mut sagas = listing.next(limit + 1).await?;
    let more = limit < sagas.len();
    sagas.truncate(limit);
    if output.is_json() {
        for saga in &sagas {
            output.json(saga)?;
        }
    } else if !sagas.is_empty() {
        table(&sagas).show(output)?;
    } else if listing.silent().next().is_none() {
        output.talk(if args.stuck { "no saga is stuck" } else { "nothing is being undone" });
    }
    if let Some(last) = sagas.last().filter(|_| more) {
        output.talk(&format!("there are more: `--after {}` goes on", last.execution));
    }
    silent::none(listing.silent(), Owner::Compensator, "sagas of it are missing from this list")
}

fn table(sagas: &[SagaView]) -> Table {
    let mut table = Table::new(&["EXECUTION", "WORKFLOW", "SAGA", "STARTED", "STUCK AT", "ERROR"]);
    for saga in sagas {
        let stuck = saga.steps.iter().find(|step| step.status == UndoneStatus::Stuck);
        let error = stuck.and_then(|step| step.error.as_ref()).map(|error| words::cut(&words::error(error), 60));
        table.row(vec![
            (Tone::Strong, saga.execution.to_string()),
            (Tone::Plain, saga.workflow.to_string()),
            (saga_view::tone(saga.status), saga.status.as_str().to_owned()),
            (Tone::Quiet, words::time(saga.started_at)),
            (Tone::Plain, stuck.map(|step| step.step.to_string()).unwrap_or_default()),
            (Tone::Bad, error.unwrap_or_default()),
        ]);
    }
    table
}
