//! What is done with one event: read, match, start, tell. Safe to do any number of times, on any replica.

use std::{error::Error, fmt, time::Duration};

use sagaline_broker::{
    nats::{Connection, PayloadError, Payloads},
    ports::{Message, Outcome},
};
use sagaline_events::Envelope;
use sagaline_model::{ExecutionId, Name};
use sagaline_telemetry::metrics;
use serde_json::{Map, Value};
use tokio::time::sleep;

use crate::{
    catalogue::Listening,
    definitions::Definitions,
    event::Received,
    listener::{self, Verdict},
    wire::{Rejection, Wire, execution_of},
};

/// Another replica is writing the same start: its check is over in a round trip.
const CONTENDED_PAUSE: Duration = Duration::from_millis(20);
const CONTENDED_TRIES: u32 = 10;

/// Something that may work later.
#[derive(Clone, Debug)]
pub(crate) struct Trouble(pub(crate) String);

/// An execution that an event is meant to start.
pub(crate) struct Meant {
    pub(crate) workflow: Name,
    pub(crate) version: u32,
    pub(crate) execution: ExecutionId,
    pub(crate) traceparent: Option<String>,
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
    payloads: Payloads,
    wire: Wire,
}

/// An event and what it says, while its starts are made.
struct Cause<'a> {
    received: &'a Received,
    event: &'a Envelope,
    scope: Map<String, Value>,
    /// The event as its executions get it.
    trigger: Value,
}

impl Handler {
    pub(crate) fn new(connection: Connection, definitions: Definitions, payloads: Payloads, wire: Wire) -> Self {
        Self { connection, definitions, payloads, wire }
    }

    /// Everything that the event leads to is stored when this is done; after trouble it has to be done again.
    pub(crate) async fn handle(&self, received: &Received) -> Result<(), Trouble> {
        let event = match received.envelope() {
            Ok(event) => event,
            Err(why) => {
                let rejection = Rejection { reason: "not_a_cloudevent", why: &why, event: None, meant: None };
                return self.reject(received, &rejection).await;
            }
        };
        let index = self.definitions.current().await?;
        let listening: Vec<&Listening> = index.listening(&event.kind, received.stored).collect();
        if listening.is_empty() {
            tracing::debug!(
                id = event.id,
                source = event.source,
                kind = event.kind,
                "no workflow listens to this event"
            );
            return Ok(());
        }
        let cause = match self.cause(received, &event).await? {
            Ok(cause) => cause,
            Err(why) => {
                let rejection = Rejection { reason: "payload", why: &why, event: Some(&event), meant: None };
                return self.reject(received, &rejection).await;
            }
        };
        let served = listening.into_iter().map(|listening| self.serve(listening, &cause));
        // All of them are tried, whatever becomes of the others.
        futures::future::join_all(served).await.into_iter().collect()
    }

    /// The event with whatever large payloads it refers to, and as it travels on; or why it cannot be had.
    async fn cause<'a>(
        &self,
        received: &'a Received,
        event: &'a Envelope,
    ) -> Result<Result<Cause<'a>, String>, Trouble> {
        let mut trigger = event.to_json();
        let scope = match self.payloads.resolve(trigger.clone()).await {
            Ok(whole) => listener::scope(whole),
            Err(fault) => return never(fault).map(Err),
        };
        if let Some(data) = trigger.get_mut("data") {
            match self.payloads.offload(data.take()).await {
                Ok(kept) => *data = kept,
                Err(fault) => return never(fault).map(Err),
            }
        }
        Ok(Ok(Cause { received, event, scope, trigger }))
    }

    async fn serve(&self, listening: &Listening, cause: &Cause<'_>) -> Result<(), Trouble> {
        let mut verdicts = listening.listeners.iter().map(|listener| listener.hears(&cause.scope));
        let Some(verdict) = verdicts.find(|verdict| *verdict != Verdict::Pass) else { return Ok(()) };
        let meant = Meant {
            workflow: listening.workflow.clone(),
            version: listening.version,
            execution: execution_of(&listening.workflow, &cause.event.source, &cause.event.id),
            traceparent: cause.received.traceparent(cause.event),
        };
        let started = match verdict {
            Verdict::Pass => return Ok(()),
            Verdict::Start(input) => self.start(&meant, input, cause).await?,
            Verdict::Fault(why) => Err(("trigger_fault", why)),
        };
        match started {
            Ok(()) => Ok(()),
            Err((reason, why)) => {
                let rejection = Rejection { reason, why: &why, event: Some(cause.event), meant: Some(&meant) };
                self.reject(cause.received, &rejection).await
            }
        }
    }

    async fn start(
        &self,
        meant: &Meant,
        input: Value,
        cause: &Cause<'_>,
    ) -> Result<Result<(), (&'static str, String)>, Trouble> {
        let input = match self.payloads.offload(input).await {
            Ok(input) => input,
            Err(fault) => return Ok(Err(("payload", never(fault)?))),
        };
        let start = self.wire.start(meant, input, &cause.trigger, cause.received);
        let first = match self.store(&start).await? {
            Stored::Now => true,
            Stored::Before => false,
            Stored::Never(why) => return Ok(Err(("start_refused", why))),
        };
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
                Outcome::Conflict => Ok(Stored::Before),
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

/// Why a payload can never be had; or trouble, if it may be had later.
fn never(fault: PayloadError) -> Result<String, Trouble> {
    match fault {
        PayloadError::TooLarge { .. } | PayloadError::Missing { .. } | PayloadError::Corrupt { .. } => {
            Ok(fault.to_string())
        }
        PayloadError::Store { .. } => Err(Trouble::new("use the store of payloads", &fault)),
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
