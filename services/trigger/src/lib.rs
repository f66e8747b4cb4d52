//! CloudEvents to starts. Stateless: any number of replicas share one durable consumer of `EVENTS`.
//!
//! An event on `<ns>.events.>` starts every workflow whose newest version has a trigger that it fits, or is told to an execution
//! as a signal, if the trigger says so. What it promises:
//!
//! - **Once.** A workflow is started once for one (source, id), however often the event is published or delivered, by
//!   whichever replica: the execution's id is a hash of the three, and a start is stored only where none is yet. This holds
//!   for as long as the log keeps the start, 24 hours by default, and after that as long as a snapshot or record of the
//!   execution is there. Several triggers of one
//!   workflow that match give one start: the first of them says its input.
//! - **Never lost.** An event is acknowledged when every start it leads to is. What fails in between is tried again, later
//!   and later, without holding up other events. What can never work goes to `REJECTED` with its original bytes.
//! - **Never behind.** An event published after `apply` returned sees that version: definitions are looked at, at the
//!   leader of their bucket, after the event came in.
//! - **Never backwards.** Events older than a workflow's first trigger for their type do not start it, so that reading
//!   `EVENTS` anew (an operator deleted the consumer) starts nothing that was not to start.
//! - **Never round and round.** An event that too many executions led to starts nothing.
//!
//! Events also come from whatever operators map in (`sources`), and are checked and made new if something is said about their
//! type (`versions`).
//!
//! It never runs steps, never reads a log, and never waits for an execution.

mod bucket;
mod catalogue;
mod consumer;
mod definitions;
mod event;
mod handler;
mod incoming;
mod intake;
mod listener;
mod origin;
mod pattern;
mod run;
mod settings;
mod shape;
mod sources;
mod span;
mod versions;
mod waits;
mod wire;

pub use run::{Error, run};
pub use settings::{Flags, Settings};
pub use wire::execution_of;
