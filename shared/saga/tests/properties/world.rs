//! A saga, and what may happen to it.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{collection::vec, prelude::*, test_runner::TestCaseError};
use sagaline_events::{
    FramePath, Happening, Input, SagaInput, SagaRequest, SagaStatus, TimerKind, UndoStep,
    input::{StepFailed, StepSkipped, StepSnoozed, StepStarted, StepSucceeded, TaskDiscarded},
    record::Status,
    saga::{
        Late, SagaAsked, SagaCause, SagaRecalled, SagaResolve, SagaRetry, SagaSkip, UndoAction, UndoOutcome,
        UndoneStatus,
    },
};
use sagaline_model::{ActivityName, Backoff, ExecutionId, Moment, Name, RetryPolicy, Span, StepError};
use sagaline_saga::{Dispatch, Effect, Saga, apply, check};
use serde_json::{Value, json};

fn frame(text: &str) -> FramePath {
    text.to_owned().try_into().unwrap()
}

fn an_action() -> impl Strategy<Value = UndoAction> {
    let fault = prop::option::weighted(0.05, Just(StepError::new(StepError::EXPRESSION, "no").final_()));
    (1_u32..4, any::<bool>(), prop::option::of(1_u64..20), fault, any::<bool>()).prop_map(
        |(attempts, allow_skip, timeout, fault, default_input)| UndoAction {
            activity: ActivityName::new("undo").unwrap(),
            queue: Name::new("default").unwrap(),
            input: json!({"outcome": "unknown"}),
            timeout: timeout.map(Span::from_secs),
            retry: RetryPolicy {
                attempts,
                initial: Span::from_secs(1),
                backoff: Backoff::Fixed,
                jitter: true,
                ..RetryPolicy::default()
            },
            allow_skip,
            metadata: Value::Null,
            fault,
            default_input,
        },
    )
}

/// Each after some that stand before it in the list, which is then turned round or not.
pub(crate) fn some_steps() -> impl Strategy<Value = Vec<UndoStep>> {
    let one = (vec(an_action(), 0..3), vec(any::<prop::sample::Index>(), 0..4), 0..3_u8);
    (vec(one, 1..9), any::<bool>()).prop_map(|(steps, turned)| {
        let count = steps.len() as u32;
        let place = |place: u32| if turned { count - 1 - place } else { place };
        let step = |(number, (actions, after, outcome)): (usize, (Vec<UndoAction>, Vec<prop::sample::Index>, u8))| {
            let after: BTreeSet<u32> =
                after.iter().filter(|_| number > 0).map(|index| place(index.index(number.max(1)) as u32)).collect();
            UndoStep {
                path: frame(&format!("s{number}")),
                execution: None,
                after: after.into_iter().collect(),
                outcome: [UndoOutcome::Completed, UndoOutcome::Unknown, UndoOutcome::Failed][usize::from(outcome)],
                actions,
            }
        };
        let mut steps: Vec<UndoStep> = steps.into_iter().enumerate().map(step).collect();
        if turned {
            steps.reverse();
        }
        steps
    })
}

/// Something that happens, to one of those that are waited for, or to one of old.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    Answer { which: usize, old: bool, how: u8 },
    Timer,
    Passes(u64),
    Retry(Option<usize>),
    Skip(usize),
    Late { step: usize, attempt: u32 },
    Asked,
    Again,
    Resolve,
}

pub(crate) fn a_history() -> impl Strategy<Value = Vec<Event>> {
    let answer = (any::<usize>(), prop::bool::weighted(0.2), 0..7_u8);
    let event = prop_oneof![
        12 => answer.prop_map(|(which, old, how)| Event::Answer { which, old, how }),
        4 => Just(Event::Timer),
        2 => (0_u64..30).prop_map(Event::Passes),
        2 => prop::option::of(any::<usize>()).prop_map(Event::Retry),
        1 => any::<usize>().prop_map(Event::Skip),
        2 => (any::<usize>(), 1_u32..3).prop_map(|(step, attempt)| Event::Late { step, attempt }),
        1 => Just(Event::Asked),
        1 => Just(Event::Again),
    ];
    (vec(event, 0..40), prop::bool::weighted(0.05)).prop_map(|(mut events, resolved)| {
        events.extend(resolved.then_some(Event::Resolve));
        events
    })
}

