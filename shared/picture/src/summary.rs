//! What there is to know of a workflow in a few lines.

use std::collections::{BTreeMap, BTreeSet};

use sagaline_model::{Kind, Name, Node, Plan};
use serde::Serialize;

use crate::{Ink, Length, Line, order::Order, whole::Whole, words};

/// A workflow in figures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    pub workflow: Name,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    pub tags: Vec<String>,
    pub started_by: Vec<String>,
    /// All of them, also those inside others, but not what is done when an execution ends.
    pub steps: usize,
    /// How many of each kind. What a loop does for each item counts as that, and as a `for_each`.
    pub kinds: BTreeMap<&'static str, usize>,
    /// How many steps come one after another at most, those inside others not counted.
    pub levels: usize,
    pub groups: usize,
    /// Steps that may return further steps.
    pub expanding: usize,
    /// Workflows that it starts as children.
    pub children: BTreeSet<Name>,
    /// Steps that can be undone.
    pub compensated: usize,
    pub handlers: Vec<&'static str>,
    /// All that workers do for it, also to undo, and when it ends.
    pub activities: BTreeSet<String>,
    pub queues: BTreeSet<Name>,
    /// Signals that it waits for or takes, what can be asked of it and changed.
    pub signals: BTreeSet<Name>,
    pub queries: Vec<Name>,
    pub updates: Vec<Name>,
    /// The limit of a whole execution, as it is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    /// What the limits of its steps come to on the longest way.
    pub total_timeout: Length,
    /// What all of it comes to until it is known how it ends: no more than its `timeout`, and every round of one that begins anew.
    pub ends_within: Length,
}

impl Summary {
    pub fn of(plan: &Plan, version: Option<u32>) -> Self {
        let nodes = inside_of(plan);
        let whole = Whole::of(plan);
        let mut summary = Self {
            workflow: plan.workflow.clone(),
            version,
            note: plan.note.clone(),
            tags: plan.tags.clone(),
            started_by: words::starters(plan),
            steps: 0,
            kinds: BTreeMap::new(),
            levels: Order::of(&plan.root).levels.into_iter().max().unwrap_or(0),
            groups: nodes.iter().filter_map(|(node, _)| node.group.as_ref()).collect::<BTreeSet<_>>().len(),
            expanding: 0,
            children: BTreeSet::new(),
            compensated: 0,
            handlers: handlers(plan).into_iter().map(|(what, _)| what).collect(),
            activities: BTreeSet::new(),
            queues: plan.queues().into_iter().cloned().collect(),
            signals: plan.exchange.signals.keys().cloned().collect(),
            queries: plan.exchange.queries.keys().cloned().collect(),
            updates: plan.exchange.updates.keys().cloned().collect(),
            timeout: limit(plan),
            total_timeout: whole.steps,
            ends_within: whole.length(),
        };
        for (node, is_body) in nodes {
            summary.count(node, is_body);
        }
        plan.nodes().into_iter().for_each(|node| summary.need(node));
        summary
    }

    /// What a step needs of others, also one that is done when an execution ends.
    fn need(&mut self, node: &Node) {
        match &node.kind {
            Kind::Step(step) => {
                let undone = step.compensate.iter().flat_map(|undo| &undo.actions);
                self.activities.extend(undone.map(|action| action.activity.to_string()));
                self.activities.insert(step.activity.to_string());
            }
            Kind::Child(child) => drop(self.children.insert(child.workflow.clone())),
            Kind::Await(what) => drop(self.signals.insert(what.signal.clone())),
            Kind::AwaitSignals(what) => self.signals.extend(what.signals.iter().cloned()),
            Kind::Wait(_)
            | Kind::AwaitEvent(_)
            | Kind::Approval(_)
            | Kind::Dag(_)
            | Kind::Race(_)
            | Kind::Switch { .. }
            | Kind::Try(_)
            | Kind::ForEach(_)
            | Kind::Set { .. }
            | Kind::Raise(_)
            | Kind::Emit(_) => {}
        }
    }

