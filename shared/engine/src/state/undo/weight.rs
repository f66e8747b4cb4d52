//! What everything weighs that can be undone: about the bytes that it takes in a snapshot, and in the request that is made of it.

use sagaline_events::{FramePath, UndoStep, saga::UndoAction};
use sagaline_model::{Compensation, StepError};

use super::{Asked, Doubt, Left, Phase, Place, SagaEnd, Seen, Undo, Undoable, Undoing};
use crate::{state::Delegated, weight};

/// What an entry, an action or a place weighs besides its data: names of fields, numbers, the policy of its retries, and its part in
/// the request that is made of it.
const ENTRY: usize = 120;
const ACTION: usize = 260;
const PLACE: usize = 60;
const UNDOING: usize = 240;

impl Undo {
    pub(crate) fn weight(&self) -> usize {
        let list = self.list.iter().map(|(path, entry)| entry.weight(path)).sum::<usize>();
        let doubts = self.doubts.iter().map(|(path, doubt)| doubt.weight(path)).sum::<usize>();
        let groups = self.groups.iter().map(weight_of_group).sum::<usize>();
        let strict = self.strict.iter().map(|path| weight::of_text(path.as_str())).sum::<usize>();
        let left = self.left.values().map(Left::weight).sum::<usize>();
        list + doubts + groups + strict + left + self.undoing.as_ref().map_or(0, |undoing| undoing.weight())
    }
}

impl Left {
    pub(super) fn weight(&self) -> usize {
        // It is named twice.
        weight_of_child((&self.path, &self.child)) + weight::of_text(self.child.child.as_str())
    }
}

impl Undoable {
    pub(super) fn weight(&self, path: &FramePath) -> usize {
        let inner = |step: &UndoStep| {
            let id = step.execution.as_ref().map_or(0, |id| weight::of_text(id.as_str()));
            let actions = step.actions.iter().map(weight_of_action).sum::<usize>();
            ENTRY + weight::of_text(step.path.as_str()) + id + step.after.len() * 6 + actions
        };
        let actions = self.actions.iter().map(weight_of_action).sum::<usize>();
        // It stands in the request a second time, beside a place that may hold others together.
        let child = self.child.as_ref().map_or(0, |child| 10 + weight::of_text(child.as_str()));
        ENTRY + 2 * weight::of_text(path.as_str()) + actions + child + self.inner.iter().map(inner).sum::<usize>()
    }
}

impl Doubt {
    pub(super) fn weight(&self, path: &FramePath) -> usize {
        let seen = |seen: &Seen| {
            40 + weight::of(&seen.value) + seen.path.iter().map(|part| weight::of_text(part) + 1).sum::<usize>()
        };
        let action = |action: &Compensation| {
            ACTION + action.activity.as_str().len() + weight::of(&action.input) + weight::of(&action.metadata)
        };
        ENTRY
            + weight::of_text(path.as_str())
            + weight::of(&self.input)
            + self.attempts.len() * 40
            + self.seen.iter().map(seen).sum::<usize>()
            + self.compensate.actions.iter().map(action).sum::<usize>()
    }
}

impl Undoing {
    pub(super) fn weight(&self) -> usize {
        let rest = match &self.phase {
            Phase::Settling { children, .. } => children.iter().map(weight_of_child).sum(),
            Phase::Asked(asked) => asked.weight(),
        };
        UNDOING + self.outcome.weight() + rest
    }
}

impl Asked {
    pub(super) fn weight(&self) -> usize {
        let stuck = |(path, error): &(FramePath, StepError)| weight::of_text(path.as_str()) + weight::of_error(error);
        self.stuck.iter().map(stuck).sum()
    }
}

impl SagaEnd {
    pub(crate) fn weight(&self) -> usize {
        let paths = self.compensated.iter().chain(&self.skipped);
        let texts = self.by.iter().chain(&self.why);
        100 + paths.map(|path| weight::of_text(path.as_str()) + 1).sum::<usize>()
            + texts.map(|text| weight::of_text(text)).sum::<usize>()
    }
}

pub(super) fn weight_of_child((path, child): (&FramePath, &Delegated)) -> usize {
    ENTRY + weight::of_text(path.as_str()) + weight::of_text(child.child.as_str())
}

pub(super) fn weight_of_group((path, places): (&FramePath, &Vec<Place>)) -> usize {
    let place = |place: &Place| PLACE + 2 * weight::of_text(place.path.as_str()) + place.after.len() * 6;
    weight::of_text(path.as_str()) + places.iter().map(place).sum::<usize>()
}

pub(super) fn weight_of_action(action: &UndoAction) -> usize {
    let names = action.activity.as_str().len() + action.queue.as_str().len();
    let kinds = action.retry.retry_on.iter().chain(&action.retry.no_retry_on);
    let kinds = kinds.map(|kind| weight::of_text(kind) + 1).sum::<usize>();
    let fault = action.fault.as_ref().map_or(0, weight::of_error);
    ACTION + names + kinds + weight::of(&action.input) + weight::of(&action.metadata) + fault
}
