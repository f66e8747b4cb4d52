use sagaline_engine::{Compiled, apply};
use sagaline_events::{
    Start,
    input::{Cancel, Signal, StepFailed, StepSucceeded},
};
use sagaline_model::{ExecutionId, Name, Span};
use serde_json::{Value, json};

use super::*;

const OUTSIDE: TraceContext = TraceContext { trace: 7, span: 9, sampled: true };

/// An execution of these steps, and the spans that were told of it.
struct Told {
    plan: Compiled,
    state: Execution,
    given: Option<TraceContext>,
    spans: Vec<PastSpan>,
}

impl Told {
    /// Started a second after 1970.
    fn start(steps: &str, given: Option<TraceContext>) -> Self {
        let source = format!("workflow: order\nsteps:\n{steps}");
        let definition = sagaline_lang::read(&source, "spans.yaml").unwrap_or_else(|faults| panic!("{faults}"));
        let plan = Compiled::new(definition.plan, 3).expect("it compiles");
        let state = Execution::unborn(ExecutionId::new("order-1").expect("an id"));
        let workflow = Name::new("order").expect("a name");
        let start = Start { version: Some(3), ..Start::of(workflow) };
        Self { plan, state, given, spans: vec![] }.at(1, Input::Start(start))
    }

    fn at(mut self, second: u64, input: Input) -> Self {
        let trace = Trace::within(&self.state, 7, self.given, true);
        let open = Open::of(Some(trace), &self.state).expect("it is traced");
        let at = Moment::EPOCH + Span::from_secs(second);
        let effects = apply(&mut self.state, Some(&self.plan), &input, at);
        self.spans.extend(open.ended(&self.state, &input, &effects));
        self
    }

    /// Name, begin and end in seconds, status, and the name of the parent.
    fn lines(&self) -> Vec<String> {
        let name_of = |id: u64| self.spans.iter().find(|span| span.context.span == id).map(|span| span.name.as_ref());
        let line = |span: &PastSpan| {
            let seconds = |moment: Moment| moment.since(Moment::EPOCH).as_secs_f64();
            let status = &span.fields.iter().find(|(name, _)| *name == "status").expect("a status").1;
            let parent = span.parent.map_or("nobody", |parent| name_of(parent).unwrap_or("somebody"));
            format!("{} {}-{} {status} of {parent}", span.name, seconds(span.from), seconds(span.to))
        };
        self.spans.iter().map(line).collect()
    }
}

fn path(text: &str) -> FramePath {
    serde_json::from_value(json!(text)).expect("a path")
}

fn succeeded(step: &str) -> Input {
    let worker = Some("worker-1".to_owned());
    Input::StepSucceeded(StepSucceeded { path: path(step), attempt: 1, output: Value::Null, worker, claimed: false })
}

fn failed(step: &str) -> Input {
    let error = StepError::new("CardDeclined", "no money");
    Input::StepFailed(StepFailed { path: path(step), attempt: 1, error, worker: None })
}

#[test]
fn each_step_and_the_whole_are_told_when_they_are_over() {
    let told = Told::start("  a: { activity: noop }\n  b: { activity: noop, after: a }\n", None);
    assert_eq!(told.lines(), Vec::<String>::new());
    let told = told.at(4, succeeded("a"));
    assert_eq!(told.lines(), ["a 1-4 completed of somebody"]);
    let told = told.at(9, succeeded("b"));
    assert_eq!(told.lines(), ["a 1-4 completed of order", "b 4-9 completed of order", "order 1-9 completed of nobody"]);
    let worker = told.spans[1].fields.iter().find(|(name, _)| *name == "worker");
    assert_eq!(worker, Some(&("worker", "worker-1".to_owned().into())));
}

#[test]
fn what_is_inside_a_group_hangs_on_the_group() {
    let told = Told::start("  outer:\n    steps:\n      inner: { activity: noop }\n", Some(OUTSIDE));
    let told = told.at(5, succeeded("outer/inner"));
    assert_eq!(
        told.lines(),
        ["outer/inner 1-5 completed of outer", "outer 1-5 completed of order", "order 1-5 completed of somebody"]
    );
    let whole = &told.spans[2];
    assert_eq!((whole.parent, whole.by_message), (Some(OUTSIDE.span), true));
}

#[test]
fn a_failure_is_told_of_the_step_and_of_the_whole_and_what_was_open_is_cancelled() {
    let told = Told::start("  a: { activity: noop }\n  b: { await: { signal: go } }\n", None).at(3, failed("a"));
    assert_eq!(told.lines(), ["a 1-3 failed of order", "b 1-3 cancelled of order", "order 1-3 failed of nobody"]);
    let errors: Vec<_> = told.spans.iter().map(|span| span.error.as_deref()).collect();
    assert_eq!(errors, [Some("CardDeclined: no money"), None, Some("CardDeclined: no money")]);
}

#[test]
fn an_attempt_that_is_followed_by_another_ends_no_step() {
    let told = Told::start("  a: { activity: noop, retry: { attempts: 2, initial: 1s } }\n", None).at(3, failed("a"));
    assert_eq!(told.lines(), Vec::<String>::new());
}

#[test]
fn a_step_whose_failure_is_forgiven_is_told_once_and_as_what_it_is() {
    let told = Told::start("  a: { activity: noop, on_error: skip }\n", None).at(3, failed("a"));
    assert_eq!(told.lines(), ["a 1-3 skipped of order", "order 1-3 completed of nobody"]);
}

#[test]
fn the_same_inputs_tell_the_same_spans() {
    let run = || {
        let told = Told::start("  a: { await: { signal: go } }\n  b: { activity: noop }\n", Some(OUTSIDE));
        let signal = Signal { name: Name::new("go").expect("a name"), data: Value::Null };
        told.at(2, Input::Signal(signal)).at(3, Input::Cancel(Cancel::at_once(None)))
    };
    assert_eq!(run().spans, run().spans);
    assert_eq!(run().spans.len(), 3);
    assert!(run().spans.iter().all(|span| span.context.trace == OUTSIDE.trace && span.context.sampled));
}

/// Without a collector, what the start carried goes on as it is; and nothing is made up where it carried nothing.
#[test]
fn without_a_collector_a_trace_is_passed_on() {
    let mut state = Execution::unborn(ExecutionId::new("order-1").expect("an id"));
    assert_eq!(Trace::of("sagaline", &state), None);
    state.trace = Some(OUTSIDE);
    let trace = Trace::of("sagaline", &state).expect("a trace");
    assert_eq!(trace.carried(Some(&path("a"))), OUTSIDE.to_string());
    assert!(Open::of(Some(trace), &state).is_none(), "nothing is computed");
}
