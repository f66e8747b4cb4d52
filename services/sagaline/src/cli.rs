//! The command line: global flags, the verbs, and what an unusable line ends with.

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand, builder::Styles, error::ErrorKind};
use tokio::runtime::{Builder, Runtime};

use crate::{
    commands::{
        apply, approve, bench, cancel, cancel_all, convert, dead, defaults, definitions, dev, doctor, events, fmt, get,
        graph, history, jobs, limits, list, parse, pause, query, queues, rejected, report, resume, retry, sagas,
        schedules, schema, signal, start, summary, update, validate, watch, why, workflows,
    },
    context::Context,
    failure::{Exit, Failure},
    output::{Format, Output},
};

const EXAMPLES: &str = "\
Examples:
  sagaline dev --example order             everything here, with an order to see
  sagaline apply examples/order.yaml       make it the newest version
  sagaline start order --input @order.json --id order-A-1 --wait
  sagaline list --status failed --since 1h what failed within the last hour
  sagaline why order-A-1                   what it waits for, what ends that
  sagaline events tail                     what happens, while it happens
  sagaline doctor                          what is wrong here, and what to do

Exit codes: 0 done · 1 failed or refused · 64 usage · 65 bad definition or
data · 69 NATS cannot be reached · 70 a bug";

/// Durable workflows on NATS.
#[derive(Debug, Parser)]
#[command(name = "sagaline", version, after_help = EXAMPLES, subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Global {
    /// Where NATS is: nats://[user:password@]host:port, several separated by commas [default: nats://127.0.0.1:4222]
    #[arg(long, global = true, env = "SAGALINE_NATS_URL", value_name = "URL", hide_env_values = true)]
    pub(crate) nats_url: Option<String>,
    /// Which of several installations on one NATS is meant [default: sagaline]
    #[arg(long, global = true, env = "SAGALINE_NAMESPACE", value_name = "NS")]
    pub(crate) namespace: Option<String>,
    /// For people, or for programs: one JSON object, or one a line
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub(crate) output: Format,
    /// The file of a project, or its folder [default: `sagaline.toml` in the current folder, or the nearest above it]
    #[arg(long, global = true, env = "SAGALINE_PROJECT", value_name = "PATH")]
    pub(crate) project: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Dev(dev::Args),
    Apply(apply::Args),
    Validate(validate::Args),
    Parse(parse::Args),
    Start(start::Args),
    Get(get::Args),
    List(list::Args),
    Watch(watch::Args),
    History(history::Args),
    Why(why::Args),
    Signal(signal::Args),
    Cancel(cancel::Args),
    CancelAll(cancel_all::Args),
    Retry(retry::Args),
    Dead(dead::Args),
    Sagas(sagas::Args),
    Schedules(schedules::Args),
    Limits(limits::Args),
    Queues(queues::Args),
    Pause(pause::Args),
    Resume(resume::Args),
    Approve(approve::Args),
    Query(query::Args),
    Update(update::Args),
    Workflows(workflows::Args),
    Definitions(definitions::Args),
    Defaults(defaults::Args),
    Events(events::Args),
    Doctor(doctor::Args),
    Rejected(rejected::Args),
    Bench(bench::Args),
    Jobs(jobs::Args),
    Schema(schema::Args),
    Fmt(fmt::Args),
    Summary(summary::Args),
    Report(report::Args),
    Graph(graph::Args),
    Convert(convert::Args),
}

/// Runs what the process was called with.
pub(crate) fn run() -> ExitCode {
    run_line(std::env::args_os())
}

fn run_line(line: impl Iterator<Item = OsString>) -> ExitCode {
    let cli = match <Cli as clap::CommandFactory>::command().styles(Styles::styled()).try_get_matches_from(line) {
        Ok(matches) => <Cli as clap::FromArgMatches>::from_arg_matches(&matches),
        Err(error) => Err(error),
    };
    let cli = match cli {
        Ok(cli) => cli,
        Err(error) => return unusable(&error),
    };
    let output = Output::new(cli.global.output);
    let context = match Context::new(cli.global, output) {
        Ok(context) => context,
        Err((failure, output)) => {
            output.failure(&failure);
            return failure.exit.into();
        }
    };
    let ended = runtime(&cli.verb).and_then(|runtime| {
        let ended = runtime.block_on(dispatch(cli.verb, &context));
        // Whatever still blocks (a look-up of an address) holds nobody up.
        runtime.shutdown_background();
        ended
    });
    match ended {
        Ok(exit) => exit.into(),
        Err(failure) => {
            context.output.failure(&failure);
            failure.exit.into()
        }
    }
}

