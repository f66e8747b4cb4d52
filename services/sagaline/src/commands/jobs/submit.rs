//! `sagaline jobs submit`

use sagaline_model::{Every, ExecutionId, Moment, Name, Span, UniqueUntil, When};
use sagaline_sdk::client::{Error, Job, Who};
use serde_json::{Value, json};

use crate::{
    commands::{args, list, schedules, start},
    context::Context,
    failure::{Exit, Failure},
    files,
};

const EXAMPLES: &str = "\
Examples:
  sagaline jobs submit mails.send --payload '{\"to\":\"ann@example.org\"}'
  sagaline jobs submit reports.daily --payload @report.json --timeout 10m \\
    --max-retries 3 --deadline 2027-01-01T07:00:00Z --retention 24h
  sagaline jobs submit cleanup --queue low --at 2027-01-01T00:00:00Z
  sagaline jobs submit thumbs --metadata tenant=acme --tag photo=7 --wait
  sagaline jobs submit reports.daily --cron '0 6 * * *' --timezone Europe/Berlin

It is tried four times unless told otherwise: again after 10, 20 and 40 seconds.
The same `--id` with the same payload is no second job (`existing: true`).
`low_priority` is the queue `low`. With a unique key that another job has, it is
refused and says which: `existing: ID`, exit code 1.

With `--cron` or `--every` it is done again and again: that is a schedule, which
`sagaline schedules` shows, pauses and deletes.";

/// Submit a job
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Submit {
    /// What does it
    activity: String,
    /// The input of the activity: JSON, or @FILE for a file of JSON
    #[arg(long, value_name = "JSON|@FILE")]
    payload: Option<String>,
    /// Where it waits for a worker
    #[arg(long, value_name = "QUEUE")]
    queue: Option<String>,
    /// Of all jobs with this key one is accepted
    #[arg(long, value_name = "KEY", requires = "unique_for")]
    unique: Option<String>,
    /// For how long at most
    #[arg(long, value_name = "DURATION", requires = "unique")]
    unique_for: Option<Span>,
    /// When the key is free again before that: at its end, only if it succeeds, or not at all
    #[arg(long, value_name = "end|success|expiry", value_parser = until, requires = "unique")]
    unique_until: Option<UniqueUntil>,
    #[command(flatten)]
    when: args::When,
    #[command(flatten)]
    again: Again,
    /// How often it is tried again after it failed
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=10_000))]
    max_retries: Option<u32>,
    /// From the start of an attempt to its end
    #[arg(long, value_name = "DURATION")]
    timeout: Option<Span>,
    /// From one sign of life of an attempt to the next
    #[arg(long, value_name = "DURATION")]
    heartbeat: Option<Span>,
    /// When the time of all attempts is over
    #[arg(long, value_name = "TIME")]
    deadline: Option<Moment>,
    /// For how long its result is kept
    #[arg(long, value_name = "DURATION")]
    retention: Option<Span>,
    /// A label to find it by; may be given several times
    #[arg(long = "tag", value_name = "K=V", value_parser = list::tag)]
    tags: Vec<(String, String)>,
    /// Something that the activity is to know besides the payload; may be given several times
    #[arg(long = "metadata", value_name = "K=V", value_parser = list::tag)]
    metadata: Vec<(String, String)>,
    /// What to call it; an id is made up if it is left out
    #[arg(long)]
    id: Option<String>,
    /// Wait until it is over, and show how it ended
    #[arg(long)]
    wait: bool,
}

/// When it is done again and again
#[derive(Debug, clap::Args)]
struct Again {
    /// A cron expression: five fields, six with seconds first, or a word such as @daily; may be given several times
    #[arg(long, value_name = "C", conflicts_with_all = ["at", "after", "id", "wait", "deadline"])]
    cron: Vec<String>,
    /// Again and again after so long: 90s, 5m, 2h
    #[arg(long, value_name = "DURATION", conflicts_with_all = ["at", "after", "id", "wait", "deadline"])]
    every: Option<Span>,
    /// The time zone of the cron expressions [default: UTC]
    #[arg(long, value_name = "ZONE", requires = "cron")]
    timezone: Option<String>,
    /// What to call the schedule; without it, as the activity, with `-` for dots
    #[arg(long, value_name = "NAME")]
    name: Option<Name>,
}

