//! Inputs and outputs that are too large for a message: kept in an object store, and travelling as references.
//!
//! A reference is `{"$ref":{"bucket","key","bytes","sha256"}}`. A payload belongs to an execution: its key is `<p>.<execution>.<hash>`,
//! so the same payload is stored once for each, and goes when nothing is left of the execution (`sweep.rs`).

use std::time::Duration;

use async_nats::jetstream::object_store::{GetErrorKind, InfoErrorKind, ObjectInfo, ObjectStore};
use base64::{Engine, prelude::BASE64_URL_SAFE};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::{io::AsyncReadExt, time::sleep};

use super::{Connection, clock};
use crate::ports::{Message, Outcome};

/// JSON of more bytes than this travels as a reference: a message takes 1 MiB, and several values may share one.
pub const INLINE_BYTES_MAX: usize = 256 * 1024;
/// No payload may be larger, nor all that one value refers to.
pub const PAYLOAD_BYTES_MAX: usize = 64 * 1024 * 1024;
/// As clients of the object store have it.
const CHUNK_BYTES: usize = 128 * 1024;
/// A payload that is stored again after so long is stored anew: one that nothing refers to may be removed when it is older
/// than [`super::sweep::GRACE`], and this must be well before.
const FRESH_FOR: Duration = Duration::from_secs(15 * 60);
/// How long a replica may lag behind what was stored.
const LAG_MAX: Duration = Duration::from_secs(2);
const LAG_PAUSE: Duration = Duration::from_millis(50);
const REF: &str = "$ref";

/// Why a payload cannot be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum PayloadError {
    #[error(
        "the payload is {bytes} bytes of JSON; at most {PAYLOAD_BYTES_MAX} (64 MiB) are taken, so store it elsewhere and pass a reference to it"
    )]
    TooLarge { bytes: usize },
    #[error("the payload `{key}` is not in bucket `{bucket}`: it expired, or was removed")]
    Missing { bucket: String, key: String },
    #[error("the payload `{key}` of bucket `{bucket}` is not what was stored under that name")]
    Corrupt { bucket: String, key: String },
    #[error("there is no room for a payload of {bytes} bytes in bucket `{bucket}`: {why}")]
    Full { bucket: String, bytes: usize, why: String },
    #[error("the payload bucket `{bucket}` cannot be used")]
    Store { bucket: String, source: async_nats::Error },
}

/// Whose payload it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayloadOf<'a> {
    pub partition: u32,
    pub execution: &'a str,
}

impl<'a> PayloadOf<'a> {
    fn key(self, sha256: &str) -> String {
        let Self { partition, execution } = self;
        format!("{partition}.{execution}.{sha256}")
    }

    /// Read back from a key; nothing for what others stored under names of their own.
    pub(super) fn of_key(key: &'a str) -> Option<Self> {
        let mut parts = key.split('.');
        let of = Self { partition: parts.next()?.parse().ok()?, execution: parts.next()? };
        parts.next()?;
        parts.next().is_none().then_some(of)
    }
}

/// What a reference says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reference {
    bucket: String,
    key: String,
    bytes: usize,
    sha256: String,
}

/// The store of large payloads. Clones share the connection.
#[derive(Clone)]
pub struct Payloads {
    connection: Connection,
    bucket: String,
    store: ObjectStore,
}

impl Payloads {
    /// Opens the store of an installation.
    pub async fn open(connection: &Connection) -> Result<Self, PayloadError> {
        let bucket = connection.names().payloads();
        let store = connection.jetstream().get_object_store(&bucket).await;
        let store = store.map_err(|source| PayloadError::Store { bucket: bucket.clone(), source: source.into() })?;
        Ok(Self { connection: connection.clone(), bucket, store })
    }

