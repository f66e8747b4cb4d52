//! `sagaline approve`: approves, or rejects, what a step waits for.

use sagaline_events::FramePath;
use sagaline_sdk::client::Verdict;
use serde_json::json;

use super::args::Which;
use crate::{
    context::Context,
    failure::{Exit, Failure},
    files,
};

const EXAMPLES: &str = "\
Examples:
  sagaline approve order-A-1 review --by ann
  sagaline approve order-A-1 review --by ann --data '{\"limit\": 500}'
  sagaline approve order-A-1 review --by ann --reject --data '\"too dear\"'

What is approved gives its data as the output of the step; what is rejected
fails the step with the error type `Rejected`. Exits with 1 if the step does not
wait for an approval, or whoever it is may not give one.";

/// Approve or reject what a step waits for
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    which: Which,
    /// The step, as `sagaline why` shows it; the name alone will do outside of loops
    step: String,
    /// Reject it
    #[arg(long)]
    reject: bool,
    /// Who you are: one of the step's approvers, if it names some
    #[arg(long, value_name = "WHO")]
    by: Option<String>,
    /// What goes with it: JSON, or @FILE for a file of JSON
    #[arg(long, value_name = "JSON|@FILE")]
    data: Option<String>,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let (execution, output) = (args.which.execution(), &context.output);
    let step = FramePath::try_from(args.step)
        .map_err(|fault| Failure::usage(fault.to_string()).hint("`sagaline why ID` names the steps that wait"))?;
    let data = files::data("--data", args.data.as_deref())?;
    let approved = !args.reject;
    let client = context.client().await?;
    client.approve(&execution, Verdict { step: step.clone(), by: args.by, approved, data }).await?;
    if output.is_json() {
        output.json(&json!({ "execution": execution, "step": step, "approved": approved }))?;
    } else {
        let what = if approved { "approved" } else { "rejected" };
        output.line(&format!("step {step} of {execution} is {what}"))?;
    }
    Ok(Exit::Done)
}
