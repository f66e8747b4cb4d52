//! Definitions as people write them, read into a plan.
//!
//! [`read`] takes the text of a file, YAML, JSON or .flow, and gives its [`Definition`] or every fault in it at once, each with its
//! place and, where one can be given, a hint. Text in, values out: no files are opened here, and nothing is run.

mod comments;
mod conduct;
mod convert;
mod defaults;
mod doubt;
mod elsewhere;
mod exchange;
mod expression;
mod fault;
mod flow;
mod form;
mod format;
mod gate;
mod given;
mod incoming;
mod limit;
mod order;
mod outline;
mod project;
mod reach;
mod read;
mod reader;
mod references;
mod retry;
mod scalar;
mod schema;
mod source;
mod spelled;
mod step;
mod suggest;
mod syntax;
mod tree;
mod trigger;
mod vocabulary;
mod words;
mod workflow;
mod write;

pub use convert::convert;
pub use defaults::read_defaults;
pub use elsewhere::{called_here, words_of_others};
pub use fault::{Fault, Faults, Severity};
pub use form::Form;
pub use format::format;
pub use incoming::{read_event_source, read_event_type};
pub use project::{LARGEST_PROJECT, Project, read_project};
pub use read::{Definition, LARGEST_FILE, Surroundings, read, read_all, read_all_under, read_all_within};
pub use suggest::nearest;
pub use vocabulary::vocabulary;
pub use write::{Document, Unwritable, document, documents, to_yaml, yaml};

/// The JSON Schema of a definition, for editors. It finds what can be found without knowing all of the file.
pub const WORKFLOW_SCHEMA: &str = include_str!("../schema/workflow.schema.json");
