//! `sagaline history`: everything that ever changed an execution, in order.

use sagaline_events::input::INPUT_TYPE_PREFIX;
use sagaline_model::{ExecutionId, Moment};
use sagaline_sdk::client::{Client, Error, HistoryEntry};

use super::args::Which;
use crate::{
    context::Context,
    failure::{Exit, Failure},
    output::{Output, Tone},
    words,
};

const EXAMPLES: &str = "\
Examples:
  sagaline history order-A-1
  sagaline history order-A-1 --output json | jq -c '[.time, .type]'

It is the log itself: its inputs, in the order in which they were applied. The
log keeps them for a day. What is gone is said.";

/// So much is read at once.
const PAGE: usize = 1000;

/// Show the inputs of an execution: all that ever changed it, in order
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    which: Which,
}

pub(crate) async fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let (execution, output) = (args.which.execution(), &context.output);
    let client = context.client().await?;
    let gone = client.history_is_gone_before(&execution).await?;
    if let Some(before) = gone {
        output.talk(&format!(
            "the log before {} is gone, and with it the start, if there was one",
            words::exact_time(before)
        ));
    }
    let mut after = 0;
    loop {
        let history = client.history(&execution, after, PAGE).await?;
        for entry in &history.entries {
            show(entry, output)?;
        }
        match history.entries.last() {
            Some(last) if history.more => after = last.sequence,
            Some(_) => return Ok(Exit::Done),
            None if after == 0 => return nothing(&client, execution, gone, output).await,
            None => return Ok(Exit::Done),
        }
    }
}

/// No input of it is on the log: it never was, or all of it is gone.
async fn nothing(
    client: &Client,
    execution: ExecutionId,
    gone: Option<Moment>,
    output: &Output,
) -> Result<Exit, Failure> {
    if gone.is_some() && client.get(&execution).await?.is_some() {
        output.talk(&format!(
            "all inputs of `{execution}` are gone from the log; `sagaline get {execution}` shows what it came to"
        ));
        return Ok(Exit::Done);
    }
    Err(Failure::from(Error::NotFound(execution)).hint("the log keeps a history for a day"))
}

fn show(entry: &HistoryEntry, output: &Output) -> Result<(), Failure> {
    if output.is_json() {
        return Ok(output.json(entry)?);
    }
    let kind = entry.kind.strip_prefix(INPUT_TYPE_PREFIX).unwrap_or(&entry.kind);
    let kind = kind.rsplit_once(".v").map_or(kind, |(kind, _)| kind);
    let kind = output.paint(Tone::Strong, &format!("{:<14}", words::short(kind)));
    let time = words::exact_time(entry.time);
    Ok(output.line(&format!("{:>8}  {time}  {kind}  {}", entry.sequence, words::data(&entry.data)))?)
}
