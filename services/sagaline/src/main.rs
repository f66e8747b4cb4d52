//! The one binary people type: `dev`, and a verb for everything else.
//!
//! A verb is a file under `commands/`. Only `output` prints, and only `failure` knows exit codes.

mod bench;
mod cli;
mod commands;
mod context;
mod dev;
mod differences;
mod failure;
mod files;
mod finding;
mod ink;
mod live;
mod output;
mod plans;
mod project;
mod saga_view;
mod silent;
mod stop;
mod table;
mod view;
mod words;

use std::{panic::catch_unwind, process::ExitCode};

use mimalloc::MiMalloc;

/// Messages are allocated and freed all day; see the workspace's Cargo.toml.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    // A panic has told of itself by then; it is a bug of ours, and says so by the exit code.
    catch_unwind(cli::run).unwrap_or_else(|_| failure::Exit::Bug.into())
}
