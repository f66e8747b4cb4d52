//! CEL expressions with bounds: what conditions and `${…}` in definitions are written in.
//!
//! The crate `cel` reads the text; the evaluation is ours, for four reasons. A step that did not run has no output, so
//! selecting from nothing has to give null everywhere. A fold of an old log has to give the same again, and `cel` walks
//! maps in random order. A definition is somebody's text, so its cost has to have an end (see [`limits`]). And an
//! expression looks into a large state, so only what it names may be touched.
//!
//! What differs from the standard, besides null: whole numbers and fractions mix (`1 + 0.5`), as JSON mixes them; there
//! are no bytes, no messages and no optional values; the pattern of `matches` is a literal; times know UTC and fixed
//! offsets but no named zones, whose rules change with every edition of the zone data; and there is `coalesce(a, b, …)`.
//!
//! No clock, no randomness, no I/O: the same expression over the same values gives the same result, on any machine.

mod ahead;
mod error;
mod eval;
mod expression;
mod functions;
pub mod limits;
mod lower;
mod node;
mod operators;
mod parse;
mod scan;
mod scope;
mod template;
mod time;
mod value;

pub use ahead::{Doubt, Foreseen, Known, Knows, Problem, ValueKind};
pub use error::{CompileError, EvalCause, EvalError, TemplateError};
pub use expression::{Expression, whole};
pub use scope::{Lookup, Scope};
pub use template::Template;
