//! Steps that a step returned: they are part of the state, since the plan knows nothing of them.
//!
//! They are kept as they came, which is short, and compiled when they come and when a snapshot is read.

use std::{collections::BTreeMap, sync::Arc};

use sagaline_events::FramePath;
use sagaline_model::{Dag, Node, StepDefaults};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use serde_json::Value;

use crate::{
    compiled::{CompileError, CompiledGraft, CompiledNode, NodeId, Outer},
    expansion,
};

/// By where the ids of their nodes begin, which is above those of the plan.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Grafts(BTreeMap<NodeId, Graft>);

/// What one step returned. It is there for as long as its step is at work on it.
#[derive(Clone)]
pub struct Graft(Arc<Inner>);

struct Inner {
    recorded: Recorded,
    compiled: CompiledGraft,
}

/// What is kept of it in a snapshot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// Where the ids of its nodes begin.
    pub base: NodeId,
    /// The step that returned them, and its frame.
    pub node: NodeId,
    pub path: FramePath,
    /// What holds for that step holds for what it returned.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub looped: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub handles: bool,
    /// The list of nodes, as it came.
    pub steps: Value,
    /// What they have where they say nothing of their own.
    #[serde(default, skip_serializing_if = "StepDefaults::is_empty")]
    pub defaults: StepDefaults,
}

/// Steps that cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum NotAGraft {
    #[error("they cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    #[error(transparent)]
    Uncompilable(#[from] CompileError),
}

impl Graft {
    pub fn new(recorded: Recorded) -> Result<Self, NotAGraft> {
        let steps = expansion::filled(&recorded.steps, &recorded.defaults);
        let dag = Dag { nodes: Vec::<Node>::deserialize(&*steps)? };
        Self::of(recorded, &dag).map_err(NotAGraft::from)
    }

    /// The same of steps that were read already.
    pub(crate) fn of(recorded: Recorded, dag: &Dag) -> Result<Self, CompileError> {
        let Recorded { base, node, ref path, looped, handles, .. } = recorded;
        let outer = Outer { id: node, path: path.clone(), looped, handles, base };
        let compiled = CompiledGraft::new(dag, outer)?;
        Ok(Self(Arc::new(Inner { recorded, compiled })))
    }

    pub fn base(&self) -> NodeId {
        self.0.recorded.base
    }

    /// The step that returned them.
    pub fn node(&self) -> NodeId {
        self.0.recorded.node
    }

    /// Its frame.
    pub fn path(&self) -> &FramePath {
        &self.0.recorded.path
    }

    pub fn compiled(&self) -> &CompiledGraft {
        &self.0.compiled
    }

    fn end(&self) -> NodeId {
        let count = NodeId::try_from(self.0.compiled.nodes.len()).unwrap_or(NodeId::MAX);
        self.base().saturating_add(count)
    }
}

impl Grafts {
    pub(crate) const fn none() -> Self {
        Self(BTreeMap::new())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn get(&self, base: NodeId) -> Option<&Graft> {
        self.0.get(&base)
    }

    pub(crate) fn node(&self, id: NodeId) -> Option<&CompiledNode> {
        let (base, graft) = self.0.range(..=id).next_back()?;
        graft.0.compiled.nodes.get((id - base) as usize)
    }

    /// The first id that is free, in an execution of a plan of so many nodes.
    pub(crate) fn next_base(&self, of_plan: usize) -> NodeId {
        let of_plan = NodeId::try_from(of_plan).unwrap_or(NodeId::MAX);
        self.0.last_key_value().map_or(of_plan, |(_, last)| last.end())
    }

    pub(crate) fn add(&mut self, graft: Graft) {
        self.0.insert(graft.base(), graft);
    }

    pub(crate) fn remove(&mut self, base: NodeId) {
        self.0.remove(&base);
    }
}

impl PartialEq for Graft {
    fn eq(&self, other: &Self) -> bool {
        self.0.recorded == other.0.recorded
    }
}

impl std::fmt::Debug for Graft {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.recorded.fmt(f)
    }
}

impl Serialize for Graft {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.recorded.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Graft {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(Recorded::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