/// Whether a second one of it finds nothing to do. A person who says it twice may mean it.
pub(crate) fn is_the_same_twice(input: &SagaInput) -> bool {
    match input {
        SagaInput::Asked(_) | SagaInput::Retry(_) => false,
        // Two of them may be due at a time.
        SagaInput::Task(Input::Timer(_)) => true,
        SagaInput::Request(_)
        | SagaInput::Late(_)
        | SagaInput::Skip(_)
        | SagaInput::Resolve(_)
        | SagaInput::Recalled(_)
        | SagaInput::Task(_) => true,
    }
}

pub(crate) struct World {
    pub(crate) saga: Saga,
    pub(crate) now: Moment,
    steps: Vec<UndoStep>,
    /// Every task that was handed over.
    tasks: Vec<Dispatch>,
    /// The actions that succeeded, and how often under which key.
    done: BTreeMap<String, u32>,
    told: Option<SagaStatus>,
    resolved: bool,
}

impl World {
    pub(crate) fn of(steps: Vec<UndoStep>) -> Self {
        let saga = Saga::unasked(ExecutionId::new("A-1").unwrap());
        let now = Moment::from_millis(1000);
        let (tasks, done) = (vec![], BTreeMap::new());
        let mut world = Self { saga, now, steps, tasks, done, told: None, resolved: false };
        let request = SagaInput::Request(world.request());
        world.takes(request).unwrap();
        world.takes(SagaInput::Recalled(SagaRecalled { since: now, ended: None })).unwrap();
        world
    }

    fn request(&self) -> SagaRequest {
        SagaRequest {
            workflow: Name::new("order").unwrap(),
            version: 1,
            cause: SagaCause { status: Status::Failed, error: None, step: None, reason: None },
            steps: self.steps.clone(),
            origin: None,
            began: Moment::EPOCH,
        }
    }

    /// The input is folded, by the saga and by what its snapshot gives: both must agree.
    pub(crate) fn takes(&mut self, input: SagaInput) -> Result<(), TestCaseError> {
        let mut restored = Saga::from_snapshot(&self.saga.to_snapshot()).unwrap();
        let effects = apply(&mut self.saga, &input, self.now);
        prop_assert_eq!(&apply(&mut restored, &input, self.now), &effects);
        prop_assert_eq!(&restored, &self.saga);
        check(&self.saga).map_err(TestCaseError::fail)?;
        for effect in effects {
            match effect {
                Effect::Dispatch(task) => {
                    let (path, attempt) = (&task.path, task.attempt);
                    let twice = self.tasks.iter().any(|old| old.path == *path && old.attempt == attempt);
                    prop_assert!(!twice, "{path} attempt {attempt} is handed over twice");
                    prop_assert!(self.saga.wants(path, attempt));
                    self.tasks.push(task);
                }
                Effect::News(news) => self.told = news.status.or(self.told),
                Effect::Tell(Happening::SagaResolved { .. }) => self.resolved = true,
                Effect::Revoke { path, attempt, .. } => prop_assert!(!self.saga.wants(&path, attempt)),
                Effect::Tell(_) | Effect::Recall | Effect::Reject { .. } => {}
            }
        }
        let view = self.saga.view();
        prop_assert_eq!(self.told, view.map(|view| view.status), "its execution is told how it stands");
        Ok(())
    }

    /// What an event is as an input; nothing if it is only time that passes, or there is nothing that it could happen to.
    pub(crate) fn input_of(&self, event: &Event) -> Option<SagaInput> {
        let path_of = |step: usize| self.steps[step % self.steps.len()].path.clone();
        Some(match event {
            Event::Answer { which, old, how } => {
                let tasks = if *old { self.tasks.clone() } else { self.saga.tasks() };
                let task = tasks.get(which.checked_rem(tasks.len())?)?;
                SagaInput::Task(answer(&task.path, task.attempt, *how))
            }
            Event::Timer => {
                let (due, timer) = self.saga.next_timer()?;
                // A day that passes is no part of a history.
                if timer.kind == TimerKind::Forget || self.now + Span::from_secs(100) < due {
                    return None;
                }
                SagaInput::Task(Input::Timer(timer))
            }
            Event::Passes(_) => return None,
            Event::Retry(step) => SagaInput::Retry(SagaRetry { step: step.map(path_of), ..SagaRetry::default() }),
            Event::Skip(step) => SagaInput::Skip(SagaSkip { step: path_of(*step), by: None, why: None }),
            Event::Late { step, attempt } => {
                SagaInput::Late(Late { path: path_of(*step), attempt: *attempt, output: json!(1) })
            }
            Event::Asked => SagaInput::Asked(SagaAsked::default()),
            Event::Again => SagaInput::Request(self.request()),
            Event::Resolve => SagaInput::Resolve(SagaResolve { by: None, why: "by hand".to_owned() }),
        })
    }

