//! The promises of the engine, held over random plans and random histories.
//!
//! `SAGALINE_CASES=100000 cargo test -p sagaline-engine --test properties` runs longer than the few hundred
//! cases of every day, and others each time.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod census;
mod choices;
mod expansions;
mod facts;
mod history;
mod jobs;
mod plans;
mod promises;
mod undoing;
mod world;