    fn count(&mut self, node: &Node, is_body: bool) {
        self.steps += usize::from(!is_body);
        let kind = match &node.kind {
            Kind::ForEach(_) => "for_each",
            other => words::kind(words::what(other)),
        };
        *self.kinds.entry(kind).or_default() += 1;
        if let Kind::Step(step) = &node.kind {
            self.expanding += usize::from(step.expand.is_some());
            self.compensated += usize::from(step.compensate.is_some());
        }
    }

    pub fn lines(&self) -> Vec<Line> {
        let mut lines = Lines::default();
        let version = self.version.map_or(String::new(), |version| format!(" (version {version})"));
        lines.add("workflow", [format!("{}{version}", self.workflow)]);
        lines.add("note", self.note.as_deref().map(words::short));
        lines.add("tags", self.tags.iter().map(|tag| words::short(tag)));
        lines.add("started by", &self.started_by);
        let kinds: Vec<String> = self.kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        lines.add("steps", [format!("{}: {}", self.steps, kinds.join(", "))]);
        lines.add("levels", [self.levels.to_string()]);
        lines.add("groups", count(self.groups));
        lines.add("returns steps", count(self.expanding));
        lines.add("children", &self.children);
        lines.add("can be undone", count(self.compensated));
        lines.add("handlers", &self.handlers);
        lines.add("activities", &self.activities);
        lines.add("queues", &self.queues);
        lines.add("signals", &self.signals);
        lines.add("queries", &self.queries);
        lines.add("updates", &self.updates);
        lines.add("timeout", &self.timeout);
        lines.add("steps take", [at_most(self.total_timeout)]);
        let differs = self.ends_within != self.total_timeout;
        lines.add("ends within", differs.then(|| within(self.ends_within)));
        lines.0
    }
}

/// All steps, and whether each is what a loop does for each item.
fn inside_of(plan: &Plan) -> Vec<(&Node, bool)> {
    fn visit<'a>(node: &'a Node, is_body: bool, into: &mut Vec<(&'a Node, bool)>) {
        into.push((node, is_body));
        let of_loop = matches!(node.kind, Kind::ForEach(_));
        node.inside().into_iter().for_each(|inner| visit(inner, of_loop, into));
    }
    let mut nodes = vec![];
    plan.root.nodes.iter().for_each(|node| visit(node, false, &mut nodes));
    nodes
}

/// What is done when an execution ends, by the word that asks for it.
pub(crate) fn handlers(plan: &Plan) -> Vec<(&'static str, &Node)> {
    let sagaline_model::Handlers { on_success, on_failure, on_cancel, on_step_error } = &plan.handlers;
    let all = [
        ("on_success", on_success),
        ("on_failure", on_failure),
        ("on_cancel", on_cancel),
        ("on_step_error", on_step_error),
    ];
    all.into_iter().filter_map(|(what, node)| Some((what, &**node.as_ref()?))).collect()
}

/// The limit of a whole execution, as it is written.
pub(crate) fn limit(plan: &Plan) -> Option<String> {
    plan.timeout.map(|timeout| timeout.to_string()).or_else(|| plan.conduct.timeout.clone())
}

/// How long it may take, for people.
pub(crate) fn at_most(length: Length) -> String {
    match length {
        Length { known, open: false } => format!("at most {known}"),
        Length { known, open: true } if known.as_nanos() == 0 => "as long as it takes: nothing is limited".to_owned(),
        Length { known, open: true } => format!("{known}, and what is not limited"),
    }
}

/// The same of a whole that may be over before its steps are.
fn within(length: Length) -> String {
    match length {
        Length { known, open: false } => known.to_string(),
        Length { known, open: true } => format!("{known}, and what is not limited"),
    }
}

fn count(number: usize) -> Option<String> {
    (0 < number).then(|| number.to_string())
}

/// Lines of a name and what is said about it; nothing is said, no line.
#[derive(Default)]
pub(crate) struct Lines(pub(crate) Vec<Line>);

impl Lines {
    pub(crate) fn add<T: ToString>(&mut self, name: &str, items: impl IntoIterator<Item = T>) {
        let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
        if !items.is_empty() {
            self.say(name, Ink::Plain, &items.join(", "));
        }
    }

    pub(crate) fn say(&mut self, name: &str, ink: Ink, text: &str) {
        let mut line = Line::default();
        line.push(Ink::Quiet, format!("{name:<14} "));
        line.push(ink, text);
        self.0.push(line);
    }
}
