//! `sagaline queues`: where tasks wait, and what is said about it.

mod set;

use sagaline_events::queue_tally::QueueCounts;
use sagaline_model::{ActivityName, Name};
use sagaline_sdk::client::{ActivityView, QueueEnds, QueueView};
use serde_json::{Value, json};

use crate::{
    context::Context,
    failure::{Exit, Failure},
    output::{Output, Tone},
    table::Table,
    words,
};

const EXAMPLES: &str = "\
Examples:
  sagaline queues list
  sagaline queues get default
  sagaline queues pause default --note \"the bank is closed\"
  sagaline queues resume default
  sagaline queues set default --weight 3 --rate 100/s --concurrency 50
  sagaline queues set default --activity payments.charge --limit 4
  sagaline queues purge default --activity payments.charge";

const PAUSE_EXAMPLES: &str = "\
Examples:
  sagaline queues pause default
  sagaline queues pause default --note \"the bank is closed\"

Tasks go into it as ever, and wait. Those that workers have go on.";

const PURGE_EXAMPLES: &str = "\
Examples:
  sagaline queues purge default
  sagaline queues purge default --activity payments.charge
  sagaline queues purge default --held    also what workers have

Each execution concerned is told before its task is removed: its step fails,
with the type TaskDiscarded, and is not tried again. What workers have is left
to them, unless `--held` is given: then they are told to stop. If it is broken
off, do it again. Pause the queue first, and no worker takes what is about to
be removed.";

/// See, pause, empty and set the queues in which tasks wait for workers
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List the queues, with how many tasks wait in them and how many workers have
    List,
    /// Show one, with its activities
    Get(Which),
    Pause(Pause),
    /// Let it be handed out again
    Resume(Which),
    Purge(Purge),
    Set(set::Args),
    /// Make one; where it is there, nothing changes
    Create(Which),
    /// Remove a queue in which nothing is
    Delete(Which),
}

/// The one that a verb is about.
#[derive(Debug, clap::Args)]
struct Which {
    /// The queue
    #[arg(value_name = "QUEUE", value_parser = name)]
    queue: Name,
}

