//! The nodes that an execution runs: those of its plan, and those that its steps returned.

use std::ops::Deref;

use sagaline_events::FramePath;

use crate::{
    compiled::{Compiled, CompiledDag, CompiledNode, NodeId},
    state::{Execution, Graft, Grafts, Stage},
};

/// A plan as one execution sees it. Whatever a plan says besides its nodes is read through it.
#[derive(Clone, Copy, Debug)]
pub struct Nodes<'a> {
    plan: &'a Compiled,
    grafts: &'a Grafts,
}

impl<'a> Nodes<'a> {
    pub(crate) fn new(plan: &'a Compiled, grafts: &'a Grafts) -> Self {
        Self { plan, grafts }
    }

    pub fn node(self, id: NodeId) -> &'a CompiledNode {
        match self.plan.nodes.get(id as usize) {
            Some(node) => node,
            None => self.grafts.node(id).expect("what is no node of the plan was returned by a step"),
        }
    }

    /// The dag of this number of `parent`; the root's where there is none.
    pub fn dag_of(self, parent: Option<NodeId>, branch: u32) -> &'a CompiledDag {
        match parent {
            None => &self.plan.root,
            Some(id) => self.node(id).kind.dag(branch).expect("a parent holds its children in a dag"),
        }
    }

    /// The steps that were returned by a step, by where their ids begin.
    pub fn graft(self, base: NodeId) -> Option<&'a Graft> {
        self.grafts.get(base)
    }

    /// Where the frame of a node stands, as seen from the frame at `near`: what is inside of the same loop is of the same item.
    pub fn path_near(self, id: NodeId, near: Option<&str>) -> FramePath {
        let node = self.node(id);
        match near {
            Some(near) if node.looped => node.path.near(near),
            Some(_) | None => node.path.clone(),
        }
    }
}

impl Deref for Nodes<'_> {
    type Target = Compiled;

    fn deref(&self) -> &Compiled {
        self.plan
    }
}

impl Execution {
    /// Its nodes. `plan` is that of [`Execution::plan`].
    pub fn nodes<'a>(&'a self, plan: &'a Compiled) -> Nodes<'a> {
        static NONE: Grafts = Grafts::none();
        match &self.stage {
            Stage::Running(run) | Stage::Parked { run, .. } => Nodes::new(plan, &run.grafts),
            Stage::Unborn(_) | Stage::Unbound { .. } | Stage::Over(_) => Nodes::new(plan, &NONE),
        }
    }
}