/// Help and version are asked for; everything else is a line that cannot be used.
fn unusable(error: &clap::Error) -> ExitCode {
    let asked_for = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    // Nobody reads what cannot be written to a closed pipe.
    if error.print().is_err() || asked_for { Exit::Done.into() } else { Exit::Usage.into() }
}

/// The services of `dev` use every core; one thread does for everything else, and measures without disturbing.
fn runtime(verb: &Verb) -> Result<Runtime, Failure> {
    let mut builder = match verb {
        Verb::Dev(_) => Builder::new_multi_thread(),
        _ => Builder::new_current_thread(),
    };
    builder.enable_all().build().map_err(|error| Failure::bug(format!("the runtime cannot be started: {error}")))
}

async fn dispatch(verb: Verb, context: &Context) -> Result<Exit, Failure> {
    match verb {
        Verb::Dev(args) => dev::run(args, context).await,
        Verb::Apply(args) => apply::run(args, context).await,
        Verb::Validate(args) => validate::run(&args, context).await,
        Verb::Parse(args) => parse::run(&args, context),
        Verb::Fmt(args) => fmt::run(&args, context),
        Verb::Convert(args) => convert::run(&args, context),
        Verb::Start(args) => start::run(args, context).await,
        Verb::Get(args) => get::run(&args, context).await,
        Verb::List(args) => list::run(args, context).await,
        Verb::Watch(args) => watch::run(&args, context).await,
        Verb::History(args) => history::run(&args, context).await,
        Verb::Why(args) => why::run(&args, context).await,
        Verb::Signal(args) => signal::run(args, context).await,
        Verb::Cancel(args) => cancel::run(args, context).await,
        Verb::CancelAll(args) => cancel_all::run(args, context).await,
        Verb::Retry(args) => retry::run(args, context).await,
        Verb::Dead(args) => dead::run(args, context).await,
        Verb::Sagas(args) => sagas::run(args, context).await,
        Verb::Schedules(args) => schedules::run(args, context).await,
        Verb::Limits(args) => limits::run(args, context).await,
        Verb::Queues(args) => queues::run(args, context).await,
        Verb::Pause(args) => pause::run(args, context).await,
        Verb::Resume(args) => resume::run(args, context).await,
        Verb::Approve(args) => approve::run(args, context).await,
        Verb::Query(args) => query::run(&args, context).await,
        Verb::Update(args) => update::run(args, context).await,
        Verb::Workflows(args) => workflows::run(&args, context).await,
        Verb::Definitions(args) => definitions::run(args, context).await,
        Verb::Defaults(args) => defaults::run(args, context).await,
        Verb::Events(args) => events::run(args, context).await,
        Verb::Doctor(args) => doctor::run(&args, context).await,
        Verb::Rejected(args) => rejected::run(args, context).await,
        Verb::Bench(args) => bench::run(args, context).await,
        Verb::Jobs(args) => jobs::run(args, context).await,
        Verb::Schema(args) => schema::run(&args, context),
        Verb::Summary(args) => summary::run(args, context).await,
        Verb::Report(args) => report::run(args, context).await,
        Verb::Graph(args) => graph::run(args, context).await,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    /// On a terminal of 80 columns nothing is broken in the middle.
    #[test]
    fn examples_fit_on_a_terminal() {
        fn look(command: &clap::Command) {
            let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            for line in text.lines() {
                assert!(line.chars().count() <= 80, "`{}`: {line}", command.get_name());
            }
            command.get_subcommands().for_each(look);
        }
        look(&Cli::command());
    }

    #[test]
    fn every_verb_teaches_by_example() {
        for verb in Cli::command().get_subcommands() {
            let help = verb.clone().render_long_help().to_string();
            assert!(
                help.contains("Example") || verb.has_subcommands(),
                "`sagaline {} --help` has none",
                verb.get_name()
            );
        }
    }
}