    pub(crate) fn happens(&mut self, event: Event) -> Result<(), TestCaseError> {
        if let Event::Passes(seconds) = event {
            self.now = self.now + Span::from_secs(seconds);
            return Ok(());
        }
        let Some(input) = self.input_of(&event) else { return Ok(()) };
        if let SagaInput::Task(Input::StepSucceeded(done)) = &input
            && self.saga.wants(&done.path, done.attempt)
            && let Some(task) = self.tasks.iter().find(|task| task.path == done.path && task.attempt == done.attempt)
        {
            let count = self.done.entry(task.idempotency_key.clone()).or_default();
            *count += 1;
            prop_assert_eq!(*count, 1, "{} succeeded twice under one key", task.idempotency_key);
        }
        self.takes(input)
    }

    /// Timers come and tasks succeed until nothing goes on by itself; if somebody helps, until nothing is left.
    pub(crate) fn settle(&mut self, helped: bool) -> Result<(), TestCaseError> {
        for _ in 0..500 {
            if let Some((due, timer)) = self.saga.next_timer()
                && timer.kind != TimerKind::Forget
            {
                self.now = self.now.max(due);
                self.takes(SagaInput::Task(Input::Timer(timer)))?;
            } else if !self.saga.tasks().is_empty() {
                self.happens(Event::Answer { which: 0, old: false, how: 0 })?;
            } else if helped && self.saga.is_stuck() {
                let view = self.saga.view().expect("it is stuck");
                let stuck = view.steps.iter().find(|step| step.status == UndoneStatus::Stuck).expect("somewhere");
                let (step, input) = (Some(stuck.step.clone()), Some(json!("mended")));
                self.takes(SagaInput::Retry(SagaRetry { step, input, ..SagaRetry::default() }))?;
            } else {
                return Ok(());
            }
        }
        Err(TestCaseError::fail("it does not come to rest"))
    }

    /// It is over, and every action was done, or its step passed by, or somebody resolved the whole.
    pub(crate) fn is_over(&mut self) -> Result<(), TestCaseError> {
        if let Some((due, timer)) = self.saga.next_timer() {
            self.now = due;
            self.takes(SagaInput::Task(Input::Timer(timer)))?;
        }
        prop_assert!(self.saga.is_over());
        if self.resolved {
            return Ok(());
        }
        let view = self.saga.view().expect("it is over");
        prop_assert_eq!(view.steps.len(), self.steps.iter().filter(|step| !step.actions.is_empty()).count());
        for step in &view.steps {
            prop_assert!(matches!(step.status, UndoneStatus::Compensated | UndoneStatus::Skipped), "{:?}", step);
        }
        Ok(())
    }
}

fn answer(path: &FramePath, attempt: u32, how: u8) -> Input {
    let path = path.clone();
    let flaky = StepError::new("Flaky", "it happens");
    match how {
        0 | 1 => {
            Input::StepSucceeded(StepSucceeded { path, attempt, output: Value::Null, worker: None, claimed: false })
        }
        2 => Input::StepFailed(StepFailed { path, attempt, error: flaky, worker: None }),
        3 => Input::StepFailed(StepFailed { path, attempt, error: flaky.final_(), worker: None }),
        4 => Input::StepStarted(StepStarted { path, attempt, worker: None }),
        5 => {
            let (delay, reason) = (Span::from_secs(2), String::new());
            Input::StepSnoozed(StepSnoozed { path, attempt, delay, reason, worker: None, late: false })
        }
        _ if attempt.is_multiple_of(2) => {
            Input::StepSkipped(StepSkipped { path, attempt, reason: String::new(), worker: None })
        }
        _ => Input::TaskDiscarded(TaskDiscarded { path, attempt }),
    }
}
