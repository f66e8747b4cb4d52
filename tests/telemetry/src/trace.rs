//! The spans of one execution, and the tree that they make.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
    trace::v1::{Span as Wire, span::SpanKind, status::StatusCode},
};

/// A span as the receiver got it, ids as hex.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    pub service: String,
    pub name: String,
    pub trace: String,
    pub id: String,
    /// Empty for a root.
    pub parent: String,
    /// In nanoseconds since 1970.
    pub from: u64,
    pub to: u64,
    pub by_message: bool,
    pub error: Option<String>,
    pub fields: BTreeMap<String, String>,
}

impl Span {
    pub fn all_of(batch: ExportTraceServiceRequest) -> Vec<Self> {
        let of_resource = batch.resource_spans.into_iter().flat_map(|of| {
            let resource = texts(of.resource.map(|resource| resource.attributes).unwrap_or_default());
            let service = resource.get("service.name").cloned().unwrap_or_default();
            let spans = of.scope_spans.into_iter().flat_map(|scope| scope.spans);
            spans.map(|span| Self::read(&service, span)).collect::<Vec<_>>()
        });
        of_resource.collect()
    }

    fn read(service: &str, span: Wire) -> Self {
        let failed = span.status.filter(|status| status.code == StatusCode::Error as i32);
        Self {
            service: service.to_owned(),
            name: span.name,
            trace: hex(&span.trace_id),
            id: hex(&span.span_id),
            parent: hex(&span.parent_span_id),
            from: span.start_time_unix_nano,
            to: span.end_time_unix_nano,
            by_message: span.kind == SpanKind::Consumer as i32,
            error: failed.map(|status| status.message),
            fields: texts(span.attributes),
        }
    }

    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    /// What the execution, a step or an attempt is called in the tree.
    fn label(&self) -> String {
        let attempt = self.field("activity").and(self.field("attempt"));
        attempt.map_or_else(|| self.name.clone(), |attempt| format!("{} {attempt}", self.name))
    }
}

/// All spans of one execution, and those of the same trace that they hang on to.
#[derive(Clone, Debug)]
pub struct Trace {
    pub execution: String,
    /// By id: what was told twice is one.
    pub spans: BTreeMap<String, Span>,
    /// Those that were told twice, and not the same way.
    pub contradictions: Vec<Span>,
}

impl Trace {
    pub fn of(execution: &str, all: &[Span]) -> Self {
        let mut trace = Self { execution: execution.to_owned(), spans: BTreeMap::new(), contradictions: vec![] };
        for span in all.iter().filter(|span| span.field("execution") == Some(execution)) {
            if let Some(before) = trace.spans.insert(span.id.clone(), span.clone())
                && before != *span
            {
                trace.contradictions.push(before);
            }
        }
        trace
    }

    /// The span of this name; of several the first.
    #[track_caller]
    pub fn named(&self, name: &str) -> &Span {
        let found = self.spans.values().filter(|span| span.name == name).min_by_key(|span| span.from);
        found.unwrap_or_else(|| panic!("no span `{name}`:\n{self}"))
    }

    pub fn services(&self) -> BTreeSet<&str> {
        self.spans.values().map(|span| span.service.as_str()).collect()
    }

    pub fn trace_ids(&self) -> BTreeSet<&str> {
        self.spans.values().map(|span| span.trace.as_str()).collect()
    }

    /// Spans whose parent is not there, but for `outside`.
    pub fn orphans(&self, outside: &str) -> Vec<&Span> {
        let is_orphan = |span: &&Span| span.parent != outside && !self.spans.contains_key(&span.parent);
        self.spans.values().filter(is_orphan).collect()
    }

    /// Spans that began before their parent did; and those that ended after it, where the parent waits for them.
    pub fn misplaced(&self) -> Vec<&Span> {
        let is_misplaced = |span: &&Span| {
            let Some(parent) = self.spans.get(&span.parent) else { return false };
            // A trigger does not wait for what it starts.
            let waits = !parent.name.starts_with("trigger ");
            span.from < parent.from || span.to < span.from || waits && span.to > parent.to
        };
        self.spans.values().filter(is_misplaced).collect()
    }

    /// The tree as text, children in the order in which they began: `order(charge(fail 1, fail 2), ship(noop 1))`.
    pub fn shape(&self) -> String {
        let roots = self.spans.values().filter(|span| !self.spans.contains_key(&span.parent));
        self.shape_of(roots.collect())
    }

    fn shape_of(&self, mut spans: Vec<&Span>) -> String {
        spans.sort_by_key(|span| (span.from, span.label()));
        let one = |span: &&Span| {
            let children: Vec<&Span> = self.spans.values().filter(|child| child.parent == span.id).collect();
            let inside = if children.is_empty() { String::new() } else { format!("({})", self.shape_of(children)) };
            span.label() + &inside
        };
        spans.iter().map(one).collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.execution, self.shape())?;
        self.spans.values().try_for_each(|span| writeln!(f, "  {span:?}"))
    }
}

fn texts(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |attribute: KeyValue| {
        let value = match attribute.value?.value? {
            Value::StringValue(text) => text,
            Value::IntValue(number) => number.to_string(),
            Value::BoolValue(flag) => flag.to_string(),
            other => format!("{other:?}"),
        };
        Some((attribute.key, value))
    };
    attributes.into_iter().filter_map(text).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
