//! What the world learns from the effects of one execution, and what must be true of it.

mod ended;
mod places;
mod told;

use std::collections::{BTreeMap, BTreeSet};

use sagaline_engine::{
    Compiled, Effect, Execution, Stage,
    compiled::{CompiledKind, NodeId},
    state::{Graft, Recorded},
};
use sagaline_events::{
    EntityInput, EntityKey, FramePath, Happening, Input, Parent, Ticket,
    entity::{Outcome as Reported, Release},
    input::{Scheduled, StepExpanded},
};
use sagaline_model::{ExecutionId, Step};

use crate::undoing::Undoing;

pub(crate) struct Facts<'p> {
    plan: &'p Compiled,
    /// What steps returned, each with ids of its own.
    grafts: Vec<Graft>,
    /// The attempt that was handed out last, of each step.
    attempts: BTreeMap<FramePath, u32>,
    /// How many of them were too early.
    snoozes: BTreeMap<FramePath, u32>,
    /// Tasks that nobody answered or took back.
    in_queue: BTreeSet<(FramePath, u32)>,
    /// Steps that let those after them begin.
    satisfied: BTreeSet<FramePath>,
    completed: BTreeSet<FramePath>,
    begun: BTreeSet<FramePath>,
    ended: BTreeSet<FramePath>,
    paused: bool,
    /// Those at work may tidy up, and nothing begins or waits any more.
    cancelling: bool,
    over: bool,
    /// Every child that was started, and those that are waited for.
    children: BTreeMap<ExecutionId, Parent>,
    waiting: BTreeSet<ExecutionId>,
    emitted: BTreeSet<String>,
    /// Whose child it is, and whether that one was told how it ended.
    parent: Option<Parent>,
    parent_told: bool,
    /// Which schedule started it, and whether that was told that it has ended.
    schedule: Option<Scheduled>,
    schedule_told: bool,
    /// Attempts up to this one are of before the whole was begun anew.
    base: u32,
    /// The highest number that any attempt had.
    highest: u32,
    undoing: Undoing,
    /// What it asked for and neither gave back nor was refused.
    owes: BTreeSet<(EntityKey, Ticket)>,
}

/// Whether it runs beside the execution.
fn is_beside(path: &FramePath) -> bool {
    path.parent().is_none() && path.step() == "on_step_error"
}

impl<'p> Facts<'p> {
    pub(crate) fn new(plan: &'p Compiled) -> Self {
        let (attempts, in_queue) = (BTreeMap::new(), BTreeSet::new());
        let none = BTreeSet::new();
        Self {
            plan,
            grafts: vec![],
            attempts,
            snoozes: BTreeMap::new(),
            in_queue,
            satisfied: none.clone(),
            completed: none.clone(),
            begun: none.clone(),
            ended: none,
            paused: false,
            cancelling: false,
            over: false,
            children: BTreeMap::new(),
            waiting: BTreeSet::new(),
            emitted: BTreeSet::new(),
            parent: None,
            parent_told: false,
            schedule: None,
            schedule_told: false,
            base: 0,
            highest: 0,
            owes: BTreeSet::new(),
            undoing: Undoing::default(),
        }
    }

