//! A random world around one execution: workers that answer well, badly, late and twice, timers, people, an operator.
//!
//! It is unruly as long as there are choices, then it turns kind: every task succeeds, every signal comes, every timer fires. An
//! execution that does not end in a kind world never would.

use std::collections::BTreeSet;

use sagaline_engine::{
    Compiled, Effect, Execution, Stage,
    compiled::CompiledKind,
    state::{Phase, PlaceState, State},
};
use sagaline_events::{
    EntityInput, EntityKey, EntityWord, FramePath, Input, Parent, SagaNews, SagaStatus, Says, Start, Ticket, TimerKind,
    TimerName, UndoStep,
    entity::EntityKind,
    input::{
        Approval, Bound, Cancel, ChildEnded, ChildUnknown, OnLate, ParentAsks, ParentGone, Pause, Recalled, Refused,
        Resume, ScheduleAsks, Scheduled, Signal, StepAwaits, StepExpanded, StepFailed, StepSkipped, StepSnoozed,
        StepStarted, StepSucceeded, TaskDiscarded, Update,
    },
    record::Status,
    saga::{UndoAction, UndoOutcome},
};
use sagaline_model::{Compensation, ExecutionId, JobSpec, Moment, Span, StepError};
use serde_json::{Value, json};

use crate::{
    choices::Choices,
    expansions,
    history::{step, unborn},
    plans::{SIGNALS, UPDATE, name},
};

const BEGIN: Moment = Moment::from_millis(1_767_225_600_000);

/// A kind world ends the largest plan in far fewer inputs.
const ENOUGH: usize = 2000;

struct World<'p> {
    plan: &'p Compiled,
    execution: Execution,
    choices: Choices,
    clock: Moment,
    log: Vec<(Input, Moment)>,
    /// Every task that was ever handed out.
    tasks: Vec<(FramePath, u32)>,
    /// Steps that can be undone.
    claims: BTreeSet<FramePath>,
    /// How often a kind world let it go on.
    patience: usize,
    /// With what it ever asked that which executions share.
    asked: Vec<(EntityKey, Ticket)>,
    /// What it is, if it is a job.
    job: Option<JobSpec>,
}

/// What happens to one execution of the plan, from before its start to its end.
pub(crate) fn run(plan: &Compiled, choices: Choices) -> Vec<(Input, Moment)> {
    run_this(plan, None, choices)
}

/// What happens to a job.
pub(crate) fn run_job(plan: &Compiled, job: JobSpec, choices: Choices) -> Vec<(Input, Moment)> {
    run_this(plan, Some(job), choices)
}

fn run_this(plan: &Compiled, job: Option<JobSpec>, choices: Choices) -> Vec<(Input, Moment)> {
    let execution = unborn();
    let mut world = World {
        plan,
        execution,
        choices,
        clock: BEGIN,
        log: vec![],
        tasks: vec![],
        claims: BTreeSet::new(),
        patience: 5,
        asked: vec![],
        job,
    };
    world.begins();
    while !world.choices.are_over() && !world.execution.is_over() {
        let input = world.unruly();
        world.happens(input);
    }
    while !world.execution.is_over() {
        let Some(input) = world.kind() else {
            panic!("nothing can happen any more, yet it is not over: {world_log:?}", world_log = world.log)
        };
        world.happens(input);
        assert!(world.log.len() < ENOUGH, "it goes on and on: {:?}", world.log);
    }
    // What is over is over, whatever still comes.
    for _ in 0..3 {
        let input = world.unruly();
        world.happens(input);
    }
    world.log
}

