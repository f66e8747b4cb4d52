//! A snapshot does not grow with the past: attempts and signals leave nothing behind, and what steps returned is bounded.
//!
//! It must fit into one message of NATS, which carries 1 MiB.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use sagaline_engine::{Compiled, Effect, Execution, apply};
use sagaline_events::{
    FramePath, Happening, Input, Start,
    input::{Signal, StepExpanded, StepFailed, StepSucceeded},
};
use sagaline_model::{ExecutionId, Moment, Name, Span, StepError};
use serde_json::{Value, json};

const MESSAGE_MAX: usize = 1 << 20;

struct Run {
    plan: Compiled,
    execution: Execution,
    at: Moment,
    inputs: u32,
}

/// Writing a snapshot takes longer than all else: not after every input.
const LOOK_EVERY: u32 = 50;

impl Run {
    fn of(definition: &str) -> Self {
        let plan = Compiled::new(sagaline_lang::read(definition, "size.yaml").unwrap().plan, 1).unwrap();
        let workflow = plan.plan.workflow.clone();
        let execution = Execution::unborn(ExecutionId::new("e").unwrap());
        let mut run = Self { plan, execution, at: Moment::from_millis(1_800_000_000_000), inputs: 0 };
        let (version, input, trigger, tags) = (Some(1), Value::Null, None, Default::default());
        run.apply(&Input::Start(Start { version, input, trigger, tags, ..Start::of(workflow) }));
        run
    }

    fn apply(&mut self, input: &Input) -> Vec<Effect> {
        self.at = self.at + Span::from_millis(1);
        let effects = apply(&mut self.execution, Some(&self.plan), input, self.at);
        self.inputs += 1;
        let looks = self.inputs.is_multiple_of(LOOK_EVERY);
        assert!(!looks || self.size() < MESSAGE_MAX, "{} bytes", self.size());
        effects
    }

    fn size(&self) -> usize {
        self.execution.to_snapshot().len()
    }

    /// The attempt fails, and its backoff passes.
    fn fails(&mut self, step: &str, attempt: u32) {
        let (path, error) = (FramePath::root(&Name::new(step).unwrap()), StepError::new("Flaky", "it happens"));
        self.apply(&Input::StepFailed(StepFailed { path, attempt, error, worker: None }));
        let (due, timer) = self.execution.next_timer().unwrap();
        let timer = timer.clone();
        self.at = self.at.max(due);
        self.apply(&Input::Timer(timer));
    }
}

#[test]
fn a_thousand_attempts_leave_nothing_behind() {
    let mut run = Run::of(
        "workflow: w\nsteps:\n  a: { activity: x, retry: { attempts: 2000, initial: 100ms, backoff: fixed } }\n",
    );
    (1..=10).for_each(|attempt| run.fails("a", attempt));
    let early = run.size();
    (11..=1000).for_each(|attempt| run.fails("a", attempt));
    // Only its numbers have more digits.
    assert!(run.size() <= early + 16, "{early} bytes after 10 attempts, {} after 1,000", run.size());
}

#[test]
fn signals_that_nobody_takes_are_bounded() {
    let mut run = Run::of("workflow: w\nsteps:\n  a: { await: never }\n");
    let noise = Signal { name: Name::new("noise").unwrap(), data: json!("x".repeat(1000)) };
    let input = Input::Signal(noise);
    let mut turned_away = 0;
    for _ in 0..2_000 {
        let effects = run.apply(&input);
        turned_away += usize::from(effects.iter().any(|effect| matches!(effect, Effect::Reject { .. })));
    }
    assert!(turned_away > 1_000 && run.size() < MESSAGE_MAX, "{turned_away} were turned away");
}

#[test]
fn many_small_outputs_end_an_execution_before_its_snapshot_is_too_large() {
    use std::fmt::Write;
    let mut definition = "workflow: w\nsteps:\n".to_owned();
    for step in 0..1_000_u32 {
        let after = step.checked_sub(1).map_or(String::new(), |before| format!("after: s{before}, "));
        writeln!(definition, "  s{step}: {{ {after}activity: x }}").unwrap();
    }
    let mut run = Run::of(&definition);
    for step in 0..1_000_u32 {
        let path = FramePath::root(&Name::new(format!("s{step}")).unwrap());
        let output = json!({ format!("k{step}"): "x".repeat(1000) });
        let effects =
            run.apply(&Input::StepSucceeded(StepSucceeded { path, attempt: 1, output, worker: None, claimed: false }));
        if run.execution.is_over() {
            let told = effects.iter().any(|effect| {
                matches!(effect, Effect::Tell(Happening::WorkflowFailed { error, .. }) if error.kind == StepError::TOO_LARGE)
            });
            assert!(told && step > 300, "ended at step {step}: {effects:?}");
            return;
        }
    }
    panic!("a thousand outputs of a kilobyte, kept twice, cannot fit");
}

/// Answers every task, and what it leads to, until it is over. Gives what it weighed most, as far as that was looked at.
fn answer_all(run: &mut Run, first: Vec<Effect>, answer: impl Fn(FramePath) -> Input) -> usize {
    let (mut effects, mut answered, mut largest) = (first, 0_usize, 0);
    loop {
        let tasks: Vec<FramePath> = effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Dispatch(task) => Some(task.path.clone()),
                _ => None,
            })
            .collect();
        if tasks.is_empty() {
            return largest;
        }
        effects = tasks.into_iter().flat_map(|path| run.apply(&answer(path))).collect();
        answered += 1;
        if answered.is_multiple_of(10) {
            largest = largest.max(run.size());
        }
    }
}

fn assert_completed(run: &Run) {
    let view = run.execution.view(Some(&run.plan)).unwrap();
    assert_eq!(view.status.as_str(), "completed", "{:?}", view.error);
}

#[test]
fn four_thousand_returned_steps_find_room() {
    let mut run = Run::of("workflow: w\nsteps:\n  plan: { activity: x, expand: true }\noutput: { n: 1 }\n");
    let step = |n: u32| json!({"name": format!("s{n}"), "kind": {"step": {"activity": "x", "input": {"n": n}}}});
    let steps = (0..4_000).map(step).collect();
    let path = FramePath::root(&Name::new("plan").unwrap());
    let effects = run.apply(&Input::StepExpanded(StepExpanded { path, attempt: 1, steps, worker: None }));
    let answer = |path| {
        let output = json!({"url": "https://images.example/1234.png"});
        Input::StepSucceeded(StepSucceeded { path, attempt: 1, output, worker: None, claimed: false })
    };
    let largest = answer_all(&mut run, effects, answer);
    assert_completed(&run);
    assert!(largest < MESSAGE_MAX, "{largest} bytes");
}

#[test]
fn ten_thousand_items_and_their_results_find_room() {
    let mut run = Run::of(
        "workflow: w\nsteps:\n  begin: { activity: x }\n  each: { after: begin, for_each: \"${ steps.begin.output }\", activity: x }\noutput: { n: 1 }\n",
    );
    let path = FramePath::root(&Name::new("begin").unwrap());
    let output = (0..10_000).map(Value::from).collect();
    let effects =
        run.apply(&Input::StepSucceeded(StepSucceeded { path, attempt: 1, output, worker: None, claimed: false }));
    let answer = |path| {
        Input::StepSucceeded(StepSucceeded { path, attempt: 1, output: json!({"n": 1}), worker: None, claimed: false })
    };
    let largest = answer_all(&mut run, effects, answer);
    assert_completed(&run);
    assert!(largest < MESSAGE_MAX, "{largest} bytes");
}
