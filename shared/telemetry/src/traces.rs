//! Spans that leave the process: to an OTLP collector, and from message to message as W3C trace context.
//!
//! Without a collector nothing of this exists. Traces are for looking, not for truth: what cannot be sent in time is dropped.

mod past;
mod post;
mod queue;
mod sampler;

use std::{env, sync::Arc, time::Duration};

use opentelemetry::{
    Context, KeyValue,
    propagation::{Extractor, Injector, TextMapPropagator},
    trace::{Status, TracerProvider},
};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    trace::{Sampler, SdkTracerProvider},
};
use tracing::{Level, Metadata, Span, subscriber::Interest};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{
    Layer, Registry,
    layer::{Context as LayerContext, Filter},
};

use crate::{StartError, TelemetrySettings, logs};

pub use opentelemetry::Value as FieldValue;
pub use past::{PastSpan, is_traced, keeps_trace, tell_span};
use post::Post;
use queue::Queue;

/// One batch, repeats included; what the specification of OTLP says.
const EXPORT_WITHIN: Duration = Duration::from_secs(10);
/// A process that drains has its own grace period, of which this is the end.
const FLUSH_WITHIN: Duration = Duration::from_secs(5);

/// The batches of spans on their way to a collector.
#[derive(Debug)]
pub(crate) struct Export {
    endpoint: String,
    provider: SdkTracerProvider,
    queue: Queue,
    sampler: Arc<Sampler>,
}

impl Export {
    /// Nothing if neither the settings nor the environment name a collector.
    pub(crate) fn from_settings(settings: &TelemetrySettings) -> Result<Option<Self>, StartError> {
        let Some(endpoint) = endpoint(settings.otlp.as_deref(), |name| env::var(name).ok()) else { return Ok(None) };
        let sampler = sampler::from_environment(|name| env::var(name).ok()).map_err(StartError::Sampler)?;
        let refused = |why: String| StartError::Collector { endpoint: endpoint.clone(), why };
        let post = Post::to(&endpoint, EXPORT_WITHIN).map_err(|error| refused(error.to_string()))?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(post)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(&endpoint)
            .with_timeout(EXPORT_WITHIN)
            .build()
            .map_err(|error| refused(error.to_string()))?;
        let resource = Resource::builder()
            .with_service_name(settings.service.clone())
            .with_attribute(KeyValue::new("service.namespace", settings.namespace.clone()))
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let queue = Queue::new(exporter, &resource);
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_sampler(sampler.clone())
            .with_span_processor(queue.clone())
            .build();
        Ok(Some(Self { endpoint, provider, queue, sampler: Arc::new(sampler) }))
    }

    /// Spans that are told of by [`tell_span`] go here too.
    pub(crate) fn begin(&self) {
        tracing::info!(endpoint = self.endpoint, "spans go to this collector");
        past::send_to(self.queue.clone(), Arc::clone(&self.sampler));
    }

    pub(crate) fn layer(&self) -> logs::Boxed {
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer("sagaline"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_filter(Info)
            .boxed()
    }

    /// Sends what is not yet sent.
    pub(crate) async fn flush(self) {
        // The SDK waits for its thread by blocking.
        let flushed = tokio::task::spawn_blocking(move || self.provider.shutdown_with_timeout(FLUSH_WITHIN)).await;
        match flushed {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last spans could not be sent"),
            Err(error) => tracing::warn!(%error, "the last spans could not be sent"),
        }
    }
}

/// Traces have no level of their own: what is told at `info` belongs into them, whatever is logged. It gives no hint of that level,
/// because where two layers are joined to one, the hint of the outer would silence the inner.
struct Info;

impl Filter<Registry> for Info {
    fn enabled(&self, metadata: &Metadata<'_>, _context: &LayerContext<'_, Registry>) -> bool {
        *metadata.level() <= Level::INFO
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if *metadata.level() <= Level::INFO { Interest::always() } else { Interest::never() }
    }
}

/// Where spans go: the settings first, then the environment. Only the variable for traces names the whole path.
fn endpoint(setting: Option<&str>, variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let some = |text: String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let with_path = |base: String| match base.trim_end_matches('/') {
        whole if whole.ends_with("/v1/traces") => whole.to_owned(),
        base => format!("{base}/v1/traces"),
    };
    let setting = setting.map(str::to_owned).and_then(some).map(with_path);
    setting
        .or_else(|| variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").and_then(some))
        .or_else(|| variable("OTEL_EXPORTER_OTLP_ENDPOINT").and_then(some).map(with_path))
}

/// The W3C `traceparent` of the span that the caller is in. Nothing without a collector: who hands a message on then hands on the
/// `traceparent` that came with it.
pub fn current_traceparent() -> Option<String> {
    let mut carried = Carried(None);
    TraceContextPropagator::new().inject_context(&Span::current().context(), &mut carried);
    carried.0
}

/// Makes `span` a child of the span that `traceparent` names. Call it before the span is entered. What is no `traceparent` changes
/// nothing: it came from outside, and the work goes on in a trace of its own.
pub fn set_parent(span: &Span, traceparent: &str) {
    let carried = Carried(Some(traceparent.to_owned()));
    let parent = TraceContextPropagator::new().extract_with_context(&Context::new(), &carried);
    if let Err(error) = span.set_parent(parent) {
        tracing::trace!(%error, traceparent, "a span keeps the parent it has");
    }
}

/// What a collector shows of `span` beside the fields that the log has: its name, and more fields.
pub fn describe_span(span: &Span, name: &str, fields: impl IntoIterator<Item = (&'static str, FieldValue)>) {
    if is_traced() {
        span.set_attribute(queue::NAME, name.to_owned());
        fields.into_iter().for_each(|(key, value)| span.set_attribute(key, value));
    }
}

/// What `span` is about has failed.
pub fn fail_span(span: &Span, why: String) {
    span.set_status(Status::error(why));
}

/// The one header in which a trace travels.
struct Carried(Option<String>);

const TRACEPARENT: &str = "traceparent";

impl Injector for Carried {
    fn set(&mut self, key: &str, value: String) {
        if key == TRACEPARENT {
            self.0 = Some(value);
        }
    }
}

impl Extractor for Carried {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.as_deref().filter(|_| key == TRACEPARENT)
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_come_before_the_environment() {
        let environment = |name: &str| match name {
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" => Some("http://traces:1/as/it/is".to_owned()),
            _ => Some("http://all:2".to_owned()),
        };
        assert_eq!(endpoint(Some("http://here:4318/"), environment).as_deref(), Some("http://here:4318/v1/traces"));
        assert_eq!(endpoint(None, environment).as_deref(), Some("http://traces:1/as/it/is"));
        assert_eq!(endpoint(Some(" "), |_| Some(String::new())), None);
    }

    #[test]
    fn the_path_is_added_where_only_the_collector_is_named() {
        let general = |name: &str| (name == "OTEL_EXPORTER_OTLP_ENDPOINT").then(|| "http://all:2/otlp".to_owned());
        assert_eq!(endpoint(None, general).as_deref(), Some("http://all:2/otlp/v1/traces"));
        let whole = "http://here:4318/v1/traces";
        assert_eq!(endpoint(Some(whole), general).as_deref(), Some(whole));
    }

    #[test]
    fn without_a_collector_there_is_no_trace() {
        let span = tracing::info_span!("step");
        set_parent(&span, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        assert_eq!(span.in_scope(current_traceparent), None);
    }
}