    pub(crate) fn learn(&mut self, all: &[Effect], input: &Input, after: &Execution) {
        // What is over gives back what it is granted still.
        let (shared, effects): (Vec<_>, Vec<_>) =
            all.iter().partition(|effect| matches!(effect, Effect::Entity { .. }));
        shared.into_iter().for_each(|effect| self.shares(effect));
        // And says so again, to a parent that asks.
        let asked =
            matches!(input, Input::ParentAsks(_) | Input::Start(_) | Input::StepSucceeded(_) | Input::ScheduleAsks(_));
        assert!(!self.over || asked || effects.is_empty(), "it is over, yet {input:?} gave {effects:?}");
        self.undoing.heard(input);
        if !effects.is_empty() {
            self.answered(input);
        }
        if let Input::StepExpanded(said) = input {
            self.expanded(said, all);
        }
        for effect in effects {
            let last = matches!(
                effect,
                Effect::TellParent { .. } | Effect::Bury { .. } | Effect::Late { .. } | Effect::TellSchedule { .. }
            );
            assert!(!self.over || last, "{effect:?} after the end");
            match effect {
                Effect::Dispatch(task) => {
                    assert_eq!(task.claim, self.is_undone(&task.path), "{} asks for a claim", task.path);
                    self.handed_out(&task.path, task.attempt);
                    assert_eq!(task.cause, after.now);
                }
                Effect::Revoke { path, attempt, .. } => {
                    self.undoing.given_up(path, *attempt);
                    assert!(
                        self.in_queue.remove(&(path.clone(), *attempt)),
                        "{path}#{attempt} was taken back for nothing"
                    );
                }
                // It is still waited for.
                Effect::AskToStop { path, attempt, .. } => {
                    assert!(self.in_queue.contains(&(path.clone(), *attempt)), "{path}#{attempt} is not at work");
                }
                Effect::Tell(happening) => self.told(happening, after),
                Effect::Bind { .. } => assert!(matches!(after.stage, Stage::Unbound { .. })),
                Effect::Reject { .. } if matches!(input, Input::Approval(_) | Input::Resume(_)) => {}
                Effect::Reject { reason, .. } => panic!("{reason}"),
                Effect::StartChild { child, start } => {
                    let parent = start.parent.as_ref().expect("a child has a parent");
                    let again = self.children.insert(child.clone(), parent.clone());
                    assert!(again.is_none_or(|first| first == *parent), "two children are called {child}");
                    if parent.waits {
                        self.waiting.insert(child.clone());
                    }
                }
                Effect::AskChild { child, .. } => {
                    assert!(self.waiting.contains(child) || self.undoing.is_parted(child), "{child} is not waited for");
                }
                Effect::CancelChild { child, parent, .. } => {
                    self.undoing.parted(child);
                    assert_eq!(self.children.get(child), Some(parent));
                    self.waiting.remove(child);
                }
                Effect::TellParent { parent, ended, again } => {
                    let ours = self.parent.as_ref().filter(|ours| ours.execution == *parent && ours.path == ended.path);
                    assert!(ours.is_some() || *again, "{parent} is told of {ended:?}");
                    if !again {
                        assert!(self.over && !std::mem::replace(&mut self.parent_told, true), "told twice");
                    }
                }
                Effect::TellSchedule { schedule, again } => {
                    let ours = self.schedule.as_ref().is_some_and(|ours| ours.by == *schedule && ours.tell);
                    assert!(ours || *again, "the schedule {schedule} did not want to be told");
                    if !again {
                        assert!(self.over && !std::mem::replace(&mut self.schedule_told, true), "told twice");
                    }
                }
                // Once it is known how it ended.
                Effect::Bury { .. } => {}
                Effect::Recall => assert!(matches!(after.stage, Stage::Unborn(_) | Stage::Unbound { .. })),
                Effect::Emit { id, .. } => assert!(self.emitted.insert(id.clone()), "{id} was emitted twice"),
                Effect::AskSaga { request, again } => {
                    self.undoing.asked(request, *again, after);
                    self.in_its_order(request);
                }
                Effect::LookAfterSaga { .. } => {
                    assert!(self.undoing.is_asked(), "it looks after a saga that it never asked for")
                }
                Effect::Late { late } => self.undoing.late(late, after),
                Effect::Entity { .. } => unreachable!("they are taken out above"),
            }
        }
    }

    /// Whatever is asked for is given back, or reported, at least once.
    fn shares(&mut self, effect: &Effect) {
        let Effect::Entity { entity, input } = effect else { return };
        match input {
            EntityInput::Acquire(ask) => drop(self.owes.insert((entity.clone(), ask.ticket.clone()))),
            EntityInput::Permit(ask) => drop(self.owes.insert((entity.clone(), ask.ticket.clone()))),
            EntityInput::Release(Release { ticket }) | EntityInput::Outcome(Reported { ticket, .. }) => {
                self.owes.remove(&(entity.clone(), ticket.clone()));
            }
            EntityInput::Await(ask) => drop(self.owes.insert((entity.clone(), ask.ticket.clone()))),
            EntityInput::Leave(leave) => drop(self.owes.remove(&(entity.clone(), leave.ticket.clone()))),
            EntityInput::Timer(_) | EntityInput::Event(_) | EntityInput::Gather(_) => {
                panic!("an execution has neither timers nor events of others")
            }
            // A turn is over by itself, and so is a key.
            EntityInput::Turn(_) | EntityInput::Claim(_) => {}
        }
    }

