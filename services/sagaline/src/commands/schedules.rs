//! `sagaline schedules`: what starts executions by the calendar and the clock, and what people do about it.

mod describe;
mod list;
mod people;
mod set;

pub(in crate::commands) use self::describe::{show, when};
use sagaline_model::Name;
use sagaline_sdk::client::{Error, Who as Asker};

use crate::{
    context::Context,
    failure::{Exit, Failure},
};

const EXAMPLES: &str = "\
Examples:
  sagaline schedules create nightly --workflow report --cron '0 6 * * *' \\
      --timezone Europe/Berlin --overlap skip
  sagaline schedules list
  sagaline schedules get nightly             its next five ticks, and what runs
  sagaline schedules pause nightly --note 'a holiday'
  sagaline schedules trigger nightly         now, besides its ticks
  sagaline schedules backfill nightly --from 2026-11-01T00:00:00Z --to 2d

Each tick starts one execution, whose id is made of the schedule and the tick,
or it is recorded as skipped. Workflows may bring schedules of their own: `on`.";

/// Start executions by the calendar and the clock
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    List(list::Args),
    Get(Get),
    Create(set::Create),
    Update(set::Update),
    Pause(people::Pause),
    Resume(people::Resume),
    Trigger(people::Trigger),
    Backfill(people::Backfill),
    Delete(people::Delete),
}

const GET_EXAMPLES: &str = "\
Examples:
  sagaline schedules get nightly
  sagaline schedules get nightly --output json | jq .next";

/// Show one: when it fires next, what it started last, what waits
#[derive(Debug, clap::Args)]
#[command(after_help = GET_EXAMPLES)]
struct Get {
    /// Its name
    name: Name,
}

#[derive(Debug, clap::Args)]
struct Who {
    /// Who you are; without it, who is logged in
    #[arg(long, env = "USER", value_name = "WHO", hide_env = true)]
    by: Option<String>,
}

impl Who {
    fn saying(self, note: Option<String>) -> Asker {
        Asker { by: self.by, note }
    }
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    match args.verb {
        Verb::List(args) => list::run(args, context).await,
        Verb::Get(args) => get(&args.name, context).await,
        Verb::Create(args) => set::create(args, context).await,
        Verb::Update(args) => set::update(args, context).await,
        Verb::Pause(args) => people::pause(args, context).await,
        Verb::Resume(args) => people::resume(args, context).await,
        Verb::Trigger(args) => people::trigger(args, context).await,
        Verb::Backfill(args) => people::backfill(args, context).await,
        Verb::Delete(args) => people::delete(args, context).await,
    }
}

async fn get(name: &Name, context: &Context) -> Result<Exit, Failure> {
    let view = context.client().await?.schedule(name).await?.ok_or_else(|| Error::NoSchedule(name.clone()))?;
    describe::show(&view, &context.output)?;
    Ok(Exit::Done)
}
