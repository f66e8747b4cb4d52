//! `sagaline list`: executions, the open ones and then the ended ones.

use std::io;

use sagaline_events::record::Status;
use sagaline_model::{Moment, Name};
use sagaline_sdk::client::{Client, Cursor, ListFilter, Listed, Listing};
use serde_json::json;

use crate::{
    context::Context,
    failure::{Exit, Failure},
    output::{Output, Tone},
    silent::{self, Owner},
    table::Table,
    words,
};

const EXAMPLES: &str = "\
Examples:
  sagaline list                                  the first fifty
  sagaline list --status running --status waiting
  sagaline list --workflow order --status failed --since 1h
  sagaline list --tag customer=7 --tag urgent --output json   one object a line
  sagaline list --limit 100 --after open:A-100   the next hundred, by `cursor`
  sagaline list --all --output json | wc -l

Open executions come first, by id; their orchestrators are asked. Then come
ended ones, the last to end first; they are kept for seven days. If an
orchestrator does not answer, the list says so and the exit code is 69.";

/// List executions: open ones by id, then ended ones, the last to end first
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Only with this status; may be given several times
    #[arg(long = "status", value_name = "STATUS", value_parser = status)]
    status: Vec<Status>,
    /// Only of this workflow
    #[arg(long)]
    workflow: Option<Name>,
    /// Only with this tag, whatever its value or with this one; may be given several times, then all must be there
    #[arg(long = "tag", value_name = "K[=V]", value_parser = wanted_tag)]
    tags: Vec<(String, Option<String>)>,
    /// Only started since: 2026-11-20T06:00:00Z, or 90s, 5m, 2h ago
    #[arg(long, value_name = "TIME", value_parser = super::args::since)]
    since: Option<Moment>,
    /// At most so many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Only what stands behind this place of the list
    #[arg(long, value_name = "CURSOR")]
    after: Option<Cursor>,
    /// All of them, however many
    #[arg(long, conflicts_with = "limit")]
    all: bool,
}

/// So many are read and shown at once.
const PAGE: usize = 500;

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let filter =
        ListFilter { status: args.status, workflow: args.workflow, tags: args.tags, since: args.since, jobs: None };
    let (client, workflow) = (context.client().await?, filter.workflow.clone());
    let mut listing = client.list(filter, args.after);
    let limit = if args.all { usize::MAX } else { args.limit as usize };
    let shown = show(&mut listing, limit, &context.output).await?;
    match shown {
        Shown { whole: false, last: Some(last) } => {
            context.output.talk(&format!("there may be more: `--after {last}` goes on, `--all` shows all"));
        }
        Shown { last: None, .. } if !context.output.is_json() => nothing(&client, workflow.as_ref(), context).await?,
        Shown { .. } => {}
    }
    let lost = "open executions of it are missing from this list";
    silent::none(listing.silent(), Owner::Orchestrator, lost)
}

/// Says that nothing is shown, and why, if no such workflow is there.
async fn nothing(client: &Client, workflow: Option<&Name>, context: &Context) -> Result<(), Failure> {
    context.output.talk("no execution is like that");
    if let Some(workflow) = workflow
        && client.newest_version(workflow).await?.is_none()
    {
        let unknown = client.unknown_workflow(workflow).await;
        let hint = unknown.hint().map_or(String::new(), |hint| format!(": {hint}"));
        context.output.talk(&format!("{unknown}{hint}"));
    }
    Ok(())
}

/// What was shown.
struct Shown {
    /// Up to the end of the list.
    whole: bool,
    last: Option<Cursor>,
}

/// Shows them page by page.
async fn show(listing: &mut Listing, limit: usize, output: &Output) -> Result<Shown, Failure> {
    let (mut left, mut last) = (limit, None);
    while 0 < left {
        let page = listing.next(left.min(PAGE)).await?;
        let Some(end) = page.last() else { break };
        let is_first = last.is_none();
        last = Some(end.cursor.clone());
        left -= page.len();
        if output.is_json() {
            for listed in &page {
                output.json(&row(listed))?;
            }
        } else {
            show_table(&page, is_first, output)?;
        }
    }
    Ok(Shown { whole: 0 < left, last })
}

fn row(listed: &Listed) -> serde_json::Value {
    let mut row = serde_json::to_value(&listed.view).unwrap_or_default();
    row["cursor"] = json!(listed.cursor);
    row
}

fn show_table(page: &[Listed], is_first: bool, output: &Output) -> io::Result<()> {
    let mut table = Table::new(&["EXECUTION", "WORKFLOW", "VERSION", "STATUS", "STARTED", "TOOK", "TAGS"]);
    for Listed { view, .. } in page {
        let took = view.ended_at.map_or(String::new(), |ended| words::took(ended.since(view.started_at)));
        table.row(vec![
            (Tone::Plain, view.execution.to_string()),
            (Tone::Plain, view.workflow.to_string()),
            (Tone::Plain, view.version.to_string()),
            (words::tone(view.status), view.status.as_str().to_owned()),
            (Tone::Plain, words::time(view.started_at)),
            (Tone::Plain, took),
            (Tone::Quiet, words::tags(&view.tags)),
        ]);
    }
    let heading = usize::from(!is_first);
    table.lines(output).iter().skip(heading).try_for_each(|line| output.line(line))
}

fn status(text: &str) -> Result<Status, String> {
    Status::ALL.into_iter().find(|status| status.as_str() == text).ok_or_else(|| {
        let words: Vec<_> = Status::ALL.iter().map(|status| status.as_str()).collect();
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

pub(super) fn wanted_tag(text: &str) -> Result<(String, Option<String>), String> {
    match text.split_once('=') {
        Some(("", _)) => Err("write it as name=value, or as a name alone".to_owned()),
        Some((name, value)) => Ok((name.to_owned(), Some(value.to_owned()))),
        None if text.is_empty() => Err("write it as name=value, or as a name alone".to_owned()),
        None => Ok((text.to_owned(), None)),
    }
}
