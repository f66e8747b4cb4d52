//! `sagaline limits`: what executions share: places, breakers, rates and unique keys.

use sagaline_events::{
    EntityKey, Ticket,
    entity_view::{EntityState, EntityView},
};
use serde_json::json;

use crate::{
    context::Context,
    failure::{Exit, Failure},
    output::{Output, Tone},
    silent::{self, Owner},
    table::Table,
    words,
};

const EXAMPLES: &str = "\
Examples:
  sagaline limits list
  sagaline limits get limit:order
  sagaline limits get limit:sync:acme
  sagaline limits get breaker:payments
  sagaline limits get rate:payments:acme
  sagaline limits get unique:order-7

The places of a workflow with `concurrency` are `limit:WORKFLOW`, or
`limit:WORKFLOW:KEY`; those that workflows share are `pool:NAME`, and the
breaker of steps is `breaker:NAME`. What attempts of steps wait for is
`places:NAME` and `rate:NAME`, with `:KEY` where there is one; what is there
once at a time is `unique:KEY`. `sagaline why` names the one that an execution
waits for.";

/// Look at who has a place or a key and who waits, when the next turn is, and which breakers are open
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    List(List),
    Get(Get),
}

/// List limits and breakers that hold something
#[derive(Debug, clap::Args)]
struct List {
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
}

/// Show one: who holds it, who waits and in which order, since when
#[derive(Debug, clap::Args)]
struct Get {
    /// Its name
    #[arg(value_parser = key)]
    key: EntityKey,
}

/// As it is written everywhere, or without the `~`, which a shell may take for its own.
fn key(text: &str) -> Result<EntityKey, String> {
    let text = if text.starts_with('~') { text.to_owned() } else { format!("~{text}") };
    EntityKey::try_from(text).map_err(|fault| fault.to_string())
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    match args.verb {
        Verb::List(args) => list(&args, context).await,
        Verb::Get(args) => get(&args, context).await,
    }
}

async fn list(args: &List, context: &Context) -> Result<Exit, Failure> {
    let output = &context.output;
    let shared = context.client().await?.limits(args.limit as usize).await?;
    if output.is_json() {
        for view in &shared.entities {
            output.json(view)?;
        }
    } else if !shared.entities.is_empty() {
        let mut table = Table::new(&["NAME", "STATE", "WAITING"]);
        for view in &shared.entities {
            let (tone, state) = state(&view.state);
            let waiting = match &view.state {
                EntityState::Places { waiting, .. } => waiting.to_string(),
                EntityState::Closed { .. }
                | EntityState::Open { .. }
                | EntityState::HalfOpen { .. }
                | EntityState::Rate { .. }
                | EntityState::Unique { .. } => String::new(),
            };
            table.row(vec![(Tone::Strong, view.entity.to_string()), (tone, state), (Tone::Plain, waiting)]);
        }
        table.show(output)?;
    } else if shared.silent.is_empty() {
        output.talk("nobody has a place, a key or a turn or waits for one, and no breaker has counted a failure");
    }
    if shared.more {
        output.talk("there are more: raise `--limit`");
    }
    silent::none(shared.silent, Owner::Orchestrator, "what it keeps is missing here")
}

async fn get(args: &Get, context: &Context) -> Result<Exit, Failure> {
    let output = &context.output;
    match context.client().await?.limit(&args.key).await? {
        Some(view) if output.is_json() => output.json(&view)?,
        Some(view) => show(&view, output)?,
        None if output.is_json() => output.json(&json!({ "entity": args.key, "state": null }))?,
        None => output.line(&format!("{}: nobody holds it, and nobody waits", args.key))?,
    }
    Ok(Exit::Done)
}

fn show(view: &EntityView, output: &Output) -> Result<(), Failure> {
    let (tone, state) = state(&view.state);
    output.line(&format!("{}: {}", view.entity, output.paint(tone, &state)))?;
    match &view.state {
        EntityState::Places { taken, waiting, held, line, .. } => {
            for ticket in held {
                output.line(&format!("  has a place: {}", who(ticket)))?;
            }
            for (place, ticket) in line.iter().enumerate() {
                output.line(&format!("  waits, number {}: {}", place + 1, who(ticket)))?;
            }
            let hidden = taken + waiting - held.len() - line.len();
            if hidden > 0 {
                output.line(&format!("  and {hidden} more"))?;
            }
        }
        EntityState::HalfOpen { trying, .. } => {
            for ticket in trying {
                output.line(&format!("  tries: {}", who(ticket)))?;
            }
        }
        EntityState::Unique { by, .. } => output.line(&format!("  has it: {}", who(by)))?,
        EntityState::Closed { .. } | EntityState::Open { .. } | EntityState::Rate { .. } => {}
    }
    Ok(())
}

fn who(ticket: &Ticket) -> String {
    let step = ticket.path.as_ref().map_or(String::new(), |path| format!(" step {path} attempt {}", ticket.attempt));
    format!("{}{step}, asked for at {}", ticket.execution, words::time(ticket.since))
}

fn state(state: &EntityState) -> (Tone, String) {
    match state {
        EntityState::Places { limit, taken, waiting, .. } => {
            let tone = if *waiting > 0 { Tone::Busy } else { Tone::Plain };
            (tone, format!("{taken} of {limit} taken, {waiting} waiting"))
        }
        EntityState::Closed { failures, threshold } => {
            (Tone::Good, format!("closed, {failures} of {threshold} failures"))
        }
        EntityState::Open { until } => (Tone::Bad, format!("open; whoever asks after {} tries", words::time(*until))),
        EntityState::HalfOpen { trying, passed, probes } => {
            (Tone::Busy, format!("half open: {} try, {passed} of {probes} succeeded", trying.len()))
        }
        EntityState::Rate { rule, next } => {
            let burst = rule.burst.map_or(String::new(), |burst| format!(", {burst} at once"));
            let state =
                format!("{} per {}{burst}; whoever asks now begins at {}", rule.limit, rule.per, words::time(*next));
            (Tone::Busy, state)
        }
        EntityState::Unique { by, until } => {
            (Tone::Busy, format!("held by {}, until {} at the latest", by.execution, words::time(*until)))
        }
    }
}
