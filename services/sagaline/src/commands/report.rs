//! `sagaline report`: in which order the steps of a workflow are done, and which decide how long that takes.

use sagaline_model::{Name, Plan, Span};
use sagaline_picture::{Measured, Report};
use sagaline_sdk::client::Client;

use crate::{
    context::Context,
    failure::{Exit, Failure},
    ink,
    plans::{self, Meant},
};

const EXAMPLES: &str = "\
Examples:
  sagaline report order
  sagaline report order --executions 200     medians of the last two hundred
  sagaline report examples/order.yaml
  sagaline report order --output json | jq '.critical_path.steps[].step'

The critical path is told twice: by timeouts, as if every step took as long as
it may, and by the medians of what steps took in the last executions of this
version. For a file there is only the first, and no NATS is asked.";

/// Show a workflow in detail: order of steps, critical path, groups, children, compensations
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// A workflow that is applied, or a file of definitions
    #[arg(value_name = "WORKFLOW|PATH")]
    of: String,
    /// This version; the newest without it
    #[arg(long, value_name = "N")]
    version: Option<u32>,
    /// Of so many executions the medians are taken, at most; 0: none
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(0..=1_000))]
    executions: u32,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    match Meant::by(&args.of, context)? {
        Meant::File(path) => {
            for (place, plan) in plans::of_file(path, context)?.iter().enumerate() {
                if 0 < place && !context.output.is_json() {
                    context.output.line("")?;
                }
                show(plan, None, None, context)?;
            }
        }
        Meant::Workflow(workflow) => {
            let client = context.client().await?;
            let found = plans::applied(&client, &workflow, args.version).await?;
            let measured = measured(&client, &workflow, found.version.unwrap_or(0), args.executions).await?;
            if measured.is_none() && 0 < args.executions && !context.output.is_json() {
                context.output.talk("no execution of this version did a step lately: nothing is measured");
            }
            show(&found.plan, found.version, measured.as_ref(), context)?;
        }
    }
    Ok(Exit::Done)
}

/// What the last executions of a version took; nothing if there are none.
async fn measured(client: &Client, workflow: &Name, version: u32, most: u32) -> Result<Option<Measured>, Failure> {
    let took = client.step_durations(workflow, version, most as usize).await?;
    let times = took.steps.iter().map(|(step, spans)| (step.clone(), spans.len())).collect();
    let medians = took.steps.into_iter().filter_map(|(step, mut spans)| {
        spans.sort_unstable();
        Some((step, median(&spans)?))
    });
    let (executions, medians) = (took.executions, medians.collect());
    Ok((0 < executions).then_some(Measured { executions, medians, times }))
}

/// The one in the middle, or what is between the two that are.
fn median(sorted: &[Span]) -> Option<Span> {
    let (low, high) = (sorted.get(sorted.len().checked_sub(1)? / 2)?, sorted.get(sorted.len() / 2)?);
    Some(Span::from_nanos(low.as_nanos() + (high.as_nanos() - low.as_nanos()) / 2))
}

fn show(plan: &Plan, version: Option<u32>, measured: Option<&Measured>, context: &Context) -> Result<(), Failure> {
    let report = Report::of(plan, version, measured);
    if context.output.is_json() {
        return Ok(context.output.json(&report)?);
    }
    Ok(ink::print(&report.lines(), &context.output)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        let spans = |millis: &[u64]| millis.iter().map(|millis| Span::from_millis(*millis)).collect::<Vec<_>>();
        assert_eq!(median(&spans(&[])), None);
        assert_eq!(median(&spans(&[7])), Some(Span::from_millis(7)));
        assert_eq!(median(&spans(&[1, 100, 1_000])), Some(Span::from_millis(100)));
        assert_eq!(median(&spans(&[1, 3])), Some(Span::from_millis(2)));
    }
}
