//! Running each attempt twice, to find out before production does what happens when a worker dies after the effect and before its
//! result is stored: the same task runs again, with the same idempotency key.

use std::{pin::pin, time::Duration};

use futures::future::{Either, select};
use sagaline_broker::{
    ports::{Message, Outcome},
    worker::{Ended, Pulse},
};
use sagaline_events::Task;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout_at};

use super::{ActivityContext, context::now};

/// Where it is not said in the program whether activities run twice.
const VARIABLE: &str = "SAGALINE_TWICE";
/// The CloudEvent type of a difference.
const DIFFERED_TYPE: &str = "sagaline.step.differed.v1";
/// What is told of an outcome: enough to see what differs, and to fit into a message.
const TOLD_CHARS_MAX: usize = 1000;
/// What the second run leaves of the attempt's time, for the first result to be stored as the one that counts.
const TIME_LEFT: Duration = Duration::from_millis(100);
/// While the second run is at work, the attempt counts as alive.
const BEAT_EVERY: Duration = Duration::from_millis(100);

/// Whether the environment asks for it.
pub(super) fn is_asked_for() -> bool {
    std::env::var(VARIABLE).is_ok_and(|value| says_yes(&value))
}

fn says_yes(value: &str) -> bool {
    ["1", "true", "yes", "on"].iter().any(|yes| value.eq_ignore_ascii_case(yes))
}

/// How two runs of the same attempt ended that should have ended alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) first: String,
    pub(super) second: String,
}

/// Whether an attempt that ended so is run again. After a failure, and after one that was too early, another attempt comes anyway.
pub(super) fn runs_again(first: &Ended) -> bool {
    match first {
        Ended::Succeeded(_) | Ended::Skipped(_) | Ended::Awaits { .. } | Ended::Expanded(_) => true,
        Ended::Failed(_) | Ended::Snoozed { .. } | Ended::Late => false,
    }
}

/// Waits for the second run, within the time of the attempt: the first result is there, and must not be lost for it. Nothing if it
/// did not come to its end.
pub(super) async fn within_its_time(
    second: impl Future<Output = Ended>,
    context: &ActivityContext,
    pulse: &Pulse,
) -> Option<Ended> {
    let alive = pin!(async {
        loop {
            pulse.beat();
            sleep(BEAT_EVERY).await;
        }
    });
    let second = pin!(context.cancellation().run_until_cancelled(second));
    let kept_alive = async {
        match select(second, alive).await {
            Either::Left((ended, _)) => ended,
            Either::Right((never, _)) => never,
        }
    };
    let Some(deadline) = context.deadline() else { return kept_alive.await };
    let ended = timeout_at(deadline.checked_sub(TIME_LEFT).unwrap_or_else(Instant::now), kept_alive).await;
    ended.unwrap_or_else(|_| {
        let (execution, step, activity) = (context.execution(), context.step(), context.activity());
        tracing::warn!(
            execution,
            step,
            activity,
            "the timeout of the step has no room for a second run, which was broken off"
        );
        None
    })
}

pub(super) fn difference(first: &Ended, second: &Ended) -> Option<Difference> {
    let is_alike = match (first, second) {
        // Why there was nothing to do is for people, and may well read otherwise.
        (Ended::Skipped(_), Ended::Skipped(_)) => true,
        (first, second) => first == second,
    };
    (!is_alike).then(|| Difference { first: told(first), second: told(second) })
}

