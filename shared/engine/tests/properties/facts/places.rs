//! Where a step stands: in the plan, or in what another returned; and what comes after what.

use std::collections::BTreeSet;

use sagaline_engine::compiled::{CompiledDag, CompiledKind, CompiledNode, NodeId};
use sagaline_events::{FramePath, SagaRequest};

use super::Facts;
use crate::undoing::before;

impl<'p> Facts<'p> {
    /// The node whose frame stands there, whichever visit of it.
    pub(super) fn node(&self, path: &FramePath) -> &CompiledNode {
        self.find(path).1
    }

    /// The same, and which graft it is of; none if it is of the plan.
    pub(super) fn find(&self, path: &FramePath) -> (Option<usize>, &CompiledNode) {
        // The innermost expansion around it came last.
        let home = self.grafts.iter().rposition(|graft| path.is_below(graft.path()));
        let nodes = home.map_or(&self.plan.nodes, |home| &self.grafts[home].compiled().nodes);
        let node = nodes.iter().find(|node| node.path.near(path.as_str()) == *path);
        (home, node.unwrap_or_else(|| panic!("{path} is no step of the plan, and nobody returned it")))
    }

    pub(super) fn ids(&self, home: Option<usize>) -> std::ops::Range<NodeId> {
        let (base, count) = match home {
            None => (0, self.plan.nodes.len()),
            Some(home) => (self.grafts[home].base(), self.grafts[home].compiled().nodes.len()),
        };
        base..base + NodeId::try_from(count).unwrap()
    }

    pub(super) fn get(&self, home: Option<usize>, id: NodeId) -> &CompiledNode {
        match home {
            None => self.plan.node(id),
            Some(home) => &self.grafts[home].compiled().nodes[(id - self.grafts[home].base()) as usize],
        }
    }

    /// Whether the step that stands there is undone.
    pub(super) fn is_undone(&self, path: &FramePath) -> bool {
        matches!(&self.node(path).kind, CompiledKind::Step { undo: Some(_), .. })
    }

    /// A step is undone after everything that came after it.
    pub(super) fn in_its_order(&self, request: &SagaRequest) {
        let places = self.undoing.places(request);
        let all: Vec<&FramePath> = places.keys().filter(|path| path.parent().is_none()).collect();
        for earlier in &all {
            for later in all.iter().filter(|later| *later != earlier) {
                if self.comes_after(&self.plan.root, later, earlier) {
                    assert!(before(request, places[*later], places[*earlier]), "{later} is undone before {earlier}");
                }
            }
        }
    }

    /// Whether one needs the other, directly or not.
    fn comes_after(&self, dag: &CompiledDag, later: &FramePath, earlier: &FramePath) -> bool {
        let place = |path: &FramePath| dag.children.iter().position(|id| self.plan.node(*id).path == *path);
        let (Some(later), Some(earlier)) = (place(later), place(earlier)) else { return false };
        let (mut open, mut seen) = (vec![earlier], BTreeSet::new());
        while let Some(place) = open.pop() {
            if place == later {
                return true;
            }
            if seen.insert(place) {
                let behind = dag.dependents[place].iter().chain(&dag.any_dependents[place]);
                open.extend(behind.map(|behind| *behind as usize));
            }
        }
        false
    }
}
