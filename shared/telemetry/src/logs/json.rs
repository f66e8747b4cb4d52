//! One JSON object a line. The fields of the spans around an event and its own are fields of the object itself, the inner ones winning:
//! whoever looks for an `execution` need not know which span carried it.

use std::{
    fmt,
    io::Write,
    sync::{Arc, OnceLock},
};

use opentelemetry::trace::TraceContextExt;
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value};
use tracing::{
    Event, Subscriber,
    dispatcher::{Dispatch, WeakDispatch},
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    Layer,
    fmt::{
        MakeWriter,
        format::Writer,
        time::{FormatTime, SystemTime},
    },
    layer::Context,
    registry::LookupSpan,
};

/// What the line itself says; a field of one of these names is written with `field.` before it.
const OWN: [&str; 3] = ["timestamp", "level", "target"];
/// The fields by which people search come first.
const FIRST: [&str; 6] = ["execution", "workflow", "step", "attempt", "trace_id", "span_id"];

pub(super) struct JsonLines<W> {
    /// Overridden by a field of that name: where several services share a process, their spans say which one speaks.
    service: Arc<str>,
    namespace: Arc<str>,
    writer: W,
    /// To ask for the trace of a span.
    dispatch: OnceLock<WeakDispatch>,
}

impl<W> JsonLines<W> {
    pub(super) fn new(service: &str, namespace: &str, writer: W) -> Self {
        Self { service: service.into(), namespace: namespace.into(), writer, dispatch: OnceLock::new() }
    }

    fn add_trace(&self, span: &Id, fields: &mut Fields) {
        let dispatch = self.dispatch.get().and_then(WeakDispatch::upgrade);
        let context = dispatch.and_then(|dispatch| tracing_opentelemetry::get_otel_context(span, &dispatch));
        if let Some(context) = context.filter(TraceContextExt::has_active_span) {
            let (trace, span) = (context.span().span_context().trace_id(), context.span().span_context().span_id());
            fields.0.insert("trace_id".to_owned(), trace.to_string().into());
            fields.0.insert("span_id".to_owned(), span.to_string().into());
        }
    }
}

impl<S, W> Layer<S> for JsonLines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
    fn on_register_dispatch(&self, subscriber: &Dispatch) {
        self.dispatch.get_or_init(|| subscriber.downgrade());
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(of_span) = span.extensions().get::<Fields>() {
                fields.0.extend(of_span.0.clone());
            }
        }
        if let Some(span) = context.event_span(event) {
            self.add_trace(&span.id(), &mut fields);
        }
        event.record(&mut fields);
        let mut line = Line::of(self, event, fields).to_bytes();
        line.push(b'\n');
        // Where standard error is closed there is nobody left to tell, and no reason to stop working.
        self.writer.make_writer_for(event.metadata()).write_all(&line).ok();
    }
}

/// The fields of a span or of an event.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn insert(&mut self, field: &Field, value: impl Into<Value>) {
        let name = field.name();
        let name = name.strip_prefix("r#").unwrap_or(name);
        let name = if OWN.contains(&name) { format!("field.{name}") } else { name.to_owned() };
        self.0.insert(name, value.into());
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.insert(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.insert(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.insert(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.insert(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.insert(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.insert(field, format!("{value:?}"));
    }
}

/// A line, its fields in the order in which they are read best.
struct Line {
    entries: Vec<(String, Value)>,
}

impl Line {
    fn of<W>(log: &JsonLines<W>, event: &Event<'_>, Fields(mut fields): Fields) -> Self {
        let metadata = event.metadata();
        let mut entries = vec![
            ("timestamp".to_owned(), now().into()),
            ("level".to_owned(), metadata.level().to_string().to_lowercase().into()),
        ];
        let mut entry = |name: &str, default: Option<&str>| {
            let value = fields.remove(name).or_else(|| default.map(Value::from));
            entries.extend(value.map(|value| (name.to_owned(), value)));
        };
        entry("service", Some(&log.service));
        entry("namespace", Some(&log.namespace));
        entry("target", Some(metadata.target()));
        entry("message", None);
        for name in FIRST {
            entry(name, None);
        }
        entries.extend(fields);
        Self { entries }
    }

    fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("its keys are strings and its values are JSON")
    }
}

impl Serialize for Line {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(Some(self.entries.len()))?;
        for (name, value) in &self.entries {
            object.serialize_entry(name, value)?;
        }
        object.end()
    }
}

fn now() -> String {
    let mut text = String::new();
    SystemTime.format_time(&mut Writer::new(&mut text)).expect("a string takes whatever is written");
    text
}

#[cfg(test)]
mod tests;