    /// The value itself if it is small, else a reference to where it now is. It stays for as long as the execution does, if
    /// that is known within the hour.
    pub async fn offload(&self, of: PayloadOf<'_>, value: Value) -> Result<Value, PayloadError> {
        let json = serde_json::to_vec(&value).expect("JSON values have string keys only");
        if json.len() <= INLINE_BYTES_MAX {
            return Ok(value);
        }
        if PAYLOAD_BYTES_MAX < json.len() {
            return Err(PayloadError::TooLarge { bytes: json.len() });
        }
        let (bytes, sha256) = (json.len(), sha256_hex(&json));
        let key = of.key(&sha256);
        let there = self.info(&key).await?;
        if !there.as_ref().is_some_and(is_fresh) {
            self.put(&key, json.into(), there).await?;
        }
        let reference = Reference { bucket: self.bucket.clone(), key, bytes, sha256 };
        Ok(json!({ REF: reference }))
    }

    /// The value with everything that it refers to, however deep, put in place of the references.
    pub async fn resolve(&self, mut value: Value) -> Result<Value, PayloadError> {
        let mut references = vec![];
        find(&mut value, &self.bucket, &mut references);
        let bytes = references.iter().map(|(_, reference)| reference.bytes).fold(0, usize::saturating_add);
        if PAYLOAD_BYTES_MAX < bytes {
            return Err(PayloadError::TooLarge { bytes });
        }
        for (place, reference) in references {
            *place = self.load(&reference).await?;
        }
        Ok(value)
    }

    async fn info(&self, key: &str) -> Result<Option<ObjectInfo>, PayloadError> {
        match self.store.info(key).await {
            Ok(info) => Ok(Some(info)),
            Err(error) if error.kind() == InfoErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.broken(error.into())),
        }
    }

    /// Stores an object as every client of the object store does, but leaves nothing behind when it fails half way: else what
    /// finds no room would take the last of it with every try.
    async fn put(&self, key: &str, json: Bytes, before: Option<ObjectInfo>) -> Result<(), PayloadError> {
        let inbox = self.connection.client().new_inbox();
        let nuid = inbox.rsplit('.').next().expect("a split has a last part").to_owned();
        let stored = self.put_as(key, &json, &nuid).await;
        let superfluous = match &stored {
            Ok(()) => before.map(|before| before.nuid),
            Err(_) => Some(nuid),
        };
        if let Some(nuid) = superfluous
            && let Err(error) = self.connection.purge_subject(&self.stream(), &self.chunks(&nuid), None).await
        {
            tracing::debug!(%error, key, "chunks that belong to nothing stay until they are swept up");
        }
        stored
    }

    async fn put_as(&self, key: &str, json: &Bytes, nuid: &str) -> Result<(), PayloadError> {
        let mut chunks = 0;
        for start in (0..json.len()).step_by(CHUNK_BYTES) {
            let chunk = json.slice(start..json.len().min(start + CHUNK_BYTES));
            self.store(self.chunks(nuid), vec![], chunk, json.len()).await?;
            chunks += 1;
        }
        let modified = clock::now().to_string();
        let info = json!({
            "name": key, "bucket": self.bucket, "nuid": nuid, "size": json.len(), "chunks": chunks, "mtime": modified,
            "digest": format!("SHA-256={}", BASE64_URL_SAFE.encode(Sha256::digest(json))),
            "options": { "max_chunk_size": CHUNK_BYTES },
        });
        let rollup = vec![("Nats-Rollup", "sub".to_owned())];
        self.store(self.connection.names().payload_info(key), rollup, info.to_string().into(), json.len()).await
    }

    async fn store(
        &self,
        subject: String,
        headers: Vec<(&'static str, String)>,
        payload: Bytes,
        bytes: usize,
    ) -> Result<(), PayloadError> {
        let message = Message { subject, expected: None, msg_id: None, ttl: None, headers, payload };
        match self.connection.publish(&message).await {
            Outcome::Stored { .. } => Ok(()),
            Outcome::Full(why) => Err(PayloadError::Full { bucket: self.bucket.clone(), bytes, why }),
            other => Err(self.broken(format!("`{}` was not stored: {other:?}", message.subject).into())),
        }
    }

    async fn load(&self, reference: &Reference) -> Result<Value, PayloadError> {
        let deadline = clock::boot() + LAG_MAX;
        loop {
            match self.load_once(reference).await {
                // Storing a payload anew removes the old chunks, perhaps from under our hands. And on a cluster chunks are read
                // from any replica, which may get them a moment later.
                Err(PayloadError::Corrupt { .. } | PayloadError::Store { .. }) if clock::boot() < deadline => {
                    sleep(LAG_PAUSE).await;
                }
                loaded => return loaded,
            }
        }
    }

    async fn load_once(&self, reference: &Reference) -> Result<Value, PayloadError> {
        let Reference { bucket, key, bytes, sha256 } = reference;
        let mut object = match self.store.get(key).await {
            Ok(object) => object,
            Err(error) if error.kind() == GetErrorKind::NotFound => {
                return Err(PayloadError::Missing { bucket: bucket.clone(), key: key.clone() });
            }
            Err(error) => return Err(self.broken(error.into())),
        };
        let corrupt = || PayloadError::Corrupt { bucket: bucket.clone(), key: key.clone() };
        if object.info().size != *bytes {
            return Err(corrupt());
        }
        let mut json = Vec::with_capacity(*bytes);
        object.read_to_end(&mut json).await.map_err(|source| self.broken(source.into()))?;
        if sha256_hex(&json) != *sha256 {
            return Err(corrupt());
        }
        serde_json::from_slice(&json).map_err(|_| corrupt())
    }

    fn stream(&self) -> String {
        self.connection.names().payloads_stream()
    }

    fn chunks(&self, nuid: &str) -> String {
        self.connection.names().payload_chunks(nuid)
    }

    fn broken(&self, source: async_nats::Error) -> PayloadError {
        PayloadError::Store { bucket: self.bucket.clone(), source }
    }
}

