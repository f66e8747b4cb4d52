//! `sagaline schedules list`.

use sagaline_events::ScheduleView;
use sagaline_model::Name;
use sagaline_sdk::client::ScheduleFilter;

use super::describe::{no_room, started, when};
use crate::{
    context::Context,
    failure::{Exit, Failure},
    output::Tone,
    silent::{self, Owner},
    table::Table,
    words,
};

const EXAMPLES: &str = "\
Examples:
  sagaline schedules list
  sagaline schedules list --workflow report
  sagaline schedules list --paused --output json | jq -r .name

By name. If a scheduler does not answer, the list says so and the exit code
is 69.";

/// List schedules
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Only those that start this workflow
    #[arg(long, value_name = "W")]
    workflow: Option<Name>,
    /// Only those that are paused
    #[arg(long)]
    paused: bool,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Only what stands behind this name
    #[arg(long, value_name = "NAME")]
    after: Option<Name>,
}

pub(super) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let output = &context.output;
    let client = context.client().await?;
    let mut listing = client.schedules(ScheduleFilter { paused: args.paused, workflow: args.workflow }, args.after);
    let limit = args.limit as usize;
    // One more tells whether there are others.
    let mut schedules = listing.next(limit + 1).await?;
    let more = limit < schedules.len();
    schedules.truncate(limit);
    if output.is_json() {
        for schedule in &schedules {
            output.json(schedule)?;
        }
    } else if !schedules.is_empty() {
        table(&schedules).show(output)?;
    } else if listing.silent().next().is_none() {
        output.talk("there is no schedule");
    }
    if let Some(full) = schedules.iter().find_map(|schedule| schedule.no_room.as_ref()) {
        output.talk(&format!("ticks wait {}", no_room(full)));
    }
    if let Some(last) = schedules.last().filter(|_| more) {
        output.talk(&format!("there are more: `--after {}` goes on", last.name));
    }
    silent::none(listing.silent(), Owner::Scheduler, "schedules of it are missing from this list")
}

fn table(schedules: &[ScheduleView]) -> Table {
    let mut table = Table::new(&["SCHEDULE", "STARTS", "NEXT", "LAST", "WHEN"]);
    for view in schedules {
        let next = match (&view.paused, view.next.first()) {
            (Some(_), _) => (Tone::Bad, "paused".to_owned()),
            // Its ticks wait, whenever they are due.
            (None, Some(next)) if view.no_room.is_some() => (Tone::Bad, format!("{}, no room", words::time(*next))),
            (None, Some(next)) => (Tone::Plain, words::time(*next)),
            (None, None) if view.finished => (Tone::Quiet, "finished".to_owned()),
            (None, None) => (Tone::Quiet, String::new()),
        };
        table.row(vec![
            (Tone::Strong, view.name.to_string()),
            (Tone::Plain, started(&view.spec)),
            next,
            (Tone::Quiet, view.last.as_ref().map(|last| words::time(last.tick)).unwrap_or_default()),
            (Tone::Quiet, words::cut(&when(&view.spec.when), 60)),
        ]);
    }
    table
}
