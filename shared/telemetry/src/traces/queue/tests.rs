use std::sync::{Mutex, PoisonError, mpsc};

use opentelemetry::{
    InstrumentationScope, KeyValue,
    trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState},
};
use opentelemetry_sdk::trace::{SpanEvents, SpanLinks};

use super::*;

/// Says that a batch has come, and takes it only when it is let.
#[derive(Debug)]
struct Gate {
    came: mpsc::Sender<()>,
    open: Mutex<mpsc::Receiver<()>>,
    names: Arc<Mutex<Vec<String>>>,
}

impl SpanExporter for Gate {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.came.send(()).expect("the test listens");
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.recv().expect("the test opens it");
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.extend(batch.into_iter().map(|span| span.name.into_owned()));
        Ok(())
    }
}

fn span(name: &'static str, flags: TraceFlags) -> SpanData {
    SpanData {
        span_context: SpanContext::new(TraceId::from(1), SpanId::from(2), flags, false, TraceState::default()),
        parent_span_id: SpanId::INVALID,
        parent_span_is_remote: false,
        span_kind: SpanKind::Internal,
        name: "constant".into(),
        start_time: std::time::SystemTime::UNIX_EPOCH,
        end_time: std::time::SystemTime::UNIX_EPOCH,
        attributes: vec![KeyValue::new("step", "charge"), KeyValue::new(NAME, name)],
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: InstrumentationScope::default(),
    }
}

/// One test for all of it: the counters are the process's.
#[test]
fn what_does_not_fit_is_dropped_at_once_and_counted() {
    let ((open, gate), (came, coming)) = (mpsc::channel(), mpsc::channel());
    let names = Arc::new(Mutex::new(vec![]));
    let exporter = Gate { came, open: Mutex::new(gate), names: names.clone() };
    let queue = Queue::of_size(3, exporter, &Resource::builder_empty().build());
    for name in ["a", "b", "c"] {
        queue.on_end(span(name, TraceFlags::SAMPLED));
    }
    // The first three are on their way, and the way is blocked.
    coming.recv_timeout(Duration::from_secs(20)).expect("a full batch goes at once");
    for name in ["d", "e", "f", "too much", "too much"] {
        queue.on_end(span(name, TraceFlags::SAMPLED));
    }
    queue.on_end(span("of a trace that is not kept", TraceFlags::default()));
    for _ in 0..2 {
        open.send(()).expect("it waits");
    }
    queue.shutdown_with_timeout(Duration::from_secs(20)).expect("it ends");
    assert_eq!(*names.lock().unwrap_or_else(PoisonError::into_inner), ["a", "b", "c", "d", "e", "f"]);
    let served = crate::metrics::render();
    for line in ["sagaline_spans_dropped_total{reason=\"queue_full\"} 2\n", "sagaline_spans_sent_total 6\n"] {
        assert!(served.contains(line), "{line}{served}");
    }
}
