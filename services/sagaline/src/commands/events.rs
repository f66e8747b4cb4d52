//! `sagaline events`: CloudEvents into the system, and what comes of them.

mod publish;
mod sources;
mod tail;
mod types;

pub(crate) use self::publish::envelope;
use crate::{
    context::Context,
    failure::{Exit, Failure},
};

/// Publish CloudEvents, and follow what happens
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    Publish(publish::Args),
    Tail(tail::Args),
    Sources(sources::Args),
    Types(types::Args),
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    match args.verb {
        Verb::Publish(args) => publish::run(args, context).await,
        Verb::Tail(args) => tail::run(args, context).await,
        Verb::Sources(args) => sources::run(args, context).await,
        Verb::Types(args) => types::run(args, context).await,
    }
}
