//! What sagas do, told input by input. Each story runs through recovery, too: after every input the saga goes through its snapshot.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod attempts;
mod begin;
mod golden;
mod late;
mod order;
mod people;
mod story;
mod timers;
