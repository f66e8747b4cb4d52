//! `sagaline start`: starts an execution, and waits for its end if asked to.

use sagaline_events::record::Status;
use sagaline_model::{ExecutionId, Name};
use sagaline_sdk::client::{Client, Error, StartOptions, Started};
use serde_json::{Value, json};

use crate::{
    context::Context,
    failure::{Exit, Failure},
    files, view,
};

const EXAMPLES: &str = "\
Examples:
  sagaline start order --input '{\"order_id\":\"A-1\",\"total\":10,\"card\":\"visa\"}'
  sagaline start order --input @order.json --id order-A-1 --tag customer=7
  sagaline start order --input @order.json --wait --output json | jq .output
  sagaline start cleanup --in 2h
  sagaline start cleanup --at 2027-01-01T00:00:00Z

With `--id` it is safe to try again: the same id with the same input is the same
execution (`existing: true`, exit code 0); with another input it is refused
(exit code 1). An input that does not fit the workflow's `input_schema` is
refused with every violation (exit code 65; with `--output json` one object
each). With `--at` or `--in` it is accepted now and `pending` until then:
`sagaline list --status pending` shows it, `sagaline cancel` ends it.
With `--wait` the exit code is 0 only if the execution completes.";

/// Start an execution
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The workflow to run
    workflow: Name,
    /// Its input: JSON, or @FILE for a file of JSON
    #[arg(long, value_name = "JSON|@FILE")]
    input: Option<String>,
    /// What to call the execution; one is made up if it is left out
    #[arg(long)]
    id: Option<String>,
    /// A label to find it by; may be given several times
    #[arg(long = "tag", value_name = "K=V", value_parser = super::list::tag)]
    tags: Vec<(String, String)>,
    /// The version to run, if not the newest
    #[arg(long, value_name = "N")]
    version: Option<u32>,
    /// The step to begin at: those that come before it are passed over
    #[arg(long, value_name = "STEP")]
    from: Option<Name>,
    #[command(flatten)]
    when: super::args::When,
    /// Wait until it is over, and show how it ended
    #[arg(long)]
    wait: bool,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let input = files::data("--input", args.input.as_deref())?;
    let options = StartOptions {
        id: args.id.as_deref().map(ExecutionId::encoded),
        tags: args.tags.into_iter().collect(),
        version: args.version,
        traceparent: None,
        from: args.from,
        at: args.when.moment(),
    };
    let client = context.client().await?;
    let started = match client.start(&args.workflow, input, options).await {
        Err(Error::InvalidInput { violations, .. }) if context.output.is_json() => {
            violations.listed.iter().try_for_each(|violation| context.output.json(violation))?;
            return Err(Failure::silent(Exit::BadData));
        }
        started => started?,
    };
    if let Some(past) = args.when.past().filter(|_| !args.wait) {
        context.output.talk(&past);
    }
    tell(&client, &started, args.wait, context).await
}

/// What was started; how it ended, if that is waited for.
pub(super) async fn tell(client: &Client, started: &Started, wait: bool, context: &Context) -> Result<Exit, Failure> {
    if wait {
        return self::wait(client, started, context).await;
    }
    let output = &context.output;
    if output.is_json() {
        output.json(started)?;
    } else {
        output.line(&format!("execution: {}", started.execution))?;
        if started.existing {
            output.line("existing: true")?;
        }
    }
    Ok(Exit::Done)
}

async fn wait(client: &Client, started: &Started, context: &Context) -> Result<Exit, Failure> {
    let output = &context.output;
    output.progress(&format!("waiting for {}", started.execution));
    let mut view = client.wait(&started.execution).await?;
    view.output = super::get::resolved(client, std::mem::take(&mut view.output), output).await;
    if output.is_json() {
        let mut json = serde_json::to_value(&view).unwrap_or(Value::Null);
        json["existing"] = json!(started.existing);
        output.json(&json)?;
    } else {
        for line in view::lines(&view, output) {
            output.line(&line)?;
        }
        if started.existing {
            output.line("existing: true")?;
        }
    }
    Ok(if view.status == Status::Completed { Exit::Done } else { Exit::Failed })
}
