//! `sagaline why`: what an execution waits for, since when, and what ends that.

use sagaline_events::ask::Why;
use sagaline_model::ExecutionId;
use sagaline_sdk::client::{Error, Explanation};
use serde_json::json;

use crate::{
    context::Context,
    failure::{Exit, Failure},
    output::{Output, Tone},
    view, words,
};

const EXAMPLES: &str = "\
Examples:
  sagaline why order-A-1
  sagaline why order-A-1 --output json | jq -r .command     what to type to end it

Every reason is shown, the first to end first. An execution that is over is shown as `get` does.";

/// Say what an execution waits for, since when, and what ends that
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The execution
    id: String,
}

pub(crate) async fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let (execution, output) = (ExecutionId::encoded(&args.id), &context.output);
    let explained = context.client().await?.why(&execution).await?;
    match explained.ok_or_else(|| Error::NotFound(execution.clone()))? {
        Explanation::Open(reasons) => {
            for reason in &reasons {
                show(reason, output)?;
            }
            if reasons.is_empty() {
                output.talk("nothing is waited for at this moment: it is between two steps");
            }
        }
        Explanation::Over(over) if output.is_json() => {
            let state = over.status.as_str();
            output
                .json(&json!({ "state": state, "cause": "it is over", "since": over.ended_at, "execution": over }))?;
        }
        Explanation::Over(over) => {
            for line in view::lines(&over, output) {
                output.line(&line)?;
            }
        }
    }
    Ok(Exit::Done)
}

fn show(why: &Why, output: &Output) -> Result<(), Failure> {
    if output.is_json() {
        return Ok(output.json(why)?);
    }
    let state = output.paint(Tone::Busy, &why.state);
    let head = why.step.as_ref().map_or(state.clone(), |step| format!("step {step}: {state}"));
    output.line(&head)?;
    output.line(&format!("  because: {}", words::short(&why.cause)))?;
    output.line(&format!("  since: {}", words::exact_time(why.since)))?;
    output.line(&format!("  ends: {}", words::short(&why.ends)))?;
    Ok(output.line(&format!("  to end it: {}", output.paint(Tone::Strong, &why.command)))?)
}
