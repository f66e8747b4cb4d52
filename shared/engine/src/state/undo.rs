//! What can be undone of an execution, and how far it is with that once it has ended such that it is.
//!
//! One entry per step that has had an effect, or may have had one, with all that its undoing needs: so loops and expansions may be
//! forgotten as soon as they are over.

mod list;
mod undoing;
mod weight;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use sagaline_events::{
    FramePath, TimerName, UndoStep,
    saga::{UndoAction, UndoOutcome},
};
use sagaline_model::{Compensate, ExecutionId, Moment, Name};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::undoing::{Asked, Phase, SagaEnd, Undoing};
use super::Delegated;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Undo {
    /// By the step; a later visit or round takes the place of the earlier one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub list: BTreeMap<FramePath, Undoable>,
    /// Of those whose outcome is unknown: what an answer that still comes is judged by.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub doubts: BTreeMap<FramePath, Doubt>,
    /// In which order the steps stand that a step returned whose expansion is over.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<FramePath, Vec<Place>>,
    /// Loops for which it was computed that their items come one after the other.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub strict: BTreeSet<FramePath>,
    /// Children that were told to end while this execution went on, and have not said that they have. One may have completed before it
    /// heard of that: what it did is undone with what this execution did.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub left: BTreeMap<ExecutionId, Left>,
    /// Set from when the execution has ended such that it is undone until it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoing: Option<Box<Undoing>>,
}

/// A step that can be undone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Undoable {
    #[serde(default)]
    pub outcome: UndoOutcome,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<UndoAction>,
    /// What its child did: undone before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inner: Vec<UndoStep>,
    /// Whose that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub child: Option<ExecutionId>,
}

/// A child that was told to end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Left {
    pub path: FramePath,
    pub child: Delegated,
}

/// A step of which nobody knows whether it had its effect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Doubt {
    /// The attempts that may have had it, each with the time until which its answer is waited for, if one may come.
    pub attempts: BTreeMap<u32, Option<Moment>>,
    pub compensate: Compensate,
    pub queue: Name,
    /// What the step was given.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub input: Value,
    /// What the expressions of its compensation read besides what is known of the step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seen: Vec<Seen>,
}

/// The value of what an expression reads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    pub path: Vec<String>,
    /// How much of the path leads to it.
    pub depth: usize,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub value: Value,
}

/// A place in an order: that of a step, or one that only holds others together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Place {
    pub path: FramePath,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<u32>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub joins: bool,
}

impl Undo {
    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
            && self.strict.is_empty()
            && self.groups.is_empty()
            && self.left.is_empty()
            && self.undoing.is_none()
    }

    /// The timers that are armed.
    pub(crate) fn timers(&self) -> impl Iterator<Item = (Moment, TimerName)> {
        self.undoing.iter().flat_map(|undoing| undoing.timers())
    }

    /// The steps inside of this one.
    pub(crate) fn below(&self, path: &FramePath) -> impl DoubleEndedIterator<Item = &FramePath> {
        // `0` is the character after `/`.
        let (first, behind) = (format!("{path}/"), format!("{path}0"));
        let range = self.list.range::<str, _>((Bound::Included(first.as_str()), Bound::Excluded(behind.as_str())));
        range.map(|(path, _)| path)
    }

    /// Children that may still hand over what they did: those that were started inside of this step.
    pub(crate) fn left_below(&self, path: &FramePath) -> impl Iterator<Item = &FramePath> {
        self.left.values().map(|left| &left.path).filter(move |left| left.is_below(path))
    }

    /// Whether an answer of somebody who was at work may still come.
    pub(crate) fn waited_for(&self, at: Moment) -> Option<Moment> {
        let untils = self.doubts.values().flat_map(|doubt| doubt.attempts.values().flatten());
        untils.copied().max().filter(|until| at < *until)
    }
}
