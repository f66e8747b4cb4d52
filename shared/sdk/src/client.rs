//! The client of an installation: applies definitions, starts executions and sends to them, and reads what became of them.
//!
//! It asks streams, buckets and the owners of partitions anew each time. It never decides what an execution does, and keeps
//! nothing but what never changes: the number of partitions, and what the inputs of a plan must look like.

mod apply;
mod ask;
mod cancel_all;
mod check;
mod dead;
mod defaults;
mod durations;
mod error;
mod follow;
mod history;
mod id;
mod incoming;
mod inspect;
mod jobs;
mod limits;
mod list;
mod merge;
mod pages;
mod people;
mod progress;
mod publish;
mod queues;
mod register;
mod results;
mod sagas;
mod schedules;
mod send;
mod start;
mod tail;
mod wait;

use std::sync::Arc;

use sagaline_broker::{
    names::Names,
    nats::{Connection, Installed, PayloadOf, Payloads, room::Gate},
};
use sagaline_model::{ExecutionId, partition_of};
use serde_json::Value;

pub use apply::{Applied, Change, Version};
pub use ask::Explanation;
pub use cancel_all::CancelAll;
pub use dead::RetryOptions;
pub use durations::StepDurations;
pub use error::{Class, Error};
pub use follow::{Lag, LifecycleEvent, LifecycleFilter, Subscription, SubscriptionSettings};
pub use history::{History, HistoryEntry};
pub use id::generate as fresh_id;
pub use inspect::{
    ClockFacts, ConsumerFacts, Found, InspectSettings, Inspection, LeaseHolder, OwnerFacts, PartitionFacts, QueueFacts,
    Rejected, RejectedFacts, RejectedFilter, Replica, Served, ServerFacts, SourceFacts, SourcePlace, StreamFacts,
    StreamKind, StreamState, Unserved, Work, inspect,
};
pub use jobs::{Job, JobTime};
pub use limits::Shared;
pub use list::{Cursor, ListFilter, Listed, Listing, NotACursor};
pub use people::{Replied, Verdict};
pub use queues::{ActivityView, QueueEnds, QueueView, WithoutWorker};
pub use register::Registered;
pub use sagaline_broker::nats::QueuePurged;
pub use sagas::{SagaFilter, SagaListing};
pub use schedules::{ScheduleFilter, ScheduleListing, Who};
pub use send::Sent;
pub use start::{StartOptions, Started};
pub use tail::{Tail, TailFilter, TailFilterError, TailFrom, Tailed, TailedEvent};

/// A client. Clones share the connection.
#[derive(Clone, Debug)]
pub struct Client {
    connection: Connection,
    partitions: u32,
    gate: Gate,
    schemas: check::Schemas,
    queue_gates: jobs::QueueGates,
    /// What its messages name as their `source`.
    source: Arc<str>,
}

impl Client {
    /// Connects as `name` to the installation in `namespace`.
    pub async fn connect(url: &str, namespace: &str, name: &str) -> Result<Self, Error> {
        let connection = sagaline_broker::nats::connect(url, namespace, name).await?;
        Self::over(connection, name).await
    }

    /// Takes over a connection that is there.
    pub async fn over(connection: Connection, name: &str) -> Result<Self, Error> {
        let Installed { partitions } = Installed::read(&connection).await?;
        Ok(Self::of(connection, name, partitions))
    }

    fn of(connection: Connection, name: &str, partitions: u32) -> Self {
        let source = format!("/sagaline/{}/{name}", connection.names().namespace()).into();
        let (gate, schemas) = (Gate::new(connection.clone()), check::Schemas::default());
        let queue_gates = jobs::QueueGates::default();
        Self { gate, schemas, queue_gates, connection, partitions, source }
    }

    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    pub fn partitions(&self) -> u32 {
        self.partitions
    }

    /// The value with all that it refers to in the object store in place of the references.
    pub async fn resolve(&self, value: Value) -> Result<Value, Error> {
        if !refers(&value) {
            return Ok(value);
        }
        Ok(Payloads::open(&self.connection).await?.resolve(value).await?)
    }

    fn names(&self) -> &Names {
        self.connection.names()
    }

    fn partition(&self, execution: &ExecutionId) -> u32 {
        partition_of(execution.as_str(), self.partitions)
    }

    /// The value as a message of the execution may carry it: a reference if it is too large itself. What it refers to is
    /// taken over: a payload goes with the execution that it was stored for.
    async fn offload(&self, execution: &ExecutionId, value: Value) -> Result<Value, Error> {
        let value = self.resolve(value).await?;
        let small = serde_json::to_vec(&value).is_ok_and(|json| json.len() <= INLINE_BYTES_MAX);
        if small {
            return Ok(value);
        }
        let of = PayloadOf { partition: self.partition(execution), execution: execution.as_str() };
        Ok(Payloads::open(&self.connection).await?.offload(of, value).await?)
    }
}

/// Nothing smaller is ever offloaded, so the store need not be opened for it. The store itself decides.
const INLINE_BYTES_MAX: usize = 64 * 1024;

fn refers(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.iter().any(|(name, field)| name == "$ref" || refers(field)),
        Value::Array(items) => items.iter().any(refers),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}
