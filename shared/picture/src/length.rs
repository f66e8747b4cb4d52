//! How long a step can take, as far as its definition limits it.

use sagaline_model::{Backoff, Compensate, Compensation, RetryPolicy, Span, Step};
use serde::Serialize;

/// A length of time, of which a part may not be known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Length {
    pub known: Span,
    /// Something of it has no limit, or was not measured: it may be longer.
    pub open: bool,
}

/// Delays are added one by one up to here; all that follow are taken to be like the last.
const DELAYS_MAX: u32 = 10_000;

impl Length {
    pub(crate) const OPEN: Self = Self { known: Span::ZERO, open: true };

    pub(crate) fn of(known: Span) -> Self {
        Self { known, open: false }
    }

    /// A duration as it is written. What an expression gives is not known.
    pub(crate) fn written(text: Option<&str>) -> Self {
        text.and_then(|text| text.parse().ok()).map_or(Self::OPEN, Self::of)
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self { known: plus(self.known, other.known), open: self.open || other.open }
    }

    pub(crate) fn times(self, factor: usize) -> Self {
        Self { known: self.known.times(factor as f64), open: self.open }
    }

    /// All that undoes a step, one after the other, with all attempts.
    pub(crate) fn of_undoing(undo: &Compensate) -> Self {
        let one = |action: &Compensation| {
            let attempt = Self::written(action.timeout.as_deref());
            let attempts = usize::try_from(action.retry.attempts.max(1)).unwrap_or(usize::MAX);
            if attempt.open { Self::OPEN } else { attempt.times(attempts).and(delays(&action.retry)) }
        };
        undo.actions.iter().map(one).fold(Self::default(), Self::and)
    }

    /// All attempts of a step, and what is waited between them. The time until a worker takes a task is not in it.
    pub(crate) fn of_step(step: &Step) -> Self {
        let total = Self::written(step.limits.total_timeout.as_deref());
        let attempts = Self::of_attempts(step);
        // The attempts may be over long before the time of all of them is.
        let own = if total.open || (!attempts.open && attempts.known < total.known) { attempts } else { total };
        // What it returns comes behind its last attempt.
        Self { open: own.open || step.expand.is_some(), ..own }
    }

    fn of_attempts(step: &Step) -> Self {
        let attempt = Self::written(step.timeout.as_deref());
        let attempts = usize::try_from(step.retry.attempts.max(1)).unwrap_or(usize::MAX);
        if attempt.open {
            return Self::OPEN;
        }
        attempt.times(attempts).and(delays(&step.retry))
    }
}

/// All that is waited between the attempts, if every one but the last fails. Jitter only shortens it.
pub(crate) fn delays(policy: &RetryPolicy) -> Length {
    let last = policy.attempts.max(1) - 1;
    if last == 0 {
        return Length::default();
    }
    if policy.has_computed_delays() || matches!(policy.backoff, Backoff::Custom { .. }) {
        return Length::OPEN;
    }
    let capped = |attempt| {
        let delay = policy.delay(attempt).unwrap_or_default();
        policy.max.map_or(delay, |max| delay.min(max))
    };
    let one_by_one = last.min(DELAYS_MAX);
    let added = (1..=one_by_one).map(capped).fold(Span::ZERO, plus);
    Length::of(plus(added, capped(last).times(f64::from(last - one_by_one))))
}

pub(crate) fn plus(one: Span, other: Span) -> Span {
    Span::from_nanos(one.as_nanos().saturating_add(other.as_nanos())).min(Span::LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_attempts_and_the_delays_between_them_count() {
        let policy = |attempts, backoff| RetryPolicy { attempts, backoff, ..RetryPolicy::default() };
        assert_eq!(delays(&policy(1, Backoff::Fixed)), Length::default());
        assert_eq!(delays(&policy(4, Backoff::Exponential { multiplier: 2.0 })), Length::of(Span::from_secs(7)));
        let capped =
            RetryPolicy { max: Some(Span::from_secs(3)), ..policy(4, Backoff::Exponential { multiplier: 2.0 }) };
        assert_eq!(delays(&capped), Length::of(Span::from_secs(6)));
        assert_eq!(delays(&policy(3, Backoff::Custom { expression: "1".into() })), Length::OPEN);
        assert_eq!(
            delays(&policy(u32::MAX, Backoff::Fixed)),
            Length::of(Span::from_secs(u64::from(u32::MAX) - 1).min(Span::LONGEST))
        );
    }

    #[test]
    fn the_time_of_all_attempts_counts_where_they_are_not_over_before() {
        let length = |text: &str| {
            let text = format!("workflow: w\nsteps: {{ a: {{ activity: x, {text} }} }}\n");
            let plan = sagaline_lang::read(&text, "w.yaml").expect("a definition").plan;
            match &plan.root.nodes[0].kind {
                sagaline_model::Kind::Step(step) => Length::of_step(step),
                other => panic!("{other:?}"),
            }
        };
        let of = |secs| Length::of(Span::from_secs(secs));
        assert_eq!(length("timeout: 30s, retry: 1, total_timeout: 1h"), of(30));
        assert_eq!(
            length("timeout: 30s, retry: { attempts: 9, initial: 1m, backoff: fixed }, total_timeout: 5m"),
            of(300)
        );
        assert_eq!(length("retry: 1, total_timeout: 5m"), of(300));
        // The steps that it returns have no part in that time.
        assert_eq!(length("timeout: 30s, retry: 1, total_timeout: 5m, expand: true"), Length { open: true, ..of(30) });
    }

    #[test]
    fn what_an_expression_gives_is_not_known() {
        assert_eq!(Length::written(Some("90s")), Length::of(Span::from_secs(90)));
        assert_eq!(Length::written(Some("${ ctx.patience }")), Length::OPEN);
        assert_eq!(Length::written(None), Length::OPEN);
    }
}
