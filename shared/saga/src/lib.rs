//! The saga state machine: what an execution did is undone, each step after everything that came after it.
//!
//! [`apply`] folds one input into a [`Saga`] and says what is to be done about it. It knows no clock (time is that of the input), no
//! randomness and no I/O, so the same inputs give the same effects on any machine, any number of times.
//!
//! What it promises: every step that is asked for is undone, in its order, each to success, to a skip that its definition or a person
//! allows, or it is stuck where everybody sees it. A saga is over only when nothing of that is left, or a person says so.

mod apply;
mod attempts;
mod begin;
mod effect;
mod index;
mod invariant;
mod late;
mod people;
mod state;
mod view;

pub use apply::apply;
pub use effect::{Dispatch, Effect};
pub use invariant::check;
pub use state::{AT_WORK_MAX, Entry, HEARS_FOR, Saga, Stage, State, Work};
pub use view::{told_by, wants_record_of};
