//! Who hears what a worker does: metrics, traces, witnesses of tests.

use std::time::Duration;

use sagaline_broker::nats::worker::PullerState;
use sagaline_events::Task;
use sagaline_model::{ActivityName, Name};
use tracing::Span;

/// Hears what a worker does. It is called on the worker's own threads: it must be quick.
#[expect(unused_variables, reason = "who overrides a method sees what its arguments are")]
pub trait Observer: Send + Sync + 'static {
    /// An attempt begins when this returns.
    fn begins(&self, task: &Task) {}

    /// An attempt ended, in whichever way: by itself, by a panic, broken off.
    fn ended(&self, task: &Task, took: Duration) {}

    /// An owner was asked whether a task is still wanted, and this was the answer.
    fn asked(&self, wanted: bool) {}

    /// Whether the tasks of a queue and activity can be pulled has changed.
    fn pulling(&self, queue: &Name, activity: &ActivityName, state: &PullerState) {}

    /// An attempt will run in `span`, on this worker; its task came with this W3C trace context, if with any. What is returned
    /// takes its place for the activity: the context of the span itself.
    fn traced(&self, span: &Span, task: &Task, worker: &str, traceparent: Option<&str>) -> Option<String> {
        None
    }

    /// The attempt that ran in `span` failed, or was broken off.
    fn failed(&self, span: &Span, why: &str) {}

    /// A worker that runs everything twice found that the second run of an attempt ended otherwise than the first.
    fn differed(&self, task: &Task) {}
}

/// Hears nothing.
impl Observer for () {}
