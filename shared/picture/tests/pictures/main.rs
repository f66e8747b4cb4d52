//! Pictures: as they are written for every kind of step, and what holds for any plan.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod costs;
mod paths;
mod plans;
mod random;
mod tools;
mod written;
