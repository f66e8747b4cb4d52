//! What can be derived from the frames of a running execution, kept at hand: timers, who waits for which signal, how much there is.
//!
//! Frames, `ctx` and the mailbox change only through the methods here, so that the index stays true.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map},
    ops::Bound,
};

use sagaline_events::{FramePath, TimerKind, TimerName};
use sagaline_model::{ExecutionId, Moment, Name};
use serde_json::{Map, Value};

use super::{Answered, Cleanup, Frame, MAILBOX_LIMIT, Outcome, Run, State};
use crate::{compiled::NodeId, weight};

/// Derived from the frames; rebuilt when a snapshot is read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Index {
    pub timers: BTreeSet<(Moment, TimerName)>,
    /// Who waits for which signal, and since when.
    pub awaiting: BTreeMap<Name, BTreeSet<(Moment, FramePath)>>,
    /// How many frames have a task, timer or signal in flight. A running execution has at least one.
    pub in_flight: usize,
    /// How many of those are tasks.
    pub tasks: usize,
    /// How many frames are at work without a task: they back off after a failure, or a child does what is to be done.
    pub other_work: usize,
    /// About how many bytes its snapshot takes.
    pub weight: usize,
    /// How many attempts are at work that take one of the execution's slots.
    pub at_work: usize,
    /// Who waits for a slot, by ticket.
    pub queued: BTreeSet<(u64, FramePath)>,
    /// How many frames are of what runs beside the execution.
    pub beside: usize,
    /// Of which nodes attempts come later, and how many.
    pub later: BTreeMap<NodeId, Later>,
}

/// How many attempts come later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Later {
    /// When it is their time: what was submitted for later, and what said that it is too early.
    pub scheduled: usize,
    /// After one that failed.
    pub retry: usize,
}

impl Later {
    fn of(state: &State) -> Option<Self> {
        match state {
            State::BackingOff { .. } => Some(Self { scheduled: 0, retry: 1 }),
            State::Snoozed { .. } => Some(Self { scheduled: 1, retry: 0 }),
            _ => None,
        }
    }

    pub fn add(&mut self, other: Self) {
        self.scheduled += other.scheduled;
        self.retry += other.retry;
    }

    /// `other` was added before.
    pub fn remove(&mut self, other: Self) {
        self.scheduled -= other.scheduled;
        self.retry -= other.retry;
    }

    pub fn is_none(self) -> bool {
        self == Self::default()
    }
}

impl Run {
    /// Puts a frame into a state, and keeps the index true.
    pub(crate) fn set(&mut self, path: &FramePath, node: NodeId, state: State, at: Moment) {
        match self.frames.get_mut(path) {
            Some(frame) => {
                self.index.forget(path, frame);
                let before = std::mem::replace(&mut frame.state, state);
                self.index.note(path, frame);
                if let State::Expanding(expanding) = before {
                    self.close(path, expanding.base);
                }
            }
            None => {
                let frame = Frame { node, since: at, state };
                self.index.note(path, &frame);
                self.frames.insert(path.clone(), frame);
            }
        }
    }

