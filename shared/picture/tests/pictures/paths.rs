//! The critical path, against whoever tries every way.

use std::collections::BTreeMap;

use proptest::prelude::*;
use sagaline_model::{Dag, Kind, Name, Node, Span};
use sagaline_picture::{Look, Measured, Report, draw};

use crate::random;

fn span(node: &Node) -> Span {
    match &node.kind {
        Kind::Wait(wait) => wait.duration.parse().unwrap(),
        other => panic!("{other:?}"),
    }
}

fn find<'a>(dag: &'a Dag, name: &Name) -> &'a Node {
    dag.nodes.iter().find(|node| node.name == *name).unwrap()
}

/// Every way that ends with this step: how long it is, and how many steps it has.
fn ways(dag: &Dag, node: &Node) -> Vec<(u64, usize)> {
    let before = node.after.iter().chain(&node.after_any);
    let mut ways: Vec<(u64, usize)> = before.flat_map(|name| ways(dag, find(dag, name))).collect();
    if ways.is_empty() {
        ways.push((0, 0));
    }
    ways.into_iter().map(|(length, steps)| (length + span(node).as_secs(), steps + 1)).collect()
}

/// When a step is done, by what it says itself: all of some, and the first of others.
fn done(dag: &Dag, node: &Node) -> u64 {
    let all = node.after.iter().map(|name| done(dag, find(dag, name))).max();
    let any = node.after_any.iter().map(|name| done(dag, find(dag, name))).min();
    all.into_iter().chain(any).max().unwrap_or(0) + span(node).as_secs()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn by_timeouts_it_is_the_longest_of_all_ways(plan in random::flat()) {
        let path = Report::of(&plan, None, None).critical_path;
        let longest = plan.root.nodes.iter().flat_map(|node| ways(&plan.root, node)).max().unwrap_or_default();
        prop_assert_eq!((path.length.known.as_secs(), path.steps.len()), longest);
        prop_assert!(!path.length.open);
        // It is a way: each step comes after the one before it.
        for pair in path.steps.windows(2) {
            let node = find(&plan.root, &Name::new(pair[1].step.as_str()).unwrap());
            let before = Name::new(pair[0].step.as_str()).unwrap();
            prop_assert!(node.after.contains(&before) || node.after_any.contains(&before));
        }
        let sum: u64 = path.steps.iter().map(|step| step.length.known.as_secs()).sum();
        prop_assert_eq!(sum, longest.0);
    }

    #[test]
    fn by_medians_it_ends_when_the_last_step_does(plan in random::flat()) {
        let medians: BTreeMap<String, Span> =
            plan.root.nodes.iter().map(|node| (node.name.to_string(), span(node))).collect();
        let measured = Measured { executions: 1, medians, times: BTreeMap::new() };
        let path = Report::of(&plan, None, Some(&measured)).measured.unwrap().path;
        let last = plan.root.nodes.iter().map(|node| done(&plan.root, node)).max().unwrap_or(0);
        prop_assert_eq!(path.length.known.as_secs(), last);
    }

    /// Whatever a plan is like: every step has one part, every arrow two ends, and what is inside stands behind what is around it.
    #[test]
    fn every_step_is_drawn_once(plan in random::plan(), groups in any::<bool>()) {
        let graph = draw(&plan, None, Look { groups });
        let mut seen = std::collections::BTreeSet::new();
        for part in &graph.parts {
            prop_assert!(part.inside.as_ref().is_none_or(|around| seen.contains(around.as_str())), "{}", part.id);
            prop_assert!(seen.insert(part.id.as_str()), "{}", part.id);
        }
        for edge in &graph.edges {
            prop_assert!(seen.contains(edge.from.as_str()) && seen.contains(edge.to.as_str()));
        }
        // What a loop does for each item is drawn as the loop.
        let bodies = plan.nodes().iter().filter(|node| matches!(node.kind, Kind::ForEach(_))).count();
        let drawn = graph.parts.iter().filter(|part| part.path.is_some()).count();
        prop_assert_eq!(drawn + bodies, plan.nodes().len());
    }
}
