//! What decides how long a whole execution may take, besides its steps.

use sagaline_model::{Plan, Span};
use serde::Serialize;

use crate::{CriticalPath, Length, critical::By, length::delays};

/// How long an execution may take until it is known how it ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Whole {
    /// The steps of one round, on the longest way.
    pub(crate) steps: Length,
    /// How often it begins at most, if it begins anew when it fails, and all of that together.
    pub(crate) rounds: Option<(u32, Length)>,
    /// After this its time is over, wherever it is.
    pub(crate) limit: Option<Span>,
    /// How many steps are at work at once, as it is written.
    pub(crate) at_once: Option<String>,
}

impl Whole {
    pub(crate) fn of(plan: &Plan) -> Self {
        let steps = CriticalPath::of(&plan.root, By::Timeouts).length;
        let rounds = plan.conduct.retry_workflow.as_ref().filter(|policy| 1 < policy.attempts).map(|policy| {
            let attempts = usize::try_from(policy.attempts).unwrap_or(usize::MAX);
            (policy.attempts, steps.times(attempts).and(delays(policy)))
        });
        Self { steps, rounds, limit: plan.timeout, at_once: plan.conduct.step_concurrency.clone() }
    }

    /// The limit of the whole, where its steps are not done earlier anyway.
    pub(crate) fn length(&self) -> Length {
        let rounds = self.rounds.map_or(self.steps, |(_, length)| length);
        match self.limit {
            Some(limit) if rounds.open || limit < rounds.known => Length::of(limit),
            Some(_) | None => rounds,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Whole {
        Whole::of(&sagaline_lang::read(&format!("workflow: order\n{text}"), "order.yaml").expect("a definition").plan)
    }

    #[test]
    fn the_limit_of_the_whole_counts_where_the_steps_may_take_longer() {
        let steps = "steps: { a: { activity: x, timeout: 1h, retry: { attempts: 3, initial: 1m, backoff: fixed } } }\n";
        assert_eq!(of(steps).length(), Length::of(Span::from_secs(3 * 3600 + 120)));
        assert_eq!(of(&format!("timeout: 2h\n{steps}")).length(), Length::of(Span::from_secs(7200)));
        assert_eq!(of(&format!("timeout: 1d\n{steps}")).length(), Length::of(Span::from_secs(3 * 3600 + 120)));
        let open = "timeout: 2h\nsteps: { a: { activity: x } }\n";
        assert_eq!((of(open).steps.open, of(open).length()), (true, Length::of(Span::from_secs(7200))));
    }

    #[test]
    fn who_begins_anew_may_take_as_long_again_and_waits_in_between() {
        let text = "retry_workflow: { attempts: 3, initial: 10s, backoff: fixed }\nsteps: { a: { wait: 1m } }\n";
        assert_eq!(of(text).rounds, Some((3, Length::of(Span::from_secs(3 * 60 + 20)))));
        assert_eq!(of(text).length(), Length::of(Span::from_secs(3 * 60 + 20)));
    }
}
