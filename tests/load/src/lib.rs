//! How fast: the least that JetStream can cost ([`floor`]), and Sagaline beside it on the same server ([`compare`]).
//!
//! Nothing here is part of the system; docs/performance.md says how its figures are made with it.

pub mod compare;
pub mod floor;
pub mod jobs;
pub mod many;
pub mod memory;
mod owners;
mod processes;
pub mod program;
pub mod schedules;
pub mod triggers;
pub mod wide;
