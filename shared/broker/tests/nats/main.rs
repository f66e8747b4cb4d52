//! The broker on a real nats-server: one of its own for each test, or a cluster.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking, and says what it measured")]

mod cluster;
mod common;
mod connect;
mod install;
mod lease;
mod parts;
mod payloads;
mod publish;
mod reader;
mod recovery;
mod room;
mod shell;
mod sweep;
mod tally;
