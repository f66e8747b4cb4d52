//! The tree of a plan: dags of nodes, what a node can be, and what is inside of it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Await, Case, ForEach, Raise, Step, Try, Wait};
use crate::{Approval, AwaitEvent, AwaitSignals, Child, Emit, Name};

/// Nodes that run as soon as what they need is satisfied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dag {
    pub nodes: Vec<Node>,
}

/// A place in the plan. Names are unique in the whole workflow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    pub name: Name,
    /// Siblings that must be satisfied first: completed, skipped, or failed with `on_error: continue`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<Name>,
    /// Siblings of which one must have completed, or none can any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after_any: Vec<Name>,
    /// What it belongs to, for those that come after the whole of it, and for pictures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Name>,
    /// A condition; anything but `true` skips the node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    #[serde(default)]
    pub on_error: OnError,
    pub kind: Kind,
    /// The key of `ctx` that its output is put under, whatever that is; without one the maps that are returned are merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_key: Option<Name>,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "most nodes of a plan are of the largest kind")]
pub enum Kind {
    Step(Step),
    Wait(Wait),
    Await(Await),
    /// Steps inside a step; its output is the maps that they returned, merged.
    Dag(Dag),
    /// Steps that all begin at once. The first to complete gives the output, and the others are cancelled.
    Race(Dag),
    /// The first case whose condition holds is run; if there is none, the node is skipped.
    Switch {
        cases: Vec<Case>,
    },
    /// Steps, and others that take over when they fail.
    Try(Try),
    /// The same for every item of a list; the output is the list of what each gave, in order.
    ForEach(ForEach),
    /// Values that join `ctx` and are its output: JSON whose strings may hold `${…}`.
    Set {
        values: Value,
    },
    /// A failure on purpose.
    Raise(Raise),
    /// An execution of another workflow.
    Child(Child),
    /// An event for others.
    Emit(Emit),
    /// Several signals, all or any.
    AwaitSignals(AwaitSignals),
    /// Somebody who approves or rejects.
    Approval(Approval),
    /// An event from outside.
    AwaitEvent(AwaitEvent),
}

/// What a failure that no retry mended means for the rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// What encloses the node fails too.
    #[default]
    Fail,
    /// The node counts as skipped.
    Skip,
    /// The node stays failed; what comes after it runs.
    Continue,
    /// The execution is paused, and the step is tried again when somebody lets it go on.
    Pause,
}

impl Dag {
    /// All steps that come before this one, however far.
    pub fn before(&self, step: &Name) -> BTreeSet<&Name> {
        let needs = |name: &Name| {
            let node = self.nodes.iter().find(move |node| node.name == *name);
            node.into_iter().flat_map(|node| node.after.iter().chain(&node.after_any))
        };
        let mut found = BTreeSet::new();
        let mut open: Vec<&Name> = needs(step).collect();
        while let Some(name) = open.pop() {
            if found.insert(name) {
                open.extend(needs(name));
            }
        }
        found
    }

    /// All steps that come after this one, however far.
    pub fn behind(&self, step: &Name) -> BTreeSet<&Name> {
        self.nodes.iter().map(|node| &node.name).filter(|name| self.before(name).contains(step)).collect()
    }
}

impl Node {
    /// A node that needs nothing, always runs, and whose failure is that of what encloses it.
    pub fn new(name: Name, kind: Kind) -> Self {
        let (after, after_any, on_error) = (vec![], vec![], OnError::default());
        Self { name, after, after_any, group: None, when: None, on_error, kind, context_key: None }
    }

    /// The nodes right inside it.
    pub fn inside(&self) -> Vec<&Node> {
        match &self.kind {
            Kind::Dag(dag) | Kind::Race(dag) => dag.nodes.iter().collect(),
            Kind::Switch { cases } => cases.iter().flat_map(|case| &case.steps.nodes).collect(),
            Kind::Try(Try { body, catch, .. }) => body.nodes.iter().chain(&catch.nodes).collect(),
            Kind::ForEach(each) => vec![&each.body],
            Kind::Await(Await { on_timeout, .. })
            | Kind::AwaitSignals(AwaitSignals { on_timeout, .. })
            | Kind::AwaitEvent(AwaitEvent { on_timeout, .. }) => {
                on_timeout.steps().into_iter().flat_map(|dag| &dag.nodes).collect()
            }
            Kind::Approval(Approval { notify, on_timeout, .. }) => {
                let late = on_timeout.steps().into_iter().flat_map(|dag| &dag.nodes);
                notify.iter().map(|node| &**node).chain(late).collect()
            }
            Kind::Step(_) | Kind::Wait(_) | Kind::Set { .. } | Kind::Raise(_) | Kind::Child(_) | Kind::Emit(_) => {
                vec![]
            }
        }
    }

    /// The same, to change them.
    pub fn inside_mut(&mut self) -> Vec<&mut Node> {
        match &mut self.kind {
            Kind::Dag(dag) | Kind::Race(dag) => dag.nodes.iter_mut().collect(),
            Kind::Switch { cases } => cases.iter_mut().flat_map(|case| &mut case.steps.nodes).collect(),
            Kind::Try(Try { body, catch, .. }) => body.nodes.iter_mut().chain(&mut catch.nodes).collect(),
            Kind::ForEach(each) => vec![&mut each.body],
            Kind::Await(Await { on_timeout, .. })
            | Kind::AwaitSignals(AwaitSignals { on_timeout, .. })
            | Kind::AwaitEvent(AwaitEvent { on_timeout, .. }) => {
                on_timeout.steps_mut().into_iter().flat_map(|dag| &mut dag.nodes).collect()
            }
            Kind::Approval(Approval { notify, on_timeout, .. }) => {
                let late = on_timeout.steps_mut().into_iter().flat_map(|dag| &mut dag.nodes);
                notify.iter_mut().map(|node| &mut **node).chain(late).collect()
            }
            Kind::Step(_) | Kind::Wait(_) | Kind::Set { .. } | Kind::Raise(_) | Kind::Child(_) | Kind::Emit(_) => {
                vec![]
            }
        }
    }
}
