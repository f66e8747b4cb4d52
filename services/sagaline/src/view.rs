//! An execution as text.

mod steps;

use std::collections::BTreeMap;

use sagaline_events::{progress::Progress, record::ExecutionView};
use sagaline_model::StepError;
use serde_json::Value;

use crate::{
    output::{Output, Tone},
    words,
};

/// How far those of its attempts are that are at work, by their steps.
pub(crate) type Said = BTreeMap<String, Progress>;

pub(crate) fn lines(view: &ExecutionView, output: &Output) -> Vec<String> {
    lines_with(view, &Said::new(), false, output)
}

/// `all`: every step has its line, however many there are.
pub(crate) fn lines_with(view: &ExecutionView, said: &Said, all: bool, output: &Output) -> Vec<String> {
    let mut lines = vec![
        format!("execution: {}", output.paint(Tone::Strong, view.execution.as_str())),
        format!("workflow: {} (version {})", view.workflow, view.version),
        format!("status: {}", output.paint(words::tone(view.status), view.status.as_str())),
        format!("started: {}", words::exact_time(view.started_at)),
    ];
    if let Some(job) = &view.job {
        lines.push(format!("job: {} in queue {}, {}", job.activity, job.queue, job.status.as_str()));
        lines.push(format!("attempt: {} of {}", job.attempt, job.attempts));
        lines.extend(job.worker.as_ref().map(|worker| format!("worker: {}", words::short(worker))));
        lines.extend(said.get("job").map(|said| {
            let at = words::exact_time(said.at);
            format!("progress: {} ({at})", words::progress(said.fraction, said.message.as_deref()))
        }));
        lines.extend(job.next_at.map(|time| format!("next attempt: {}", words::exact_time(time))));
        lines.extend(job.error.as_ref().map(|error| format!("last error: {}", words::error(error))));
    }
    let begins_at = view.begins_at.filter(|_| view.job.is_none());
    lines.extend(begins_at.map(|time| format!("begins: {}", words::exact_time(time))));
    if let Some(ended) = view.ended_at {
        let took = words::took(ended.since(view.started_at));
        lines.push(format!("ended: {} (took {took})", words::exact_time(ended)));
    }
    if let Some(error) = &view.error {
        let step = view.failed_step.as_ref().map_or(String::new(), |step| format!("step {step}: "));
        lines.push(format!("error: {step}{}", words::error(error)));
        lines.extend(violations(error).iter().map(|violation| format!("  {violation}")));
    }
    lines.extend(view.reason.as_ref().map(|reason| format!("reason: {}", words::short(reason))));
    if !view.tags.is_empty() {
        lines.push(format!("tags: {}", words::tags(&view.tags)));
    }
    if !view.steps.is_empty() {
        lines.push(format!("steps:{}", steps::progress(&view.steps).unwrap_or_default()));
        lines.extend(steps::rows(view, said, all, output).into_iter().map(|line| format!("  {line}")));
    }
    lines.extend(output_lines(&view.output));
    lines
}

/// Every way in which an input did not fit, a line for each.
fn violations(error: &StepError) -> Vec<String> {
    let violations = error.details.as_ref().filter(|_| error.kind == StepError::INVALID_INPUT);
    let violations = violations.and_then(|details| details.get("violations")?.as_array());
    let line = |violation: &Value| {
        let part = |name| violation.get(name).and_then(Value::as_str).unwrap_or_default();
        let at = if part("at").is_empty() { "the input" } else { part("at") };
        words::one_line(&format!("{at} {}; expected {}", part("problem"), part("expected")))
    };
    violations.into_iter().flatten().map(line).collect()
}

fn output_lines(value: &Value) -> Vec<String> {
    if value.is_null() {
        return vec![];
    }
    // Printed whole: it is what was asked for. `{:#}` escapes control characters, as JSON does.
    let text = format!("{value:#}");
    std::iter::once("output:".to_owned()).chain(text.lines().map(|line| format!("  {line}"))).collect()
}
