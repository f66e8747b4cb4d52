//! A story: a workflow in YAML, and what happens to one execution of it.
//!
//! Every input is applied to the execution, and to a copy recovered from a snapshot of every point before it. All must agree in
//! state and effects, and the promises of `check` must hold, or the story fails. It asserts nothing about what should happen.

use std::collections::BTreeMap;

use sagaline_engine::{Compiled, Dispatch, Effect, Execution, apply, check};
use sagaline_events::{
    EntityInput, FramePath, Input,
    ask::Why,
    entity::Permit,
    record::{ExecutionView, Status, StepStatus, StepView},
};
use sagaline_model::{ExecutionId, JobSpec, Moment, Plan, Span};
use serde_json::Value;

use crate::{inputs, words};

/// When every story begins: 2026-01-01T00:00:00Z.
pub(crate) const BEGIN: Moment = Moment::from_millis(1_767_225_600_000);

pub(crate) struct Story {
    /// The versions of the workflow that are there.
    pub(crate) definitions: BTreeMap<u32, Compiled>,
    pub(crate) execution: Execution,
    /// Each recovered from a snapshot of another point.
    recovered: Vec<Execution>,
    /// What the last input gave.
    effects: Vec<Effect>,
}

/// A story of a workflow that has these steps.
pub(crate) fn story(steps: &str) -> Story {
    let steps: String = steps.lines().map(|line| format!("  {line}\n")).collect();
    workflow(&format!("steps:\n{steps}"))
}

/// A story of the workflow `w` with these keys.
pub(crate) fn workflow(keys: &str) -> Story {
    of(plan(keys))
}

/// A story of this plan.
pub(crate) fn of(plan: Plan) -> Story {
    let definitions = BTreeMap::from([(1, Compiled::new(plan, 1).unwrap())]);
    let execution = Execution::unborn(ExecutionId::new("e").unwrap());
    Story { definitions, execution, recovered: vec![], effects: vec![] }
}

/// A story of a job, which is its own definition.
pub(crate) fn job(job: &JobSpec) -> Story {
    let compiled = sagaline_engine::job::compiled(job).expect("a job that runs");
    let definitions = BTreeMap::from([(compiled.version, compiled)]);
    let execution = Execution::unborn(ExecutionId::new("e").unwrap());
    Story { definitions, execution, recovered: vec![], effects: vec![] }
}

/// The plan of the workflow `w` with these keys.
pub(crate) fn plan(keys: &str) -> Plan {
    let source = format!("workflow: w\n{keys}");
    let read = sagaline_lang::read(&source, "story.yaml");
    read.unwrap_or_else(|faults| panic!("{}", faults.render(&source))).plan
}

impl Story {
    /// Starts version 1 without an input.
    pub(crate) fn start(self) -> Self {
        self.start_with(Value::Null)
    }

    pub(crate) fn start_with(self, input: Value) -> Self {
        self.at("0s", inputs::start(input))
    }

    /// Something happens so long after the beginning.
    pub(crate) fn at(mut self, after: &str, input: Input) -> Self {
        let at = BEGIN + after.parse::<Span>().unwrap();
        self.fold(&input, at);
        self
    }

    /// Something happens at the time of what happened last.
    pub(crate) fn then(mut self, input: Input) -> Self {
        let now = self.execution.now.max(BEGIN);
        self.fold(&input, now);
        self
    }

    /// The next timer fires when it is due.
    pub(crate) fn timer(mut self) -> Self {
        let (due, name) = self.execution.next_timer().expect("a timer is armed");
        let input = Input::Timer(name.clone());
        self.fold(&input, due);
        self
    }

    /// The definition is not to be found any more.
    pub(crate) fn forget_definition(mut self) -> Self {
        self.definitions.clear();
        self
    }

    fn fold(&mut self, input: &Input, at: Moment) {
        let snapshot = self.execution.to_snapshot();
        let restored = Execution::from_snapshot(&snapshot).expect("a snapshot can be read");
        assert_eq!(restored, self.execution, "a snapshot gives what was put into it");
        self.recovered.push(restored);
        let before = self.execution.now;
        self.effects = step(&mut self.execution, &self.definitions, input, at);
        assert!(before <= self.execution.now, "time went back");
        check(&self.execution, self.definitions.values().next()).unwrap();
        for (point, recovered) in self.recovered.iter_mut().enumerate() {
            let effects = step(recovered, &self.definitions, input, at);
            assert_eq!(effects, self.effects, "recovered from the snapshot before input {point}");
            assert_eq!(recovered, &self.execution, "recovered from the snapshot before input {point}");
        }
    }

