//! `sagaline schedules create` and `update`.

use sagaline_model::{ActivityName, Every, JobSpec, Moment, Name, Overlap, ScheduleSpec, Span, When};
use sagaline_sdk::client::Error;

use super::{Who, describe::show};
use crate::{
    context::Context,
    failure::{Exit, Failure},
    files,
};

const CREATE_EXAMPLES: &str = "\
Examples:
  sagaline schedules create nightly --workflow report --cron '0 6 * * *' \\
      --timezone Europe/Berlin
  sagaline schedules create twice --workflow sync --cron '0 9 * * MON-FRI' \\
      --cron '0 12 * * SAT' --overlap skip
  sagaline schedules create poll --workflow poll --every 5m --jitter 30s
  sagaline schedules create once --workflow close-year --at 2027-01-01T00:00:00Z
  sagaline schedules create cleanup --job files.cleanup --every 1h

Of five fields a cron expression begins with minutes, of six with seconds.
What is wrong with one is said with its column.";

/// Make a new one known, and show its next five ticks
#[derive(Debug, clap::Args)]
#[command(after_help = CREATE_EXAMPLES)]
pub(super) struct Create {
    /// Its name: what it starts is called NAME-TICK
    name: Name,
    /// The workflow that it starts
    #[arg(long, value_name = "W", required_unless_present = "job", conflicts_with = "job")]
    workflow: Option<Name>,
    /// The activity that it starts as a job
    #[arg(long, value_name = "ACTIVITY")]
    job: Option<ActivityName>,
    #[command(flatten)]
    what: What,
    #[command(flatten)]
    who: Who,
}

const UPDATE_EXAMPLES: &str = "\
Examples:
  sagaline schedules update nightly --cron '0 7 * * *' --timezone Europe/Berlin
  sagaline schedules update nightly --overlap queue_one

What is not said stays as it is; but if anything is said about when it fires,
that takes the place of all that was said about that before. What has fired does
not fire again, and a pause stays.";

/// Change one
#[derive(Debug, clap::Args)]
#[command(after_help = UPDATE_EXAMPLES)]
pub(super) struct Update {
    /// Its name
    name: Name,
    #[command(flatten)]
    what: What,
    #[command(flatten)]
    who: Who,
}

#[derive(Debug, clap::Args)]
struct What {
    /// When it fires: a cron expression, or a word such as @daily; may be given several times
    #[arg(long, value_name = "EXPR")]
    cron: Vec<String>,
    /// Again and again, by the clock
    #[arg(long, value_name = "SPAN")]
    every: Option<Span>,
    /// At this time; may be given several times
    #[arg(long, value_name = "TIME")]
    at: Vec<Moment>,
    /// Once, so long from now
    #[arg(long = "in", value_name = "SPAN")]
    after: Option<Span>,
    /// Not before
    #[arg(long, value_name = "TIME")]
    start_at: Option<Moment>,
    /// Not after
    #[arg(long, value_name = "TIME")]
    end_at: Option<Moment>,
    /// The time zone of the cron expressions, such as Europe/Berlin [default: UTC]
    #[arg(long, value_name = "ZONE")]
    timezone: Option<String>,
    /// Each tick comes up to so much later
    #[arg(long, value_name = "SPAN")]
    jitter: Option<Span>,
    /// What to do about an execution that still runs: allow, skip, queue_one, cancel_running [default: allow]
    #[arg(long, value_name = "WHAT", value_parser = overlap)]
    overlap: Option<Overlap>,
    /// How late a tick may still start something [default: 1h]
    #[arg(long, value_name = "SPAN")]
    catch_up: Option<Span>,
    /// So many ticks start something, then it is over
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// The input of what it starts: JSON, or @FILE for a file of JSON
    #[arg(long, value_name = "JSON|@FILE")]
    input: Option<String>,
    /// The version to start, if not the newest
    #[arg(long, value_name = "N")]
    version: Option<u32>,
    /// The queue of a job [default: default]
    #[arg(long, value_name = "QUEUE")]
    queue: Option<Name>,
    /// A label of what it starts; may be given several times
    #[arg(long = "tag", value_name = "K=V", value_parser = crate::commands::list::tag)]
    tags: Vec<(String, String)>,
}

