//! What an execution did, as spans: one for the whole of it, and one for each step over all of its attempts. Each is told when it
//! is over, with the times of the log. Ids come from names, so whoever folds the same entries again tells of the same spans.
//!
//! Without a collector nothing of this is computed, and the trace that a start came with is passed on as it is.

use sagaline_engine::{Effect, Execution, Stage, state::Outcome};
use sagaline_events::{
    FramePath, Happening, Input, TraceContext,
    trace::{span_of_execution, span_of_step, trace_of},
};
use sagaline_model::{Moment, StepError};
use sagaline_telemetry::traces::{FieldValue, PastSpan, is_traced, keeps_trace};

/// The longest text of an error in a span; the lifecycle events have all of it.
const ERROR_CHARS_MAX: usize = 1000;

/// The trace of an execution, for those that are to hang on to it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Trace {
    execution: String,
    /// The span of the whole execution; where there is no collector, whatever its start came with.
    whole: TraceContext,
    /// What its start came with.
    parent: Option<u64>,
    /// Whether its spans are told of, so that others may hang on to them.
    ours: bool,
}

impl Trace {
    /// Nothing if it belongs to no trace.
    pub(super) fn of(namespace: &str, state: &Execution) -> Option<Self> {
        if !is_traced() {
            let whole = state.trace?;
            return Some(Self { execution: state.id.to_string(), whole, parent: None, ours: false });
        }
        let given = state.trace;
        let trace = given.map_or_else(|| trace_of(namespace, state.id.as_str()), |given| given.trace);
        Some(Self::within(state, trace, given, keeps_trace(trace, given.map(|given| given.sampled))))
    }

    fn within(state: &Execution, trace: u128, given: Option<TraceContext>, sampled: bool) -> Self {
        let execution = state.id.to_string();
        let whole = TraceContext { trace, span: span_of_execution(&execution), sampled };
        Self { execution, whole, parent: given.map(|given| given.span), ours: true }
    }

    /// What a message about the execution carries, or about this step of it.
    pub(super) fn carried(&self, step: Option<&FramePath>) -> String {
        match step.filter(|_| self.ours) {
            Some(step) => self.step(step).to_string(),
            None => self.whole.to_string(),
        }
    }

    fn step(&self, path: &FramePath) -> TraceContext {
        TraceContext { span: span_of_step(&self.execution, path.as_str()), ..self.whole }
    }
}

/// Since when each open step of an execution is, noted before an input is applied: an execution that ends forgets it.
pub(super) struct Open {
    trace: Trace,
    since: Vec<(FramePath, Moment)>,
}

impl Open {
    /// Nothing if no spans are told of this execution.
    pub(super) fn of(trace: Option<Trace>, state: &Execution) -> Option<Self> {
        let trace = trace.filter(|trace| trace.ours && trace.whole.sampled)?;
        let frames = match &state.stage {
            Stage::Running(run) | Stage::Parked { run, .. } => Some(&run.frames),
            Stage::Unborn(_) | Stage::Unbound { .. } | Stage::Over(_) => None,
        };
        let open = frames.into_iter().flatten().filter(|(_, frame)| !frame.state.is_done());
        Some(Self { trace, since: open.map(|(path, frame)| (path.clone(), frame.since)).collect() })
    }

    /// The spans that ended with `input`, given what the execution is now.
    pub(super) fn ended(&self, state: &Execution, input: &Input, effects: &[Effect]) -> Vec<PastSpan> {
        let told = effects.iter().filter_map(|effect| match effect {
            Effect::Tell(happening) => Some(happening),
            _ => None,
        });
        let mut steps: Vec<Ended<'_>> = vec![];
        let mut whole = None;
        for happening in told {
            if happening.ends_the_execution() {
                whole = self.whole(state);
            }
            // A step whose failure was forgiven is told of twice: what is said last is what it is.
            if let Some(ended) = Ended::by(happening) {
                steps.retain(|step| step.path != ended.path);
                steps.push(ended);
            }
        }
        let workflow = workflow_of(state);
        let step = |ended| self.step(ended, state.now, &workflow, input);
        steps.into_iter().map(step).chain(whole).collect()
    }

