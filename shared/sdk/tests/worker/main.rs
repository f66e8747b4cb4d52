//! Workers on a real nats-server: one server of its own for each test.

mod claims;
mod common;
mod endings;
mod lines;
mod outages;
mod serving;
mod shares;
mod twice;