/// As it is written in a definition.
pub(super) fn overlap(text: &str) -> Result<Overlap, String> {
    serde_json::from_value(text.replace('-', "_").into())
        .map_err(|_| "write `allow`, `skip`, `queue_one` or `cancel_running`".to_owned())
}

impl What {
    fn says_when(&self) -> bool {
        let repeats = !self.cron.is_empty() || self.every.is_some();
        let limits = self.start_at.is_some() || self.end_at.is_some();
        repeats || limits || !self.at.is_empty() || self.after.is_some()
    }

    /// Changes what is said.
    fn apply(self, spec: &mut ScheduleSpec) -> Result<(), Failure> {
        if self.says_when() {
            let before = std::mem::take(&mut spec.when);
            spec.when = When {
                // The zone is that of the expressions, whichever they are.
                timezone: before.timezone.filter(|_| !self.cron.is_empty()),
                jitter: before.jitter,
                cron: self.cron,
                every: self.every.map(Every::of),
                at: self.at,
                after: self.after,
                start_at: self.start_at,
                end_at: self.end_at,
            };
        }
        spec.when.timezone = self.timezone.or(spec.when.timezone.take());
        spec.when.jitter = self.jitter.or(spec.when.jitter);
        spec.overlap = self.overlap.unwrap_or(spec.overlap);
        spec.catch_up = self.catch_up.or(spec.catch_up);
        spec.limit = self.limit.or(spec.limit);
        spec.version = self.version.or(spec.version);
        if let Some(given) = &self.input {
            spec.input = files::data("--input", Some(given))?;
        }
        if !self.tags.is_empty() {
            spec.tags = self.tags.into_iter().collect();
        }
        match (self.queue, &mut spec.job) {
            (Some(queue), Some(job)) => job.queue = queue,
            (Some(_), None) => {
                let hint = "a workflow says itself which queues its steps go to";
                return Err(Failure::usage("`--queue` belongs to a job".to_owned()).hint(hint));
            }
            (None, _) => {}
        }
        Ok(())
    }
}

pub(super) async fn create(args: Create, context: &Context) -> Result<Exit, Failure> {
    let job = args.job.map(JobSpec::of);
    let workflow = match (&job, args.workflow) {
        (Some(job), _) => job.workflow(),
        (None, Some(workflow)) => workflow,
        (None, None) => return Err(Failure::usage("neither `--workflow` nor `--job`".to_owned())),
    };
    let mut spec = ScheduleSpec { job: job.map(Box::new), ..ScheduleSpec::of(workflow, When::default()) };
    args.what.apply(&mut spec)?;
    let client = context.client().await?;
    let view = client.create_schedule(&args.name, spec, args.who.saying(None)).await?;
    show(&view, &context.output)?;
    // It may be applied before the first tick.
    let workflow = &view.spec.workflow;
    if view.spec.job.is_none() && client.newest_version(workflow).await?.is_none() {
        context
            .output
            .talk(&format!("no workflow `{workflow}` is applied yet: until it is, what the ticks start fails"));
    }
    Ok(Exit::Done)
}

pub(super) async fn update(args: Update, context: &Context) -> Result<Exit, Failure> {
    let client = context.client().await?;
    let mut spec = client.schedule(&args.name).await?.ok_or_else(|| Error::NoSchedule(args.name.clone()))?.spec;
    args.what.apply(&mut spec)?;
    let view = client.put_schedule(&args.name, spec, args.who.saying(None)).await?;
    show(&view, &context.output)?;
    Ok(Exit::Done)
}