    fn step(&self, ended: Ended<'_>, at: Moment, workflow: &[(&'static str, FieldValue)], input: &Input) -> PastSpan {
        let Ended { path, attempt, status, error } = ended;
        let since = self.since.binary_search_by(|(open, _)| open.cmp(path));
        let mut fields = self.fields(workflow, status);
        fields.push(("step", path.to_string().into()));
        fields.extend((attempt > 0).then(|| ("attempt", i64::from(attempt).into())));
        fields.extend(worker_of(input, path).map(|worker| ("worker", worker.to_owned().into())));
        PastSpan {
            name: path.to_string().into(),
            context: self.trace.step(path),
            parent: Some(path.parent().map_or(self.trace.whole.span, |outer| self.trace.step(&outer).span)),
            by_message: false,
            // One that began and ended with the same input took no time.
            from: since.map_or(at, |place| self.since[place].1),
            to: at,
            error,
            fields,
        }
    }

    fn whole(&self, state: &Execution) -> Option<PastSpan> {
        let Stage::Over(over) = &state.stage else { return None };
        let (status, error) = match &over.outcome {
            Outcome::Completed { .. } => ("completed", None),
            Outcome::Failed { error, .. } | Outcome::Refused { error } => ("failed", Some(text_of(error))),
            Outcome::Cancelled { .. } => ("cancelled", None),
            Outcome::TimedOut => ("timed_out", Some("the execution ran longer than its timeout".to_owned())),
            Outcome::RolledBack { cause, .. } => ("rolled_back", Some(sagaline_engine::cause_of(cause))),
        };
        Some(PastSpan {
            name: over.workflow.to_string().into(),
            context: self.trace.whole,
            parent: self.trace.parent,
            by_message: self.trace.parent.is_some(),
            from: over.started,
            to: over.ended,
            error,
            fields: self.fields(&workflow_of(state), status),
        })
    }

    fn fields(&self, workflow: &[(&'static str, FieldValue)], status: &'static str) -> Vec<(&'static str, FieldValue)> {
        let mut fields = vec![("execution", self.trace.execution.clone().into()), ("status", status.into())];
        fields.extend_from_slice(workflow);
        fields
    }
}

/// A step that is done.
struct Ended<'a> {
    path: &'a FramePath,
    attempt: u32,
    status: &'static str,
    error: Option<String>,
}

impl<'a> Ended<'a> {
    fn by(happening: &'a Happening) -> Option<Self> {
        let ended = |path, attempt, status, error| Some(Self { path, attempt, status, error });
        match happening {
            Happening::StepCompleted { step, attempt, .. } => ended(step, *attempt, "completed", None),
            Happening::StepFailed { step, attempt, error, next_at: None } => {
                ended(step, *attempt, "failed", Some(text_of(error)))
            }
            Happening::StepTimedOut { step, attempt, next_at: None } => {
                ended(step, *attempt, "timed_out", Some("its time was over".to_owned()))
            }
            Happening::StepSkipped { step, .. } => ended(step, 0, "skipped", None),
            Happening::StepCancelled { step, attempt } => ended(step, *attempt, "cancelled", None),
            // Another attempt follows, or nothing has ended.
            Happening::StepFailed { .. }
            | Happening::StepTimedOut { .. }
            | Happening::StepScheduled { .. }
            | Happening::StepStarted { .. }
            | Happening::StepWaiting { .. }
            | Happening::StepResumed { .. }
            | Happening::StepExpanded { .. }
            | Happening::WorkflowStarted { .. }
            | Happening::WorkflowCompleted { .. }
            | Happening::WorkflowFailed { .. }
            | Happening::WorkflowCancelled { .. }
            | Happening::WorkflowTimedOut { .. }
            | Happening::WorkflowStartRefused { .. }
            | Happening::WorkflowParked { .. }
            | Happening::WorkflowPaused { .. }
            | Happening::WorkflowResumed
            | Happening::WorkflowSignalRefused { .. }
            | Happening::WorkflowUpdated { .. }
            | Happening::WorkflowRetried { .. }
            | Happening::WorkflowCancelling { .. }
            | Happening::WorkflowRolledBack { .. }
            | Happening::WorkflowStuck { .. } => None,
            // Those are its compensator's.
            Happening::SagaStarted { .. }
            | Happening::SagaStepCompensated { .. }
            | Happening::SagaStepSkipped { .. }
            | Happening::SagaStuck { .. }
            | Happening::SagaCompleted { .. }
            | Happening::SagaResolved { .. }
            | Happening::SagaRetried { .. } => None,
            Happening::WorkflowPending { .. } | Happening::WorkflowAdmitted => None,
            // It has one step, which takes as long as the whole.
            Happening::Job(_) => None,
        }
    }
}

fn workflow_of(state: &Execution) -> Vec<(&'static str, FieldValue)> {
    let (workflow, version) = match &state.stage {
        Stage::Running(run) | Stage::Parked { run, .. } => (&run.workflow, run.version),
        Stage::Over(over) => (&over.workflow, over.version),
        Stage::Unborn(_) | Stage::Unbound { .. } => return vec![],
    };
    vec![("workflow", workflow.to_string().into()), ("version", i64::from(version).into())]
}

/// Who answered for this step.
fn worker_of<'a>(input: &'a Input, path: &FramePath) -> Option<&'a str> {
    let (of, worker) = match input {
        Input::StepSucceeded(done) => (&done.path, &done.worker),
        Input::StepFailed(failed) => (&failed.path, &failed.worker),
        Input::StepSkipped(skipped) => (&skipped.path, &skipped.worker),
        _ => return None,
    };
    worker.as_deref().filter(|_| of == path)
}

fn text_of(error: &StepError) -> String {
    format!("{}: {}", error.kind, error.message).chars().take(ERROR_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests;
