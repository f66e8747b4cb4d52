//! The spans that wait to be sent: a bounded number of them, and a count of what did not fit.
//!
//! Handing a span over never waits. A thread of the SDK's takes them in batches and sends them.

use std::{
    env,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use metrics::Counter;
use opentelemetry::Context;
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{BatchConfigBuilder, BatchSpanProcessor, Span, SpanData, SpanExporter, SpanProcessor},
};

use crate::metrics::{spans_dropped, spans_sent};

/// So many spans may wait: some seconds of a busy service, and about ten megabytes if the collector is away.
const LIMIT: usize = 8192;
const LIMIT_VARIABLE: &str = "OTEL_BSP_MAX_QUEUE_SIZE";

/// `tracing` names spans by constants. This attribute is the name of one that has a better one.
pub(super) const NAME: &str = "otel.name";

/// Clones are the same queue.
#[derive(Clone, Debug)]
pub(super) struct Queue(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    batches: BatchSpanProcessor,
    limit: usize,
    waiting: Arc<AtomicUsize>,
    full: Counter,
}

impl Queue {
    pub(super) fn new(exporter: impl SpanExporter + 'static, resource: &Resource) -> Self {
        let set = env::var(LIMIT_VARIABLE).ok().and_then(|text| text.trim().parse().ok());
        Self::of_size(set.filter(|size| *size > 0).unwrap_or(LIMIT), exporter, resource)
    }

    fn of_size(limit: usize, exporter: impl SpanExporter + 'static, resource: &Resource) -> Self {
        let waiting = Arc::new(AtomicUsize::new(0));
        let counted =
            Counted { exporter, waiting: waiting.clone(), sent: spans_sent(), refused: spans_dropped("not_taken") };
        let config = BatchConfigBuilder::default().with_max_queue_size(limit).build();
        let mut batches = BatchSpanProcessor::builder(counted).with_batch_config(config).build();
        batches.set_resource(resource);
        Self(Arc::new(Inner { batches, limit, waiting, full: spans_dropped("queue_full") }))
    }
}

impl SpanProcessor for Queue {
    fn on_start(&self, _span: &mut Span, _context: &Context) {}

    fn on_end(&self, mut span: SpanData) {
        if !span.span_context.is_sampled() {
            return;
        }
        let Inner { batches, limit, waiting, full } = &*self.0;
        // Fewer than that are in the SDK's own queue, so that it never drops one unseen.
        if waiting.fetch_add(1, Ordering::Relaxed) >= *limit {
            waiting.fetch_sub(1, Ordering::Relaxed);
            full.increment(1);
            return;
        }
        if let Some(place) = span.attributes.iter().position(|attribute| attribute.key.as_str() == NAME) {
            span.name = span.attributes.swap_remove(place).value.to_string().into();
        }
        batches.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.batches.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.batches.shutdown_with_timeout(timeout)
    }
}

/// Sends, and counts what became of it.
#[derive(Debug)]
struct Counted<E> {
    exporter: E,
    waiting: Arc<AtomicUsize>,
    sent: Counter,
    refused: Counter,
}

impl<E: SpanExporter> SpanExporter for Counted<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len();
        self.waiting.fetch_sub(count, Ordering::Relaxed);
        let sent = self.exporter.export(batch).await;
        let counter = if sent.is_ok() { &self.sent } else { &self.refused };
        counter.increment(count as u64);
        sent
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

#[cfg(test)]
mod tests;
