//! `sagaline jobs list`

use std::cmp::Reverse;

use sagaline_events::{ask::JobsAsked, job::JobStatus, record::ExecutionView};
use sagaline_model::{ActivityName, Moment, Name};
use sagaline_sdk::client::ListFilter;
use serde_json::json;

use crate::{
    commands::{args, list},
    context::Context,
    failure::{Exit, Failure},
    output::{Output, Tone},
    silent::{self, Owner},
    table::Table,
    words,
};

const EXAMPLES: &str = "\
Examples:
  sagaline jobs list --status active --activity reports.daily --limit 10
  sagaline jobs list --activity mails.send,mails.sort --status dead
  sagaline jobs list --status dead --queue critical --since 1h
  sagaline jobs list --order ended --ascending --output json
  sagaline jobs list --tag photo=7

With `--output json` each job is one line, and the last line has the `total`
of all that are like that, shown or not, and how many have each status. Ended
jobs are kept for seven days, or for their `retention`.";

/// List jobs, those that were submitted last first
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct List {
    /// Only with this status; may be given several times
    #[arg(long = "status", value_name = "STATUS", value_parser = status)]
    status: Vec<JobStatus>,
    /// Only of this activity; several are separated by commas, or given again
    #[arg(long = "activity", value_name = "ACTIVITY", value_delimiter = ',')]
    activities: Vec<ActivityName>,
    /// Only of this queue
    #[arg(long)]
    queue: Option<Name>,
    /// Only with this tag, whatever its value or with this one; may be given several times
    #[arg(long = "tag", value_name = "K[=V]", value_parser = list::wanted_tag)]
    tags: Vec<(String, Option<String>)>,
    /// Only submitted since: 2026-11-20T06:00:00Z, or 90s, 5m, 2h ago
    #[arg(long, value_name = "TIME", value_parser = args::since)]
    since: Option<Moment>,
    /// In the order in which they were submitted, or ended
    #[arg(long, value_enum, default_value_t = Order::Created)]
    order: Order,
    /// The first ones first
    #[arg(long)]
    ascending: bool,
    /// At most so many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Order {
    Created,
    Ended,
}

/// So many are read at once.
const PAGE: usize = 500;

pub(super) async fn run(args: List, context: &Context) -> Result<Exit, Failure> {
    let (activity, activities) = match args.activities.as_slice() {
        [one] => (Some(one.clone()), vec![]),
        several => (None, several.to_vec()),
    };
    let jobs = JobsAsked { status: args.status.clone(), queue: args.queue.clone(), activity, activities };
    let filter = ListFilter { tags: args.tags.clone(), since: args.since, jobs: Some(jobs), ..ListFilter::default() };
    let client = context.client().await?;
    let mut listing = client.list(filter, None);
    let (mut first, mut counts) = (First::of(&args), [0_u64; JobStatus::ALL.len()]);
    loop {
        let page = listing.next(PAGE).await?;
        if page.is_empty() {
            break;
        }
        // What has not ended has no place among those that have.
        for listed in page.into_iter().filter(|listed| args.order == Order::Created || listed.view.ended_at.is_some()) {
            let status = listed.view.job.as_ref().map(|job| job.status);
            if let Some(place) = JobStatus::ALL.iter().position(|known| Some(*known) == status) {
                counts[place] += 1;
            }
            first.take(listed.view);
        }
    }
    let (total, jobs) = (first.total, first.sorted());
    show(&jobs, total, &counts, &context.output)?;
    let lost = "jobs of it that are not over are missing from this list";
    silent::none(listing.silent(), Owner::Orchestrator, lost)
}

/// The first ones in the order that is asked for, of however many.
struct First {
    order: Order,
    ascending: bool,
    limit: usize,
    total: u64,
    taken: Vec<ExecutionView>,
}

impl First {
    fn of(args: &List) -> Self {
        Self { order: args.order, ascending: args.ascending, limit: args.limit as usize, total: 0, taken: vec![] }
    }

    fn take(&mut self, view: ExecutionView) {
        self.total += 1;
        self.taken.push(view);
        if self.limit * 2 + PAGE < self.taken.len() {
            self.sort();
        }
    }

    fn sort(&mut self) {
        let time = |view: &ExecutionView| match self.order {
            Order::Created => view.started_at,
            Order::Ended => view.ended_at.unwrap_or(view.started_at),
        };
        match self.ascending {
            true => self.taken.sort_by_key(time),
            false => self.taken.sort_by_key(|view| Reverse(time(view))),
        }
        self.taken.truncate(self.limit);
    }

    fn sorted(mut self) -> Vec<ExecutionView> {
        self.sort();
        self.taken
    }
}

fn show(
    jobs: &[ExecutionView],
    total: u64,
    counts: &[u64; JobStatus::ALL.len()],
    output: &Output,
) -> Result<(), Failure> {
    let known = JobStatus::ALL.iter().zip(counts).filter(|(_, count)| 0 < **count);
    if output.is_json() {
        jobs.iter().try_for_each(|job| output.json(job))?;
        let counts: serde_json::Map<_, _> =
            known.map(|(status, count)| (status.as_str().to_owned(), json!(count))).collect();
        output.json(&json!({ "total": total, "by_status": counts }))?;
        return Ok(());
    }
    let mut table = Table::new(&["JOB", "ACTIVITY", "QUEUE", "STATUS", "ATTEMPT", "SUBMITTED", "NEXT", "TOOK", "TAGS"]);
    for view in jobs {
        let Some(job) = &view.job else { continue };
        let took = view.ended_at.map_or(String::new(), |ended| words::took(ended.since(view.started_at)));
        table.row(vec![
            (Tone::Plain, view.execution.to_string()),
            (Tone::Plain, job.activity.to_string()),
            (Tone::Plain, job.queue.to_string()),
            (words::tone(view.status), job.status.as_str().to_owned()),
            (Tone::Plain, format!("{}/{}", job.attempt, job.attempts)),
            (Tone::Plain, words::time(view.started_at)),
            (Tone::Plain, job.next_at.map_or(String::new(), words::time)),
            (Tone::Plain, took),
            (Tone::Quiet, words::tags(&view.tags)),
        ]);
    }
    if jobs.is_empty() {
        output.talk("no job is like that");
    } else {
        table.show(output)?;
    }
    if (jobs.len() as u64) < total {
        let counts: Vec<_> = known.map(|(status, count)| format!("{} {count}", status.as_str())).collect();
        output.talk(&format!("{} of {total} ({}); `--limit` shows more", jobs.len(), counts.join(", ")));
    }
    Ok(())
}

fn status(text: &str) -> Result<JobStatus, String> {
    JobStatus::ALL.into_iter().find(|status| status.as_str() == text).ok_or_else(|| {
        let words: Vec<_> = JobStatus::ALL.iter().map(|status| status.as_str()).collect();
        format!("there are {}", words.join(", "))
    })
}
