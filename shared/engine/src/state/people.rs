//! Waits for people, and what they were answered.

use sagaline_events::{ask::Reply, input::OnLate};
use sagaline_model::{Moment, Name, Need, StepError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Execution, Run, Stage};
use crate::weight;

/// So many replies are kept of an execution; then the oldest are forgotten.
const REPLIES_KEPT: usize = 100;

/// So much of the state replies may take, besides the last one.
const REPLIES_WEIGHT: usize = 64 * 1024;

/// A wait for several signals, and what came already.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gathering {
    pub missing: Vec<Name>,
    pub need: Need,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub came: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Moment>,
}

impl Gathering {
    pub(crate) fn take(&mut self, name: &Name, data: Value) {
        self.missing.retain(|missing| missing != name);
        self.came.insert(name.to_string(), data);
    }

    pub(crate) fn is_enough(&self) -> bool {
        self.missing.is_empty() || (self.need == Need::Any && !self.came.is_empty())
    }
}

/// A wait for somebody who approves or rejects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Approving {
    /// The attempt that asked for it; 0 if the step is an approval itself.
    #[serde(default)]
    pub attempt: u32,
    /// Who may; anyone, if nobody is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvers: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Moment>,
    /// What the attempt asked for, should nobody answer. (A step that is an approval itself says so in its plan.)
    #[serde(default)]
    pub late: OnLate,
}

impl Approving {
    pub(crate) fn weight(&self) -> usize {
        self.approvers.iter().map(|approver| weight::of_text(approver) + 1).sum()
    }

    /// Whom it waits for, in words.
    pub(crate) fn whom(&self) -> String {
        match self.approvers.as_slice() {
            [] => "anybody".to_owned(),
            some => format!("`{}`", some.join("`, `")),
        }
    }
}

/// What somebody was answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    pub id: String,
    pub reply: Reply,
}

impl Answered {
    pub(crate) fn weight(&self) -> usize {
        let reply = match &self.reply {
            Reply::Taken(value) => weight::of(value),
            Reply::Refused(StepError { kind, message, details, .. }) => {
                weight::of_text(kind) + weight::of_text(message) + details.as_ref().map_or(0, weight::of)
            }
            Reply::Kept | Reply::Unknown => 0,
        };
        weight::of_text(&self.id) + reply + 64
    }
}

impl Run {
    pub(crate) fn has_answered(&self, id: &str) -> bool {
        self.replies.iter().any(|answered| answered.id == id)
    }

    /// Keeps a reply for whoever asks for it; the oldest make room.
    pub(crate) fn answer(&mut self, id: &str, reply: Reply) {
        let answered = Answered { id: id.to_owned(), reply };
        self.index.weight += answered.weight();
        self.replies.push_back(answered);
        let mut weight: usize = self.replies.iter().map(Answered::weight).sum();
        while self.replies.len() > 1 && (REPLIES_KEPT < self.replies.len() || REPLIES_WEIGHT < weight) {
            let Some(oldest) = self.replies.pop_front() else { break };
            weight -= oldest.weight();
            self.index.weight -= oldest.weight();
        }
    }
}

impl Execution {
    /// What came of what was sent under this id.
    pub fn reply(&self, id: &str) -> Reply {
        let replies = match &self.stage {
            Stage::Unborn(early) | Stage::Unbound { early, .. } => {
                let is_kept = early.updates.iter().any(|(_, update)| update.id == id);
                return if is_kept { Reply::Kept } else { Reply::Unknown };
            }
            Stage::Running(run) | Stage::Parked { run, .. } => &run.replies,
            Stage::Over(over) => &over.replies,
        };
        let found = replies.iter().find(|answered| answered.id == id);
        found.map_or(Reply::Unknown, |answered| answered.reply.clone())
    }
}
