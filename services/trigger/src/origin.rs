//! Where events come from: `EVENTS`, or whatever the operator maps in.

use std::{sync::Arc, time::Duration};

use async_nats::jetstream::{
    context::GetStreamErrorKind,
    stream::{Config, DiscardPolicy},
};
use sagaline_broker::{
    names::{Names, Stream},
    nats::Connection,
};
use sagaline_model::{EventSource, Moment, Name};

use crate::{handler::Trouble, shape::Shape};

/// What a stream of ours may hold that captures a subject. As with `EVENTS`, who publishes is refused when it is full.
const CAPTURED_MAX_BYTES: i64 = 256 * 1024 * 1024;
const CAPTURED_MAX_AGE: Duration = Duration::from_secs(24 * 3600);

/// A stream that events are read from, by all replicas through one consumer.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) stream: String,
    pub(crate) consumer: String,
    /// Which of the stream's messages; all without it.
    pub(crate) filter: Option<String>,
    /// Nothing is read that was stored before.
    pub(crate) since: Option<Moment>,
    /// The subject that the stream is there to capture, if it is ours to make.
    pub(crate) captures: Option<String>,
    /// What is made of a message that is no CloudEvent; or why nothing can be.
    pub(crate) shape: Option<Result<Shape, String>>,
}

impl Origin {
    /// The stream of events itself.
    pub(crate) fn events(names: &Names) -> Arc<Self> {
        Arc::new(Self {
            stream: names.stream(Stream::Events),
            consumer: "trigger".to_owned(),
            filter: Some(names.event(">")),
            since: None,
            captures: None,
            shape: None,
        })
    }

    /// What an operator maps in, which was set at that time; or why that cannot be.
    pub(crate) fn mapped(names: &Names, name: &Name, source: &EventSource, set: Moment) -> Result<Arc<Self>, String> {
        let (stream, filter, captures) = match (&source.stream, &source.subject) {
            (Some(stream), filter) if !names.is_own_stream(stream) => (stream.clone(), filter.clone(), None),
            (Some(stream), _) => return Err(format!("`{stream}` is a stream of this installation's own")),
            (None, Some(subject)) if !names.is_own_subject(subject) => {
                (names.source_stream(name.as_str()), None, Some(subject.clone()))
            }
            (None, Some(subject)) => return Err(format!("`{subject}` is a subject of this installation's own")),
            (None, None) => return Err("it names neither a stream nor a subject".to_owned()),
        };
        let since = (!source.from_beginning && captures.is_none()).then_some(set);
        let shape = source.event.as_ref().map(Shape::compile);
        let consumer = names.source_consumer(name.as_str());
        Ok(Arc::new(Self { stream, consumer, filter, since, captures, shape }))
    }

    /// Makes the stream that captures a subject, unless it is there.
    pub(crate) async fn ensure_stream(&self, connection: &Connection) -> Result<(), Trouble> {
        let Some(subject) = &self.captures else { return Ok(()) };
        let trouble = |error: &dyn std::error::Error| {
            Trouble::new(&format!("capture `{subject}` in the stream `{}`", self.stream), error)
        };
        let jetstream = connection.jetstream();
        match jetstream.get_stream(&self.stream).await {
            Ok(stream) if stream.cached_info().config.subjects == [subject.as_str()] => return Ok(()),
            Ok(stream) => {
                let config = Config { subjects: vec![subject.clone()], ..stream.cached_info().config.clone() };
                return jetstream.update_stream(config).await.map(drop).map_err(|error| trouble(&error));
            }
            Err(error) if is_absent(&error.kind()) => {}
            Err(error) => return Err(trouble(&error)),
        }
        // It is kept as safely as the events themselves.
        let events = jetstream.get_stream(connection.names().stream(Stream::Events)).await;
        let events = events.map_err(|error| trouble(&error))?.cached_info().config.clone();
        let config = Config {
            name: self.stream.clone(),
            description: Some(format!("captures `{subject}`, a source of events")),
            subjects: vec![subject.clone()],
            max_bytes: CAPTURED_MAX_BYTES,
            max_age: CAPTURED_MAX_AGE,
            discard: DiscardPolicy::New,
            num_replicas: events.num_replicas,
            storage: events.storage,
            ..Config::default()
        };
        tracing::info!(stream = self.stream, subject, "making a stream that captures a subject");
        jetstream.get_or_create_stream(config).await.map(drop).map_err(|error| trouble(&error))
    }
}

fn is_absent(kind: &GetStreamErrorKind) -> bool {
    matches!(kind, GetStreamErrorKind::JetStream(error) if error.error_code() == async_nats::jetstream::ErrorCode::STREAM_NOT_FOUND)
}
