//! The span of a start that an event caused: what the execution's own span hangs on to.

use std::time::SystemTime;

use sagaline_events::{
    Envelope, TraceContext,
    trace::{span_of_trigger, trace_of},
};
use sagaline_model::Moment;
use sagaline_telemetry::traces::{PastSpan, is_traced, keeps_trace, tell_span};

use crate::{event::Received, handler::Meant};

/// Its id comes from the execution's, so that an event that is handled again speaks of the same span.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TriggerSpan {
    context: TraceContext,
    parent: Option<u64>,
}

impl TriggerSpan {
    /// Given what the event came with. Nothing without a collector.
    pub(crate) fn of(namespace: &str, execution: &str, given: Option<&str>) -> Option<Self> {
        if !is_traced() {
            return None;
        }
        let given: Option<TraceContext> = given.and_then(|traceparent| traceparent.parse().ok());
        let trace = given.map_or_else(|| trace_of(namespace, execution), |given| given.trace);
        let sampled = keeps_trace(trace, given.map(|given| given.sampled));
        let context = TraceContext { trace, span: span_of_trigger(execution), sampled };
        Some(Self { context, parent: given.map(|given| given.span) })
    }

    /// What the start carries.
    pub(crate) fn traceparent(&self) -> String {
        self.context.to_string()
    }

    /// The start is stored; or it never will be, and this is why.
    pub(crate) fn tell(&self, meant: &Meant, event: &Envelope, received: &Received, error: Option<String>) {
        tell_span(PastSpan {
            name: format!("trigger {}", meant.workflow).into(),
            context: self.context,
            parent: self.parent,
            by_message: true,
            from: received.stored,
            to: now(),
            error,
            fields: vec![
                ("execution", meant.execution.to_string().into()),
                ("workflow", meant.workflow.to_string().into()),
                ("version", i64::from(meant.version).into()),
                ("event", event.id.clone().into()),
                ("source", event.source.clone().into()),
                ("type", event.kind.clone().into()),
            ],
        });
    }
}

fn now() -> Moment {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Moment::from_nanos(i64::try_from(since_1970.as_nanos()).unwrap_or(i64::MAX))
}
