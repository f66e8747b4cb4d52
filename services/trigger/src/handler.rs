//! What is done with one event: read, match, start, tell. Safe to do any number of times, on any replica.

mod gather;
mod job;
mod signal;
mod waits;

use std::{
    error::Error,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use sagaline_broker::{
    names::LogKind,
    nats::{Connection, PayloadError, PayloadOf, Payloads, room::Gate},
    ports::{Bucket, Message, Outcome},
    room::Fill,
};
use sagaline_events::{Envelope, hops};
use sagaline_model::{ExecutionId, Name, partition_of};
use sagaline_telemetry::metrics;
use serde_json::{Map, Value};
use tokio::{sync::watch, time::sleep};

use crate::{
    catalogue::Listening,
    definitions::Definitions,
    event::Received,
    incoming::Incoming,
    listener::{self, Verdict},
    span::TriggerSpan,
    versions::Versions,
    wire::{Rejection, Wire, execution_of},
};

/// Another replica is writing the same start: its check is over in a round trip.
const CONTENDED_PAUSE: Duration = Duration::from_millis(20);
const CONTENDED_TRIES: u32 = 10;
/// How often it is said that there is no room.
const SAY_EVERY: Duration = Duration::from_secs(60);

/// Something that may work later.
#[derive(Clone, Debug)]
pub(crate) struct Trouble(pub(crate) String);

/// Why an event comes again.
#[derive(Debug)]
pub(crate) enum Later {
    Trouble(Trouble),
    /// Its start would lead to a stream that is too full.
    NoRoom(Fill),
}

impl From<Trouble> for Later {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

/// An execution that an event is meant to start, or to be told to.
pub(crate) struct Meant {
    /// The workflow whose trigger this is.
    pub(crate) workflow: Name,
    pub(crate) version: u32,
    pub(crate) execution: ExecutionId,
    /// The signal that it is told, if it is not started.
    pub(crate) signal: Option<Name>,
    /// What its start carries.
    pub(crate) traceparent: Option<String>,
    /// Where a collector takes spans.
    pub(crate) span: Option<TriggerSpan>,
}

/// How a publish ended, for good.
enum Stored {
    Now,
    /// Something was there already.
    Before,
    Never(String),
}

/// Handles any number of events at once.
pub(crate) struct Handler {
    connection: Connection,
    definitions: Definitions,
    incoming: watch::Receiver<Arc<Incoming>>,
    payloads: Payloads,
    wire: Wire,
    partitions: u32,
    /// Events that more executions led to than these are part of a loop.
    hops_max: u32,
    gate: Gate,
    /// When it was last said that there is no room.
    no_room_said: Mutex<Option<Instant>>,
}

/// An event and what it says, while its starts are made.
struct Cause<'a> {
    received: &'a Received,
    event: &'a Envelope,
    scope: Map<String, Value>,
    /// The event as its executions get it, but for what is too large for their starts.
    trigger: Value,
}

impl Handler {
    pub(crate) fn new(
        connection: Connection,
        definitions: Definitions,
        incoming: watch::Receiver<Arc<Incoming>>,
        payloads: Payloads,
        wire: Wire,
        partitions: u32,
        hops_max: u32,
    ) -> Self {
        let gate = Gate::new(connection.clone());
        Self {
            connection,
            definitions,
            incoming,
            payloads,
            wire,
            partitions,
            hops_max,
            gate,
            no_room_said: Mutex::default(),
        }
    }

    /// Everything that the event leads to is stored when this is done; otherwise it has to be done again.
    pub(crate) async fn handle(&self, received: &Received) -> Result<(), Later> {
        let event = match received.envelope() {
            Ok(event) => event,
            Err(why) => {
                let rejection = Rejection { reason: "not_a_cloudevent", why: &why, event: None, meant: None };
                return Ok(self.reject(received, &rejection).await?);
            }
        };
        if event.kind == job::SUBMIT {
            return self.submit_job(received, &event).await;
        }
        let index = self.definitions.current().await?;
        let mut listening = index.listening(&event.kind, received.stored);
        let waits: Vec<_> = index.waits(&event.kind).collect();
        let versions = self.incoming.borrow().types.get(&event.kind).cloned();
        // One of a type of which something is known is looked at even if nobody wants it: whoever sends such events is to hear of it.
        if listening.is_empty() && waits.is_empty() && versions.is_none() {
            tracing::debug!(
                id = event.id,
                source = event.source,
                kind = event.kind,
                "no workflow listens to this event"
            );
            return Ok(());
        }
        if self.hops_max < hops::of_event(&event) && !listening.is_empty() {
            let why = going_round(&event, &listening, self.hops_max);
            let rejection = Rejection { reason: "loop", why: &why, event: Some(&event), meant: None };
            self.reject(received, &rejection).await?;
            // Who waits for it starts nothing by that.
            listening.clear();
        }
        let cause = match self.cause(received, &event, versions.as_deref()).await? {
            Ok(cause) => cause,
            Err((reason, why)) => {
                let rejection = Rejection { reason, why: &why, event: Some(&event), meant: None };
                return Ok(self.reject(received, &rejection).await?);
            }
        };
        let served = listening.into_iter().map(|listening| self.serve(listening, &cause));
        let passed = waits.into_iter().map(|wait| self.pass_on(wait, &cause));
        let (served, passed) = futures::join!(futures::future::join_all(served), futures::future::join_all(passed));
        // All of them are tried, whatever becomes of the others.
        served.into_iter().chain(passed).collect()
    }

    /// The event with whatever large payloads it refers to, in its newest version, and as it travels on; or why it cannot be had.
    async fn cause<'a>(
        &self,
        received: &'a Received,
        event: &'a Envelope,
        versions: Option<&Versions>,
    ) -> Result<Result<Cause<'a>, (&'static str, String)>, Trouble> {
        // A payload goes with the execution that it was stored for, so each execution gets what the event refers to anew.
        let trigger = match self.payloads.resolve(event.to_json()).await {
            Ok(whole) => whole,
            Err(fault) => return never(fault).map(|why| Err(("payload", why))),
        };
        let trigger = match versions.map(|versions| versions.upgrade(trigger.clone())) {
            None => trigger,
            Some(Ok(newest)) => newest,
            Some(Err(why)) => return Ok(Err(("bad_event", format!("an event of type `{}`: {why}", event.kind)))),
        };
        Ok(Ok(Cause { received, event, scope: listener::scope(trigger.clone()), trigger }))
    }

    /// The first of a workflow's triggers that means the event starts it; whoever is to be told is told by every trigger.
    async fn serve(&self, listening: &Listening, cause: &Cause<'_>) -> Result<(), Later> {
        let mut starts = None;
        let mut done = Ok(());
        for listener in &listening.listeners {
            if listener.starts() && starts.is_some() {
                continue;
            }
            match listener.hears(cause.event, &cause.scope) {
                Verdict::Pass => {}
                Verdict::Start(input) => starts = Some((listener, Ok(input))),
                Verdict::Fault(why) if listener.starts() => starts = Some((listener, Err(why))),
                Verdict::Signal(signal) => done = done.and(self.signal(listening, signal, cause).await),
                Verdict::Fault(why) => {
                    let rejection =
                        Rejection { reason: "trigger_fault", why: &why, event: Some(cause.event), meant: None };
                    done = done.and(self.reject(cause.received, &rejection).await.map_err(Later::from));
                }
            }
        }
        match starts {
            Some((listener, Ok(input))) if listener.gathers.is_some() => {
                self.gather(listening, listener, input, cause).await.and(done)
            }
            Some((_, input)) => self.begin(listening, input, cause).await.and(done),
            None => done,
        }
    }

    async fn begin(&self, listening: &Listening, input: Result<Value, String>, cause: &Cause<'_>) -> Result<(), Later> {
        let execution = execution_of(&listening.workflow, &cause.event.source, &cause.event.id);
        let given = cause.received.traceparent(cause.event);
        let span = TriggerSpan::of(self.connection.names().namespace(), execution.as_str(), given.as_deref());
        let traceparent = span.map(|span| span.traceparent()).or(given);
        let meant = Meant {
            workflow: listening.workflow.clone(),
            version: listening.version,
            execution,
            signal: None,
            traceparent,
            span,
        };
        let started = match input {
            Ok(_) if cause.received.is_old() && self.was_started(&meant).await? => return Ok(()),
            Ok(input) => match listening.refuses(&input) {
                Some(why) => Err(("invalid_input", why)),
                None => {
                    self.find_room(&meant, &listening.queues).await?;
                    self.start(&meant, input, cause).await?
                }
            },
            Err(why) => Err(("trigger_fault", why)),
        };
        self.unless_done(started, &meant, cause).await
    }

    /// What cannot be done is set aside.
    async fn unless_done(
        &self,
        done: Result<(), (&'static str, String)>,
        meant: &Meant,
        cause: &Cause<'_>,
    ) -> Result<(), Later> {
        let Err((reason, why)) = done else { return Ok(()) };
        let rejection = Rejection { reason, why: &why, event: Some(cause.event), meant: Some(meant) };
        Ok(self.reject(cause.received, &rejection).await?)
    }

    /// Whether the execution is known though its start may have left the log, which gives up history before it refuses anything.
    async fn was_started(&self, meant: &Meant) -> Result<bool, Trouble> {
        let execution = meant.execution.as_str();
        let snapshot = LogKind::Runs.snapshot_key(partition_of(execution, self.partitions), execution);
        // In this order: a snapshot is removed when the record is there.
        for (bucket, key) in [(Bucket::Executions, snapshot), (Bucket::Results, LogKind::Runs.record_key(execution))] {
            let value = self.connection.value(bucket, &key).await;
            if value.map_err(|failure| Trouble(failure.to_string()))?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the streams that this start leads to take it.
    async fn find_room(&self, meant: &Meant, queues: &[Name]) -> Result<(), Later> {
        let partition = partition_of(meant.execution.as_str(), self.partitions);
        let mut refusal = self.gate.refusal(partition).await;
        if refusal.is_none() && self.gate.minds_queues().await {
            refusal = self.gate.refusal_of_queues(queues.iter().map(Name::as_str)).await;
        }
        let Some(fill) = refusal else { return Ok(()) };
        self.say_no_room(&fill);
        Err(Later::NoRoom(fill))
    }

    /// Thousands of events may wait: once a minute is enough.
    fn say_no_room(&self, fill: &Fill) {
        let Fill { stream, percent } = fill;
        let mut said = self.no_room_said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.is_none_or(|said| SAY_EVERY <= said.elapsed()) {
            *said = Some(Instant::now());
            tracing::warn!(stream, percent, "no room for new executions: events wait until there is");
        }
    }

    async fn start(
        &self,
        meant: &Meant,
        input: Value,
        cause: &Cause<'_>,
    ) -> Result<Result<(), (&'static str, String)>, Trouble> {
        let execution = meant.execution.as_str();
        let of = PayloadOf { partition: partition_of(execution, self.partitions), execution };
        let input = match self.payloads.offload(of, input).await {
            Ok(input) => input,
            Err(fault) => return Ok(Err(("payload", never(fault)?))),
        };
        let mut trigger = cause.trigger.clone();
        if let Some(data) = trigger.get_mut("data") {
            *data = match self.payloads.offload(of, data.take()).await {
                Ok(data) => data,
                Err(fault) => return Ok(Err(("payload", never(fault)?))),
            };
        }
        let start = self.wire.start(meant, input, &trigger, cause.received);
        let tell = |error| {
            if let Some(span) = &meant.span {
                span.tell(meant, cause.event, cause.received, error);
            }
        };
        let first = match self.store(&start).await? {
            Stored::Now => true,
            Stored::Before => false,
            Stored::Never(why) => {
                tell(Some(why.clone()));
                return Ok(Err(("start_refused", why)));
            }
        };
        // An event that was published a second time has no part in this.
        if first || cause.received.comes_again() {
            tell(None);
        }
        tracing::debug!(workflow = %meant.workflow, execution = %meant.execution, event = cause.event.id, first, "an event matched");
        self.tell(&self.wire.matched(meant, cause.event, cause.received)).await.map(Ok)
    }

    async fn reject(&self, received: &Received, rejection: &Rejection<'_>) -> Result<(), Trouble> {
        let Rejection { reason, why, .. } = *rejection;
        if let Stored::Never(refused) = self.store(&self.wire.rejected(rejection, received)).await? {
            return Err(Trouble(format!("a rejected event cannot be set aside: {refused}")));
        }
        self.tell(&self.wire.rejected_event(rejection, received)).await?;
        metrics::rejected(reason);
        tracing::warn!(sequence = received.sequence, reason, why, "an event was rejected; it is in `REJECTED`");
        Ok(())
    }

    /// A lifecycle event is worth a retry, but nothing hangs on it.
    async fn tell(&self, message: &Message) -> Result<(), Trouble> {
        if let Stored::Never(why) = self.store(message).await? {
            tracing::error!(subject = message.subject, why, "a lifecycle event cannot be published");
        }
        Ok(())
    }

    async fn store(&self, message: &Message) -> Result<Stored, Trouble> {
        for _ in 0..CONTENDED_TRIES {
            return match self.connection.publish(message).await {
                Outcome::Stored { .. } => Ok(Stored::Now),
                Outcome::Conflict { .. } => Ok(Stored::Before),
                Outcome::Refused(why) => Ok(Stored::Never(why)),
                Outcome::Full(why) | Outcome::Unknown(why) => {
                    Err(Trouble(format!("`{}` was not stored: {why}", message.subject)))
                }
                Outcome::Contended => {
                    sleep(CONTENDED_PAUSE).await;
                    continue;
                }
                other @ (Outcome::Gone | Outcome::Found(_)) => {
                    Err(Trouble(format!("`{}` was published and answered with {other:?}", message.subject)))
                }
            };
        }
        Err(Trouble(format!("`{}` is being written by others", message.subject)))
    }
}

/// What is wrong with an event that has come round too often, and who takes part in that.
fn going_round(event: &Envelope, listening: &[&Listening], hops_max: u32) -> String {
    let listening: Vec<&str> = listening.iter().map(|listening| listening.workflow.as_str()).take(5).collect();
    format!(
        "{} executions led to this event one after another, each started by an event of the one before; more than {hops_max} are taken \
         for a loop. It would go on with `{}`: give that trigger a `when` that ends it, or let it emit another type than `{}`",
        hops::of_event(event),
        listening.join("`, `"),
        event.kind,
    )
}

/// Why a payload can never be had; or trouble, if it may be had later.
fn never(fault: PayloadError) -> Result<String, Trouble> {
    match fault {
        PayloadError::TooLarge { .. } | PayloadError::Missing { .. } | PayloadError::Corrupt { .. } => {
            Ok(fault.to_string())
        }
        PayloadError::Full { .. } | PayloadError::Store { .. } => {
            Err(Trouble::new("use the store of payloads", &fault))
        }
    }
}

impl Trouble {
    /// `attempt` completes "cannot …".
    pub(crate) fn new(attempt: &str, error: &dyn Error) -> Self {
        let mut text = format!("cannot {attempt}: {error}");
        let mut source = error.source();
        while let Some(cause) = source {
            text.push_str(&format!(": {cause}"));
            source = cause.source();
        }
        Self(text)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
