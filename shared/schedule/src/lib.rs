//! When a schedule fires, and what it does then.
//!
//! [`Pattern`] says which moments a schedule names: cron expressions in a time zone, periods, dates. [`Schedule`] is the state
//! machine of one schedule. Neither knows a clock: what time it is, is an argument.

mod cron;
mod pattern;
mod zone;

pub use cron::{Cron, CronFault, Field};
pub use pattern::{Fault, Part, Pattern};
