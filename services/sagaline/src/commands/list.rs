//! `sagaline list`: executions, newest first.

use sagaline_events::record::Status;
use sagaline_model::{Moment, Name, Span};
use sagaline_sdk::client::{ListFilter, Listed};

use crate::{
    context::Context,
    failure::{Exit, Failure},
    output::{Output, Tone},
    table::Table,
    words,
};

const EXAMPLES: &str = "\
Examples:
  sagaline list                                  the newest fifty, open and ended
  sagaline list --status running --status waiting
  sagaline list --workflow order --status failed --since 1h
  sagaline list --tag customer=7 --output json   one object a line

Open executions are asked of their orchestrators; ended ones are kept for seven days.";

/// List executions, newest first
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Only with this status; may be given several times
    #[arg(long = "status", value_name = "STATUS", value_parser = status)]
    status: Vec<Status>,
    /// Only of this workflow
    #[arg(long)]
    workflow: Option<Name>,
    /// Only with this label; may be given several times, then all must be there
    #[arg(long = "tag", value_name = "K=V", value_parser = tag)]
    tags: Vec<(String, String)>,
    /// Only started since: 2026-11-20T06:00:00Z, or 90s, 5m, 2h ago
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<Moment>,
    /// At most so many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let filter = ListFilter {
        status: args.status,
        workflow: args.workflow,
        tags: args.tags,
        since: args.since,
        limit: args.limit as usize,
    };
    let listed = context.client().await?.list(&filter).await?;
    show(&listed, filter.limit, &context.output)?;
    if listed.silent.is_empty() {
        return Ok(Exit::Done);
    }
    let silent: Vec<_> = listed.silent.iter().map(u32::to_string).collect();
    let message = format!(
        "no orchestrator answers for partition {}: open executions of it are missing from this list",
        silent.join(", ")
    );
    Err(Failure::new(Exit::Unreachable, message)
        .hint("start an orchestrator (`sagaline-orchestrator`), or `sagaline dev`"))
}

fn show(listed: &Listed, limit: usize, output: &Output) -> Result<(), Failure> {
    if output.is_json() {
        for view in &listed.executions {
            output.json(view)?;
        }
    } else if listed.executions.is_empty() {
        output.talk("no execution is like that");
    } else {
        let mut table = Table::new(&["EXECUTION", "WORKFLOW", "VERSION", "STATUS", "STARTED", "TOOK"]);
        for view in &listed.executions {
            let took = view.ended_at.map_or(String::new(), |ended| words::took(ended.since(view.started_at)));
            table.row(vec![
                (Tone::Plain, view.execution.to_string()),
                (Tone::Plain, view.workflow.to_string()),
                (Tone::Plain, view.version.to_string()),
                (words::tone(view.status), view.status.as_str().to_owned()),
                (Tone::Plain, words::time(view.started_at)),
                (Tone::Plain, took),
            ]);
        }
        for line in table.lines(output) {
            output.line(&line)?;
        }
    }
    if listed.more {
        output.talk(&format!("there are more than these; `--limit` takes more than {limit}, or narrow it down"));
    }
    Ok(())
}

fn status(text: &str) -> Result<Status, String> {
    use Status::{Cancelled, Completed, Failed, Parked, Pending, Running, TimedOut, Waiting};
    let all = [Pending, Running, Waiting, Completed, Failed, Cancelled, TimedOut, Parked];
    all.into_iter().find(|status| status.as_str() == text).ok_or_else(|| {
        let words: Vec<_> = all.iter().map(|status| status.as_str()).collect();
        format!("there are {}", words.join(", "))
    })
}

/// A label as it is given: `name=value`.
pub(super) fn tag(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it as name=value".to_owned()),
    }
}

fn since(text: &str) -> Result<Moment, String> {
    if let Ok(span) = text.parse::<Span>() {
        let nanos = i64::try_from(span.as_nanos()).unwrap_or(i64::MAX);
        return Ok(Moment::from_nanos(words::now().as_nanos().saturating_sub(nanos)));
    }
    text.parse::<Moment>()
        .map_err(|_| "write a time such as 2026-11-20T06:00:00Z, or how long ago: 90s, 5m, 2h".to_owned())
}
