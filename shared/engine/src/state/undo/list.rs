//! How the list of what can be undone changes while an execution runs. Only through the methods here, so that the index stays true.

use std::collections::BTreeMap;

use sagaline_events::{FramePath, UndoStep};
use sagaline_model::ExecutionId;
use serde_json::Value;

use super::{Doubt, Left, Place, Undo, Undoable, weight::weight_of_group};
use crate::{
    state::{Delegated, Run, State, TaskInput},
    weight,
};

impl Run {
    /// Puts a step into the list.
    pub(crate) fn can_undo(&mut self, path: &FramePath, entry: Undoable) {
        self.index.weight += entry.weight(path);
        if let Some(before) = self.undo.list.insert(path.clone(), entry) {
            self.index.weight -= before.weight(path);
        }
    }

    /// There is nothing to undo of a step after all.
    pub(crate) fn cannot_undo(&mut self, path: &FramePath) {
        if let Some(before) = self.undo.list.remove(path) {
            self.index.weight -= before.weight(path);
        }
    }

    /// What a child did is put into the list. `is_last`: it is the one that this place had last. What others did that had it in
    /// earlier rounds came before all that is of this one, and stands where no step does.
    pub(crate) fn can_undo_child(&mut self, path: &FramePath, entry: Undoable, is_last: bool) {
        let Some(before) =
            self.undo.list.get(path).filter(|before| before.child.is_some() && before.child != entry.child).cloned()
        else {
            return self.can_undo(path, entry);
        };
        let earlier = self.place_of_earlier(path);
        let (earlier_entry, last) = if is_last { (before, entry) } else { (entry, before) };
        let moved = |step: &UndoStep| {
            let inner = step.path.as_str().strip_prefix(path.as_str()).unwrap_or(step.path.as_str());
            let moved = FramePath::try_from(format!("{earlier}{inner}")).unwrap_or_else(|_| step.path.clone());
            UndoStep { path: moved, ..step.clone() }
        };
        let inner = earlier_entry.inner.iter().map(moved).collect();
        self.can_undo(&earlier, Undoable { inner, ..earlier_entry });
        self.can_undo(path, last);
    }

    /// The same path in a visit of its root that no step has.
    fn place_of_earlier(&self, path: &FramePath) -> FramePath {
        let (root, rest) = path
            .as_str()
            .split_once('/')
            .map_or((path.as_str(), String::new()), |(root, rest)| (root, format!("/{rest}")));
        let place = |visit: u32| FramePath::try_from(format!("{root}:{visit}{rest}")).ok();
        let mut places = (2..).map_while(place);
        places.find(|place| !self.undo.list.contains_key(place)).unwrap_or_else(|| path.clone())
    }

    pub(crate) fn set_doubt(&mut self, path: &FramePath, doubt: Doubt) {
        self.index.weight += doubt.weight(path);
        if let Some(before) = self.undo.doubts.insert(path.clone(), doubt) {
            self.index.weight -= before.weight(path);
        }
    }

    pub(crate) fn take_doubt(&mut self, path: &FramePath) -> Option<Doubt> {
        let doubt = self.undo.doubts.remove(path)?;
        self.index.weight -= doubt.weight(path);
        Some(doubt)
    }

    /// A child was told to end, and is heard until it says that it has.
    pub(crate) fn leave_child(&mut self, path: &FramePath, child: &Delegated) {
        // It is not started again, and nobody's patience ends.
        let child = Delegated { input: TaskInput::Literal, until: None, ..child.clone() };
        let left = Left { path: path.clone(), child };
        self.index.weight += left.weight();
        if let Some(before) = self.undo.left.insert(left.child.child.clone(), left) {
            self.index.weight -= before.weight();
        }
    }

    /// It is over, or waited for in another way.
    pub(crate) fn take_left(&mut self, child: &ExecutionId) -> Option<Left> {
        let left = self.undo.left.remove(child)?;
        self.index.weight -= left.weight();
        Some(left)
    }

    /// Those that are waited for before anything is undone: one at a place at a time, for those of earlier rounds have the same.
    pub(crate) fn left_at_each_place(&mut self) -> BTreeMap<FramePath, Delegated> {
        let mut first: BTreeMap<FramePath, ExecutionId> = BTreeMap::new();
        for (child, left) in &self.undo.left {
            first.entry(left.path.clone()).or_insert_with(|| child.clone());
        }
        first.into_iter().filter_map(|(path, child)| Some((path, self.take_left(&child)?.child))).collect()
    }

    /// The child of this place is over: the one of another round follows.
    pub(crate) fn next_left_at(&mut self, path: &FramePath) -> Option<Delegated> {
        let child = self.undo.left.iter().find(|(_, left)| left.path == *path).map(|(child, _)| child.clone())?;
        self.take_left(&child).map(|left| left.child)
    }

    /// None of them is waited for.
    pub(crate) fn forget_left(&mut self) {
        self.index.weight -= self.undo.left.values().map(Left::weight).sum::<usize>();
        self.undo.left.clear();
    }

    /// The items of this loop come one after the other.
    pub(crate) fn note_strict(&mut self, path: &FramePath) {
        if self.undo.strict.insert(path.clone()) {
            self.index.weight += weight::of_text(path.as_str());
        }
    }

    pub(crate) fn set_group(&mut self, path: &FramePath, places: Vec<Place>) {
        self.drop_group(path);
        self.index.weight += weight_of_group((path, &places));
        self.undo.groups.insert(path.clone(), places);
    }

    pub(crate) fn drop_group(&mut self, path: &FramePath) -> Option<Vec<Place>> {
        let places = self.undo.groups.remove(path)?;
        self.index.weight -= weight_of_group((path, &places));
        Some(places)
    }

    /// It is undone, or there was nothing to undo: nothing of that is needed any more.
    pub(crate) fn forget_undo(&mut self) {
        self.set_undoing(None);
        self.index.weight -= self.undo.weight();
        self.undo = Undo::default();
    }

    /// Throws away what it does not need any more that only is to be undone, and is too heavy.
    pub(crate) fn lighten(&mut self) {
        self.ctx.clear();
        self.mailbox.clear();
        for frame in self.frames.values_mut() {
            if let State::Completed { output, .. } = &mut frame.state {
                *output = Value::Null;
            }
        }
        self.reindex();
    }
}
