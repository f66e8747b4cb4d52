//! `sagaline sagas`: what is undone of executions, and what people do when that is stuck.

mod intervene;
mod list;

use sagaline_sdk::client::Error;

use super::args::Which;
use crate::{
    context::Context,
    failure::{Exit, Failure},
    output::Output,
    saga_view,
};

const EXAMPLES: &str = "\
Examples:
  sagaline sagas list --stuck
  sagaline sagas get order-A-1
  sagaline sagas retry order-A-1 --why 'the bank answers again'
  sagaline sagas skip order-A-1 reserve --why 'the stock was counted by hand'
  sagaline sagas resolve order-A-1 --why 'refunded by hand, ticket 4711'

What failed, ran out of time or was cancelled with `--rollback` is undone: its
steps that have a `compensate`, the last one first. What cannot be undone is
stuck until somebody helps. Start with `get`: it shows the error.";

/// Look at what is undone, and help where it is stuck
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    List(list::Args),
    Get(Get),
    Retry(intervene::Retry),
    Skip(intervene::Skip),
    Resolve(intervene::Resolve),
}

const GET_EXAMPLES: &str = "\
Examples:
  sagaline sagas get order-A-1
  sagaline sagas get order-A-1 --output json | jq '.steps[] | select(.error)'

One that runs is asked of its compensator; one that ended is kept for seven
days.";

/// Show one: what is undone already, what is not, and why
#[derive(Debug, clap::Args)]
#[command(after_help = GET_EXAMPLES)]
struct Get {
    #[command(flatten)]
    which: Which,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    match args.verb {
        Verb::List(args) => list::run(args, context).await,
        Verb::Get(args) => get(&args, context).await,
        Verb::Retry(args) => intervene::retry(args, context).await,
        Verb::Skip(args) => intervene::skip(args, context).await,
        Verb::Resolve(args) => intervene::resolve(args, context).await,
    }
}

async fn get(args: &Get, context: &Context) -> Result<Exit, Failure> {
    let (execution, output) = (args.which.execution(), &context.output);
    let client = context.client().await?;
    let Some(saga) = client.saga(&execution).await? else {
        // Perhaps there is not even such an execution.
        client.get(&execution).await?.ok_or_else(|| Error::NotFound(execution.clone()))?;
        return Err(Error::NoSaga(execution).into());
    };
    show(&saga, output)?;
    Ok(Exit::Done)
}

fn show(saga: &sagaline_events::saga::SagaView, output: &Output) -> Result<(), Failure> {
    if output.is_json() {
        return Ok(output.json(saga)?);
    }
    for line in saga_view::lines(saga, output) {
        output.line(&line)?;
    }
    for line in saga_view::advice(saga) {
        output.talk(&line);
    }
    Ok(())
}
