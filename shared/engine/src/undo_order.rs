//! The order in which steps are undone: each after everything that came after it, independent ones side by side.
//!
//! It follows from where the steps stand: a dag is gone through along its edges, backwards; so are the items of a loop that came one
//! after the other; a `catch` comes before its body; what a step returned, or its child did, before the step. A place without
//! anything to undo hands on what it waits for, or holds it together: so there are about as many edges as the plan has.

use std::collections::{BTreeMap, BTreeSet};

use sagaline_events::{FramePath, UndoStep, path::visit_of};

use crate::{
    compiled::{CompiledDag, CompiledKind, CountSource, NodeId},
    nodes::Nodes,
    state::{Undo, UndoPlace as Place, Undoable},
};

/// All that can be undone, each after what is undone before it.
pub(crate) fn of_all(undo: &Undo, plan: Nodes<'_>) -> Vec<UndoStep> {
    let mut writer = Steps { undo, steps: vec![] };
    let mut walk = Walk { plan, undo, to: &mut writer, met: BTreeSet::new() };
    let last = walk.dag(&plan.root, &Tree::of(undo, None), None, None);
    walk.rest(last, undo.list.keys().rev());
    pruned(writer.steps)
}

/// The same of what a step returned, as an order of places: what is undone there may not be known yet.
pub(crate) fn of_expansion(undo: &Undo, plan: Nodes<'_>, path: &FramePath, dag: &CompiledDag) -> Vec<Place> {
    let mut writer = Places { undo, left: undo.left_below(path).collect(), places: vec![] };
    let mut walk = Walk { plan, undo, to: &mut writer, met: BTreeSet::new() };
    let last = walk.dag(dag, &Tree::of(undo, Some(path)), Some(path), None);
    let before = undo.groups.get(path).into_iter().flatten().filter(|place| !place.joins).map(|place| &place.path);
    walk.rest(last, before.chain(undo.below(path).rev()));
    writer.places
}

/// The entries, by where they stand.
#[derive(Default)]
struct Tree<'u> {
    is_entry: bool,
    inside: BTreeMap<&'u str, Tree<'u>>,
}

impl<'u> Tree<'u> {
    fn of(undo: &'u Undo, below: Option<&FramePath>) -> Self {
        let mut tree = Self::default();
        let skipped = below.map_or(0, |below| below.as_str().len() + 1);
        let all: Vec<&FramePath> = match below {
            // Some may hand over what they did when this order is made already.
            Some(below) => undo.below(below).chain(undo.left_below(below)).collect(),
            None => undo.list.keys().collect(),
        };
        for path in all {
            let mut at = &mut tree;
            for part in path.as_str()[skipped..].split('/') {
                at = at.inside.entry(part).or_default();
            }
            at.is_entry = true;
        }
        tree
    }
}

/// Who takes the places down, each with what it comes after; the place it has got, by which others name it.
trait Writer {
    /// A step.
    fn step(&mut self, path: &FramePath, after: Option<u32>) -> Option<u32>;
    /// What only holds others together.
    fn join(&mut self, path: &FramePath, after: Vec<u32>) -> u32;
}

/// For the request: with all that is known.
struct Steps<'u> {
    undo: &'u Undo,
    steps: Vec<UndoStep>,
}

impl Steps<'_> {
    fn push(&mut self, step: UndoStep) -> u32 {
        self.steps.push(step);
        place(self.steps.len() - 1)
    }

    /// What its child did.
    fn inner(&mut self, path: &FramePath, entry: &Undoable, after: Option<u32>) -> Option<u32> {
        let base = place(self.steps.len());
        let mut last: BTreeSet<u32> = BTreeSet::new();
        for (own, step) in (base..).zip(&entry.inner) {
            let mut step = step.clone();
            step.after.iter_mut().for_each(|place| *place += base);
            for place in &step.after {
                last.remove(place);
            }
            if step.after.is_empty() {
                step.after.extend(after);
            }
            last.insert(own);
            self.steps.push(step);
        }
        match last.len() {
            0 => after,
            1 => last.first().copied(),
            _ => Some(self.join(path, last.into_iter().collect())),
        }
    }
}

