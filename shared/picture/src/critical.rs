//! The critical path: the steps that decide how long an execution takes, by what limits them or by what was measured.

use std::collections::BTreeMap;

use sagaline_model::{Approval, Await, AwaitEvent, AwaitSignals, Dag, ForEach, Kind, Node, OnTimeout, Span, Try};
use serde::Serialize;
use serde_json::Value;

use crate::{Length, order::Order};

/// The longest way through a workflow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CriticalPath {
    pub steps: Vec<PathStep>,
    /// Of all steps together.
    pub length: Length,
}

/// A step of a critical path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PathStep {
    /// Where it stands, such as `deliver/pack`.
    pub step: String,
    pub length: Length,
    /// How often that was measured, where it was not in every execution that was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<usize>,
}

/// How long steps took, by the path of the step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Measured {
    /// In how many executions that was looked for.
    pub executions: usize,
    /// The median of what was found.
    pub medians: BTreeMap<String, Span>,
    /// How often each was found.
    pub times: BTreeMap<String, usize>,
}

/// By what the length of steps is told.
#[derive(Clone, Copy)]
pub(crate) enum By<'a> {
    /// Their timeouts, if everything takes as long as it may.
    Timeouts,
    Medians(&'a Measured),
}

/// How long one step may take.
pub(crate) fn at_most(node: &Node) -> Length {
    limited(&node.kind, node.name.as_str()).length
}

impl CriticalPath {
    pub(crate) fn of(dag: &Dag, by: By<'_>) -> Self {
        let stretch = through(dag, "", by);
        Self { steps: stretch.steps, length: stretch.length }
    }
}

/// A way through steps.
#[derive(Clone, Debug, Default)]
struct Stretch {
    length: Length,
    steps: Vec<PathStep>,
}

impl Stretch {
    /// Of ways that take as long, the one with more steps.
    fn key(&self) -> (Span, usize) {
        (self.length.known, self.steps.len())
    }

    fn then(mut self, mut next: Self) -> Self {
        self.length = self.length.and(next.length);
        self.steps.append(&mut next.steps);
        self
    }
}

/// Of several, the longest; of those that are alike, the first. Nothing known of one of them makes the end open.
fn longest(stretches: impl Iterator<Item = Stretch>) -> Stretch {
    let mut best: Option<Stretch> = None;
    let mut open = false;
    for stretch in stretches {
        open |= stretch.length.open;
        if best.as_ref().is_none_or(|best| best.key() < stretch.key()) {
            best = Some(stretch);
        }
    }
    let mut best = best.unwrap_or_default();
    best.length.open |= open;
    best
}

/// When a step is reached or done on the longest way to it: time, steps, and by which step before it.
#[derive(Clone, Copy, Default)]
struct Reached {
    length: Length,
    steps: usize,
    by: Option<usize>,
}

impl Reached {
    fn key(&self) -> (Span, usize) {
        (self.length.known, self.steps)
    }
}

/// The longest way through these steps.
fn through(dag: &Dag, below: &str, by: By<'_>) -> Stretch {
    let order = Order::of(dag);
    let mut own: Vec<Stretch> = order.nodes.iter().map(|node| of_node(node, below, by)).collect();
    let mut ends = vec![Reached::default(); own.len()];
    for place in order.order.iter().copied() {
        let begin = begins(&order, place, &ends, by);
        let (length, steps) = (begin.length.and(own[place].length), begin.steps + own[place].steps.len());
        ends[place] = Reached { length, steps, ..begin };
    }
    let Some(last) = order
        .order
        .iter()
        .copied()
        .reduce(|best, place| if ends[best].key() < ends[place].key() { place } else { best })
    else {
        return Stretch::default();
    };
    let open = ends.iter().any(|end| end.length.open);
    let (mut way, mut at) = (vec![last], last);
    while let Some(before) = ends[at].by.filter(|_| way.len() <= own.len()) {
        way.push(before);
        at = before;
    }
    let stretches = way.into_iter().rev().map(|place| std::mem::take(&mut own[place]));
    let mut whole = stretches.fold(Stretch::default(), Stretch::then);
    whole.length.open |= open;
    whole
}

