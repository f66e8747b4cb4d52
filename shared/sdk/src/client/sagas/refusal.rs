//! Why what somebody wants of a saga cannot be, as far as can be seen from how it stands. The saga has the last word.

use sagaline_events::{
    FramePath, SagaInput, SagaStatus,
    saga::{SagaRetry, SagaSkip, SagaView, UndoneStatus},
};

/// What was to be done to it, behind "cannot be".
pub(super) fn participle(input: &SagaInput) -> &'static str {
    match input {
        SagaInput::Retry(_) => "retried",
        SagaInput::Skip(_) => "told to skip a step",
        SagaInput::Resolve(_) => "resolved",
        SagaInput::Request(_)
        | SagaInput::Late(_)
        | SagaInput::Asked(_)
        | SagaInput::Recalled(_)
        | SagaInput::Task(_) => "changed",
    }
}

/// Why it would change nothing; nothing if it may.
pub(super) fn of(view: &SagaView, input: &SagaInput) -> Option<String> {
    if view.status.is_over() {
        return Some(format!("it is over ({})", view.status.as_str()));
    }
    match input {
        SagaInput::Retry(SagaRetry { step: None, input: Some(_), .. }) => {
            Some("an input belongs to one step: say which".to_owned())
        }
        SagaInput::Retry(SagaRetry { step: None, .. }) => {
            let nothing = !view.steps.iter().any(|step| step.status == UndoneStatus::Stuck);
            nothing.then(|| format!("nothing of it is stuck: it is {}", standing(view)))
        }
        SagaInput::Retry(SagaRetry { step: Some(step), .. }) | SagaInput::Skip(SagaSkip { step, .. }) => {
            of_step(view, step)
        }
        SagaInput::Resolve(_) => None,
        SagaInput::Request(_)
        | SagaInput::Late(_)
        | SagaInput::Asked(_)
        | SagaInput::Recalled(_)
        | SagaInput::Task(_) => Some("only its execution may do that".to_owned()),
    }
}

fn of_step(view: &SagaView, path: &FramePath) -> Option<String> {
    let Some(step) = view.steps.iter().find(|step| step.step == *path) else {
        let known: Vec<String> = stuck(view).map(|path| format!("`{path}`")).collect();
        let known =
            if known.is_empty() { "nothing is stuck".to_owned() } else { format!("stuck: {}", known.join(", ")) };
        return Some(format!("it undoes no step `{path}`; {known}"));
    };
    (step.status != UndoneStatus::Stuck).then(|| format!("`{path}` is not stuck: it is {}", word(step.status)))
}

fn stuck(view: &SagaView) -> impl Iterator<Item = &FramePath> {
    view.steps.iter().filter(|step| step.status == UndoneStatus::Stuck).map(|step| &step.step)
}

fn standing(view: &SagaView) -> &'static str {
    match view.status {
        SagaStatus::Running => "at work",
        other => other.as_str(),
    }
}

fn word(status: UndoneStatus) -> &'static str {
    match status {
        UndoneStatus::Pending => "waiting for others that are undone first",
        UndoneStatus::Scheduled => "waiting for a worker",
        UndoneStatus::Running => "being undone",
        UndoneStatus::BackingOff => "tried again by itself",
        UndoneStatus::Compensated => "undone already",
        UndoneStatus::Skipped => "skipped already",
        UndoneStatus::Stuck => "stuck",
        UndoneStatus::Unknown => "in a state that this version does not know",
    }
}

#[cfg(test)]
mod tests {
    use sagaline_events::{
        record::Status,
        saga::{SagaCause, SagaResolve, UndoneView},
    };
    use sagaline_model::{ActivityName, ExecutionId, Moment, Name};

    use super::*;

    fn path(text: &str) -> FramePath {
        text.to_owned().try_into().expect("a path")
    }

    fn view(status: SagaStatus, steps: &[(&str, UndoneStatus)]) -> SagaView {
        let step = |(name, status): &(&str, UndoneStatus)| UndoneView {
            step: path(name),
            execution: None,
            status: *status,
            activity: ActivityName::new("undo").expect("a name"),
            attempt: 1,
            error: None,
            next_at: None,
        };
        SagaView {
            execution: ExecutionId::encoded("o-1"),
            workflow: Name::new("order").expect("a name"),
            version: 1,
            status,
            cause: SagaCause { status: Status::Failed, error: None, step: None, reason: None },
            started_at: Moment::from_nanos(0),
            ended_at: None,
            steps: steps.iter().map(step).collect(),
            interventions: vec![],
            began: Moment::from_nanos(0),
        }
    }

    fn retry(step: Option<&str>) -> SagaInput {
        SagaInput::Retry(SagaRetry { step: step.map(path), ..SagaRetry::default() })
    }

    fn skip(step: &str) -> SagaInput {
        SagaInput::Skip(SagaSkip { step: path(step), by: None, why: None })
    }

    #[test]
    fn only_what_is_stuck_is_retried_or_skipped() {
        let saga = view(SagaStatus::Stuck, &[("pay", UndoneStatus::Stuck), ("reserve", UndoneStatus::Pending)]);
        assert_eq!(
            [of(&saga, &retry(None)), of(&saga, &retry(Some("pay"))), of(&saga, &skip("pay"))],
            [None, None, None]
        );
        let why = of(&saga, &skip("reserve")).expect("a reason");
        assert_eq!(why, "`reserve` is not stuck: it is waiting for others that are undone first");
        assert_eq!(of(&saga, &skip("ship")).expect("a reason"), "it undoes no step `ship`; stuck: `pay`");
        let with_input = SagaRetry { input: Some(serde_json::Value::Null), ..SagaRetry::default() };
        assert!(of(&saga, &SagaInput::Retry(with_input)).is_some());
    }

    #[test]
    fn one_step_may_be_retried_while_others_are_at_work() {
        let saga = view(SagaStatus::Running, &[("pay", UndoneStatus::Stuck), ("reserve", UndoneStatus::Running)]);
        assert_eq!(of(&saga, &retry(None)), None);
        let saga = view(SagaStatus::Running, &[("pay", UndoneStatus::BackingOff)]);
        assert_eq!(of(&saga, &retry(None)).expect("a reason"), "nothing of it is stuck: it is at work");
    }

    #[test]
    fn nothing_is_done_about_what_is_over_and_all_else_may_be_resolved() {
        let resolve = SagaInput::Resolve(SagaResolve { by: None, why: "by hand".to_owned() });
        assert_eq!(of(&view(SagaStatus::Running, &[]), &resolve), None);
        for over in [SagaStatus::Completed, SagaStatus::Resolved] {
            let saga = view(over, &[("pay", UndoneStatus::Stuck)]);
            for input in [retry(None), skip("pay"), resolve.clone()] {
                assert_eq!(of(&saga, &input).expect("a reason"), format!("it is over ({})", over.as_str()));
            }
        }
    }
}
