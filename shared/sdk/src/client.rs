//! The client of an installation: applies definitions, starts executions and sends to them, and reads what became of them.
//!
//! It asks streams, buckets and the owners of partitions anew each time. It never decides what an execution does, and keeps
//! nothing but the number of partitions, which never changes.

mod apply;
mod ask;
mod error;
mod follow;
mod history;
mod id;
mod list;
mod pages;
mod publish;
mod results;
mod send;
mod start;
mod wait;

use std::sync::Arc;

use sagaline_broker::{
    names::Names,
    nats::{Connection, Installed, Payloads},
};
use sagaline_model::{ExecutionId, partition_of};
use serde_json::Value;

pub use apply::{Applied, Change};
pub use ask::Explanation;
pub use error::{Class, Error};
pub use follow::{Lag, LifecycleEvent, LifecycleFilter, Subscription, SubscriptionSettings};
pub use history::{History, HistoryEntry};
pub use id::generate as fresh_id;
pub use list::{ListFilter, Listed};
pub use send::Sent;
pub use start::{StartOptions, Started};

/// A client. Clones share the connection.
#[derive(Clone, Debug)]
pub struct Client {
    connection: Connection,
    partitions: u32,
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
        let source = format!("/sagaline/{}/{name}", connection.names().namespace()).into();
        Ok(Self { connection, partitions, source })
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

    /// The value as a message may carry it: a reference if it is too large itself.
    async fn offload(&self, value: Value) -> Result<Value, Error> {
        let small = serde_json::to_vec(&value).is_ok_and(|json| json.len() <= INLINE_BYTES_MAX);
        if small {
            return Ok(value);
        }
        Ok(Payloads::open(&self.connection).await?.offload(value).await?)
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