impl World<'_> {
    fn happens(&mut self, input: Input) {
        let effects = step(&mut self.execution, self.plan, &input, self.clock);
        for effect in effects {
            match effect {
                Effect::Dispatch(task) => {
                    if task.claim {
                        self.claims.insert(task.path.clone());
                    }
                    self.tasks.push((task.path, task.attempt));
                }
                Effect::Entity { entity, input: EntityInput::Acquire(ask) } => self.asked.push((entity, ask.ticket)),
                Effect::Entity { entity, input: EntityInput::Permit(ask) } => self.asked.push((entity, ask.ticket)),
                Effect::Entity { entity, input: EntityInput::Await(ask) } => self.asked.push((entity, ask.ticket)),
                Effect::Entity { entity, input: EntityInput::Turn(ask) } => self.asked.push((entity, ask.ticket)),
                Effect::Entity { entity, input: EntityInput::Claim(ask) } => self.asked.push((entity, ask.ticket)),
                _ => {}
            }
        }
        self.log.push((input, self.clock));
    }

    fn begins(&mut self) {
        while self.choices.chance(25) {
            let early = match self.choices.weighted(&[(8, "signal"), (2, "cancel"), (2, "update"), (9, "parent")]) {
                "cancel" => self.cancel(),
                "update" => self.update(),
                "parent" => self.parent_says(),
                _ => self.signal(),
            };
            self.happens(early);
            let passing = self.choices.below(400) as u64;
            self.passes(Span::from_secs(passing));
        }
        let version = self.choices.weighted(&[(6, Some(1)), (3, None), (1, Some(2))]);
        let input = json!({"n": self.choices.below(4)});
        let trigger = Some(json!({"id": "event-1", "data": 1}));
        let parent = self.choices.chance(40).then(|| self.parent());
        let by = || name("nightly");
        let schedule = (parent.is_none() && self.choices.chance(40))
            .then(|| Box::new(Scheduled { by: by(), tick: BEGIN, tell: self.choices.chance(70) }));
        let again = (parent.is_some() || schedule.is_some()) && self.choices.chance(40);
        let later = self.choices.chance(15).then(|| self.clock + Span::from_secs(1 + self.choices.below(90) as u64));
        let job = self.job.clone().map(Box::new);
        let start =
            Start { version, input, trigger, parent, again, schedule, begin_at: later, job, ..Start::of(name("w")) };
        self.happens(Input::Start(start));
    }

    fn passes(&mut self, span: Span) {
        self.clock = self.clock + span;
    }

    /// Anything that can happen, and much that makes no sense.
    fn unruly(&mut self) -> Input {
        let passing = self.choices.below(1500) as u64;
        self.passes(Span::from_millis(passing));
        if matches!(self.execution.stage, Stage::Unbound { .. }) && self.choices.chance(60) {
            return self.lookup();
        }
        let what = self.choices.weighted(&[
            (22, "answer"),
            (38, "began"),
            (18, "timer"),
            (6, "any timer"),
            (8, "twice"),
            (8, "any task"),
            (8, "signal"),
            (2, "cancel"),
            (3, "gently"),
            (2, "discard"),
            (2, "lookup"),
            (2, "back"),
            (3, "pause"),
            (3, "resume"),
            (22, "child"),
            (2, "any child"),
            (3, "parent"),
            (4, "approval"),
            (4, "update"),
            (28, "shared"),
            (30, "saga"),
            (17, "rollback"),
        ]);
        match what {
            "began" => self.waited_for().map(|task| self.began(task)),
            "timer" => self.due(),
            "any timer" => Some(self.any_timer()),
            "twice" => (!self.log.is_empty()).then(|| self.choices.one_of(&self.log).0),
            "any task" => Some(self.any_answer()),
            "signal" => Some(self.signal()),
            "cancel" => self.choices.chance(60).then(|| self.cancel()),
            // Where there is somebody to tidy up.
            "gently" => self.waited_for().map(|_| {
                let grace = self.choices.one_of(&[None, Some(Span::from_secs(1))]);
                Input::Cancel(Cancel { reason: None, cleanup: true, grace, rollback: false })
            }),
            "discard" => self.waited_for().map(|(path, attempt)| Input::TaskDiscarded(TaskDiscarded { path, attempt })),
            "lookup" => Some(self.lookup()),
            "child" => match self.child() {
                Some(_) if self.choices.chance(35) => self.due(),
                child => child.map(|(path, child)| self.child_says(path, child)),
            },
            "any child" => Some(self.any_child()),
            "parent" => Some(self.parent_says()),
            "shared" => self.shared(),
            "pause" => Some(Input::Pause(Pause { reason: None })),
            "resume" => Some(Input::Resume(Resume {
                context: json!({"n": self.choices.below(4)}).as_object().cloned().unwrap_or_default(),
            })),
            "approval" => Some(self.approval()),
            "update" => Some(self.update()),
            "saga" => match self.saga() {
                None => self.waited_for().map(|task| self.answer(task)),
                told => told,
            },
            // Where there is something to undo.
            "rollback" => self.has_effects().then(|| Input::Cancel(Cancel { rollback: true, ..Cancel::at_once(None) })),
            "back" => {
                // The clock of a new leader may be behind.
                self.clock = Moment::from_nanos(self.clock.as_nanos() - 5_000_000_000);
                None
            }
            _ => self.waited_for().map(|task| self.answer(task)),
        }
        .unwrap_or_else(|| self.signal())
    }

    /// What makes it go on; nothing if nothing can.
    fn kind(&mut self) -> Option<Input> {
        if let Stage::Unbound { start, .. } = &self.execution.stage {
            return Some(match start.again {
                true => Input::Recalled(Recalled::default()),
                false => Input::Bound(Bound { version: 1 }),
            });
        }
        if let Stage::Running(run) = &self.execution.stage
            && run.paused.is_some()
        {
            // A step that can only fail halts again and again.
            if self.patience == 0 {
                return Some(Input::Cancel(Cancel::at_once(None)));
            }
            self.patience -= 1;
            return Some(Input::Resume(Resume { context: Default::default() }));
        }
        if let Some(told) = self.kindly_undone() {
            return if self.log.len() % 7 == 6 { self.due() } else { Some(Input::SagaNews(told)) };
        }
        if let Some(word) = self.kindly_shared() {
            return Some(word);
        }
        if let Some((path, attempt)) = self.waited_for() {
            let claimed = self.claims.contains(&path);
            return Some(Input::StepSucceeded(StepSucceeded {
                path,
                attempt,
                output: Value::Null,
                worker: None,
                claimed,
            }));
        }
        if let Some((path, child)) = self.child() {
            return Some(Input::ChildEnded(ended(path, child, Status::Completed)));
        }
        self.awaited().or_else(|| self.due())
    }

    /// A child that the execution waits for.
    fn child(&mut self) -> Option<(FramePath, ExecutionId)> {
        let Stage::Running(run) = &self.execution.stage else { return None };
        let children = run.frames.iter().filter_map(|(path, frame)| match &frame.state {
            State::Delegated(delegated) => Some((path.clone(), delegated.child.clone())),
            _ => None,
        });
        let parting = match run.undo.undoing.as_deref().map(|undoing| &undoing.phase) {
            Some(Phase::Settling { children, .. }) => children.clone(),
            Some(Phase::Asked(_)) | None => Default::default(),
        };
        let parting = parting.into_iter().map(|(path, delegated)| (path, delegated.child));
        let left = run.undo.left.iter().map(|(child, left)| (left.path.clone(), child.clone()));
        let children: Vec<_> = children.chain(parting).chain(left).collect();
        (!children.is_empty()).then(|| self.choices.one_of(&children))
    }

    fn child_says(&mut self, path: FramePath, child: ExecutionId) -> Input {
        match self.choices.below(7) {
            5 | 6 => Input::ChildUnknown(ChildUnknown { path, child }),
            4 => Input::ChildEnded(ended(path, child, Status::Cancelled)),
            3 => Input::ChildEnded(ended(path, child, Status::TimedOut)),
            2 => Input::ChildEnded(ended(path, child, Status::Failed)),
            1 => {
                let undo = vec![undone("one", &[]), undone("two", &[]), undone("both", &[0, 1])];
                Input::ChildEnded(ChildEnded { undo, ..ended(path, child, Status::Completed) })
            }
            _ => Input::ChildEnded(ended(path, child, Status::Completed)),
        }
    }

    /// Of a child that is none, or is not waited for.
    fn any_child(&mut self) -> Input {
        let node = self.choices.below(self.plan.nodes.len());
        let path = self.plan.nodes[node].path.clone();
        let child = self.execution.id.of_child(self.choices.one_of(&[path.as_str(), "nowhere"]));
        match self.execution.stage {
            // It is waited for after all.
            Stage::Running(ref run)
                if matches!(run.frames.get(&path).map(|frame| &frame.state), Some(State::Delegated(_))) =>
            {
                Input::ChildUnknown(ChildUnknown { path, child })
            }
            _ => self.child_says(path, child),
        }
    }

    fn parent(&mut self) -> Parent {
        let execution = ExecutionId::new(self.choices.one_of(&["parent", "stranger"])).unwrap();
        Parent { execution, path: FramePath::root(&name("n0")), waits: self.choices.chance(80) }
    }

    fn parent_says(&mut self) -> Input {
        if self.choices.chance(40) {
            let schedule = name(self.choices.one_of(&["nightly", "stranger"]));
            return Input::ScheduleAsks(ScheduleAsks { schedule });
        }
        let parent = self.parent();
        match self.choices.chance(60) {
            true => Input::ParentAsks(ParentAsks { parent }),
            false => Input::ParentGone(ParentGone {
                parent,
                reason: Some("nobody waits".to_owned()),
                rollback: self.choices.chance(40),
            }),
        }
    }

    /// A task that the execution waits for.
    fn waited_for(&mut self) -> Option<(FramePath, u32)> {
        let Stage::Running(run) = &self.execution.stage else { return None };
        let tasks: Vec<_> = run
            .frames
            .iter()
            .filter_map(|(path, frame)| match &frame.state {
                State::Dispatched(task) => Some((path.clone(), task.attempt)),
                _ => None,
            })
            .collect();
        (!tasks.is_empty()).then(|| self.choices.one_of(&tasks))
    }

    /// What something shared may say: mostly about what was asked last.
    fn shared(&mut self) -> Option<Input> {
        let (entity, ticket) = match self.choices.chance(30) {
            true if !self.asked.is_empty() => self.choices.one_of(&self.asked),
            _ => self.asked.last().cloned()?,
        };
        let says = match entity.kind() {
            EntityKind::Limit => {
                self.choices.weighted(&[(12, "granted"), (2, "refused"), (2, "give up"), (3, "there")])
            }
            EntityKind::Breaker => self.choices.weighted(&[(5, "permitted"), (7, "delayed")]),
            EntityKind::Gather => return None,
            EntityKind::Event => self.choices.weighted(&[(9, "came"), (3, "there"), (1, "refused")]),
            EntityKind::Rate => self.choices.weighted(&[(9, "reserved"), (2, "long ago")]),
            EntityKind::Unique => self.choices.weighted(&[(9, "claimed"), (2, "taken")]),
        };
        let says = match says {
            "granted" => Says::Granted,
            "refused" => Says::Refused { limit: 1 },
            "give up" => Says::GiveUp { to: ticket.execution.clone() },
            "there" => Says::StillThere,
            "permitted" => Says::Permitted,
            "came" => Says::Came { event: json!({"id": "e", "data": {"n": self.choices.below(4)}}) },
            "reserved" => Says::Reserved { at: self.clock + Span::from_millis(self.choices.below(5000) as u64) },
            "long ago" => Says::Reserved { at: Moment::from_nanos(self.clock.as_nanos() - 3_000_000_000) },
            "claimed" => Says::Claimed { until: self.clock + Span::from_secs(60) },
            "taken" => Says::Taken { by: ExecutionId::new("other").unwrap(), until: self.clock + Span::from_secs(60) },
            _ => Says::Delayed { until: self.clock + Span::from_millis(self.choices.below(9000) as u64) },
        };
        Some(Input::Entity(EntityWord::new(entity, &ticket, says)))
    }

    /// It is over in the end, though it may be lost or stuck before.
    fn kindly_undone(&self) -> Option<SagaNews> {
        let Stage::Running(run) = &self.execution.stage else { return None };
        let Some(Phase::Asked(asked)) = run.undo.undoing.as_deref().map(|undoing| &undoing.phase) else { return None };
        let is_new = asked.status.is_none() && asked.times == 1;
        Some(match self.log.len() % 7 {
            0 | 1 if is_new => news(None),
            2..=5 if is_new => stuck(),
            _ => news(Some(SagaStatus::Completed)),
        })
    }

    fn has_effects(&self) -> bool {
        matches!(&self.execution.stage, Stage::Running(run) if !run.undo.list.is_empty())
    }

    fn is_asked(&self) -> bool {
        let Stage::Running(run) = &self.execution.stage else { return false };
        matches!(run.undo.undoing.as_deref().map(|undoing| &undoing.phase), Some(Phase::Asked(_)))
    }

    /// What its saga says, if it was asked for; or about nothing.
    fn saga(&mut self) -> Option<Input> {
        if !self.is_asked() && !self.choices.chance(20) {
            return None;
        }
        let statuses = [
            Some(SagaStatus::Running),
            Some(SagaStatus::Stuck),
            None,
            Some(SagaStatus::Completed),
            Some(SagaStatus::Resolved),
            Some(SagaStatus::Unknown),
        ];
        let status = self.choices.one_of(&statuses);
        Some(Input::SagaNews(if status == Some(SagaStatus::Stuck) { stuck() } else { news(status) }))
    }

    /// Its turn comes, or its breaker lets it through.
    fn kindly_shared(&self) -> Option<Input> {
        let Stage::Running(run) = &self.execution.stage else { return None };
        let id = self.execution.id.clone();
        if run.is_pending() {
            if let Some(key) = run.unique.as_ref().filter(|key| matches!(key.state, PlaceState::Asked { .. })) {
                let ticket = Ticket { since: key.since, execution: id, path: None, attempt: 0 };
                let says = Says::Claimed { until: self.clock + Span::from_secs(60) };
                return Some(Input::Entity(EntityWord::new(key.entity.clone(), &ticket, says)));
            }
            let slot = run.place.as_ref()?;
            let ticket = Ticket { since: slot.since, execution: id, path: None, attempt: 0 };
            return Some(Input::Entity(EntityWord::new(slot.entity.clone(), &ticket, Says::Granted)));
        }
        run.frames.iter().find_map(|(path, frame)| match &frame.state {
            State::Asking(asking) => {
                let (since, attempt) = (asking.since, asking.attempt);
                let ticket = Ticket { since, execution: id.clone(), path: Some(path.clone()), attempt };
                // Of one that passes its gates anew nothing is asked until then.
                if asking.delayed && asking.gates.is_some() {
                    return None;
                }
                let says = match asking.entity.kind() {
                    EntityKind::Breaker => Says::Permitted,
                    EntityKind::Rate => Says::Reserved { at: self.clock },
                    EntityKind::Limit | EntityKind::Unique | EntityKind::Event | EntityKind::Gather => Says::Granted,
                };
                // Once its turn is known it waits for time only.
                if asking.gates.as_ref().is_some_and(|gates| gates.turn.is_some()) {
                    return None;
                }
                Some(Input::Entity(EntityWord::new(asking.entity.clone(), &ticket, says)))
            }
            State::AwaitingEvent(waiting) => {
                let (since, attempt) = (waiting.since, waiting.round);
                let ticket = Ticket { since, execution: id.clone(), path: Some(path.clone()), attempt };
                let says = Says::Came { event: json!({"id": "kind", "data": null}) };
                Some(Input::Entity(EntityWord::new(waiting.entity.clone(), &ticket, says)))
            }
            _ => None,
        })
    }

    /// The signal that a step waits for.
    fn awaited(&self) -> Option<Input> {
        let Stage::Running(run) = &self.execution.stage else { return None };
        run.frames.iter().find_map(|(path, frame)| match &frame.state {
            State::Approving(approving) => Some(Input::Approval(Approval {
                step: path.clone(),
                by: approving.approvers.first().cloned(),
                approved: true,
                data: Value::Null,
                id: None,
            })),
            state => {
                let name = state.awaits().first()?.clone();
                Some(Input::Signal(Signal { name, data: Value::Null }))
            }
        })
    }

    /// Somebody who may or may not, about a step that waits for it or does not.
    fn approval(&mut self) -> Input {
        let pending: Vec<FramePath> = match &self.execution.stage {
            Stage::Running(run) => {
                let pending = run.frames.iter().filter(|(_, frame)| matches!(frame.state, State::Approving(_)));
                pending.map(|(path, _)| path.clone()).collect()
            }
            _ => vec![],
        };
        let step = match self.choices.chance(80) && !pending.is_empty() {
            true => self.choices.one_of(&pending),
            false => self.plan.nodes[self.choices.below(self.plan.nodes.len())].path.clone(),
        };
        let by = self.choices.one_of(&[Some("ann"), Some("eve"), None]).map(str::to_owned);
        let id = Some(format!("a{}", self.log.len()));
        Input::Approval(Approval { step, by, approved: self.choices.chance(60), data: json!({"n": 1}), id })
    }

    fn update(&mut self) -> Input {
        let id = format!("u{}", self.choices.below(1000));
        let data = if self.choices.chance(80) { json!({"n": self.choices.below(4)}) } else { Value::Null };
        Input::Update(Update { name: name(UPDATE), id, data })
    }

    fn due(&mut self) -> Option<Input> {
        let (due, timer) = self.execution.next_timer()?;
        let timer = timer.clone();
        self.clock = self.clock.max(due);
        Some(Input::Timer(timer))
    }

    fn answer(&mut self, (path, attempt): (FramePath, u32)) -> Input {
        let worker = Some("worker-1".to_owned());
        // Now and then its turn is over when it comes to a worker.
        let late = self.has_a_turn(&path) && self.choices.chance(70);
        if late {
            let (delay, reason) = (Span::ZERO, String::new());
            return Input::StepSnoozed(StepSnoozed { path, attempt, delay, reason, worker, late });
        }
        let expanded = if self.expands(&path) { 50 } else { 1 };
        let answers =
            [(10, "ok"), (5, "failed"), (2, "skipped"), (4, "snoozed"), (2, "awaits"), (expanded, "expanded")];
        match self.choices.weighted(&answers) {
            "expanded" => {
                let steps = expansions::steps(&mut self.choices);
                Input::StepExpanded(StepExpanded { path, attempt, steps, worker })
            }
            "failed" => {
                let kind = self.choices.one_of(&["Busy", "Broken", StepError::TIMEOUT, StepError::TIMEOUT]);
                let error = StepError::new(kind, "no luck");
                let error = if self.choices.chance(15) { error.final_() } else { error };
                Input::StepFailed(StepFailed { path, attempt, error, worker })
            }
            "snoozed" => {
                let delay = Span::from_millis(self.choices.one_of(&[500, 0, 3000, 90_000]));
                Input::StepSnoozed(StepSnoozed {
                    path,
                    attempt,
                    delay,
                    reason: "not yet".to_owned(),
                    worker,
                    late: false,
                })
            }
            "awaits" => Input::StepAwaits(StepAwaits {
                path,
                attempt,
                approvers: self.choices.one_of(&[vec![], vec!["ann".to_owned()]]),
                timeout: self.choices.chance(50).then(|| Span::from_secs(3)),
                on_timeout: self.choices.one_of(&[OnLate::Fail, OnLate::Skip]),
                worker,
            }),
            "skipped" => Input::StepSkipped(StepSkipped { path, attempt, reason: "nothing to do".to_owned(), worker }),
            _ => {
                let output = match self.choices.below(6) {
                    5 => json!({"$ref": {"bucket": "payloads", "key": "k"}}),
                    4 => json!([0.1, {"deep": [[[]]]}]),
                    3 => json!({"n": 0.1, path.step(): true}),
                    2 => json!({"n": self.choices.below(5)}),
                    _ => Value::Null,
                };
                let claimed = self.claims.contains(&path);
                Input::StepSucceeded(StepSucceeded { path, attempt, output, worker, claimed })
            }
        }
    }

    /// Whether further steps may be returned for it; those of one that was no step are refused.
    fn expands(&mut self, path: &FramePath) -> bool {
        let Stage::Running(run) = &self.execution.stage else { return false };
        let Some(frame) = run.frames.get(path) else { return false };
        match &self.execution.nodes(self.plan).node(frame.node).kind {
            CompiledKind::Step { step, .. } => step.expand.is_some(),
            _ => false,
        }
    }

    /// Whether it may begin only until its turn is over.
    fn has_a_turn(&self, path: &FramePath) -> bool {
        let Stage::Running(run) = &self.execution.stage else { return false };
        let state = run.frames.get(path).map(|frame| &frame.state);
        matches!(state, Some(State::Dispatched(task)) if task.begin_by.is_some())
    }

    fn began(&mut self, (path, attempt): (FramePath, u32)) -> Input {
        Input::StepStarted(StepStarted { path, attempt, worker: Some("worker-1".to_owned()) })
    }

    /// An answer about some task: done, given up, not handed out yet, or of a step that is none.
    fn any_answer(&mut self) -> Input {
        let (path, attempt) = match self.choices.below(6) {
            5 => (FramePath::root(&name("nobody")), 1),
            4 => {
                let node = self.choices.below(self.plan.nodes.len());
                (self.plan.nodes[node].path.clone(), self.choices.below(3) as u32)
            }
            _ if self.tasks.is_empty() => (FramePath::root(&name("n0")), 2),
            _ => self.choices.one_of(&self.tasks),
        };
        match self.choices.below(4) {
            3 => Input::TaskDiscarded(TaskDiscarded { path, attempt }),
            2 => self.began((path, attempt)),
            _ => self.answer((path, attempt)),
        }
    }

    /// A timer that is armed but not due, or was, or never will be.
    fn any_timer(&mut self) -> Input {
        let kinds = [
            TimerKind::WorkflowTimeout,
            TimerKind::StepTimeout,
            TimerKind::Retry,
            TimerKind::Wait,
            TimerKind::AwaitTimeout,
            TimerKind::ScheduleTimeout,
            TimerKind::TotalTimeout,
            TimerKind::Snooze,
            TimerKind::ChildTimeout,
            TimerKind::ChildLook,
            TimerKind::WorkflowRetry,
            TimerKind::Cleanup,
            TimerKind::AskAgain,
            TimerKind::Settle,
            TimerKind::SagaLook,
            TimerKind::Begin,
        ];
        let kind = self.choices.one_of(&kinds);
        let node = self.choices.below(self.plan.nodes.len());
        Input::Timer(match (kind, self.execution.next_timer()) {
            (
                TimerKind::WorkflowTimeout
                | TimerKind::WorkflowRetry
                | TimerKind::Cleanup
                | TimerKind::Settle
                | TimerKind::SagaLook
                | TimerKind::Begin,
                _,
            ) => TimerName::of_execution(kind),
            (TimerKind::AskAgain, _) if self.choices.chance(50) => TimerName::of_execution(kind),
            (TimerKind::Wait, Some((_, armed))) => armed.clone(),
            (_, _) => TimerName::of_frame(kind, &self.plan.nodes[node].path, self.choices.below(3) as u32),
        })
    }

    fn signal(&mut self) -> Input {
        let name = name(self.choices.one_of(&SIGNALS));
        Input::Signal(Signal { name, data: json!({"n": self.choices.below(4)}) })
    }

    fn cancel(&mut self) -> Input {
        let reason = self.choices.chance(50).then(|| "not today".to_owned());
        let cleanup = self.choices.chance(70);
        let grace = self.choices.one_of(&[None, Some(Span::from_secs(1)), Some(Span::from_millis(0))]);
        Input::Cancel(Cancel { reason, cleanup, grace: grace.filter(|_| cleanup), rollback: self.choices.chance(75) })
    }

    fn lookup(&mut self) -> Input {
        match self.choices.below(8) {
            6 | 7 => Input::Recalled(Recalled::default()),
            5 => Input::Refused(Refused { error: StepError::new(StepError::UNKNOWN_WORKFLOW, "there is none") }),
            4 => Input::Bound(Bound { version: 2 }),
            _ => Input::Bound(Bound { version: 1 }),
        }
    }
}

