//! What all steps have in common, and what the top of a file may therefore say for them.

use std::collections::BTreeMap;

use sagaline_model::{Backoff, Kind, Plan, RetryPolicy, Step};

/// `retry` and `step_timeout` of the workflow.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Shared {
    pub(super) retry: Option<RetryPolicy>,
    pub(super) timeout: Option<String>,
}

impl Shared {
    /// What steps go by that say nothing.
    pub(super) fn policy(&self) -> RetryPolicy {
        self.retry.clone().unwrap_or_default()
    }

    /// The ways to write it, the nicest first.
    pub(super) fn ways(plan: &Plan) -> Vec<Self> {
        let nodes = plan.nodes();
        let steps: Vec<&Step> = nodes
            .iter()
            .filter_map(|node| match &node.kind {
                Kind::Step(step) => Some(step),
                Kind::ForEach(_)
                | Kind::Wait(_)
                | Kind::Await(_)
                | Kind::Dag(_)
                | Kind::Race(_)
                | Kind::Switch { .. }
                | Kind::Try(_)
                | Kind::Set { .. }
                | Kind::Raise(_)
                | Kind::Child(_)
                | Kind::Emit(_)
                | Kind::AwaitSignals(_)
                | Kind::Approval(_)
                | Kind::AwaitEvent(_) => None,
            })
            .collect();
        // Steps that others return have what the workflow says, so there it is known.
        if let Some(expand) = steps.iter().find_map(|step| step.expand.as_ref()) {
            return vec![Self { retry: expand.defaults.retry.clone(), timeout: expand.defaults.timeout.clone() }];
        }
        let mut ways = vec![Self::of_all(&steps), Self::default(), Self::computed(&steps)];
        ways.dedup();
        ways
    }

    /// What most steps have, if that are two or more. A step cannot say that it has no `timeout`, so all have one then.
    fn of_all(steps: &[&Step]) -> Self {
        let policies = steps.iter().map(|step| (format!("{:?}", step.retry), &step.retry)).collect();
        let timeouts = steps.iter().map(|step| step.timeout.as_ref().map(|text| (text.clone(), text))).collect();
        let timeouts: Option<Vec<_>> = timeouts;
        Self {
            retry: most(policies).filter(|retry| **retry != RetryPolicy::default()).cloned(),
            timeout: timeouts.and_then(most).cloned(),
        }
    }

    /// The expressions in delays that most steps have: those of a workflow may read what those of a step may not.
    fn computed(steps: &[&Step]) -> Self {
        let frequent = |expression: fn(&RetryPolicy) -> Option<&String>| {
            let mut counts: BTreeMap<&String, usize> = BTreeMap::new();
            steps
                .iter()
                .filter_map(|step| expression(&step.retry))
                .for_each(|text| *counts.entry(text).or_default() += 1);
            counts.into_iter().max_by_key(|(_, count)| *count).map(|(text, _)| text.clone())
        };
        let backoff = frequent(|retry| match &retry.backoff {
            Backoff::Custom { expression } => Some(expression),
            Backoff::Fixed | Backoff::Linear | Backoff::Exponential { .. } => None,
        });
        let has_max = steps.iter().all(|step| step.retry.max.is_some() || step.retry.computed_max.is_some());
        let retry = RetryPolicy {
            backoff: backoff.map_or_else(Backoff::default, |expression| Backoff::Custom { expression }),
            computed_initial: frequent(|retry| retry.computed_initial.as_ref()),
            computed_max: frequent(|retry| retry.computed_max.as_ref()).filter(|_| has_max),
            ..RetryPolicy::default()
        };
        Self { retry: (retry != RetryPolicy::default()).then_some(retry), timeout: None }
    }
}

/// What more than half of two or more have, each known by a text.
fn most<T>(all: Vec<(String, T)>) -> Option<T> {
    let many = all.len();
    let mut counts: BTreeMap<String, (usize, T)> = BTreeMap::new();
    for (text, one) in all {
        counts.entry(text).or_insert((0, one)).0 += 1;
    }
    let (_, (count, one)) = counts.into_iter().max_by_key(|(_, (count, _))| *count)?;
    (1 < count && many < 2 * count).then_some(one)
}