/// When a step can begin. Its `by` is the place of the step that is waited for last.
fn begins(order: &Order<'_>, place: usize, ends: &[Reached], by: By<'_>) -> Reached {
    let end = |before: &usize| Reached { by: Some(*before), ..ends[*before] };
    let later = |one: Reached, other: Reached| if one.key() < other.key() { other } else { one };
    let all = order.after[place].iter().map(end).reduce(later);
    let any = order.after_any[place].iter().map(end);
    let any = match by {
        // It may be that all but the last of them fail.
        By::Timeouts => any.reduce(later),
        By::Medians(_) => any.reduce(|one, other| if other.key() < one.key() { other } else { one }),
    };
    all.into_iter().chain(any).reduce(later).unwrap_or_default()
}

fn of_node(node: &Node, below: &str, by: By<'_>) -> Stretch {
    let path = format!("{below}{}", node.name);
    match by {
        By::Timeouts => limited(&node.kind, &path),
        By::Medians(measured) => took(&node.kind, path, measured),
    }
}

/// A step whose inside is not looked at.
fn alone(path: String, length: Length) -> Stretch {
    Stretch { length, steps: vec![PathStep { step: path, length, times: None }] }
}

fn limited(kind: &Kind, path: &str) -> Stretch {
    let inside = format!("{path}/");
    let into = |dag: &Dag| through(dag, &inside, By::Timeouts);
    let alone = |length| alone(path.to_owned(), length);
    match kind {
        Kind::Step(step) => alone(Length::of_step(step)),
        Kind::Wait(wait) => alone(Length::written(Some(&wait.duration))),
        Kind::Await(Await { timeout, on_timeout, .. })
        | Kind::AwaitSignals(AwaitSignals { timeout, on_timeout, .. })
        | Kind::AwaitEvent(AwaitEvent { timeout, on_timeout, .. })
        | Kind::Approval(Approval { timeout, on_timeout, .. }) => {
            let waits = alone(Length::written(timeout.as_deref()));
            match on_timeout {
                OnTimeout::Steps(dag) => waits.then(into(dag)),
                OnTimeout::Fail | OnTimeout::Skip => waits,
            }
        }
        Kind::Dag(dag) | Kind::Race(dag) => into(dag),
        Kind::Switch { cases } => longest(cases.iter().map(|case| into(&case.steps))),
        Kind::Try(Try { body, catch, .. }) => into(body).then(into(catch)),
        Kind::ForEach(each) => rounds(each, path),
        Kind::Child(child) if !child.wait => alone(Length::default()),
        Kind::Child(child) => alone(Length::written(child.timeout.as_deref())),
        Kind::Set { .. } | Kind::Raise(_) | Kind::Emit(_) => alone(Length::default()),
    }
}

/// A loop: as many rounds as it takes to work on all items, if their number is written.
fn rounds(each: &ForEach, path: &str) -> Stretch {
    let body = of_node(&each.body, &format!("{path}/"), By::Timeouts);
    let length = match &each.items {
        Value::Array(items) if each.computed_concurrency.is_none() => {
            let at_once = usize::try_from(each.concurrency.max(1)).unwrap_or(usize::MAX);
            body.length.times(items.len().div_ceil(at_once))
        }
        Value::Array(items) => body.length.times(items.len()),
        _ => Length { open: true, ..body.length },
    };
    // Which steps inside decide is the same in every round.
    alone(path.to_owned(), length)
}