/// Let nothing of a queue be handed out
#[derive(Debug, clap::Args)]
#[command(after_help = PAUSE_EXAMPLES)]
struct Pause {
    /// The queue
    #[arg(value_name = "QUEUE", value_parser = name)]
    queue: Name,
    /// Why, for others
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

/// Remove the tasks that wait in a queue, and tell the executions concerned
#[derive(Debug, clap::Args)]
#[command(after_help = PURGE_EXAMPLES)]
struct Purge {
    /// The queue
    #[arg(value_name = "QUEUE", value_parser = name)]
    queue: Name,
    /// Only the tasks of this activity
    #[arg(long, value_parser = activity)]
    activity: Option<ActivityName>,
    /// Also those that workers have
    #[arg(long)]
    held: bool,
}

fn name(text: &str) -> Result<Name, String> {
    Name::new(text).map_err(|error| error.to_string())
}

fn activity(text: &str) -> Result<ActivityName, String> {
    ActivityName::new(text).map_err(|error| error.to_string())
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let output = &context.output;
    match args.verb {
        Verb::List => list(context).await,
        Verb::Get(Which { queue }) => get(&queue, context).await,
        Verb::Pause(Pause { queue, note }) => {
            context.client().await?.pause_queue(&queue, words::now(), note).await?;
            output.talk(&format!("nothing of `{queue}` is handed out until `sagaline queues resume {queue}`"));
            get(&queue, context).await
        }
        Verb::Resume(Which { queue }) => {
            context.client().await?.resume_queue(&queue).await?;
            get(&queue, context).await
        }
        Verb::Purge(args) => purge(args, context).await,
        Verb::Set(args) => set::run(args, context).await,
        Verb::Create(Which { queue }) => {
            context.client().await?.create_queue(&queue).await?;
            get(&queue, context).await
        }
        Verb::Delete(Which { queue }) => {
            context.client().await?.delete_queue(&queue).await?;
            output.talk(&format!("removed `{queue}`; applying a definition that names it makes it anew"));
            Ok(Exit::Done)
        }
    }
}

async fn list(context: &Context) -> Result<Exit, Failure> {
    let output = &context.output;
    let client = context.client().await?;
    let (queues, ends) = (client.queues().await?, client.queue_ends().await?);
    let mut table = Table::new(&[
        "QUEUE",
        "WEIGHT",
        "PENDING",
        "ACTIVE",
        "SCHEDULED",
        "RETRY",
        "COMPLETED",
        "RETRIED",
        "DEAD",
        "STATE",
    ]);
    for view in &queues {
        if output.is_json() {
            output.json(&shown(view, &ends))?;
            continue;
        }
        let QueueCounts { completed, retried, dead, scheduled, retry, .. } = counts(view, &ends);
        let (tone, state) = state(view);
        table.row(vec![
            (Tone::Strong, view.queue.to_string()),
            (Tone::Plain, view.weight.to_string()),
            (Tone::Plain, view.pending.to_string()),
            (Tone::Plain, view.active.to_string()),
            (Tone::Plain, scheduled.to_string()),
            (Tone::Plain, retry.to_string()),
            (Tone::Plain, completed.to_string()),
            (Tone::Plain, retried.to_string()),
            (if 0 < dead { Tone::Bad } else { Tone::Plain }, dead.to_string()),
            (tone, state.to_owned()),
        ]);
    }
    table.show(output)?;
    if !ends.silent.is_empty() {
        let silent: Vec<_> = ends.silent.iter().map(u32::to_string).collect();
        let silent = silent.join(", ");
        output.talk(&format!(
            "no orchestrator answers for partition {silent}: what ended there, and comes later, is not counted"
        ));
    }
    Ok(Exit::Done)
}

async fn get(queue: &Name, context: &Context) -> Result<Exit, Failure> {
    let client = context.client().await?;
    let (view, ends) = (client.queue(queue).await?, client.queue_ends().await?);
    show(&view, &ends, &context.output)?;
    Ok(Exit::Done)
}

/// How its attempts ended within the last hour, and how many come later.
fn counts(view: &QueueView, ends: &QueueEnds) -> QueueCounts {
    ends.queues.get(&view.queue).cloned().unwrap_or_else(|| QueueCounts::none(view.queue.clone()))
}

fn show(view: &QueueView, ends: &QueueEnds, output: &Output) -> Result<(), Failure> {
    if output.is_json() {
        output.json(&shown(view, ends))?;
        return Ok(());
    }
    let (tone, state) = state(view);
    output.line(&format!("queue: {}", view.queue))?;
    output.line(&format!("state: {}", output.paint(tone, state)))?;
    if let Some(pause) = &view.settings.paused {
        let note = pause.note.as_deref().map_or(String::new(), |note| format!(": {}", words::one_line(note)));
        output.line(&format!("paused: since {}{note}", words::time(pause.at)))?;
    }
    output.line(&format!("weight: {}", view.weight))?;
    if let Some(rule) = view.settings.rate {
        output.line(&format!("rate: {}", set::rate_text(&rule)))?;
    }
    if let Some(limit) = view.settings.concurrency {
        output.line(&format!("concurrency: {limit}"))?;
    }
    let QueueCounts { completed, retried, dead, scheduled, retry, .. } = counts(view, ends);
    let (pending, active) = (view.pending, view.active);
    output.line(&format!("tasks: {pending} pending, {active} active, {scheduled} scheduled, {retry} to retry"))?;
    let since =
        ends.since.map_or_else(|| "within the last hour".to_owned(), |since| format!("since {}", words::time(since)));
    output.line(&format!("{since}: {completed} completed, {retried} failed and retried, {dead} failed for good"))?;
    let unserved = view.settings.activities.iter();
    let unserved = unserved.filter(|(activity, _)| !view.activities.iter().any(|of| of.activity == activity.as_str()));
    for ActivityView { activity, pending, active, limit, paused, asked_for } in &view.activities {
        let limit = limit.map_or(String::new(), |limit| format!(", at most {limit} at a time"));
        let who = match (paused, asked_for) {
            (true, _) => ", paused",
            (false, true) => ", a worker waits for more",
            (false, false) => "",
        };
        output.line(&format!("  {activity}: {pending} pending, {active} active{limit}{who}"))?;
    }
    for (activity, limit) in unserved {
        output.line(&format!("  {activity}: at most {limit} at a time; no worker has served it yet"))?;
    }
    Ok(())
}

fn state(view: &QueueView) -> (Tone, &'static str) {
    let paused = view.activities.iter().filter(|activity| activity.paused).count();
    match (&view.settings.paused, paused) {
        (Some(_), _) => (Tone::Busy, "paused"),
        (None, 0) => (Tone::Good, "open"),
        (None, _) => (Tone::Bad, "partly paused, not by `sagaline queues pause`"),
    }
}

/// For programs.
fn shown(view: &QueueView, ends: &QueueEnds) -> Value {
    let QueueCounts { completed, retried, dead, scheduled, retry, .. } = counts(view, ends);
    let activities = view.activities.iter().map(|of| {
        json!({ "activity": of.activity, "pending": of.pending, "active": of.active, "limit": of.limit,
            "paused": of.paused, "asked_for": of.asked_for })
    });
    json!({
        "queue": view.queue,
        "weight": view.weight,
        "pending": view.pending,
        "active": view.active,
        "scheduled": scheduled,
        "retry": retry,
        "since": ends.since,
        "completed": completed,
        "retried": retried,
        "dead": dead,
        "settings": view.settings,
        "activities": activities.collect::<Vec<_>>(),
    })
}

async fn purge(args: Purge, context: &Context) -> Result<Exit, Failure> {
    let (output, client) = (&context.output, context.client().await?);
    let mut told = 0;
    let progress = |purged: &sagaline_sdk::client::QueuePurged| {
        // Not every one of thousands.
        if 500 <= purged.told + purged.untold - told {
            told = purged.told + purged.untold;
            output.progress(&format!("removed {told}"));
        }
    };
    let purged = client.purge_queue(&args.queue, args.activity, args.held, progress).await?;
    if output.is_json() {
        output
            .json(&json!({ "queue": args.queue, "told": purged.told, "untold": purged.untold, "held": purged.held }))?;
        return Ok(Exit::Done);
    }
    let told = match purged.told {
        0 => "no execution waited for a task of it".to_owned(),
        1 => "removed 1 task; the execution that waited for it knows".to_owned(),
        told => format!("removed {told} tasks; the executions that waited for them know"),
    };
    output.line(&told)?;
    if 0 < purged.untold {
        output.line(&format!("removed {} for which nobody waits", purged.untold))?;
    }
    if 0 < purged.held {
        output.line(&format!("left {} that workers have; `--held` removes those too", purged.held))?;
    }
    Ok(Exit::Done)
}
