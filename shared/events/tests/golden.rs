//! What travels, as it is recorded for ever: each file under `golden/` is read to the value that stands here, and the value is
//! written as the file. A new file is a new promise; a changed one breaks an old promise, and so fails.
//!
//! `SAGALINE_BLESS=1 cargo test -p sagaline-events --test golden` writes what is missing, and overwrites what differs.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "golden/asks.rs"]
mod asks;
#[path = "golden/entities.rs"]
mod entities;
#[path = "golden/file.rs"]
mod file;
#[path = "golden/inputs.rs"]
mod inputs;
#[path = "golden/lifecycle.rs"]
mod lifecycle;
#[path = "golden/records.rs"]
mod records;
#[path = "golden/sagas.rs"]
mod sagas;
#[path = "golden/schedules.rs"]
mod schedules;