impl Writer for Steps<'_> {
    fn step(&mut self, path: &FramePath, after: Option<u32>) -> Option<u32> {
        let Some(entry) = self.undo.list.get(path) else { return after };
        let after = self.inner(path, entry, after);
        if entry.actions.is_empty() {
            return after;
        }
        let (outcome, actions) = (entry.outcome, entry.actions.clone());
        let after = after.into_iter().collect();
        Some(self.push(UndoStep { path: path.clone(), execution: None, after, outcome, actions }))
    }

    fn join(&mut self, path: &FramePath, after: Vec<u32>) -> u32 {
        let outcome = sagaline_events::saga::UndoOutcome::Completed;
        self.push(UndoStep { path: path.clone(), execution: None, after, outcome, actions: vec![] })
    }
}

/// For an expansion that is over.
struct Places<'u> {
    undo: &'u Undo,
    /// Where children stood that may still hand over what they did.
    left: BTreeSet<&'u FramePath>,
    places: Vec<Place>,
}

impl Places<'_> {
    fn push(&mut self, place_: Place) -> u32 {
        self.places.push(place_);
        place(self.places.len() - 1)
    }
}

impl Writer for Places<'_> {
    fn step(&mut self, path: &FramePath, after: Option<u32>) -> Option<u32> {
        if !self.undo.list.contains_key(path) && !self.left.contains(path) {
            return after;
        }
        Some(self.push(Place { path: path.clone(), after: after.into_iter().collect(), joins: false }))
    }

    fn join(&mut self, path: &FramePath, after: Vec<u32>) -> u32 {
        self.push(Place { path: path.clone(), after, joins: true })
    }
}

struct Walk<'w, 'p, W> {
    plan: Nodes<'p>,
    undo: &'w Undo,
    to: &'w mut W,
    met: BTreeSet<FramePath>,
}

impl<W: Writer> Walk<'_, '_, W> {
    fn step(&mut self, path: &FramePath, after: Option<u32>) -> Option<u32> {
        if !self.met.insert(path.clone()) {
            return after;
        }
        self.to.step(path, after)
    }

