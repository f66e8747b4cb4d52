//! `sagaline get`: the state of an execution, or how it ended.

use sagaline_events::{
    record::{ExecutionView, Status},
    saga::SagaView,
};
use sagaline_sdk::client::{Client, Error};
use serde_json::{Value, json};

use super::args::Which;
use crate::{
    context::Context,
    failure::{Exit, Failure, chain},
    output::Output,
    saga_view, view,
};

const EXAMPLES: &str = "\
Examples:
  sagaline get order-A-1
  sagaline get order-A-1 --all               every step, however many there are
  sagaline get order-A-1 --output json | jq -r .status

An execution that runs is asked of its orchestrator; one that ended is kept for
seven days. What is inside of a step stands beneath it. Where what it did is
undone, the saga is shown below it.";

/// Show an execution: its status, steps and output
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    which: Which,
    /// A line for every step, also where there are very many inside of one
    #[arg(long)]
    all: bool,
}

pub(crate) async fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let (execution, output) = (args.which.execution(), &context.output);
    let client = context.client().await?;
    let mut view = client.get(&execution).await?.ok_or(Error::NotFound(execution))?;
    view.output = resolved(&client, std::mem::take(&mut view.output), output).await;
    let saga = saga_of(&client, &view, output).await;
    let said = progress_of(&client, &view, output).await;
    if output.is_json() {
        let mut json = json!(view);
        if let Some(said) = said.get("job").filter(|_| view.job.is_some()) {
            json["job"]["progress"] = json!(said);
        }
        for (place, step) in view.steps.iter().enumerate() {
            if let Some(said) = said.get(&step.step) {
                json["steps"][place]["progress"] = json!(said);
            }
        }
        if let Some(saga) = saga {
            json["saga"] = json!(saga);
        }
        output.json(&json)?;
        return Ok(Exit::Done);
    }
    for line in view::lines_with(&view, &said, args.all, output) {
        output.line(&line)?;
    }
    if let Some(saga) = saga {
        output.line(&format!("saga: {}", output.paint(saga_view::tone(saga.status), saga.status.as_str())))?;
        for line in saga_view::progress(&saga, output) {
            output.line(&line)?;
        }
        for line in saga_view::advice(&saga) {
            output.talk(&line);
        }
    }
    Ok(Exit::Done)
}

/// How far its attempts say that they are. It is shown without that rather than not at all.
async fn progress_of(client: &Client, view: &ExecutionView, output: &Output) -> view::Said {
    client.progress(view).await.unwrap_or_else(|error| {
        output.talk(&format!("how far its attempts are is not shown: {}", chain(&error)));
        view::Said::new()
    })
}

/// How its saga stands, where it has one. An execution is shown without it rather than not at all.
pub(super) async fn saga_of(client: &Client, view: &ExecutionView, output: &Output) -> Option<SagaView> {
    match view.status {
        Status::Compensating | Status::Stuck | Status::RolledBack => {}
        Status::Pending
        | Status::Running
        | Status::Waiting
        | Status::Paused
        | Status::Completed
        | Status::Failed
        | Status::Cancelled
        | Status::TimedOut
        | Status::Parked
        | Status::Unknown => return None,
    }
    client.saga(&view.execution).await.unwrap_or_else(|error| {
        output.talk(&format!("its saga is not shown: {}", chain(&error)));
        None
    })
}

/// An output that was too large for a message, as it is; where it cannot be had any more, the reference to it.
pub(super) async fn resolved(client: &Client, value: Value, output: &Output) -> Value {
    match client.resolve(value.clone()).await {
        Ok(whole) => whole,
        Err(error) => {
            output.talk(&format!("the output is shown as the reference it is: {}", chain(&error)));
            value
        }
    }
}
