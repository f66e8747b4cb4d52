//! The program as people and scripts meet it: the real binary, a real nats-server, real signals.

mod common;
mod definitions;
mod dev;
mod executions;
mod lines;
mod reach;
