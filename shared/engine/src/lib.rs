//! The execution state machine: inputs in, effects out, and nothing else.
//!
//! [`apply`] folds one input into an [`Execution`] and says what is to be done about it. It knows no clock (time is that of the
//! input), no randomness and no I/O, so the same inputs give the same effects on any machine, any number of times.

mod apply;
mod child;
pub mod compiled;
mod contract;
mod data;
pub mod effect;
pub mod entity;
mod exchange;
mod expansion;
mod invariant;
pub mod job;
pub mod nodes;
mod queues;
mod resumption;
mod scheduled;
mod shared;
pub mod state;
mod turn;
mod undo_order;
mod view;
pub mod weight;
mod why;

pub use apply::apply;
pub use child::recalled;
pub use compiled::{CompileError, Compiled};
pub use effect::{Dispatch, Effect};
pub use entity::Entity;
pub use invariant::{Broken, check};
pub use nodes::Nodes;
pub use state::{Execution, Later, Stage};
pub(crate) use turn::queue_of;
pub use view::{JobGlance, Overview};
pub use why::cause_of;

/// The newest rules by which [`apply`] can decide; a plan says which it asks for. A change that would decide differently on an old
/// input raises this, and keeps the old way for the plans that ask for the old.
pub const RULES: u32 = sagaline_model::Plan::RULES_OF_CONFIG;
