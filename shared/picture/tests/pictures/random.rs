//! Plans at random: every kind of step, in every other, under names and texts that mean something to the tools that draw.

use proptest::{collection::vec, prelude::*, sample::select};
use sagaline_model::{
    ActivityName, Approval, Await, AwaitEvent, AwaitSignals, Case, Child, Compensate, Dag, Emit, EventRule, Expand,
    ForEach, Kind, Name, Need, Node, OnParentEnd, OnTimeout, Plan, Raise, RetryPolicy, Span, Step, Try, Wait,
};
use serde_json::{Value, json};

/// Words of Mermaid and of Graphviz, and such as begin like one.
const NAMES: [&str; 22] = [
    "end",
    "graph",
    "subgraph",
    "style",
    "class",
    "classDef",
    "click",
    "default",
    "call",
    "href",
    "linkStyle",
    "flowchart",
    "node",
    "edge",
    "digraph",
    "strict",
    "a-b",
    "a_b",
    "o",
    "x",
    "direction",
    "endpoint",
];
const TEXTS: [&str; 12] = [
    "${ ctx.a == \"b\" }",
    "${ ctx.style: #red; }",
    "style a:b#;c",
    "%%{init: {}}%%",
    "</b> & <script>",
    "]]) }} >] |x| -->",
    "`md` **x** \\N \\",
    "名前 – Größe",
    "end",
    "a\nb\tc",
    "",
    "#quot; &amp; &#35;",
];

fn text() -> impl Strategy<Value = String> {
    select(&TEXTS[..]).prop_map(str::to_owned)
}

fn span() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        Just(None),
        (1_u64..600).prop_map(|secs| Some(Span::from_secs(secs).to_string())),
        text().prop_map(Some)
    ]
}

fn step() -> impl Strategy<Value = Kind> {
    (span(), 1_u32..5, any::<bool>(), 0_usize..3).prop_map(|(timeout, attempts, expands, undone)| {
        let activity = ActivityName::new("shop.work").unwrap();
        let mut step: Step = serde_json::from_value(json!({ "activity": activity })).unwrap();
        step.timeout = timeout;
        step.retry = RetryPolicy { attempts, ..RetryPolicy::default() };
        step.expand =
            expands.then(|| Box::new(Expand { concurrency: 3, queues: vec![], defaults: Default::default() }));
        let action = json!({ "activity": "shop.undo" });
        let undo = || serde_json::from_value::<Compensate>(json!({ "actions": vec![action; undone] })).unwrap();
        step.compensate = (0 < undone).then(|| Box::new(undo()));
        Kind::Step(step)
    })
}

fn leaf() -> impl Strategy<Value = Kind> {
    let signal = || Name::new("go").unwrap();
    prop_oneof![
        4 => step(),
        1 => text().prop_map(|duration| Kind::Wait(Wait { duration })),
        1 => span().prop_map(move |timeout| Kind::Await(Await { signal: signal(), timeout, on_timeout: OnTimeout::Skip })),
        1 => text().prop_map(|text| Kind::Set { values: json!({ text: 1 }) }),
        1 => text().prop_map(|kind| Kind::Raise(Raise { kind, message: String::new(), details: Value::Null })),
        1 => text().prop_map(|kind| Kind::Emit(Emit { kind, source: None, subject: None, data: Value::Null })),
        1 => (span(), any::<bool>()).prop_map(|(timeout, wait)| Kind::Child(Child {
            workflow: Name::new("end").unwrap(), version: None, id: None, input: Value::Null, queue: None, wait, timeout,
            on_parent_end: OnParentEnd::default(),
        })),
    ]
}

/// Steps whose names are given later: they are unique in the whole plan.
fn dag(kind: impl Strategy<Value = Kind> + Clone) -> impl Strategy<Value = Dag> {
    let node = (
        kind,
        proptest::option::of(text()),
        proptest::option::of(0_usize..2),
        vec((any::<prop::sample::Index>(), any::<bool>()), 0..3),
    );
    vec(node, 0..5).prop_map(|nodes| {
        let mut made: Vec<Node> = vec![];
        for (place, (kind, when, group, needs)) in nodes.into_iter().enumerate() {
            let mut node = Node::new(Name::new(format!("n{place}")).unwrap(), kind);
            node.when = when;
            node.group = group.map(|group| Name::new(["end", "g"][group]).unwrap());
            for (before, any) in needs.into_iter().filter(|_| 0 < place) {
                let name = Name::new(format!("n{}", before.index(place))).unwrap();
                let known = node.after.contains(&name) || node.after_any.contains(&name);
                match any {
                    _ if known => {}
                    true => node.after_any.push(name),
                    false => node.after.push(name),
                }
            }
            made.push(node);
        }
        Dag { nodes: made }
    })
}

