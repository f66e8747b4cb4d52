//! What can be undone of an execution, and how far it is with that once it has ended such that it is.
//!
//! One entry per step that has had an effect, or may have had one, with all that its undoing needs: so loops and expansions may be
//! forgotten as soon as they are over.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use sagaline_events::{
    FramePath, SagaStatus, TimerKind, TimerName, UndoStep,
    saga::{UndoAction, UndoOutcome},
};
use sagaline_model::{Compensate, ExecutionId, Moment, Name, StepError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Delegated, Outcome, Run, asked_again};
use crate::weight;

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

/// An execution that has ended such that what it did is undone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Undoing {
    pub since: Moment,
    /// How it ended.
    pub outcome: Outcome,
    pub phase: Phase,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Those that were at work may still have had their effect, and children have to be over.
    Settling {
        /// Answers are waited for until then.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Moment>,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        children: BTreeMap<FramePath, Delegated>,
    },
    /// A saga does it.
    Asked(Asked),
}

/// A saga that was asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    pub at: Moment,
    /// How many steps are undone.
    pub steps: usize,
    /// How often it was asked for, or how it stands, since it last said something.
    pub times: u32,
    /// When it is asked next.
    pub look: Moment,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<SagaStatus>,
    /// Where it is stuck, and by what.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stuck: Vec<(FramePath, StepError)>,
}

/// How a saga ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SagaEnd {
    pub status: SagaStatus,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub compensated: Vec<FramePath>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<FramePath>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What an entry, an action or a place weighs besides its data: names of fields, numbers, the policy of its retries, and its part in
/// the request that is made of it.
const ENTRY: usize = 120;
const ACTION: usize = 260;
const PLACE: usize = 60;
const UNDOING: usize = 240;

