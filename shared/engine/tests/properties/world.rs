//! A random world around one execution: workers that answer well, badly, late and twice, timers, people, an operator.
//!
//! It is unruly as long as there are choices, then it turns kind: every task succeeds, every signal comes, every timer fires. An
//! execution that does not end in a kind world never would.

mod kin;
mod people;
mod sagas;
mod shared;
mod tasks;
mod timers;

use std::collections::BTreeSet;

use sagaline_engine::{Compiled, Effect, Execution, Stage};
use sagaline_events::{
    EntityInput, EntityKey, FramePath, Input, Start, Ticket,
    input::{Bound, Cancel, Pause, Recalled, Refused, Resume, Scheduled, StepSucceeded, TaskDiscarded},
    record::Status,
};
use sagaline_model::{JobSpec, Moment, Span, StepError};
use serde_json::{Value, json};

use self::kin::ended;
use crate::{
    choices::Choices,
    history::{step, unborn},
    plans::name,
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

    fn lookup(&mut self) -> Input {
        match self.choices.below(8) {
            6 | 7 => Input::Recalled(Recalled::default()),
            5 => Input::Refused(Refused { error: StepError::new(StepError::UNKNOWN_WORKFLOW, "there is none") }),
            4 => Input::Bound(Bound { version: 2 }),
            _ => Input::Bound(Bound { version: 1 }),
        }
    }
}
