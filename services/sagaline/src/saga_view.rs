//! A saga as text.

use sagaline_events::{
    SagaStatus,
    saga::{InterventionKind, SagaView, UndoneStatus, UndoneView},
};

use crate::{
    output::{Output, Tone},
    table::Table,
    words,
};

pub(crate) fn lines(saga: &SagaView, output: &Output) -> Vec<String> {
    let mut lines = vec![
        format!("execution: {}", output.paint(Tone::Strong, saga.execution.as_str())),
        format!("workflow: {} (version {})", saga.workflow, saga.version),
        format!("saga: {}", output.paint(tone(saga.status), saga.status.as_str())),
        format!("because: {}", cause(saga)),
        format!("started: {}", words::exact_time(saga.started_at)),
    ];
    if let Some(ended) = saga.ended_at {
        lines.push(format!("ended: {} (took {})", words::exact_time(ended), words::took(ended.since(saga.started_at))));
    }
    lines.extend(progress(saga, output));
    lines
}

/// What is undone, and what people did about it: what stands below an execution, too.
pub(crate) fn progress(saga: &SagaView, output: &Output) -> Vec<String> {
    let mut lines = vec![];
    if !saga.steps.is_empty() {
        lines.push(format!("undone ({} of {}):", done(saga), saga.steps.len()));
        lines.extend(steps(&saga.steps, output).into_iter().map(|line| format!("  {line}")));
    }
    if !saga.interventions.is_empty() {
        lines.push("interventions:".to_owned());
        lines.extend(saga.interventions.iter().map(|did| {
            let what = match did.what {
                InterventionKind::Retried => "retried",
                InterventionKind::Skipped => "skipped",
                InterventionKind::Resolved => "resolved",
            };
            let step = did.step.as_ref().map_or(String::new(), |step| format!(" {step}"));
            let by = did.by.as_deref().map_or(String::new(), |by| format!(" by {}", words::short(by)));
            let why = did.why.as_deref().map_or(String::new(), |why| format!(": {}", words::short(why)));
            format!("  {} {what}{step}{by}{why}", words::time(did.at))
        }));
    }
    lines
}

/// What to type about a saga that is stuck.
pub(crate) fn advice(saga: &SagaView) -> Vec<String> {
    let Some(step) = saga.steps.iter().find(|step| step.status == UndoneStatus::Stuck) else { return vec![] };
    let (execution, step) = (&saga.execution, &step.step);
    vec![
        format!("`sagaline sagas retry {execution}` tries what is stuck again, once its cause is mended"),
        format!("`sagaline sagas skip {execution} {step} --why …` goes on without it"),
        format!("`sagaline sagas resolve {execution} --why …` ends it, once somebody has done the rest by hand"),
    ]
}

/// Why there is something to undo.
pub(crate) fn cause(saga: &SagaView) -> String {
    let cause = &saga.cause;
    let step = cause.step.as_ref().map_or(String::new(), |step| format!(" at {step}"));
    let why = cause.error.as_ref().map(words::error).or_else(|| cause.reason.as_deref().map(words::short));
    let why = why.map_or(String::new(), |why| format!(": {why}"));
    format!("{}{step}{why}", cause.status.as_str().replace('_', " "))
}

/// How many of its steps are out of the way.
fn done(saga: &SagaView) -> usize {
    saga.steps.iter().filter(|step| is_done(step.status)).count()
}

fn is_done(status: UndoneStatus) -> bool {
    match status {
        UndoneStatus::Compensated | UndoneStatus::Skipped => true,
        UndoneStatus::Pending
        | UndoneStatus::Scheduled
        | UndoneStatus::Running
        | UndoneStatus::BackingOff
        | UndoneStatus::Stuck
        | UndoneStatus::Unknown => false,
    }
}

pub(crate) fn tone(status: SagaStatus) -> Tone {
    match status {
        SagaStatus::Completed => Tone::Good,
        SagaStatus::Stuck => Tone::Bad,
        SagaStatus::Running => Tone::Busy,
        SagaStatus::Resolved => Tone::Quiet,
        SagaStatus::Unknown => Tone::Plain,
    }
}

fn sign(status: UndoneStatus) -> (&'static str, &'static str, Tone) {
    match status {
        UndoneStatus::Pending => (".", "pending", Tone::Quiet),
        UndoneStatus::Scheduled => ("…", "scheduled", Tone::Busy),
        UndoneStatus::Running => ("…", "running", Tone::Busy),
        UndoneStatus::BackingOff => ("…", "backing off", Tone::Busy),
        UndoneStatus::Compensated => ("✓", "compensated", Tone::Good),
        UndoneStatus::Skipped => ("-", "skipped", Tone::Quiet),
        UndoneStatus::Stuck => ("✗", "stuck", Tone::Bad),
        UndoneStatus::Unknown => ("?", "unknown", Tone::Plain),
    }
}

fn steps(steps: &[UndoneView], output: &Output) -> Vec<String> {
    let mut table = Table::new(&[]);
    for step in steps {
        let (sign, word, tone) = sign(step.status);
        let attempt = if 1 < step.attempt { format!("attempt {}", step.attempt) } else { String::new() };
        let error = step.error.as_ref().filter(|_| !is_done(step.status)).map(words::error).unwrap_or_default();
        let next = step.next_at.map_or(String::new(), |at| format!(" (tried again at {})", words::time(at)));
        table.row(vec![
            (tone, sign.to_owned()),
            (Tone::Plain, step.step.to_string()),
            (tone, word.to_owned()),
            (Tone::Quiet, step.activity.to_string()),
            (Tone::Quiet, attempt),
            (Tone::Plain, format!("{error}{next}")),
        ]);
    }
    table.lines(output).split_off(1)
}

#[cfg(test)]
mod tests {
    use sagaline_events::ask::Answer;

    use super::*;
    use crate::output::Format;

    fn recorded() -> SagaView {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/events/golden/answer/saga.json");
        let text = std::fs::read_to_string(file).expect("a golden file");
        match serde_json::from_str(&text).expect("an answer") {
            Answer::Saga(view) => *view,
            other => panic!("another answer: {other:?}"),
        }
    }

    #[test]
    fn a_saga_that_is_stuck_says_where_by_what_and_what_to_type() {
        let saga = recorded();
        let text = lines(&saga, &Output::new(Format::Text)).join("\n");
        let expected = "\
execution: A-100
workflow: order (version 3)
saga: stuck
because: failed at pay/charge: CardDeclined: no funds
started: 2026-01-01T00:00:02.000Z
undone (0 of 1):
  ✗  reserve  stuck  stock.release  attempt 20  CardDeclined: no funds
interventions:
  2026-01-01T00:20:00Z retried by ann";
        assert_eq!(text, expected);
        let advice = advice(&saga).join("\n");
        for command in ["sagas retry A-100`", "sagas skip A-100 reserve --why", "sagas resolve A-100 --why"] {
            assert!(advice.contains(command), "{advice}");
        }
    }

    #[test]
    fn what_is_undone_shows_no_error_of_before_and_asks_for_nothing() {
        let mut saga = recorded();
        saga.status = SagaStatus::Completed;
        saga.steps[0].status = UndoneStatus::Compensated;
        let text = lines(&saga, &Output::new(Format::Text)).join("\n");
        assert!(text.contains("undone (1 of 1):\n  ✓  reserve  compensated  stock.release  attempt 20\n"), "{text}");
        assert!(advice(&saga).is_empty());
    }
}