    /// The frames inside of `outer`; all of them without it.
    pub(crate) fn frames_below(&self, outer: Option<&FramePath>) -> btree_map::Range<'_, FramePath, Frame> {
        let Some(outer) = outer else { return self.frames.range::<str, _>(..) };
        // `0` is the character after `/`.
        let (first, behind) = (format!("{outer}/"), format!("{outer}0"));
        self.frames.range::<str, _>((Bound::Included(first.as_str()), Bound::Excluded(behind.as_str())))
    }

    /// Derives the index anew.
    pub fn reindex(&mut self) {
        self.index = Index::default();
        self.index.timers.extend(self.deadline.map(|at| (at, TimerName::of_execution(TimerKind::WorkflowTimeout))));
        self.index.timers.extend(self.place.as_ref().and_then(|place| place.state.timer()));
        self.index.timers.extend(self.unique.as_ref().and_then(|key| key.state.timer()));
        self.index.timers.extend(self.cleanup.as_ref().map(Cleanup::timer));
        self.index.timers.extend(self.undo.timers());
        self.index.timers.extend(self.delay.and_then(|delay| delay.timer()));
        for (path, frame) in &self.frames {
            self.index.note(path, frame);
        }
        let given = weight::of(&self.input) + self.trigger.as_ref().map_or(0, weight::of);
        let tags: usize = self.tags.iter().map(|(key, value)| weight::of_text(key) + weight::of_text(value)).sum();
        let mailbox: usize = self.mailbox.iter().map(|(_, data)| weight::of(data)).sum();
        let ending = self.ending.as_ref().map_or(0, Outcome::weight);
        self.index.weight += self.cleanup.as_ref().map_or(0, Cleanup::weight);
        self.index.weight += self.companions.iter().map(weight_of_companion).sum::<usize>();
        if let Some(pause) = self.between_rounds() {
            let (timer, weight) = (pause.timer(), pause.weight());
            self.index.timers.insert(timer);
            self.index.weight += weight;
        }
        self.index.weight += self.job.as_deref().map_or(0, crate::job::weight);
        let replies: usize = self.replies.iter().map(Answered::weight).sum();
        self.index.weight += self.undo.weight();
        self.index.weight += given + tags + mailbox + ending + replies + weight::of_map(&self.ctx);
    }

    /// What a step returned joins `ctx` and the output of the groups around it.
    pub(crate) fn merge(&mut self, path: &FramePath, map: &Map<String, Value>) {
        let Self { ctx, frames, index, .. } = self;
        let mut join = |target: &mut Map<String, Value>| {
            for (key, value) in map {
                index.weight += weight::of_pair(key, value);
                if let Some(old) = target.insert(key.clone(), value.clone()) {
                    index.weight -= weight::of_pair(key, &old);
                }
            }
        };
        let mut around = path.parent();
        while let Some(outer) = around {
            match frames.get_mut(&outer).map(|frame| &mut frame.state) {
                Some(State::Open { merged, .. }) => join(merged),
                // What the items of a loop return would overwrite one another.
                Some(State::Looping(_)) => return,
                Some(_) | None => {}
            }
            around = outer.parent();
        }
        join(ctx);
    }

    /// Notes when the whole execution's time is over.
    pub(crate) fn set_deadline(&mut self, deadline: Option<Moment>) {
        let timer = |at| (at, TimerName::of_execution(TimerKind::WorkflowTimeout));
        if let Some(before) = self.deadline {
            self.index.timers.remove(&timer(before));
        }
        self.index.timers.extend(deadline.map(timer));
        self.deadline = deadline;
    }

    /// Notes how it will have ended; its time does not run out any more. `false` if there is no room for that.
    pub(crate) fn set_ending(&mut self, outcome: Outcome) -> bool {
        let added = outcome.weight();
        if weight::HEAVIEST < self.index.weight + added {
            return false;
        }
        self.index.weight += added;
        self.set_deadline(None);
        self.ending = Some(outcome);
        true
    }

    /// A child that nobody waits for ends with this execution.
    pub(crate) fn accompany(&mut self, path: FramePath, child: ExecutionId) {
        let companion = (path, child);
        self.index.weight += weight_of_companion(&companion);
        self.companions.push(companion);
    }

    pub(crate) fn take_companions(&mut self) -> Vec<(FramePath, ExecutionId)> {
        let companions = std::mem::take(&mut self.companions);
        self.index.weight -= companions.iter().map(weight_of_companion).sum::<usize>();
        companions
    }

    /// What somebody gives to the whole execution.
    pub(crate) fn join_ctx(&mut self, map: &Map<String, Value>) {
        for (key, value) in map {
            self.index.weight += weight::of_pair(key, value);
            if let Some(old) = self.ctx.insert(key.clone(), value.clone()) {
                self.index.weight -= weight::of_pair(key, &old);
            }
        }
    }

    /// Removes a frame and those inside of it.
    pub(crate) fn forget_tree(&mut self, path: &FramePath) {
        self.forget_inside(path);
        self.forget_frame(path);
    }

    fn forget_inside(&mut self, path: &FramePath) {
        let inside: Vec<FramePath> = self.frames_below(Some(path)).map(|(path, _)| path.clone()).collect();
        inside.iter().for_each(|path| self.forget_frame(path));
    }

    fn forget_frame(&mut self, path: &FramePath) {
        let Some(frame) = self.frames.remove(path) else { return };
        self.tallies.remove(path);
        self.index.forget(path, &frame);
        if let State::Expanding(expanding) = frame.state {
            self.close(path, expanding.base);
        }
    }

    /// An expansion is over, whichever way: nobody knows the nodes of its steps any more, so nothing may be left that names them.
    fn close(&mut self, path: &FramePath, base: NodeId) {
        self.forget_inside(path);
        if let Some(paused) = &mut self.paused {
            paused.held.retain(|(held, _)| !held.is_below(path));
        }
        self.closed.push(base);
    }

    /// Takes what the steps of a group returned.
    pub(crate) fn take_merged(&mut self, path: &FramePath) -> Option<Map<String, Value>> {
        let State::Open { merged, .. } = &mut self.frames.get_mut(path)?.state else { return None };
        self.index.weight -= weight::of_map(merged);
        Some(std::mem::take(merged))
    }

    /// Keeps a signal until a step takes it; `false` if there is no room for it.
    pub(crate) fn keep_signal(&mut self, name: &Name, data: &Value) -> bool {
        let added = weight::of(data);
        let room = self.mailbox.len() < MAILBOX_LIMIT && self.index.weight + added <= weight::HEAVIEST;
        if room {
            self.index.weight += added;
            self.mailbox.push_back((name.clone(), data.clone()));
        }
        room
    }

    /// The signal that came first among these.
    pub(crate) fn take_first_signal(&mut self, signals: &[Name]) -> Option<(Name, Value)> {
        let first = self.mailbox.iter().find(|(name, _)| signals.contains(name))?.0.clone();
        let data = self.take_signal(&first)?;
        Some((first, data))
    }

    pub(crate) fn take_signal(&mut self, signal: &Name) -> Option<Value> {
        let place = self.mailbox.iter().position(|(name, _)| name == signal)?;
        let (_, data) = self.mailbox.remove(place)?;
        self.index.weight -= weight::of(&data);
        Some(data)
    }
}

