//! What pictures cost.

use std::{hint::black_box, time::Duration};

use rustix::time::{ClockId, clock_gettime};
use sagaline_model::{Dag, Kind, Name, Node, Plan, Wait};
use sagaline_picture::{Look, Report, Summary, dot, draw, mermaid, table, text};

/// So many steps, each after two of those before it, in groups of ten, and one in ten with steps inside.
fn plan(steps: usize) -> Plan {
    let name = |text: String| Name::new(text).unwrap();
    let wait = |text: &str| Kind::Wait(Wait { duration: text.to_owned() });
    let mut nodes = vec![];
    for place in 0..steps {
        let inside = || Dag { nodes: vec![Node::new(name(format!("inner{place}")), wait("1s"))] };
        let kind = if place % 10 == 9 { Kind::Dag(inside()) } else { wait("2s") };
        let mut node = Node::new(name(format!("step{place}")), kind);
        node.group = Some(name(format!("group{}", place / 10)));
        node.after =
            [1, 7].iter().filter_map(|back| place.checked_sub(*back)).map(|it| name(format!("step{it}"))).collect();
        nodes.push(node);
    }
    let mut plan = crate::plans::read("workflow: large\nsteps: { a: { wait: 1s } }\n");
    plan.root.nodes = nodes;
    plan
}

/// What this thread alone has computed: other tests run beside it.
fn computed() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap()
}

/// The shortest of several runs: what else the machine does only adds.
fn takes(plan: &Plan) -> Duration {
    let once = |_| {
        let began = computed();
        black_box((Summary::of(plan, None), Report::of(plan, None, None).lines()));
        let graph = draw(plan, None, Look { groups: true });
        black_box((mermaid(&graph), dot(&graph), table(&graph, 100), text(&graph, 100)));
        computed() - began
    };
    (0..5).map(once).min().unwrap()
}

#[test]
fn twice_the_steps_cost_twice_as_much() {
    let took = [1_000, 2_000, 4_000].map(|steps| (steps, takes(&plan(steps))));
    eprintln!("{took:?}");
    let [(_, one), _, (_, four)] = took;
    // Four times as much, and a bit for maps. A square would be sixteen times as much.
    assert!(four < one * 9, "{took:?}");
}

/// As many at once: what is after a whole group must not cost its square.
#[test]
fn many_at_once_cost_no_more() {
    let wide = |steps: usize| {
        let mut plan = plan(steps);
        plan.root.nodes.iter_mut().for_each(|node| node.after.clear());
        plan
    };
    let (one, four) = (takes(&wide(1_000)), takes(&wide(4_000)));
    assert!(four < one * 9, "{one:?} {four:?}");
}
