//! When a schedule fires, and what it does then.
//!
//! [`Pattern`] says which moments a schedule names, its *ticks*: cron expressions in a time zone, periods, dates. [`Schedule`] is
//! the state machine of one schedule: inputs in, effects out. Neither knows a clock: what time it is, is an argument.

mod cron;
mod effect;
mod pattern;
mod schedule;
mod tick;
mod zone;

pub use cron::{Cron, CronFault, Field};
pub use effect::Effect;
pub use pattern::{Fault, Part, Pattern};
pub use schedule::{KEPT, LONGEST_NAME, Pause, Running, Schedule, Waiting};
pub use tick::Tick;