/// How long it took. Of steps inside a step the longest way is told; what a race, a switch, a try or a loop took as a whole is all
/// that can be said of it.
fn took(kind: &Kind, path: String, measured: &Measured) -> Stretch {
    if let Kind::Dag(dag) = kind {
        return through(dag, &format!("{path}/"), By::Medians(measured));
    }
    let length = measured.medians.get(&path).copied().map_or(Length::OPEN, Length::of);
    let times = measured.times.get(&path).copied().filter(|times| *times < measured.executions);
    Stretch { length, steps: vec![PathStep { step: path, length, times }] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(text: &str) -> sagaline_model::Plan {
        sagaline_lang::read(&format!("workflow: order\nsteps:\n{text}"), "order.yaml").expect("a definition").plan
    }

    fn by_timeouts(text: &str) -> (Vec<String>, String, bool) {
        let CriticalPath { steps, length } = CriticalPath::of(&plan(text).root, By::Timeouts);
        (steps.into_iter().map(|step| step.step).collect(), length.known.to_string(), length.open)
    }

    fn path(steps: &[&str], length: &str, open: bool) -> (Vec<String>, String, bool) {
        (steps.iter().map(|step| (*step).to_owned()).collect(), length.to_owned(), open)
    }

    #[test]
    fn the_slower_of_two_ways_is_critical() {
        let text = "  a: { activity: x, timeout: 1s }\n  b: { after: a, activity: x, timeout: 1m }\n  \
                    c: { after: a, activity: x, timeout: 2m }\n  d: { after: [b, c], activity: x, timeout: 1s }\n";
        assert_eq!(by_timeouts(text), path(&["a", "c", "d"], "2m2s", false));
    }

    #[test]
    fn without_any_limit_the_way_with_the_most_steps_is_critical_and_its_end_open() {
        let text = "  a: { activity: x }\n  b: { activity: x }\n  c: { after: b, activity: x }\n";
        assert_eq!(by_timeouts(text), path(&["b", "c"], "0ms", true));
    }

    #[test]
    fn steps_inside_count_as_they_are_done() {
        let text = "  inner:\n    steps:\n      a: { wait: 1m }\n      b: { after: a, wait: 2m }\n  \
                    either:\n    after: inner\n    switch:\n      - { when: \"${ 1 > 2 }\", steps: { c: { wait: 1s } } }\n      \
                    - { steps: { d: { wait: 3s } } }\n  \
                    safe:\n    after: either\n    try: { e: { wait: 10s } }\n    catch: { steps: { f: { wait: 5s } } }\n";
        assert_eq!(by_timeouts(text), path(&["inner/a", "inner/b", "either/d", "safe/e", "safe/f"], "3m18s", false));
    }

    #[test]
    fn a_loop_takes_as_many_rounds_as_its_items_need() {
        let text = "  all: { for_each: { items: [1, 2, 3, 4, 5], concurrency: 2 }, activity: x, timeout: 10s }\n";
        assert_eq!(by_timeouts(text), path(&["all"], "30s", false));
        let text = "  all: { for_each: \"${ workflow.input.all }\", activity: x, timeout: 10s }\n";
        assert_eq!(by_timeouts(text), path(&["all"], "10s", true));
    }

    #[test]
    fn what_was_measured_tells_another_way_than_the_timeouts() {
        let plan = plan(
            "  a: { activity: x, timeout: 1m }\n  b: { activity: x, timeout: 1s }\n  c: { after_any: [a, b], activity: x }\n",
        );
        let medians =
            [("a", 10), ("b", 40), ("c", 5)].map(|(step, millis)| (step.to_owned(), Span::from_millis(millis)));
        let measured = Measured { executions: 3, medians: medians.into(), times: BTreeMap::new() };
        let CriticalPath { steps, length } = CriticalPath::of(&plan.root, By::Medians(&measured));
        // One of the two was enough, and the first came after 10 ms. But nothing is over before `b` is.
        assert_eq!(steps.iter().map(|step| step.step.as_str()).collect::<Vec<_>>(), ["b"]);
        assert_eq!(length, Length::of(Span::from_millis(40)));
    }
}
