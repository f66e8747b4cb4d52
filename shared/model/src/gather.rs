//! Events that are gathered before they start anything.

use serde::{Deserialize, Serialize};

use crate::{EventTrigger, Span, plan::sha256_hex};

/// How several events come to one execution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gather {
    /// The last one starts it, once no other has come for a while.
    Debounce(Debounce),
    /// All of them start it together.
    Batch(Batch),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Debounce {
    /// For how long none has come.
    #[serde(rename = "for")]
    pub quiet: Span,
    /// A text that may hold `${…}` over `trigger`: those that have it in common are gathered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// After the first one it starts in any case after so long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Span>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// So many are enough.
    pub size: u32,
    /// After the first one it starts in any case after so long.
    #[serde(rename = "for")]
    pub within: Span,
    /// As that of [`Debounce`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl Batch {
    /// No batch has more events.
    pub const SIZE_MAX: u32 = 1000;
}

impl Gather {
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Debounce(Debounce { key, .. }) | Self::Batch(Batch { key, .. }) => key.as_deref(),
        }
    }
}

impl EventTrigger {
    /// What tells it from the other triggers of its workflow, and from what it was before it was changed.
    pub fn id(&self) -> String {
        let json = serde_json::to_vec(self).expect("a trigger has text keys only");
        sha256_hex(&json)[..12].to_owned()
    }
}
