//! `sagaline sagas retry`, `skip` and `resolve`: what people do about a saga. Who, and why, is recorded with it.

use sagaline_events::{
    FramePath,
    saga::{SagaResolve, SagaRetry, SagaSkip},
};

use super::{super::args::Which, show};
use crate::{
    context::Context,
    failure::{Exit, Failure},
    files,
};

const RETRY_EXAMPLES: &str = "\
Examples:
  sagaline sagas retry order-A-1
  sagaline sagas retry order-A-1 --why 'the bank answers again'
  sagaline sagas retry order-A-1 --step pay --input '{\"charge\": \"c-17\"}'

Everything that is stuck is tried again, or only `--step`. Its attempts begin
anew. Mend what was wrong first: nothing that is stuck tries again by itself.";

/// Try what is stuck again
#[derive(Debug, clap::Args)]
#[command(after_help = RETRY_EXAMPLES)]
pub(super) struct Retry {
    #[command(flatten)]
    which: Which,
    /// Only this step, as `sagaline sagas get` shows it
    #[arg(long)]
    step: Option<String>,
    /// What its compensation gets instead of the input that it had: JSON, or @FILE for a file of JSON
    #[arg(long, value_name = "JSON|@FILE", requires = "step")]
    input: Option<String>,
    #[command(flatten)]
    who: Who,
    /// Why, for those who look at it later
    #[arg(long)]
    why: Option<String>,
}

const SKIP_EXAMPLES: &str = "\
Examples:
  sagaline sagas skip order-A-1 reserve --why 'the stock was counted by hand'

The step stays as it is, and what waits for it is undone. Only a step that is
stuck can be skipped.";

/// Go on without a step that is stuck
#[derive(Debug, clap::Args)]
#[command(after_help = SKIP_EXAMPLES)]
pub(super) struct Skip {
    #[command(flatten)]
    which: Which,
    /// The step, as `sagaline sagas get` shows it
    step: String,
    #[command(flatten)]
    who: Who,
    /// Why, for those who look at it later
    #[arg(long)]
    why: Option<String>,
}

const RESOLVE_EXAMPLES: &str = "\
Examples:
  sagaline sagas resolve order-A-1 --why 'refunded by hand, ticket 4711'

Nothing more is undone, also what is at work is told to stop, and the execution
ends as `rolled_back`. Do by hand what `sagaline sagas get` shows as not undone.";

/// End a saga, once somebody has done the rest by hand
#[derive(Debug, clap::Args)]
#[command(after_help = RESOLVE_EXAMPLES)]
pub(super) struct Resolve {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    who: Who,
    /// What was done, for those who look at it later
    #[arg(long)]
    why: String,
}

#[derive(Debug, clap::Args)]
struct Who {
    /// Who you are; without it, who is logged in
    #[arg(long, env = "USER", value_name = "WHO", hide_env = true)]
    by: Option<String>,
}

pub(super) async fn retry(args: Retry, context: &Context) -> Result<Exit, Failure> {
    let step = args.step.map(path).transpose()?;
    let input = args.input.as_deref().map(|given| files::data("--input", Some(given))).transpose()?;
    let retry = SagaRetry { step, input, by: args.who.by, why: args.why };
    let saga = context.client().await?.saga_retry(&args.which.execution(), retry).await?;
    show(&saga, &context.output)?;
    Ok(Exit::Done)
}

pub(super) async fn skip(args: Skip, context: &Context) -> Result<Exit, Failure> {
    let skip = SagaSkip { step: path(args.step)?, by: args.who.by, why: args.why };
    let saga = context.client().await?.saga_skip(&args.which.execution(), skip).await?;
    show(&saga, &context.output)?;
    Ok(Exit::Done)
}

pub(super) async fn resolve(args: Resolve, context: &Context) -> Result<Exit, Failure> {
    let resolve = SagaResolve { by: args.who.by, why: args.why };
    let saga = context.client().await?.saga_resolve(&args.which.execution(), resolve).await?;
    show(&saga, &context.output)?;
    Ok(Exit::Done)
}

fn path(text: String) -> Result<FramePath, Failure> {
    FramePath::try_from(text)
        .map_err(|fault| Failure::usage(fault.to_string()).hint("`sagaline sagas get ID` names the steps"))
}
