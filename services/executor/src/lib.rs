//! The executor: runs the activities that come with Sagaline for the tasks of its queues.
//!
//! It consumes the streams `QUEUE_<queue>` and answers to the subject that each task names. It stores nothing, decides nothing
//! about an execution, and never acknowledges a task before its result is stored. A host of activities of one's own is the same
//! thing with other activities: `sagaline_sdk::worker`.

mod builtin;
mod hearing;
mod run;
mod settings;
mod witness;

pub use run::{Error, run};
pub use settings::{CONCURRENCY, Flags, Limit, Queue, Settings};
