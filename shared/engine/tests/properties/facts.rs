//! What the world learns from the effects of one execution, and what must be true of it.

use std::collections::{BTreeMap, BTreeSet};

use sagaline_engine::{
    Compiled, Effect, Execution, Stage,
    compiled::{ASIDE, CompiledDag, CompiledKind, CompiledNode, NodeId},
    state::{Graft, Outcome, Recorded},
};
use sagaline_events::{
    EntityInput, EntityKey, FramePath, Happening, Input, Parent, SagaRequest, Ticket,
    entity::{Outcome as Reported, Release},
    input::{Scheduled, StepExpanded},
    record::StepStatus,
};
use sagaline_model::{ExecutionId, OnError, Step};

use crate::undoing::{Undoing, before};

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

    /// An attempt may fail without having been handed out: its breaker is open, or there was no time left to ask it.
    fn was_an_attempt(&mut self, happening: &Happening) {
        let (Happening::StepFailed { step, attempt, .. } | Happening::StepTimedOut { step, attempt, .. }) = happening
        else {
            return;
        };
        if 0 < *attempt {
            self.attempts.insert(step.clone(), *attempt);
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

    /// The node whose frame stands there, whichever visit of it.
    fn node(&self, path: &FramePath) -> &CompiledNode {
        self.find(path).1
    }

    /// The same, and which graft it is of; none if it is of the plan.
    fn find(&self, path: &FramePath) -> (Option<usize>, &CompiledNode) {
        // The innermost expansion around it came last.
        let home = self.grafts.iter().rposition(|graft| path.is_below(graft.path()));
        let nodes = home.map_or(&self.plan.nodes, |home| &self.grafts[home].compiled().nodes);
        let node = nodes.iter().find(|node| node.path.near(path.as_str()) == *path);
        (home, node.unwrap_or_else(|| panic!("{path} is no step of the plan, and nobody returned it")))
    }

    fn ids(&self, home: Option<usize>) -> std::ops::Range<NodeId> {
        let (base, count) = match home {
            None => (0, self.plan.nodes.len()),
            Some(home) => (self.grafts[home].base(), self.grafts[home].compiled().nodes.len()),
        };
        base..base + NodeId::try_from(count).unwrap()
    }

    fn get(&self, home: Option<usize>, id: NodeId) -> &CompiledNode {
        match home {
            None => self.plan.node(id),
            Some(home) => &self.grafts[home].compiled().nodes[(id - self.grafts[home].base()) as usize],
        }
    }

    /// Whether a failed step waits for somebody.
    fn halts(&self, path: &FramePath, after: &Execution) -> bool {
        let node = self.node(path);
        let goes_on = !self.cancelling && !matches!(after.stage, Stage::Over(_));
        matches!(node.kind, CompiledKind::Step { .. }) && !node.handles && goes_on
    }

    /// Whether it is at work on what it returned.
    fn is_expanded(&self, path: &FramePath) -> bool {
        self.grafts.iter().any(|graft| graft.path() == path)
    }

    fn needs_are_met(&self, path: &FramePath) {
        let (home, node) = self.find(path);
        let outer = path.parent();
        if let Some(outer) = &outer {
            assert!(self.begun.contains(outer) && !self.ended.contains(outer), "{path} begins outside of {outer}");
        }
        let within = self.ids(home);
        let parent = node.parent.filter(|outer| within.contains(outer));
        let is_item = parent.is_some_and(|outer| matches!(self.get(home, outer).kind, CompiledKind::ForEach { .. }));
        let is_handler = node.handles && outer.is_none();
        // What tells approvers needs nothing, and nothing needs it.
        if is_item || is_handler || node.branch == ASIDE {
            return;
        }
        let siblings = match (parent, home) {
            (Some(parent), _) => self.get(home, parent).kind.dag(node.branch).expect("it holds its steps"),
            (None, Some(home)) => &self.grafts[home].compiled().root,
            (None, None) => &self.plan.root,
        };
        let beside = |index: usize| {
            let sibling = self.get(home, siblings.children[index]);
            outer.as_ref().map_or(sibling.path.clone(), |outer| outer.child(&sibling.name))
        };
        let needed = |dependents: &[Vec<u32>]| -> Vec<FramePath> {
            let needed = dependents.iter().enumerate().filter(|(_, dependents)| dependents.contains(&node.index));
            needed.map(|(index, _)| beside(index)).collect()
        };
        for needed in needed(&siblings.dependents) {
            assert!(self.satisfied.contains(&needed), "{path} begins before {needed}");
        }
        let any = needed(&siblings.any_dependents);
        let one = any.iter().any(|needed| self.completed.contains(needed));
        assert!(one || any.iter().all(|needed| self.satisfied.contains(needed)), "{path} begins before any of {any:?}");
    }

    fn begins(&mut self, path: &FramePath) {
        if self.begun.insert(path.clone()) {
            assert!(!self.paused || self.node(path).beside, "{path} begins while it is paused");
            self.needs_are_met(path);
        }
    }

    fn ends(&mut self, path: &FramePath) {
        assert!(self.ended.insert(path.clone()), "{path} ended twice");
    }

    fn told(&mut self, happening: &Happening, after: &Execution) {
        let on_error = |facts: &Self, path: &FramePath| Some(facts.node(path).on_error);
        if let Happening::StepScheduled { attempt, .. } | Happening::StepStarted { attempt, .. } = happening {
            self.highest = self.highest.max(*attempt);
        }
        match happening {
            Happening::StepScheduled { step, .. } | Happening::StepWaiting { step, .. } => self.begins(step),
            Happening::WorkflowStuck { .. } => assert!(self.undoing.is_asked()),
            Happening::StepStarted { step, .. } => {
                self.undoing.began(step);
                self.begins(step);
                assert!(!self.ended.contains(step));
            }
            Happening::StepCompleted { step, duration, attempt } => {
                if 0 < *attempt && self.is_undone(step) {
                    self.undoing.did(step);
                }
                self.begins(step);
                self.ends(step);
                self.satisfied.insert(step.clone());
                self.completed.insert(step.clone());
                assert!(*duration <= after.now.since(sagaline_model::Moment::EPOCH));
            }
            Happening::StepSkipped { step, .. } => {
                self.begins(step);
                self.ends(step);
                self.satisfied.insert(step.clone());
            }
            Happening::StepFailed { step, next_at, .. } | Happening::StepTimedOut { step, next_at, .. } => {
                self.begins(step);
                self.was_an_attempt(happening);
                match (next_at, on_error(self, step)) {
                    (Some(next_at), _) => assert!(*next_at >= after.now),
                    // That it is skipped is told next.
                    (None, Some(OnError::Skip)) => {}
                    // Where it may wait to be let go on, it does; where it may not, what is around it fails too.
                    (None, Some(OnError::Pause)) if self.halts(step, after) && !self.is_expanded(step) => {}
                    (None, Some(OnError::Continue)) => {
                        self.ends(step);
                        self.satisfied.insert(step.clone());
                    }
                    (None, _) => self.ends(step),
                }
            }
            Happening::StepCancelled { step, .. } => {
                assert!(self.begun.contains(step));
                self.ends(step);
            }
            Happening::StepExpanded { step, .. } => assert!(self.begun.contains(step) && !self.ended.contains(step)),
            Happening::WorkflowUpdated { .. } => {}
            Happening::WorkflowCancelling { .. } => {
                assert!(!std::mem::replace(&mut self.cancelling, true), "cancelled twice");
            }
            Happening::StepResumed { step } => {
                assert!(self.begun.contains(step) && !self.ended.contains(step));
                // If it was let go on, the attempts so far do not count.
                if let Some(attempts) = self.attempts.get(step) {
                    self.snoozes.insert(step.clone(), *attempts);
                }
            }
            Happening::WorkflowRetried { attempt, .. } => {
                let begun: BTreeSet<_> = self.begun.iter().filter(|path| !is_beside(path)).cloned().collect();
                assert!(begun.is_subset(&self.ended), "what began ended before it begins anew");
                let policy = self.plan.plan.conduct.retry_workflow.as_ref().expect("it asks for that");
                assert!(*attempt < policy.attempts);
                self.base = self.highest;
                self.begun.retain(is_beside);
                self.ended.retain(is_beside);
                self.satisfied.retain(is_beside);
                self.completed.clear();
                self.attempts.retain(|path, _| is_beside(path));
                self.snoozes.retain(|path, _| is_beside(path));
            }
            Happening::WorkflowStarted { .. } => assert!(self.begun.is_empty()),
            Happening::WorkflowPaused { .. } => assert!(!std::mem::replace(&mut self.paused, true), "paused twice"),
            Happening::WorkflowResumed => assert!(std::mem::replace(&mut self.paused, false), "resumed for nothing"),
            Happening::WorkflowPending { .. } | Happening::WorkflowAdmitted => assert!(self.begun.is_empty()),
            Happening::Job(_) => panic!("it is no job"),
            ending => {
                assert!(ending.ends_the_execution(), "{ending:?}");
                self.over = true;
            }
        }
    }

    /// Whether the step that stands there is undone.
    fn is_undone(&self, path: &FramePath) -> bool {
        matches!(&self.node(path).kind, CompiledKind::Step { undo: Some(_), .. })
    }

    /// A step is undone after everything that came after it.
    fn in_its_order(&self, request: &SagaRequest) {
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

    pub(crate) fn at_the_end(&self, execution: &Execution) {
        let Stage::Over(over) = &execution.stage else { panic!("it never ended") };
        let is_undone = matches!(over.outcome, Outcome::RolledBack { .. });
        assert_eq!(is_undone, self.undoing.is_asked(), "what is asked for is waited for, and nothing else is undone");
        assert!(self.over, "nobody was told of the end");
        assert_eq!(self.in_queue, BTreeSet::new(), "tasks that nobody waits for were not taken back");
        assert_eq!(self.begun, self.ended, "what began ended");
        let waits = self.parent.as_ref().is_some_and(|parent| parent.waits);
        assert_eq!(self.parent_told, waits, "a parent that waits is told");
        let waits = self.schedule.as_ref().is_some_and(|scheduled| scheduled.tell);
        assert_eq!(self.schedule_told, waits, "a schedule that waits is told");
        assert_eq!(self.owes, BTreeSet::new(), "what it shares with others was not given back");
        for view in &over.steps {
            let begun = self.begun.contains(view.step.as_str());
            match view.status {
                StepStatus::Pending => assert!(!begun, "{view:?}"),
                // It was skipped, or passed by.
                StepStatus::Skipped => {}
                _ => assert!(begun, "{view:?}"),
            }
            assert!(!matches!(
                view.status,
                StepStatus::Scheduled | StepStatus::Running | StepStatus::Waiting | StepStatus::BackingOff
            ));
        }
        if let Outcome::Failed { step: Some(step), .. } = &over.outcome {
            // Those inside of a loop are not listed one by one.
            let Some(failed) = over.steps.iter().find(|view| view.step == step.as_str()) else {
                return assert!(self.find(step).0.is_some() || self.node(step).looped, "{step}");
            };
            assert!(matches!(failed.status, StepStatus::Failed | StepStatus::TimedOut), "{failed:?}");
        }
    }
}