fn is_fresh(info: &ObjectInfo) -> bool {
    let stored = info.modified.map_or(0, |modified| modified.unix_timestamp());
    let age = clock::now().as_millis() / 1000 - stored;
    !info.deleted && u64::try_from(age).is_ok_and(|age| age < FRESH_FOR.as_secs())
}

/// Collects the references to `bucket` in `value`, each with its place.
fn find<'a>(value: &'a mut Value, bucket: &str, into: &mut Vec<(&'a mut Value, Reference)>) {
    if let Some(reference) = read_reference(value).filter(|reference| reference.bucket == bucket) {
        into.push((value, reference));
        return;
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| find(item, bucket, into)),
        Value::Object(fields) => fields.values_mut().for_each(|field| find(field, bucket, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn read_reference(value: &Value) -> Option<Reference> {
    let fields = value.as_object().filter(|fields| fields.len() == 1)?;
    Reference::deserialize(fields.get(REF)?).ok()
}

fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_says_whose_payload_it_is() {
        let of = PayloadOf { partition: 3, execution: "order-1" };
        assert_eq!(PayloadOf::of_key(&of.key("abc")), Some(of));
        for other in ["abc", "x.order-1.abc", "3.order-1", "3.order-1.abc.d"] {
            assert_eq!(PayloadOf::of_key(other), None, "{other}");
        }
    }

    #[test]
    fn only_whole_references_to_our_bucket_are_references() {
        let reference = json!({ REF: { "bucket": "payloads", "key": "k", "bytes": 3, "sha256": "s" } });
        let mut found = vec![];
        let mut value = json!({
            "deep": [1, { "here": reference }],
            "elsewhere": { REF: { "bucket": "other", "key": "k", "bytes": 3, "sha256": "s" } },
            "a schema": { REF: "#/definitions/order" },
            "not alone": { REF: { "bucket": "payloads", "key": "k", "bytes": 3, "sha256": "s" }, "x": 1 },
        });
        find(&mut value, "payloads", &mut found);
        assert_eq!(found.len(), 1);
        *found.remove(0).0 = json!("loaded");
        assert_eq!(value["deep"][1]["here"], "loaded");
    }
}