fn weight_of_companion((path, child): &(FramePath, ExecutionId)) -> usize {
    weight::of_text(path.as_str()) + weight::of_text(child.as_str())
}

impl Index {
    fn note(&mut self, path: &FramePath, frame: &Frame) {
        self.timers.extend(frame.state.timer(path));
        for signal in frame.state.awaits() {
            self.awaiting.entry(signal.clone()).or_default().insert((frame.since, path.clone()));
        }
        self.in_flight += usize::from(frame.state.is_in_flight());
        self.tasks += usize::from(matches!(frame.state, State::Dispatched(_)));
        let is_beside = frame.state.is_beside();
        self.at_work += usize::from(matches!(frame.state, State::Dispatched(_) | State::Asking(_)) && !is_beside);
        self.beside += usize::from(is_beside);
        if let State::Queued { ticket, .. } = &frame.state {
            self.queued.insert((*ticket, path.clone()));
        }
        self.other_work += usize::from(frame.state.is_other_work());
        if let Some(later) = Later::of(&frame.state) {
            self.later.entry(frame.node).or_default().add(later);
        }
        self.weight += weight::FRAME + path.as_str().len() + frame.state.weight();
    }

    fn forget(&mut self, path: &FramePath, frame: &Frame) {
        if let Some(timer) = frame.state.timer(path) {
            self.timers.remove(&timer);
        }
        for signal in frame.state.awaits() {
            let Some(awaiting) = self.awaiting.get_mut(signal) else { continue };
            awaiting.remove(&(frame.since, path.clone()));
            if awaiting.is_empty() {
                self.awaiting.remove(signal);
            }
        }
        self.in_flight -= usize::from(frame.state.is_in_flight());
        self.tasks -= usize::from(matches!(frame.state, State::Dispatched(_)));
        let is_beside = frame.state.is_beside();
        self.at_work -= usize::from(matches!(frame.state, State::Dispatched(_) | State::Asking(_)) && !is_beside);
        self.beside -= usize::from(is_beside);
        if let State::Queued { ticket, .. } = &frame.state {
            self.queued.remove(&(*ticket, path.clone()));
        }
        self.other_work -= usize::from(frame.state.is_other_work());
        if let Some(later) = Later::of(&frame.state)
            && let Some(of_node) = self.later.get_mut(&frame.node)
        {
            of_node.remove(later);
            if of_node.is_none() {
                self.later.remove(&frame.node);
            }
        }
        self.weight -= weight::FRAME + path.as_str().len() + frame.state.weight();
    }

    /// The frame that has waited longest for this signal.
    pub(crate) fn first_awaiting(&self, signal: &Name) -> Option<&FramePath> {
        self.awaiting.get(signal)?.first().map(|(_, path)| path)
    }
}

impl State {
    fn is_other_work(&self) -> bool {
        match self {
            Self::BackingOff { .. } | Self::Delegated(_) => true,
            Self::Asking(asking) => !asking.waits(),
            _ => false,
        }
    }
}