impl Undo {
    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
            && self.strict.is_empty()
            && self.groups.is_empty()
            && self.left.is_empty()
            && self.undoing.is_none()
    }

    pub(crate) fn weight(&self) -> usize {
        let list = self.list.iter().map(|(path, entry)| entry.weight(path)).sum::<usize>();
        let doubts = self.doubts.iter().map(|(path, doubt)| doubt.weight(path)).sum::<usize>();
        let groups = self.groups.iter().map(weight_of_group).sum::<usize>();
        let strict = self.strict.iter().map(|path| weight::of_text(path.as_str())).sum::<usize>();
        let left = self.left.values().map(Left::weight).sum::<usize>();
        list + doubts + groups + strict + left + self.undoing.as_ref().map_or(0, |undoing| undoing.weight())
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

fn weight_of_group((path, places): (&FramePath, &Vec<Place>)) -> usize {
    let place = |place: &Place| PLACE + 2 * weight::of_text(place.path.as_str()) + place.after.len() * 6;
    weight::of_text(path.as_str()) + places.iter().map(place).sum::<usize>()
}

impl Left {
    fn weight(&self) -> usize {
        // It is named twice.
        weight_of_child((&self.path, &self.child)) + weight::of_text(self.child.child.as_str())
    }
}

impl Undoable {
    fn weight(&self, path: &FramePath) -> usize {
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

fn weight_of_action(action: &UndoAction) -> usize {
    let names = action.activity.as_str().len() + action.queue.as_str().len();
    let kinds = action.retry.retry_on.iter().chain(&action.retry.no_retry_on);
    let kinds = kinds.map(|kind| weight::of_text(kind) + 1).sum::<usize>();
    let fault = action.fault.as_ref().map_or(0, weight::of_error);
    ACTION + names + kinds + weight::of(&action.input) + weight::of(&action.metadata) + fault
}

impl Doubt {
    fn weight(&self, path: &FramePath) -> usize {
        let seen = |seen: &Seen| {
            40 + weight::of(&seen.value) + seen.path.iter().map(|part| weight::of_text(part) + 1).sum::<usize>()
        };
        let action = |action: &sagaline_model::Compensation| {
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
    fn timers(&self) -> Vec<(Moment, TimerName)> {
        match &self.phase {
            Phase::Settling { until, children } => {
                let settle = until.map(|until| (until, TimerName::of_execution(TimerKind::Settle)));
                settle.into_iter().chain(children.iter().map(child_timer)).collect()
            }
            Phase::Asked(asked) => vec![asked.timer()],
        }
    }

    fn weight(&self) -> usize {
        let rest = match &self.phase {
            Phase::Settling { children, .. } => children.iter().map(weight_of_child).sum(),
            Phase::Asked(asked) => asked.weight(),
        };
        UNDOING + self.outcome.weight() + rest
    }

    pub(crate) fn is_asked(&self) -> bool {
        matches!(self.phase, Phase::Asked(_))
    }

    pub(crate) fn is_stuck(&self) -> bool {
        matches!(&self.phase, Phase::Asked(asked) if asked.status == Some(SagaStatus::Stuck))
    }
}

fn weight_of_child((path, child): (&FramePath, &Delegated)) -> usize {
    ENTRY + weight::of_text(path.as_str()) + weight::of_text(child.child.as_str())
}

fn child_timer((path, child): (&FramePath, &Delegated)) -> (Moment, TimerName) {
    (child.look, TimerName::of_frame(TimerKind::ChildLook, path, child.looks))
}

impl Asked {
    pub(crate) fn timer(&self) -> (Moment, TimerName) {
        (self.look, TimerName::of_execution(TimerKind::SagaLook))
    }

    /// NATS did not take the request.
    pub(crate) fn is_refused(&self) -> bool {
        self.stuck.iter().any(|(_, error)| error.kind == StepError::SAGA_REFUSED)
    }

    /// It is asked: nothing was heard of it for long.
    pub(crate) fn again(&mut self, at: Moment) {
        self.times += 1;
        self.look = asked_again(self.times, at);
    }

    /// It has said something.
    pub(crate) fn heard(&mut self, at: Moment) {
        self.times = 1;
        self.look = asked_again(1, at);
    }

    fn weight(&self) -> usize {
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

impl Outcome {
    /// The error, the step that failed, and the reason that was given.
    pub(crate) fn causes(&self) -> (Option<&StepError>, Option<&FramePath>, Option<&str>) {
        match self {
            Self::Failed { error, step, .. } => (Some(error), step.as_ref(), None),
            Self::Refused { error } => (Some(error), None, None),
            Self::Cancelled { reason } => (None, None, reason.as_deref()),
            Self::RolledBack { cause, .. } => cause.causes(),
            Self::Completed { .. } | Self::TimedOut => (None, None, None),
        }
    }
}

impl Run {
    /// Whether what it did is being undone.
    pub(crate) fn is_undoing(&self) -> bool {
        self.undo.undoing.is_some()
    }

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
        let child = Delegated { input: super::TaskInput::Literal, until: None, ..child.clone() };
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

    /// How far it is with being undone; the index is kept true.
    pub(crate) fn set_undoing(&mut self, undoing: Option<Undoing>) -> Option<Undoing> {
        self.index.weight += undoing.as_ref().map_or(0, Undoing::weight);
        let before = std::mem::replace(&mut self.undo.undoing, undoing.map(Box::new));
        if let Some(before) = &before {
            self.index.weight -= before.weight();
            for timer in before.timers() {
                self.index.timers.remove(&timer);
            }
        }
        self.index.timers.extend(self.undo.undoing.iter().flat_map(|undoing| undoing.timers()));
        before.map(|before| *before)
    }

    /// Changes what is known of the saga.
    pub(crate) fn change_asked(&mut self, change: impl FnOnce(&mut Asked)) {
        let Some(Undoing { phase: Phase::Asked(asked), .. }) = self.undo.undoing.as_deref_mut() else { return };
        self.index.timers.remove(&asked.timer());
        self.index.weight -= asked.weight();
        change(asked);
        self.index.timers.insert(asked.timer());
        self.index.weight += asked.weight();
    }

    /// A child that is to be over before anything is undone.
    pub(crate) fn parting_child(&self, path: &FramePath) -> Option<&Delegated> {
        match &self.undo.undoing.as_deref()?.phase {
            Phase::Settling { children, .. } => children.get(path),
            Phase::Asked(_) => None,
        }
    }

    /// Puts another in its place, or none.
    pub(crate) fn set_parting_child(&mut self, path: &FramePath, child: Option<Delegated>) {
        let Some(Undoing { phase: Phase::Settling { children, .. }, .. }) = self.undo.undoing.as_deref_mut() else {
            return;
        };
        if let Some(before) = children.remove(path) {
            self.index.timers.remove(&child_timer((path, &before)));
            self.index.weight -= weight_of_child((path, &before));
        }
        if let Some(child) = child {
            self.index.timers.insert(child_timer((path, &child)));
            self.index.weight += weight_of_child((path, &child));
            children.insert(path.clone(), child);
        }
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
            if let super::State::Completed { output, .. } = &mut frame.state {
                *output = Value::Null;
            }
        }
        self.reindex();
    }
}
