//! What an execution waits for whose effects are undone.

use sagaline_events::{SagaStatus, ask::Why};

use super::cause_of;
use crate::state::{Asked, Outcome, Phase, Run, SagaEnd, Undoing};

/// How it ended, and that it is undone.
pub(super) fn told(cause: &Outcome, saga: &SagaEnd) -> String {
    let cause = cause_of(cause);
    match (saga.status, &saga.by, &saga.why) {
        (SagaStatus::Resolved, by, why) => {
            let by = by.as_deref().unwrap_or("somebody");
            let why = why.as_deref().map_or(String::new(), |why| format!(": {why}"));
            format!("{cause}; {by} said that nothing is left to undo{why}")
        }
        (_, _, _) => format!("{cause}; what it had done is undone"),
    }
}

pub(super) fn reasons(id: &str, run: &Run) -> Vec<Why> {
    let Some(undoing) = run.undo.undoing.as_deref() else { return vec![] };
    match &undoing.phase {
        Phase::Settling { until, children } => {
            let of_children = children.iter().map(|(path, child)| Why {
                step: Some(path.clone()),
                cause: format!("its child `{}` was told to end, and to undo what it did", child.child),
                ends: "that execution is over; it is asked now and then".into(),
                command: format!("sagaline why {}", child.child),
                ..blank(undoing, "compensating")
            });
            let doubts = until.map(|until| {
                let steps: Vec<&str> = run.undo.doubts.keys().map(|path| path.as_str()).collect();
                let named = shortened(&steps);
                Why {
                    cause: format!("{}; {named} had begun and may have had an effect", cause_of(&undoing.outcome)),
                    ends: format!("whoever is at work answers, or until {until} nobody did; then all is undone"),
                    until: Some(until),
                    command: format!("sagaline get {id}"),
                    ..blank(undoing, "compensating")
                }
            });
            doubts.into_iter().chain(of_children).collect()
        }
        Phase::Asked(asked) => vec![asked_why(id, undoing, asked)],
    }
}

fn asked_why(id: &str, undoing: &Undoing, asked: &Asked) -> Why {
    match asked.stuck.first().filter(|_| undoing.is_stuck()) {
        Some((_, error)) if asked.is_refused() => Why {
            cause: format!("{}; nothing is undone yet: {}", cause_of(&undoing.outcome), error.message),
            ends: "NATS takes it when it is asked for again".into(),
            until: Some(asked.look),
            command: format!("sagaline get {id}"),
            ..blank(undoing, "stuck")
        },
        Some((step, error)) => Why {
            step: Some(step.clone()),
            cause: format!(
                "`{step}` could not be undone, and no attempt is left: {}: {}; it is undone because {}",
                error.kind,
                error.message,
                cause_of(&undoing.outcome)
            ),
            ends: "somebody lets it be tried again, or passed by, or says that all is resolved".into(),
            command: format!("sagaline sagas retry {id}"),
            ..blank(undoing, "stuck")
        },
        None => {
            let steps = match asked.steps {
                1 => "the step that it did is undone".to_owned(),
                many => format!("the {many} steps that it did are undone"),
            };
            let heard = match asked.status {
                Some(_) => "its saga is at work",
                None => "its saga was asked for, and has not said anything yet",
            };
            Why {
                cause: format!("{}; {steps}, the last one first: {heard}", cause_of(&undoing.outcome)),
                ends: "its saga tells that it is over; a compensator has to run".into(),
                command: format!("sagaline sagas get {id}"),
                since: asked.at,
                ..blank(undoing, "compensating")
            }
        }
    }
}

fn shortened(steps: &[&str]) -> String {
    match steps {
        [one] => format!("step `{one}`"),
        [first, second] => format!("the steps `{first}` and `{second}`"),
        [first, rest @ ..] => format!("the step `{first}` and {} others", rest.len()),
        [] => "nothing".to_owned(),
    }
}

fn blank(undoing: &Undoing, state: &str) -> Why {
    Why {
        step: None,
        state: state.to_owned(),
        cause: String::new(),
        since: undoing.since,
        ends: String::new(),
        until: None,
        command: String::new(),
        worker_of: None,
    }
}
