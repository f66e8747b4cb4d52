//! `sagaline dead`: executions that failed and were kept to be looked at.

use sagaline_events::DeadLetter;
use sagaline_model::{ExecutionId, Name};
use serde_json::json;

use super::retry::How;
use crate::{
    context::Context,
    failure::{Exit, Failure},
    output::Tone,
    table::Table,
    words,
};

const EXAMPLES: &str = "\
Examples:
  sagaline dead list --workflow order
  sagaline dead get order-A-1
  sagaline dead replay order-A-1 --from charge
  sagaline dead discard order-A-1

Executions of workflows with `dead_letter` that failed or ran out of their time
are kept for as long as it says, 30 days by default.";

/// Look at executions that failed, and try them again or throw them away
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
    Replay(Replay),
    Discard(Discard),
}

/// List dead letters, the oldest first
#[derive(Debug, clap::Args)]
struct List {
    /// Only those of this workflow
    #[arg(long, value_name = "W")]
    workflow: Option<Name>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
}

/// Show one: why it failed, and what it had done
#[derive(Debug, clap::Args)]
struct Get {
    execution: String,
}

/// Try one again from where it failed, and throw its letter away
#[derive(Debug, clap::Args)]
struct Replay {
    execution: String,
    #[command(flatten)]
    how: How,
}

/// Throw one away
#[derive(Debug, clap::Args)]
struct Discard {
    execution: String,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    match args.verb {
        Verb::List(args) => list(args, context).await,
        Verb::Get(args) => get(&args, context).await,
        Verb::Replay(args) => replay(args, context).await,
        Verb::Discard(args) => discard(&args, context).await,
    }
}

async fn list(args: List, context: &Context) -> Result<Exit, Failure> {
    let output = &context.output;
    let client = context.client().await?;
    let (letters, more) = client.dead_letters(args.workflow.as_ref(), args.limit as usize).await?;
    let mut table = Table::new(&["EXECUTION", "WORKFLOW", "ENDED AT", "STEP", "ERROR"]);
    for letter in &letters {
        if output.is_json() {
            output.json(letter)?;
            continue;
        }
        table.row(vec![
            (Tone::Strong, letter.execution.to_string()),
            (Tone::Plain, letter.workflow.to_string()),
            (Tone::Quiet, words::time(letter.ended_at)),
            (Tone::Plain, letter.failed_step.clone().unwrap_or_default()),
            (Tone::Bad, why(letter)),
        ]);
    }
    if letters.is_empty() {
        output.talk("there are no dead letters");
    } else {
        table.show(output)?;
    }
    if more {
        output.talk("there are more: raise `--limit`");
    }
    Ok(Exit::Done)
}

fn why(letter: &DeadLetter) -> String {
    letter
        .error
        .as_ref()
        .map_or_else(|| letter.status.as_str().to_owned(), |error| words::cut(&words::error(error), 60))
}

async fn get(args: &Get, context: &Context) -> Result<Exit, Failure> {
    let execution = ExecutionId::encoded(&args.execution);
    let output = &context.output;
    let found = context.client().await?.dead_letter(&execution).await?;
    let Some((_, letter)) = found else { return Err(sagaline_sdk::client::Error::NoDeadLetter(execution).into()) };
    if output.is_json() {
        output.json(&letter)?;
        return Ok(Exit::Done);
    }
    let done: Vec<&str> = letter.resume.done.keys().map(|name| name.as_str()).collect();
    let step = letter.failed_step.as_deref().unwrap_or("-");
    let error = letter.error.as_ref().map_or_else(|| letter.status.as_str().to_owned(), words::error);
    for line in [
        format!("execution: {}", letter.execution),
        format!("workflow:  {} version {}", letter.workflow, letter.version),
        format!("ended:     {} as {}", words::exact_time(letter.ended_at), letter.status.as_str()),
        format!("step:      {step}"),
        format!("error:     {error}"),
        format!("done:      {}", if done.is_empty() { "nothing".to_owned() } else { done.join(", ") }),
        format!("input:     {}", if letter.input.is_null() { "none".to_owned() } else { words::data(&letter.input) }),
    ] {
        output.line(&line)?;
    }
    output.talk(&format!("`sagaline retry {}` tries it again from where it failed", letter.execution));
    Ok(Exit::Done)
}

async fn replay(args: Replay, context: &Context) -> Result<Exit, Failure> {
    let client = context.client().await?;
    let execution = ExecutionId::encoded(&args.execution);
    let started = client.retry(&execution, args.how.options()).await?;
    // Only when the new one is there for sure.
    client.discard_dead_letter(&execution).await?;
    super::start::tell(&client, &started, args.how.wait, context).await
}

async fn discard(args: &Discard, context: &Context) -> Result<Exit, Failure> {
    let execution = ExecutionId::encoded(&args.execution);
    if !context.client().await?.discard_dead_letter(&execution).await? {
        return Err(sagaline_sdk::client::Error::NoDeadLetter(execution).into());
    }
    if context.output.is_json() {
        context.output.json(&json!({ "execution": execution, "discarded": true }))?;
    } else {
        context.output.line(&format!("discarded the dead letter of {execution}"))?;
    }
    Ok(Exit::Done)
}
