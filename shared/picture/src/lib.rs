//! A plan as people look at it: [`Summary`], [`Report`] and [`Graph`], and the forms in which a graph is written.
//!
//! Plans and views in, values and texts out. Nothing here knows where a plan comes from, or whether a terminal is there: texts for
//! people come as [`Line`]s, whose colours whoever prints them chooses. Everything costs in proportion to the size of the plan.

mod critical;
mod dot;
mod draw;
mod graph;
mod length;
mod line;
mod mermaid;
mod order;
mod report;
mod states;
mod summary;
mod table;
mod text;
mod whole;
mod words;

pub use critical::{CriticalPath, Measured, PathStep};
pub use dot::dot;
pub use draw::{Look, draw};
pub use graph::{Edge, Graph, Link, Part, Rounds, Shown, What};
pub use length::Length;
pub use line::{Ink, Line};
pub use mermaid::{MERMAID_EDGES_MAX, mermaid};
pub use report::{Ending, Inside, MeasuredPath, Report, Undone};
pub use summary::Summary;
pub use table::table;
pub use text::text;
