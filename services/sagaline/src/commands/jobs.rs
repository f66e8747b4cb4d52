//! `sagaline jobs`: work that is handed over without a definition.

mod list;
mod submit;

use sagaline_events::job::JobStatus;
use serde_json::{Value, json};

use self::{list::List, submit::Submit};
use crate::{
    commands::{args::Which, cancel, get, start},
    context::Context,
    failure::{Exit, Failure},
};

const EXAMPLES: &str = "\
Examples:
  sagaline jobs submit mails.send --payload '{\"to\":\"ann@example.org\"}'
  sagaline jobs submit reports.daily --queue low --in 2h --max-retries 5
  sagaline jobs list --status retrying --queue low
  sagaline jobs result JOB
  sagaline jobs retry JOB             one that is dead, once more";

/// Submit, find, cancel and retry jobs
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    Submit(Box<Submit>),
    List(List),
    /// Show a job: where it is, what it returned or why it failed
    Get(get::Args),
    /// Cancel a job: it is taken out of its queue, and whoever is at it is told
    Cancel(cancel::Args),
    /// Print what a job returned, and nothing else
    Result(Which),
    Retry(Retry),
}

/// Have a job that is dead done anew, under the idempotency key of the first
#[derive(Debug, clap::Args)]
struct Retry {
    #[command(flatten)]
    which: Which,
    /// Wait until it is over, and show how it ended
    #[arg(long)]
    wait: bool,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    match args.verb {
        Verb::Submit(args) => submit::run(*args, context).await,
        Verb::List(args) => list::run(args, context).await,
        Verb::Get(args) => get::run(&args, context).await,
        Verb::Cancel(args) => cancel::run(args, context).await,
        Verb::Result(which) => result(&which, context).await,
        Verb::Retry(args) => {
            let client = context.client().await?;
            let started = client.retry_job(&args.which.execution()).await?;
            start::tell(&client, &started, args.wait, context).await
        }
    }
}

async fn result(which: &Which, context: &Context) -> Result<Exit, Failure> {
    let (client, job) = (context.client().await?, which.execution());
    let view = client.get(&job).await?.ok_or_else(|| sagaline_sdk::client::Error::NotFound(job.clone()))?;
    let Some(seen) = &view.job else {
        let message = format!("`{job}` is an execution of `{}`, and no job", view.workflow);
        return Err(Failure::new(Exit::Failed, message).hint(format!("`sagaline get {job}` shows it")));
    };
    if seen.status != JobStatus::Completed {
        let why = view.error.as_ref().map_or(String::new(), |error| format!(": {}: {}", error.kind, error.message));
        let message = format!("the job `{job}` has no result, it is {}{why}", seen.status.as_str());
        let hint = match view.ended_at {
            Some(_) => format!("`sagaline jobs get {job}` shows how it ended"),
            None => format!("`sagaline why {job}` says what it waits for"),
        };
        return Err(Failure::new(Exit::Failed, message).hint(hint));
    }
    let returned = get::resolved(&client, view.output, &context.output).await;
    if context.output.is_json() {
        context.output.json(&json!({ "execution": job, "result": returned }))?;
    } else {
        match returned {
            Value::String(text) => context.output.line(&text)?,
            other => context.output.line(&format!("{other:#}"))?,
        }
    }
    Ok(Exit::Done)
}
