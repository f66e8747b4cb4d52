//! `sagaline dev`: everything on this machine.

use std::{net::SocketAddr, path::PathBuf};

use crate::{
    context::Context,
    dev::{self, Example, Settings},
    failure::{Exit, Failure},
};

const EXAMPLES: &str = "\
Examples:
  sagaline dev --example order      an order that is paid, and one that is not
  sagaline dev                      what the project defines, as it changes
  sagaline dev --data-dir ./data    keeps everything for the next time
  sagaline dev --twice              finds what is not idempotent
  sagaline dev --nats-url nats://127.0.0.1:4222    on a server that runs already

It starts a nats-server of its own (found on the PATH, or installed once) on a
free port, and every service in this process. Point other commands at it with
`--nats-url` or `SAGALINE_NATS_URL`. Ctrl-C ends it and leaves nothing behind; a
second one ends it at once.

In a project (`sagaline.toml`) it applies all definitions, and again whenever a
file of them changes. One with faults is told, and stays as it was before.";

/// Run everything on this machine: a nats-server and every service
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Where to keep everything, for the next time; without it a temporary folder, which is removed at the end
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Where to serve `/healthz`, `/readyz` and `/metrics` [default: 127.0.0.1:7420, or a free port if that is taken]
    #[arg(long, env = "SAGALINE_HTTP", value_name = "ADDR")]
    http: Option<SocketAddr>,
    /// A file to which every begin and end of a step is appended, for `sagaline bench --witness`
    #[arg(long, env = "SAGALINE_WITNESS", value_name = "FILE")]
    witness: Option<PathBuf>,
    /// Run every attempt twice with the same idempotency key, and show where the second ends otherwise: what is not
    /// idempotent is found here rather than when a worker dies
    #[arg(long, env = "SAGALINE_TWICE", value_parser = clap::builder::BoolishValueParser::new())]
    twice: bool,
    /// Apply an example, and show what it does
    #[arg(long, value_enum)]
    example: Option<Example>,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    if args.data_dir.is_some() && context.given_url.is_some() {
        return Err(Failure::usage(
            "`--data-dir` is for a nats-server of its own, but `--nats-url` names one that runs",
        )
        .hint("leave one of the two out (`SAGALINE_NATS_URL` counts as well)"));
    }
    dev::run(
        Settings {
            data_dir: args.data_dir,
            http: args.http,
            witness: args.witness,
            twice: args.twice,
            example: args.example,
        },
        context,
    )
    .await
}
