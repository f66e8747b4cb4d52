//! The CloudEvent that every message of the floor is.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Serialize, Deserialize)]
pub(super) struct Event {
    pub(super) specversion: String,
    pub(super) id: String,
    pub(super) source: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    /// The number of the execution.
    pub(super) subject: String,
    pub(super) time: String,
    pub(super) data: Value,
}

/// An event in structured mode.
pub(super) fn event(id: String, kind: &str, subject: &str, data: Value) -> Bytes {
    let event = Event {
        specversion: "1.0".into(),
        id,
        source: "/floor".into(),
        kind: kind.into(),
        subject: subject.into(),
        time: "2026-11-20T00:00:00Z".into(),
        data,
    };
    serde_json::to_vec(&event).expect("an event has string keys only").into()
}
