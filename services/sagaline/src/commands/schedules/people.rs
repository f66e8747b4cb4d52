//! `sagaline schedules pause`, `resume`, `trigger`, `backfill` and `delete`.

use sagaline_events::schedule_view::Backfilled;
use sagaline_model::{Moment, Name, Overlap};

use super::{Who, describe::show, set::overlap};
use crate::{
    commands::args::since,
    context::Context,
    failure::{Exit, Failure},
};

const PAUSE_EXAMPLES: &str = "\
Examples:
  sagaline schedules pause nightly --note 'a holiday'

Its ticks start nothing until it is resumed; a new version of a definition does
not resume it. What runs goes on.";

/// Let nothing start until it is resumed
#[derive(Debug, clap::Args)]
#[command(after_help = PAUSE_EXAMPLES)]
pub(super) struct Pause {
    /// Its name
    name: Name,
    /// Why, for those who look at it later
    #[arg(long)]
    note: Option<String>,
    #[command(flatten)]
    who: Who,
}

const RESUME_EXAMPLES: &str = "\
Examples:
  sagaline schedules resume nightly

What came while it was paused is recorded as skipped; `backfill` starts it.";

/// Go on
#[derive(Debug, clap::Args)]
#[command(after_help = RESUME_EXAMPLES)]
pub(super) struct Resume {
    /// Its name
    name: Name,
    /// Why, for those who look at it later
    #[arg(long)]
    note: Option<String>,
    #[command(flatten)]
    who: Who,
}

const TRIGGER_EXAMPLES: &str = "\
Examples:
  sagaline schedules trigger nightly
  sagaline schedules trigger nightly --overlap allow   beside what runs

Also while it is paused. Its own ticks are not concerned.";

/// Start something now, besides its ticks
#[derive(Debug, clap::Args)]
#[command(after_help = TRIGGER_EXAMPLES)]
pub(super) struct Trigger {
    /// Its name
    name: Name,
    /// What to do about an execution that runs, instead of what the schedule says
    #[arg(long, value_name = "WHAT", value_parser = overlap)]
    overlap: Option<Overlap>,
    #[command(flatten)]
    who: Who,
}

const BACKFILL_EXAMPLES: &str = "\
Examples:
  sagaline schedules backfill nightly --from 2026-11-01T00:00:00Z --to 2d
  sagaline schedules backfill nightly --from 7d --to 1h --overlap allow

Both ends belong to it; each is a time, or how long ago. What has fired does not
fire again. At most a thousand at once, and none from more than thirty days
before it was made known.";

/// Start the ticks of a time gone by that have not fired
#[derive(Debug, clap::Args)]
#[command(after_help = BACKFILL_EXAMPLES)]
pub(super) struct Backfill {
    /// Its name
    name: Name,
    /// The first moment
    #[arg(long, value_name = "TIME|AGO", value_parser = since)]
    from: Moment,
    /// The last one
    #[arg(long, value_name = "TIME|AGO", value_parser = since)]
    to: Moment,
    /// What to do about an execution that runs, instead of what the schedule says
    #[arg(long, value_name = "WHAT", value_parser = overlap)]
    overlap: Option<Overlap>,
    #[command(flatten)]
    who: Who,
}

const DELETE_EXAMPLES: &str = "\
Examples:
  sagaline schedules delete nightly

What it started goes on. One of a definition comes back with the next version of
that, if that still has it.";

/// Delete one
#[derive(Debug, clap::Args)]
#[command(after_help = DELETE_EXAMPLES)]
pub(super) struct Delete {
    /// Its name
    name: Name,
    #[command(flatten)]
    who: Who,
}

pub(super) async fn pause(args: Pause, context: &Context) -> Result<Exit, Failure> {
    let view = context.client().await?.pause_schedule(&args.name, args.who.saying(args.note)).await?;
    show(&view, &context.output)?;
    Ok(Exit::Done)
}

pub(super) async fn resume(args: Resume, context: &Context) -> Result<Exit, Failure> {
    let view = context.client().await?.resume_schedule(&args.name, args.who.saying(args.note)).await?;
    show(&view, &context.output)?;
    Ok(Exit::Done)
}

pub(super) async fn trigger(args: Trigger, context: &Context) -> Result<Exit, Failure> {
    let client = context.client().await?;
    let (execution, view) = client.trigger_schedule(&args.name, args.overlap, args.who.saying(None)).await?;
    let output = &context.output;
    let started = view.last.as_ref().is_some_and(|last| last.execution == execution);
    if output.is_json() {
        output.json(&serde_json::json!({ "execution": execution, "started": started, "schedule": view }))?;
    } else if started {
        output.line(&format!("execution: {execution}"))?;
    } else {
        show(&view, output)?;
        output.talk(&format!("nothing started yet: an execution runs; `{execution}` waits for it, or was left out"));
    }
    Ok(Exit::Done)
}

pub(super) async fn backfill(args: Backfill, context: &Context) -> Result<Exit, Failure> {
    if args.to < args.from {
        return Err(Failure::usage("`--to` is before `--from`".to_owned()).hint("write the earlier one first"));
    }
    let (client, who) = (context.client().await?, args.who.saying(None));
    let (filled, view) = client.backfill_schedule(&args.name, (args.from, args.to), args.overlap, who).await?;
    let Some(Backfilled { started, skipped, ticks, .. }) = filled else {
        let what = format!("what became of it is not known: `{}` was asked for another time just after", args.name);
        let hint = format!(
            "`sagaline list --since 5m` shows what started; `sagaline schedules get {}` how it stands",
            args.name
        );
        return Err(Failure::new(Exit::Failed, what).hint(hint));
    };
    show(&view, &context.output)?;
    let waits = if started + skipped < ticks { "; one waits" } else { "" };
    context.output.talk(&format!("of {ticks} that had not fired, {started} started, {skipped} left out{waits}"));
    if 0 < skipped && view.left != Some(0) {
        context.output.talk("what is left out because another one runs: `--overlap allow` starts it too");
    }
    Ok(Exit::Done)
}

pub(super) async fn delete(args: Delete, context: &Context) -> Result<Exit, Failure> {
    context.client().await?.delete_schedule(&args.name, args.who.saying(None)).await?;
    let output = &context.output;
    if output.is_json() {
        output.json(&serde_json::json!({ "deleted": args.name }))?;
    } else {
        output.line(&format!("deleted: {}", args.name))?;
    }
    Ok(Exit::Done)
}