    /// What the plan does not know of, since it is of an earlier round, came before all the rest: one after the other, as they stood
    /// in the order that they had.
    fn rest<'r>(&mut self, mut left: Option<u32>, rest: impl Iterator<Item = &'r FramePath>) {
        for path in rest {
            left = self.step(path, left).or(left);
        }
    }

    /// What several leave: one of them, or what holds them together.
    fn joined(&mut self, path: &FramePath, mut after: Vec<u32>) -> Option<u32> {
        after.sort_unstable();
        after.dedup();
        match after.as_slice() {
            [] => None,
            [one] => Some(*one),
            _ => Some(self.to.join(path, after)),
        }
    }

    /// The steps of a dag, from the last to the first. Gives what the first of them leave.
    fn dag(&mut self, dag: &CompiledDag, tree: &Tree<'_>, path: Option<&FramePath>, after: Option<u32>) -> Option<u32> {
        let mut left: Vec<Option<u32>> = vec![after; dag.children.len()];
        let mut own = None;
        for place in backwards(dag) {
            let id = dag.children[place];
            let name = &self.plan.node(id).name;
            let here = path.map_or_else(|| FramePath::root(name), |path| path.child(name));
            let mut behind = dag.dependents[place].iter().chain(&dag.any_dependents[place]).peekable();
            let ready = match behind.peek() {
                Some(_) => {
                    let behind = behind.filter_map(|behind| left[*behind as usize]).collect();
                    self.joined(&here, behind)
                }
                None => after,
            };
            left[place] = match tree.inside.get(name.as_str()) {
                Some(tree) => self.node(id, tree, &here, ready),
                None => ready,
            };
            own = Some(here);
        }
        let first = (0..dag.children.len()).filter(|place| dag.needs[*place] == 0);
        let first = first.filter_map(|place| left[place]).collect();
        let around = path.cloned().or(own)?;
        self.joined(&around, first)
    }

    fn node(&mut self, id: NodeId, tree: &Tree<'_>, path: &FramePath, after: Option<u32>) -> Option<u32> {
        let plan = self.plan;
        let after = match &plan.node(id).kind {
            CompiledKind::Dag(dag) | CompiledKind::Race(dag) => self.dag(dag, tree, Some(path), after),
            CompiledKind::Switch { cases } => self.branches(cases.iter().rev().map(|(_, dag)| dag), tree, path, after),
            CompiledKind::Try { body, catch, .. } => self.branches([catch, body].into_iter(), tree, path, after),
            CompiledKind::Await { late, .. }
            | CompiledKind::AwaitSignals { late, .. }
            | CompiledKind::AwaitEvent { late, .. }
            | CompiledKind::Approval { late, .. } => self.branches(late.iter(), tree, path, after),
            CompiledKind::ForEach { concurrency, body, .. } => self.items(concurrency, *body, tree, path, after),
            CompiledKind::Step { .. } => match self.undo.groups.get(path) {
                Some(places) => self.places(path, places, after),
                None => after,
            },
            CompiledKind::Wait { .. }
            | CompiledKind::Set { .. }
            | CompiledKind::Raise { .. }
            | CompiledKind::Child { .. }
            | CompiledKind::Emit { .. } => after,
        };
        if tree.is_entry { self.step(path, after) } else { after }
    }

    /// The dags of a node, of which a later one came after an earlier one.
    fn branches<'d>(
        &mut self,
        dags: impl Iterator<Item = &'d CompiledDag>,
        tree: &Tree<'_>,
        path: &FramePath,
        after: Option<u32>,
    ) -> Option<u32> {
        dags.fold(after, |after, dag| self.dag(dag, tree, Some(path), after))
    }

    fn items(
        &mut self,
        concurrency: &CountSource,
        body: NodeId,
        tree: &Tree<'_>,
        path: &FramePath,
        after: Option<u32>,
    ) -> Option<u32> {
        let one_by_one = match concurrency {
            CountSource::Fixed(count) => *count == 1,
            // By older rules it was not noted.
            CountSource::Expression(_) => !self.plan.plan.can_be_undone() || self.undo.strict.contains(path),
        };
        let items = tree.inside.iter().map(|(name, tree)| (visit_of(name), tree));
        let mut items: Vec<(u32, &Tree<'_>)> = items.collect();
        items.sort_unstable_by_key(|(visit, _)| std::cmp::Reverse(*visit));
        let name = &self.plan.node(body).name;
        let (mut left, mut all) = (after, vec![]);
        for (visit, tree) in items {
            left = self.node(body, tree, &path.child_visit(name, visit), if one_by_one { left } else { after });
            all.extend(left);
        }
        if one_by_one { left } else { self.joined(path, all) }
    }

    /// What a step returned whose expansion is over.
    fn places(&mut self, path: &FramePath, places: &[Place], after: Option<u32>) -> Option<u32> {
        let mut left: Vec<Option<u32>> = Vec::with_capacity(places.len());
        let mut last: BTreeSet<usize> = BTreeSet::new();
        for (index, of) in places.iter().enumerate() {
            let ready = match of.after.as_slice() {
                [] => after,
                before => {
                    for before in before {
                        last.remove(&(*before as usize));
                    }
                    let before = before.iter().filter_map(|before| left.get(*before as usize).copied().flatten());
                    let before = before.collect();
                    self.joined(&of.path, before)
                }
            };
            left.push(if of.joins { ready } else { self.step(&of.path, ready) });
            last.insert(index);
        }
        let left = last.into_iter().filter_map(|index| left[index]).collect();
        self.joined(path, left)
    }
}

/// The places of a dag, each after all that come after it.
fn backwards(dag: &CompiledDag) -> Vec<usize> {
    let mut needs: Vec<usize> = vec![0; dag.children.len()];
    let behind = |place: usize| dag.dependents[place].iter().chain(&dag.any_dependents[place]);
    (0..needs.len()).for_each(|place| behind(place).for_each(|behind| needs[*behind as usize] += 1));
    let mut order: Vec<usize> = (0..needs.len()).filter(|place| needs[*place] == 0).collect();
    let mut next = 0;
    while let Some(place) = order.get(next).copied() {
        next += 1;
        for behind in behind(place) {
            needs[*behind as usize] -= 1;
            if needs[*behind as usize] == 0 {
                order.push(*behind as usize);
            }
        }
    }
    order.reverse();
    order
}

/// Without places that hold together what nothing comes before.
fn pruned(steps: Vec<UndoStep>) -> Vec<UndoStep> {
    let mut is_needed = vec![false; steps.len()];
    for (index, step) in steps.iter().enumerate().rev() {
        is_needed[index] |= !step.actions.is_empty();
        if is_needed[index] {
            step.after.iter().for_each(|before| is_needed[*before as usize] = true);
        }
    }
    let mut moved = vec![0; steps.len()];
    let mut kept = vec![];
    for (index, mut step) in steps.into_iter().enumerate().filter(|(index, _)| is_needed[*index]) {
        step.after.iter_mut().for_each(|before| *before = moved[*before as usize]);
        moved[index] = place(kept.len());
        kept.push(step);
    }
    kept
}

fn place(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