fn told(ended: &Ended) -> String {
    let text = match ended {
        Ended::Succeeded(output) => format!("gave {output}"),
        Ended::Skipped(reason) => format!("skipped: {reason}"),
        Ended::Snoozed { delay, reason } => format!("snoozed for {delay}: {reason}"),
        Ended::Failed(error) => format!("failed with {}: {}", error.kind, error.message),
        Ended::Awaits { approvers, .. } if approvers.is_empty() => "waits for anybody's approval".to_owned(),
        Ended::Awaits { approvers, .. } => format!("waits for the approval of {}", approvers.join(", ")),
        Ended::Expanded(steps) => format!("returned the steps {steps}"),
        Ended::Late => "came when its turn was over".to_owned(),
    };
    match text.char_indices().nth(TOLD_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Tells it where people look: the log, and an event that `sagaline dev` and `sagaline watch` show.
pub(super) async fn tell(context: &ActivityContext, difference: &Difference) {
    let Difference { first, second } = difference;
    let (connection, task) = context.at_work();
    let Task { workflow, version, execution, path, attempt, activity, idempotency_key, .. } = task;
    tracing::warn!(
        %execution, step = %path, attempt, %activity, idempotency_key, first, second,
        "an activity that ran twice with the same idempotency key ended differently; the first result counts"
    );
    let data = json!({
        "workflow": workflow, "version": version, "execution": execution, "at": now(), "step": path, "attempt": attempt,
        "activity": activity, "first": first, "second": second,
    });
    let names = connection.names();
    let message = Message {
        subject: names.lifecycle("step", "differed", workflow.as_str(), execution.as_str()),
        expected: None,
        msg_id: None,
        ttl: None,
        headers: vec![
            ("ce-specversion", "1.0".to_owned()),
            ("ce-id", format!("{execution}/{path}/{attempt}/differed")),
            ("ce-source", format!("/sagaline/{}/executor", names.namespace())),
            ("ce-type", DIFFERED_TYPE.to_owned()),
            ("ce-subject", execution.to_string()),
        ],
        payload: Value::to_string(&data).into(),
    };
    let outcome = connection.publish(&message).await;
    if !matches!(outcome, Outcome::Stored { .. }) {
        tracing::warn!(?outcome, "that is in this log only: the event that says so is not stored");
    }
}

#[cfg(test)]
mod tests {
    use sagaline_model::StepError;

    use super::*;

    fn gave(output: Value) -> Ended {
        Ended::Succeeded(output)
    }

    #[test]
    fn what_ends_alike_is_no_difference() {
        let skipped = |why: &str| Ended::Skipped(why.to_owned());
        for (first, second) in [(gave(json!({"n": 1})), gave(json!({"n": 1}))), (skipped("a"), skipped("b"))] {
            assert_eq!(difference(&first, &second), None);
        }
    }

    #[test]
    fn what_ends_otherwise_is_told_with_both_ends() {
        let taken = Ended::Failed(StepError::new("Taken", "the number is taken"));
        for (second, said) in [
            (gave(json!({"n": 2})), "gave {\"n\":2}"),
            (taken, "failed with Taken: the number is taken"),
            (Ended::Skipped("done before".into()), "skipped: done before"),
        ] {
            let found = difference(&gave(json!({"n": 1})), &second).expect("a difference");
            assert_eq!((found.first.as_str(), found.second.as_str()), ("gave {\"n\":1}", said));
        }
    }

    #[test]
    fn a_large_end_is_shortened_where_a_character_ends() {
        let large = difference(&gave("ü".repeat(5000).into()), &gave(Value::Null)).expect("a difference");
        assert_eq!((large.first.chars().count(), large.first.chars().last()), (TOLD_CHARS_MAX + 1, Some('…')));
    }

    #[test]
    fn the_environment_may_ask_for_it() {
        assert_eq!(["1", "TRUE", "0", "", "false", "2"].map(says_yes), [true, true, false, false, false, false]);
    }

    #[test]
    fn what_another_attempt_follows_is_not_run_again() {
        let snoozed = Ended::Snoozed { delay: Duration::from_secs(1).into(), reason: String::new() };
        assert!(!runs_again(&snoozed) && !runs_again(&Ended::Failed(StepError::new("Busy", "later"))));
        assert!(runs_again(&gave(Value::Null)) && runs_again(&Ended::Skipped(String::new())));
    }
}
