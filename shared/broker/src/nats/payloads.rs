//! Inputs and outputs that are too large for a message: kept in an object store, and travelling as references.
//!
//! A reference is `{"$ref":{"bucket","key","bytes","sha256"}}`. The key is the hash of the content, so the same payload is stored once.

use std::time::Duration;

use async_nats::jetstream::object_store::{GetErrorKind, InfoErrorKind, ObjectMetadata, ObjectStore};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;

use super::{Connection, clock};

/// JSON of more bytes than this travels as a reference: a message takes 1 MiB, and several values may share one.
pub const INLINE_BYTES_MAX: usize = 256 * 1024;
/// No payload may be larger, nor all that one value refers to.
pub const PAYLOAD_BYTES_MAX: usize = 64 * 1024 * 1024;
/// A payload that is used again after so long is stored anew, well before the store lets it go (30 days).
const FRESH_FOR: Duration = Duration::from_secs(15 * 24 * 3600);
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
    #[error("the payload bucket `{bucket}` cannot be used")]
    Store { bucket: String, source: async_nats::Error },
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
    bucket: String,
    store: ObjectStore,
}

impl Payloads {
    /// Opens the store of an installation.
    pub async fn open(connection: &Connection) -> Result<Self, PayloadError> {
        let bucket = connection.names().payloads();
        let store = connection.jetstream().get_object_store(&bucket).await;
        let store = store.map_err(|source| PayloadError::Store { bucket: bucket.clone(), source: source.into() })?;
        Ok(Self { bucket, store })
    }

    /// The value itself if it is small, else a reference to where it now is.
    pub async fn offload(&self, value: Value) -> Result<Value, PayloadError> {
        let json = serde_json::to_vec(&value).expect("JSON values have string keys only");
        if json.len() <= INLINE_BYTES_MAX {
            return Ok(value);
        }
        if PAYLOAD_BYTES_MAX < json.len() {
            return Err(PayloadError::TooLarge { bytes: json.len() });
        }
        let sha256 = sha256_hex(&json);
        if !self.has_fresh(&sha256).await? {
            let meta = ObjectMetadata { name: sha256.clone(), ..ObjectMetadata::default() };
            self.store.put(meta, &mut json.as_slice()).await.map_err(|source| self.broken(source.into()))?;
        }
        let reference = Reference { bucket: self.bucket.clone(), key: sha256.clone(), bytes: json.len(), sha256 };
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

    async fn has_fresh(&self, key: &str) -> Result<bool, PayloadError> {
        match self.store.info(key).await {
            Ok(info) => {
                let stored = info.modified.map_or(0, |modified| modified.unix_timestamp());
                let age = clock::now().as_millis() / 1000 - stored;
                Ok(!info.deleted && u64::try_from(age).is_ok_and(|age| age < FRESH_FOR.as_secs()))
            }
            Err(error) if error.kind() == InfoErrorKind::NotFound => Ok(false),
            Err(error) => Err(self.broken(error.into())),
        }
    }

    async fn load(&self, reference: &Reference) -> Result<Value, PayloadError> {
        match self.load_once(reference).await {
            // Storing a payload anew removes the old chunks, perhaps from under our hands.
            Err(PayloadError::Corrupt { .. } | PayloadError::Store { .. }) => self.load_once(reference).await,
            loaded => loaded,
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

    fn broken(&self, source: async_nats::Error) -> PayloadError {
        PayloadError::Store { bucket: self.bucket.clone(), source }
    }
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
