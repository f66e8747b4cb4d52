//! What a schedule does, told input by input; and what it must never do, whatever comes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod asking;
mod catching_up;
mod changing;
mod defined;
mod firing;
mod golden;
mod overlap;
mod pausing;
mod properties;
mod tale;
