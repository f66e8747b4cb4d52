//! What an operator says about events that come in: bucket `settings`, keys `source.<name>` and `event.<type>`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Where events come from besides `EVENTS`: a stream that is there, or a subject that is captured in a stream of ours.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EventSource {
    /// A stream that somebody else keeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
    /// With a stream: which of its subjects, all without it. Alone: what is captured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// What is made of a message that is no CloudEvent; without it such a message is set aside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<EventShape>,
    /// Whether what the stream held before is read too; otherwise only what is stored from now on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub from_beginning: bool,
}

/// A CloudEvent made of a message. Each is a text that may hold `${…}` over `message`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EventShape {
    #[serde(rename = "type")]
    pub kind: String,
    /// The stream, without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Stream, sequence and time, without it: the same however often the message is delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// What is in the message, without it. JSON whose strings may hold `${…}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extensions: BTreeMap<String, String>,
}

/// What events of a type look like, in every version that is still about.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EventType {
    /// An expression over `trigger` that gives the version of an event. Without it that is the number in which `dataschema` ends.
    /// An event that says none has the first version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    pub versions: BTreeMap<u32, EventVersion>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EventVersion {
    /// The JSON Schema of the event's data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    /// The data as the next version has them: JSON whose strings may hold `${…}` over `trigger`. All but the last have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_next: Option<Value>,
}

impl EventSource {
    /// The key of a source in the bucket, but for its name.
    pub const KEY: &str = "source.";
}

impl EventType {
    /// The key of a type in the bucket, but for the type.
    pub const KEY: &str = "event.";
}
