//! How the steps of an execution stand, on its graph.

use std::collections::BTreeMap;

use sagaline_events::record::{ExecutionView, InsideView, StepStatus, StepView};

use crate::{Graph, Link, Rounds, Shown, What};

/// What is done for each item of a loop is called so in paths.
const BODY: &str = "item";

impl Graph {
    /// Shows the states of an execution. How many of its steps are not in this graph: those that other steps returned, which are
    /// counted where they were returned, or those of another version.
    pub fn show(&mut self, view: &ExecutionView) -> usize {
        self.execution = Some(Shown { id: view.execution.clone(), status: view.status });
        // Of several visits of a step the last stands last.
        let steps: BTreeMap<String, &StepView> = view.steps.iter().map(|step| (place(&step.step), step)).collect();
        let mut shown = 0;
        for part in &mut self.parts {
            let Some(step) = part.path.as_ref().and_then(|path| steps.get(path)) else { continue };
            shown += 1;
            part.status = Some(step.status);
            part.attempt = Some(step.attempt).filter(|attempt| 0 < *attempt);
            part.items = step.items;
            part.child.clone_from(&step.child);
        }
        view.steps.iter().for_each(|step| self.show_inside(step));
        self.show_undone();
        steps.len() - shown
    }

    /// How what is done for each item stands: of the newest item, of all that are worked on, and of those that are done.
    fn show_inside(&mut self, outer: &StepView) {
        let places: BTreeMap<&str, &InsideView> =
            outer.inside.iter().map(|inside| (inside.step.as_str(), inside)).collect();
        if places.is_empty() {
            return;
        }
        let is_at_work = outer.inside.iter().any(|inside| 0 < inside.item);
        let outer = place(&outer.step);
        for part in &mut self.parts {
            let Some(path) = &part.path else { continue };
            let Some(rest) = path.strip_prefix(outer.as_str()).filter(|it| it.is_empty() || it.starts_with('/')) else {
                continue;
            };
            // What one step does for each item is drawn as that step.
            let body = format!("{path}/{BODY}");
            match places.get(path.as_str()) {
                Some(inside) => {
                    part.status = Some(inside.status);
                    part.attempt = Some(inside.attempt).filter(|attempt| 0 < *attempt);
                    part.items = inside.items;
                    part.rounds = Some(Rounds::of(inside));
                }
                None => {
                    part.rounds = places.get(body.as_str()).map(|inside| Rounds::of_loop(inside));
                    // Nothing of it has begun in the newest item.
                    if !rest.is_empty() && is_at_work && !part.holds && part.status.is_none() {
                        part.status = Some(StepStatus::Pending);
                    }
                }
            }
        }
    }

    /// What takes a step back is done if the step is undone.
    fn show_undone(&mut self) {
        let mut undone: BTreeMap<String, bool> = BTreeMap::new();
        for part in &self.parts {
            undone.insert(part.id.clone(), part.status == Some(StepStatus::Compensated));
        }
        // Each stands behind the one before.
        for edge in self.edges.iter().filter(|edge| edge.what == Link::Undoes) {
            let is_undone = undone.get(&edge.from).copied().unwrap_or(false);
            undone.insert(edge.to.clone(), is_undone);
        }
        for part in self.parts.iter_mut().filter(|part| part.what == What::Undo) {
            part.status = undone.get(&part.id).filter(|is_undone| **is_undone).map(|_| StepStatus::Completed);
        }
    }

    /// The statuses that it shows, each once.
    pub(crate) fn statuses(&self) -> Vec<StepStatus> {
        let mut statuses: Vec<StepStatus> = self.parts.iter().filter_map(|part| part.status).collect();
        statuses.sort_unstable();
        statuses.dedup();
        statuses
    }
}

/// A path without the numbers of visits: where the step stands in the plan.
fn place(path: &str) -> String {
    let step = |step: &str| step.split_once(':').map_or(step, |(name, _)| name).to_owned();
    path.split('/').map(step).collect::<Vec<_>>().join("/")
}

/// The parts right inside each, and those inside of none.
pub(crate) fn tree(graph: &Graph) -> BTreeMap<Option<&str>, Vec<&crate::Part>> {
    let mut tree: BTreeMap<Option<&str>, Vec<&crate::Part>> = BTreeMap::new();
    for part in &graph.parts {
        tree.entry(part.inside.as_deref()).or_default().push(part);
    }
    tree
}
