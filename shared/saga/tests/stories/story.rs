//! A saga, told input by input, by names that are short to write.

use sagaline_events::{
    FramePath, Happening, Input, SagaInput, SagaNews, SagaRequest, SagaStatus, TimerKind, TimerName, UndoStep,
    input::{StepFailed, StepSkipped, StepSnoozed, StepStarted, StepSucceeded, TaskDiscarded},
    record::Status,
    saga::{Late, SagaAsked, SagaCause, SagaRecalled, SagaRetry, SagaSkip, UndoAction, UndoOutcome, UndoneStatus},
};
use sagaline_model::{ActivityName, Backoff, ExecutionId, Moment, Name, RetryPolicy, Span, StepError};
use sagaline_saga::{Effect, Saga, apply, check};
use serde_json::{Value, json};

pub(crate) fn frame(text: &str) -> FramePath {
    text.to_owned().try_into().unwrap()
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// Three attempts, a second apart.
pub(crate) fn action(activity: &str) -> UndoAction {
    let backoff = Backoff::Fixed;
    UndoAction {
        activity: ActivityName::new(activity).unwrap(),
        queue: name("default"),
        input: json!({"of": activity}),
        timeout: None,
        retry: RetryPolicy { attempts: 3, initial: Span::from_secs(1), backoff, ..RetryPolicy::default() },
        allow_skip: false,
        metadata: Value::Null,
        fault: None,
        default_input: false,
    }
}

/// A step that one activity undoes, after these.
pub(crate) fn step(path: &str, after: &[u32]) -> UndoStep {
    let actions = vec![action(&format!("undo.{}", path.replace(['/', ':'], "-")))];
    UndoStep { path: frame(path), execution: None, after: after.to_vec(), outcome: UndoOutcome::Completed, actions }
}

pub(crate) fn joint(path: &str, after: &[u32]) -> UndoStep {
    UndoStep { actions: vec![], ..step(path, after) }
}

pub(crate) fn unknown(step: UndoStep) -> UndoStep {
    UndoStep { outcome: UndoOutcome::Unknown, ..step }
}

pub(crate) fn request(steps: Vec<UndoStep>) -> SagaRequest {
    let error = Some(StepError::new("CardDeclined", "no funds"));
    SagaRequest {
        workflow: name("order"),
        version: 3,
        cause: SagaCause { status: Status::Failed, error, step: Some(frame("charge")), reason: None },
        steps,
        origin: None,
        began: Moment::from_millis(500),
    }
}

pub(crate) struct Story {
    pub(crate) saga: Saga,
    pub(crate) now: Moment,
    /// What the last input led to.
    pub(crate) effects: Vec<Effect>,
    /// What it told its execution, all along.
    pub(crate) told: Vec<SagaNews>,
}

impl Story {
    pub(crate) fn unasked() -> Self {
        let saga = Saga::unasked(ExecutionId::new("A-1").unwrap());
        Self { saga, now: Moment::from_millis(1000), effects: vec![], told: vec![] }
    }

    /// It is asked for, and was never before.
    pub(crate) fn of(steps: Vec<UndoStep>) -> Self {
        let mut story = Self::unasked();
        story.input(SagaInput::Request(request(steps)));
        assert_eq!(story.effects, [Effect::Recall]);
        story.recalled(None);
        story
    }

    pub(crate) fn input(&mut self, input: SagaInput) -> &mut Self {
        let mut other = Saga::from_snapshot(&self.saga.to_snapshot()).unwrap();
        assert_eq!(other, self.saga, "its snapshot is all of it");
        self.effects = apply(&mut self.saga, &input, self.now);
        let again = apply(&mut other, &input, self.now);
        assert_eq!((&again, &other), (&self.effects, &self.saga), "it goes on from its snapshot as it would have");
        check(&self.saga).unwrap();
        for effect in &self.effects {
            if let Effect::News(news) = effect {
                self.told.push(news.clone());
            }
        }
        self
    }

    pub(crate) fn recalled(&mut self, ended: Option<SagaNews>) -> &mut Self {
        let since = sagaline_saga::wants_record_of(&self.saga).expect("it waits for its record").0;
        self.input(SagaInput::Recalled(SagaRecalled { since, ended }))
    }

    pub(crate) fn asked(&mut self) -> &mut Self {
        self.input(SagaInput::Asked(SagaAsked::default()))
    }

    /// The task that is waited for of this step.
    fn task_of(&self, step: &str) -> (FramePath, u32) {
        let tasks = self.saga.tasks();
        let of_it = |path: &FramePath| path.undone().is_some_and(|(undone, _)| undone.as_str() == step);
        let task = tasks.iter().find(|task| of_it(&task.path));
        let task = task.unwrap_or_else(|| panic!("no task of `{step}` is waited for: {tasks:?}"));
        (task.path.clone(), task.attempt)
    }

    pub(crate) fn answer(&mut self, input: Input) -> &mut Self {
        self.input(SagaInput::Task(input))
    }

    pub(crate) fn starts(&mut self, step: &str) -> &mut Self {
        let (path, attempt) = self.task_of(step);
        self.answer(Input::StepStarted(StepStarted { path, attempt, worker: None }))
    }

    pub(crate) fn done(&mut self, step: &str) -> &mut Self {
        let (path, attempt) = self.task_of(step);
        let output = Value::Null;
        self.answer(Input::StepSucceeded(StepSucceeded { path, attempt, output, worker: None, claimed: false }))
    }

    pub(crate) fn has_nothing_to_do(&mut self, step: &str) -> &mut Self {
        let (path, attempt) = self.task_of(step);
        self.answer(Input::StepSkipped(StepSkipped { path, attempt, reason: String::new(), worker: None }))
    }

    pub(crate) fn fails_with(&mut self, step: &str, error: StepError) -> &mut Self {
        let (path, attempt) = self.task_of(step);
        self.answer(Input::StepFailed(StepFailed { path, attempt, error, worker: None }))
    }

    pub(crate) fn fails(&mut self, step: &str) -> &mut Self {
        self.fails_with(step, StepError::new("Down", "the warehouse is down"))
    }

    /// Without another attempt.
    pub(crate) fn fails_for_good(&mut self, step: &str) -> &mut Self {
        self.fails_with(step, StepError::new("Gone", "there is no such thing").final_())
    }

    pub(crate) fn snoozes(&mut self, step: &str, delay: Span) -> &mut Self {
        let (path, attempt) = self.task_of(step);
        let reason = String::new();
        self.answer(Input::StepSnoozed(StepSnoozed { path, attempt, delay, reason, worker: None, late: false }))
    }

    pub(crate) fn discarded(&mut self, step: &str) -> &mut Self {
        let (path, attempt) = self.task_of(step);
        self.answer(Input::TaskDiscarded(TaskDiscarded { path, attempt }))
    }

    pub(crate) fn retry(&mut self, step: Option<&str>) -> &mut Self {
        self.input(SagaInput::Retry(SagaRetry { step: step.map(frame), ..SagaRetry::default() }))
    }

    pub(crate) fn skip(&mut self, step: &str) -> &mut Self {
        let (by, why) = (Some("ann".to_owned()), Some("by hand".to_owned()));
        self.input(SagaInput::Skip(SagaSkip { step: frame(step), by, why }))
    }

    pub(crate) fn late(&mut self, step: &str, attempt: u32) -> &mut Self {
        self.input(SagaInput::Late(Late { path: frame(step), attempt, output: json!({"id": "r-1"}) }))
    }

    pub(crate) fn passes(&mut self, span: Span) -> &mut Self {
        self.now = self.now + span;
        self
    }

    /// Time goes on to the first timer, which comes.
    pub(crate) fn timer(&mut self) -> &mut Self {
        let (due, timer) = self.saga.next_timer().expect("a timer");
        self.now = self.now.max(due);
        self.answer(Input::Timer(timer))
    }

    pub(crate) fn timer_of(&mut self, kind: TimerKind, step: &str, attempt: u32) -> &mut Self {
        let timer = TimerName::of_frame(kind, &frame(step).undo(1), attempt);
        self.answer(Input::Timer(timer))
    }

    /// The steps whose tasks are waited for.
    pub(crate) fn at_work(&self) -> Vec<String> {
        let tasks = self.saga.tasks();
        tasks.iter().map(|task| task.path.undone().expect("it undoes").0.to_string()).collect()
    }

    pub(crate) fn dispatched(&self) -> Vec<&sagaline_saga::Dispatch> {
        let tasks = self.effects.iter();
        tasks.filter_map(|effect| if let Effect::Dispatch(task) = effect { Some(task) } else { None }).collect()
    }

    pub(crate) fn happened(&self) -> Vec<&Happening> {
        let told = self.effects.iter();
        told.filter_map(|effect| if let Effect::Tell(what) = effect { Some(what) } else { None }).collect()
    }

    pub(crate) fn status(&self) -> SagaStatus {
        self.saga.view().expect("somebody asked for it").status
    }

    pub(crate) fn status_of(&self, step: &str) -> UndoneStatus {
        let view = self.saga.view().expect("somebody asked for it");
        view.steps.iter().find(|undone| undone.step.as_str() == step).expect("a step of it").status
    }

    pub(crate) fn statuses_told(&self) -> Vec<SagaStatus> {
        self.told.iter().filter_map(|news| news.status).collect()
    }

    pub(crate) fn last_news(&self) -> &SagaNews {
        self.told.last().expect("it told something")
    }

    pub(crate) fn changes_nothing(&mut self, input: SagaInput) -> &mut Self {
        let mut before = self.saga.clone();
        self.input(input);
        before.now = self.saga.now;
        assert_eq!((&before, self.effects.as_slice()), (&self.saga, [].as_slice()));
        self
    }
}