fn kind() -> impl Strategy<Value = Kind> {
    leaf().prop_recursive(3, 40, 5, |inner| {
        let inner = inner.boxed();
        let steps = dag(inner.clone()).boxed();
        let late = prop_oneof![Just(OnTimeout::Fail), steps.clone().prop_map(OnTimeout::Steps)];
        let late = (span(), late).boxed();
        prop_oneof![
            steps.clone().prop_map(Kind::Dag),
            steps.clone().prop_map(Kind::Race),
            vec((proptest::option::of(text()), steps.clone()), 1..4).prop_map(|cases| Kind::Switch {
                cases: cases.into_iter().map(|(when, steps)| Case { when, steps }).collect()
            }),
            (steps.clone(), vec(text(), 0..2), steps).prop_map(|(body, errors, catch)| Kind::Try(Try {
                body,
                errors,
                catch
            })),
            (inner.clone(), prop_oneof![Just(json!([1, 2, 3])), text().prop_map(Value::String)], 1_u32..3).prop_map(
                |(kind, items, concurrency)| {
                    let (item, body) =
                        (Name::new("item").unwrap(), Box::new(Node::new(Name::new("n0").unwrap(), kind)));
                    Kind::ForEach(ForEach { items, item, concurrency, body, computed_concurrency: None })
                }
            ),
            late.clone().prop_map(|(timeout, on_timeout)| Kind::Await(Await {
                signal: Name::new("go").unwrap(),
                timeout,
                on_timeout
            })),
            late.clone().prop_map(|(timeout, on_timeout)| Kind::AwaitSignals(AwaitSignals {
                signals: vec![Name::new("yes").unwrap(), Name::new("no").unwrap()],
                need: Need::Any,
                timeout,
                on_timeout
            })),
            (late.clone(), text()).prop_map(|((timeout, on_timeout), kind)| Kind::AwaitEvent(AwaitEvent {
                rule: EventRule { kind, key: Value::Null, when: None },
                with: Value::Null,
                keep: AwaitEvent::KEPT,
                timeout,
                on_timeout
            })),
            (late, text(), any::<bool>()).prop_map(|((timeout, on_timeout), approvers, tells)| {
                let step: Step = serde_json::from_value(json!({ "activity": "tell" })).unwrap();
                let notify = tells.then(|| Box::new(Node::new(Name::new("notify").unwrap(), Kind::Step(step))));
                Kind::Approval(Approval { approvers: Value::String(approvers), notify, timeout, on_timeout })
            }),
        ]
    })
}

/// Gives every step a name of its own, and those who come after it that name.
fn name(nodes: &mut [&mut Node], used: &mut usize) {
    let mut names = std::collections::BTreeMap::new();
    for node in nodes.iter_mut() {
        let word = NAMES[*used % NAMES.len()];
        let round = *used / NAMES.len();
        let name = Name::new(if round == 0 { word.to_owned() } else { format!("{word}{round}") }).unwrap();
        *used += 1;
        names.insert(std::mem::replace(&mut node.name, name.clone()), name);
    }
    for node in nodes.iter_mut() {
        node.after.iter_mut().chain(&mut node.after_any).for_each(|before| *before = names[before].clone());
    }
    for node in nodes.iter_mut() {
        match &mut node.kind {
            // Each case is a graph of its own, and so are what is tried and what takes over.
            Kind::Switch { cases } => {
                cases.iter_mut().for_each(|case| name(&mut case.steps.nodes.iter_mut().collect::<Vec<_>>(), used));
            }
            Kind::Try(Try { body, catch, .. }) => {
                name(&mut body.nodes.iter_mut().collect::<Vec<_>>(), used);
                name(&mut catch.nodes.iter_mut().collect::<Vec<_>>(), used);
            }
            Kind::Approval(Approval { notify, on_timeout, .. }) => {
                name(&mut notify.iter_mut().map(|node| &mut **node).collect::<Vec<_>>(), used);
                if let OnTimeout::Steps(dag) = on_timeout {
                    name(&mut dag.nodes.iter_mut().collect::<Vec<_>>(), used);
                }
            }
            _ => name(&mut node.inside_mut(), used),
        }
    }
}

/// A plan of any shape.
pub(crate) fn plan() -> impl Strategy<Value = Plan> {
    (dag(kind().boxed()), proptest::option::of(step())).prop_map(|(root, handler)| {
        let mut plan: Plan = serde_json::from_value(json!({ "workflow": "end", "root": { "nodes": [] } })).unwrap();
        plan.root = root;
        name(&mut plan.root.nodes.iter_mut().collect::<Vec<_>>(), &mut 0);
        plan.handlers.on_failure = handler.map(|kind| Box::new(Node::new(Name::new("on_failure").unwrap(), kind)));
        plan
    })
}

/// Steps without any inside, with or without limits.
pub(crate) fn flat() -> impl Strategy<Value = Plan> {
    let wait = (0_u64..6).prop_map(|secs| Kind::Wait(Wait { duration: Span::from_secs(secs).to_string() }));
    dag(wait.boxed()).prop_map(|root| {
        let mut plan: Plan = serde_json::from_value(json!({ "workflow": "flat", "root": { "nodes": [] } })).unwrap();
        plan.root = root;
        plan
    })
}
