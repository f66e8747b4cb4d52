//! The broker on a real nats-server: one server of its own for each test.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking, and tells why on stderr")]

mod common;
mod connect;
mod install;
mod lease;
mod payloads;
mod publish;
mod reader;
mod recovery;