    // What the last input gave.

    pub(crate) fn effects(&self) -> &[Effect] {
        &self.effects
    }

    /// The effects of the last input, all of them and in this order; see [`words`] for how they are written.
    pub(crate) fn gives(self, expected: &[&str]) -> Self {
        assert_eq!(words::of_all(&self.effects), expected);
        self
    }

    /// Some of the effects of the last input.
    pub(crate) fn gives_also(self, expected: &str) -> Self {
        let given = words::of_all(&self.effects);
        assert!(given.iter().any(|effect| effect == expected), "`{expected}` is not among {given:#?}");
        self
    }

    pub(crate) fn gives_nothing(self) -> Self {
        self.gives(&[])
    }

    /// The task that the last input gave this step.
    pub(crate) fn task(&self, step: &str) -> Dispatch {
        let task = self.effects.iter().find_map(|effect| match effect {
            Effect::Dispatch(dispatch) if dispatch.path.as_str() == step => Some(dispatch.clone()),
            _ => None,
        });
        task.unwrap_or_else(|| panic!("no task for `{step}` among {:#?}", words::of_all(&self.effects)))
    }

    pub(crate) fn gives_task_with(self, step: &str, input: Value) -> Self {
        assert_eq!(self.task(step).input, input);
        self
    }

    /// What the last input made it ask a breaker.
    pub(crate) fn asked(&self) -> Permit {
        let asked = self.effects.iter().find_map(|effect| match effect {
            Effect::Entity { input: EntityInput::Permit(ask), .. } => Some(ask.clone()),
            _ => None,
        });
        asked.expect("it asked a breaker")
    }

    // What the execution is now.

    pub(crate) fn view(&self) -> ExecutionView {
        self.execution.view(self.definitions.values().next()).expect("it has started")
    }

    pub(crate) fn why(&self) -> Vec<Why> {
        self.execution.why(self.definitions.values().next())
    }

    pub(crate) fn step_view(&self, step: &str) -> StepView {
        let found = self.view().steps.into_iter().find(|view| view.step == step);
        found.unwrap_or_else(|| panic!("there is no step `{step}`"))
    }

    pub(crate) fn is(self, status: Status) -> Self {
        assert_eq!(self.view().status, status);
        self
    }

    pub(crate) fn ends_with(self, output: Value) -> Self {
        assert_eq!(self.view().output, output);
        self.is(Status::Completed)
    }

    /// The execution failed because this step did, with an error of this type.
    pub(crate) fn fails_by(self, step: &str, kind: &str) -> Self {
        let view = self.view();
        assert_eq!(view.failed_step.as_deref(), Some(step));
        assert_eq!(view.error.as_ref().map(|error| error.kind.as_str()), Some(kind));
        self.is(Status::Failed)
    }

    pub(crate) fn step(self, step: &str, status: StepStatus) -> Self {
        assert_eq!(self.step_view(step).status, status, "{step}");
        self
    }

    /// The step waits for the answer of this attempt: an answer of another one changes nothing.
    pub(crate) fn waits_for(self, step: &str, attempt: u32) -> Self {
        let view = self.step_view(step);
        assert!(matches!(view.status, StepStatus::Scheduled | StepStatus::Running), "{step} is {:?}", view.status);
        assert_eq!(view.attempt, attempt);
        self
    }

    /// The next timer is due so long after the beginning.
    pub(crate) fn timer_is_due(self, after: &str) -> Self {
        let due = self.execution.next_timer().map(|(due, _)| due.since(BEGIN).to_string());
        assert_eq!(due.as_deref(), Some(after));
        self
    }

    pub(crate) fn has_no_timer(self) -> Self {
        assert_eq!(self.execution.next_timer(), None);
        self
    }
}

/// Applies as an owner does: with the plan that the execution runs on, or that the input names.
fn step(execution: &mut Execution, definitions: &BTreeMap<u32, Compiled>, input: &Input, at: Moment) -> Vec<Effect> {
    let version = match (execution.plan(), input) {
        (Some((_, version)), _) => Some(version),
        (None, Input::Start(start)) => start.version,
        (None, Input::Bound(bound)) => Some(bound.version),
        (None, _) => None,
    };
    apply(execution, version.and_then(|version| definitions.get(&version)), input, at)
}

pub(crate) fn path(text: &str) -> FramePath {
    FramePath::try_from(text.to_owned()).unwrap()
}
