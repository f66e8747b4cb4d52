//! Spans that are told once they are over, with ids and times that are known from elsewhere: from the log.
//!
//! Nobody holds such a span while it lasts, be it days, and whoever folds its end tells of the whole of it. Told twice, it is
//! the same span.

use std::{
    borrow::Cow,
    sync::{Arc, OnceLock},
    time::{Duration, SystemTime},
};

use opentelemetry::{
    InstrumentationScope, KeyValue, Value,
    trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState},
};
use opentelemetry_sdk::trace::{Sampler, SpanData, SpanEvents, SpanLinks, SpanProcessor};
use sagaline_events::TraceContext;
use sagaline_model::Moment;

use super::{queue::Queue, sampler};

/// A span that is over.
#[derive(Clone, Debug, PartialEq)]
pub struct PastSpan {
    pub name: Cow<'static, str>,
    /// Which span it is.
    pub context: TraceContext,
    /// The span that it is part of.
    pub parent: Option<u64>,
    /// Whether a message began it, rather than whoever its parent speaks of.
    pub by_message: bool,
    pub from: Moment,
    pub to: Moment,
    /// What went wrong, if something did.
    pub error: Option<String>,
    /// Named as in the log.
    pub fields: Vec<(&'static str, Value)>,
}

/// Where spans go, and which.
#[derive(Debug)]
struct Collector {
    queue: Queue,
    sampler: Arc<Sampler>,
}

static COLLECTOR: OnceLock<Collector> = OnceLock::new();

/// From now on spans go to `queue`. A process has one collector: a second one changes nothing.
pub(super) fn send_to(queue: Queue, sampler: Arc<Sampler>) {
    if COLLECTOR.set(Collector { queue, sampler }).is_err() {
        tracing::debug!("this process has a collector already; it keeps it");
    }
}

/// Whether anybody takes spans. Without, nothing need be made ready for them.
pub fn is_traced() -> bool {
    COLLECTOR.get().is_some()
}

/// Whether spans of this trace are kept: as the sampler has it, given what the trace says of itself if it came from outside.
pub fn keeps_trace(trace: u128, said: Option<bool>) -> bool {
    COLLECTOR.get().is_some_and(|collector| sampler::keeps(&collector.sampler, trace, said))
}

/// Hands a span over, or drops it where too many wait. It never waits.
pub fn tell_span(span: PastSpan) {
    if let Some(collector) = COLLECTOR.get()
        && span.context.sampled
    {
        collector.queue.on_end(data(span));
    }
}

fn data(span: PastSpan) -> SpanData {
    let PastSpan { name, context, parent, by_message, from, to, error, fields } = span;
    let flags = TraceFlags::default().with_sampled(context.sampled);
    let (trace, own) = (TraceId::from(context.trace), SpanId::from(context.span));
    SpanData {
        span_context: SpanContext::new(trace, own, flags, false, TraceState::default()),
        parent_span_id: parent.map_or(SpanId::INVALID, SpanId::from),
        parent_span_is_remote: by_message,
        span_kind: if by_message { SpanKind::Consumer } else { SpanKind::Internal },
        name,
        start_time: time_of(from),
        // An end before its begin would be drawn as one of centuries.
        end_time: time_of(to.max(from)),
        attributes: fields.into_iter().map(|(key, value)| KeyValue::new(key, value)).collect(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: error.map_or(Status::Unset, Status::error),
        instrumentation_scope: InstrumentationScope::builder("sagaline").build(),
    }
}

fn time_of(moment: Moment) -> SystemTime {
    // The log knows no times before 1970.
    SystemTime::UNIX_EPOCH + Duration::from_nanos(u64::try_from(moment.as_nanos()).unwrap_or(0))
}