impl Again {
    fn when(&mut self) -> Option<When> {
        let (cron, every) = (std::mem::take(&mut self.cron), self.every.map(Every::of));
        let recurs = !cron.is_empty() || every.is_some();
        recurs.then(|| When { cron, every, timezone: self.timezone.take(), ..When::default() })
    }
}

pub(super) async fn run(mut args: Submit, context: &Context) -> Result<Exit, Failure> {
    let (when, name) = (args.again.when(), args.again.name.take());
    if let Some(when) = when {
        let job = job(args)?;
        let name = match name {
            Some(name) => name,
            None => job.spec()?.workflow(),
        };
        let view = context.client().await?.recur(&name, job, when, Who::default()).await?;
        schedules::show(&view, &context.output)?;
        return Ok(Exit::Done);
    }
    if name.is_some() {
        let hint = "with `--cron` or `--every` it is a schedule, which has one";
        return Err(Failure::usage("`--name` belongs to a schedule".to_owned()).hint(hint));
    }
    let (wait, past) = (args.wait, args.when.past());
    let job = job(args)?;
    // What cannot be submitted is said without asking anybody.
    let spec = job.spec()?;
    let client = context.client().await?;
    let started = match client.submit(job).await {
        Err(error @ Error::NotUnique { .. }) => {
            if let Error::NotUnique { job, existing, .. } = &error {
                match context.output.is_json() {
                    true => context.output.json(&json!({ "execution": job, "existing": existing }))?,
                    false => context.output.line(&format!("existing: {existing}"))?,
                }
            }
            return Err(error.into());
        }
        submitted => submitted?,
    };
    if let Some(past) = past.filter(|_| !wait) {
        context.output.talk(&past);
    }
    if !wait && !started.existing && client.is_without_worker(&spec.queue, &spec.activity).await? {
        let (queue, activity) = (&spec.queue, &spec.activity);
        context.output.talk(&format!(
            "warning: no worker has served `{activity}` in the queue `{queue}` so far; the job waits for one"
        ));
    }
    start::tell(&client, &started, wait, context).await
}

fn job(args: Submit) -> Result<Job, Failure> {
    let payload: Value = files::data("--payload", args.payload.as_deref())?;
    let mut job = Job::new(args.activity).payload(payload);
    if let Some(queue) = args.queue {
        job = job.queue(queue);
    }
    if let Some((key, ttl)) = args.unique.zip(args.unique_for) {
        job = job.unique(key, ttl.into()).unique_until(args.unique_until.unwrap_or_default());
    }
    if let Some(time) = args.when.moment() {
        job = job.at(time);
    }
    if let Some(retries) = args.max_retries {
        job = job.max_retries(retries);
    }
    if let Some(timeout) = args.timeout {
        job = job.timeout(timeout.into());
    }
    if let Some(heartbeat) = args.heartbeat {
        job = job.heartbeat(heartbeat.into());
    }
    if let Some(deadline) = args.deadline {
        job = job.deadline(deadline);
    }
    if let Some(retention) = args.retention {
        job = job.retention(retention.into());
    }
    if let Some(id) = args.id {
        job = job.id(ExecutionId::encoded(&id));
    }
    job = args.tags.into_iter().fold(job, |job, (name, value)| job.tag(name, value));
    Ok(args.metadata.into_iter().fold(job, |job, (name, value)| job.metadata(name, value)))
}

fn until(text: &str) -> Result<UniqueUntil, String> {
    match text {
        "end" => Ok(UniqueUntil::End),
        "success" => Ok(UniqueUntil::Success),
        "expiry" => Ok(UniqueUntil::Expiry),
        _ => Err("there are end, success and expiry".to_owned()),
    }
}