    fn answered(&mut self, input: &Input) {
        let task = match input {
            Input::StepSucceeded(answer) => (&answer.path, answer.attempt),
            Input::StepFailed(answer) => (&answer.path, answer.attempt),
            Input::StepSkipped(answer) => (&answer.path, answer.attempt),
            Input::StepSnoozed(answer) => {
                *self.snoozes.entry(answer.path.clone()).or_insert(self.base) += 1;
                (&answer.path, answer.attempt)
            }
            Input::StepExpanded(answer) => (&answer.path, answer.attempt),
            Input::TaskDiscarded(answer) => (&answer.path, answer.attempt),
            Input::ChildEnded(told) => {
                // It was told to end, and is waited for all the same.
                if self.undoing.is_parted(&told.child) {
                    return;
                }
                assert!(self.waiting.remove(&told.child), "{told:?} had an effect, but nobody waited for it");
                return;
            }
            Input::Start(start) => {
                self.parent.clone_from(&start.parent);
                self.schedule = start.schedule.as_deref().cloned();
                return;
            }
            Input::StepAwaits(answer) => (&answer.path, answer.attempt),
            _ => return,
        };
        let was_waited_for = self.in_queue.remove(&(task.0.clone(), task.1));
        let is_heard_late = self.undoing.is_given_up(task.0, task.1);
        self.undoing.given_up(task.0, task.1);
        assert!(was_waited_for || is_heard_late, "{task:?} had an effect, but nobody waited for it");
    }

    /// What was returned, if it was taken up.
    fn expanded(&mut self, said: &StepExpanded, effects: &[Effect]) {
        let is_taken_up =
            |effect: &Effect| matches!(effect, Effect::Tell(Happening::StepExpanded { steps, .. }) if *steps > 0);
        if !effects.iter().any(is_taken_up) {
            return;
        }
        let (home, node) = self.find(&said.path);
        let (looped, handles) = (node.looped, node.handles);
        let CompiledKind::Step { step: Step { expand: Some(expand), .. }, .. } = &node.kind else {
            panic!("{} returns no steps", said.path)
        };
        let defaults = expand.defaults.clone();
        // Any ids will do that are nobody else's.
        let base = NodeId::try_from(1000 * (1 + self.grafts.len())).unwrap();
        let node = self.ids(home).find(|id| std::ptr::eq(self.get(home, *id), node)).expect("it is there");
        let (path, steps) = (said.path.clone(), said.steps.clone());
        let recorded = Recorded { base, node, path, looped, handles, steps, defaults };
        let graft = Graft::new(recorded).expect("what was taken up can be run");
        self.grafts.push(graft);
    }

    /// One attempt after the other, never the same twice, no more than the policy allows, and only when its turn has come.
    fn handed_out(&mut self, path: &FramePath, attempt: u32) {
        let node = self.node(path);
        let CompiledKind::Step { step, .. } = &node.kind else { panic!("{path} is no step") };
        let snoozes = self.snoozes.get(path).copied().unwrap_or(self.base);
        assert!(attempt <= step.retry.attempts + snoozes, "{path}");
        let before = self.attempts.insert(path.clone(), attempt);
        // What runs beside may have asked its breaker before everything else began anew.
        let first = if is_beside(path) { attempt - 1 } else { self.base };
        assert_eq!(attempt, before.unwrap_or(first) + 1, "{path}");
        assert!(!self.in_queue.iter().any(|(other, _)| other == path), "two tasks of {path} at once");
        self.in_queue.insert((path.clone(), attempt));
    }
}