fn news(status: Option<SagaStatus>) -> SagaNews {
    SagaNews { status, stuck: vec![], compensated: vec![], skipped: vec![], by: None, why: None }
}

fn stuck() -> SagaNews {
    let error = StepError::new("Gone", "it is not there");
    SagaNews { stuck: vec![(FramePath::root(&name("n0")), error)], ..news(Some(SagaStatus::Stuck)) }
}

/// What a child hands over.
fn undone(step: &str, after: &[u32]) -> UndoStep {
    let action = UndoAction {
        activity: "some.undoing".parse().unwrap(),
        queue: name("default"),
        input: Value::Null,
        timeout: None,
        retry: Compensation::patience(),
        allow_skip: false,
        metadata: Value::Null,
        fault: None,
        default_input: false,
    };
    let (path, after) = (FramePath::root(&name(step)), after.to_vec());
    UndoStep { path, execution: None, after, outcome: UndoOutcome::Completed, actions: vec![action] }
}

fn ended(path: FramePath, child: ExecutionId, status: Status) -> ChildEnded {
    let output = if status == Status::Completed { json!({"n": 2}) } else { Value::Null };
    let error = (status == Status::Failed).then(|| StepError::new("Broken", "no luck"));
    ChildEnded { path, child, status, output, error, reason: None, undo: vec![] }
}
