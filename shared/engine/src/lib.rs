//! The execution state machine: inputs in, effects out, and nothing else.
//!
//! [`apply`] folds one input into an [`Execution`] and says what is to be done about it. It knows no clock (time is that of the
//! input), no randomness and no I/O, so the same inputs give the same effects on any machine, any number of times.

mod apply;
pub mod compiled;
mod data;
pub mod effect;
mod invariant;
pub mod state;
mod turn;
mod view;
pub mod weight;
mod why;

pub use apply::apply;
pub use compiled::{CompileError, Compiled};
pub use effect::{Dispatch, Effect};
pub use invariant::{Broken, check};
pub use state::{Execution, Stage};

/// The version of the rules by which [`apply`] decides. A change that would decide differently on an old input raises it and
/// keeps the old way for executions that began under the old number.
pub const RULES: u32 = 1;
