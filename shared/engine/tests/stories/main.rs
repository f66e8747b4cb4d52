//! What the engine does, told as stories. Each is also run from a snapshot of every point: see `story`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod approvals;
mod begin;
mod breakers;
mod cancel;
mod causes;
mod children;
mod cleanup;
mod context_keys;
mod contract;
mod control;
mod data;
mod deadlines;
mod errors;
mod events;
mod exchange;
mod expand;
mod halts;
mod handlers;
mod inputs;
mod jobs;
mod late;
mod later;
mod limits;
mod limits_of_time;
mod loops;
mod nested;
mod order;
mod pause;
mod resumption;
mod retries;
mod rounds;
mod sagas;
mod scheduled;
mod signals;
mod slots;
mod snooze;
mod step_errors;
mod story;
mod timeouts;
mod turns;
mod waits;
mod why;
mod words;
