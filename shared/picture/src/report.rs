//! A workflow in detail: in which order its steps are done, and which of them decide how long that takes.

use std::collections::BTreeMap;

use sagaline_model::{CompensateOn, Dag, Kind, Name, Node, Plan};
use serde::Serialize;

use crate::{
    CriticalPath, Ink, Length, Line, Measured, Summary,
    critical::By,
    order::Order,
    summary::{Lines, at_most, handlers},
};

/// A workflow in detail.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    pub summary: Summary,
    /// Every step by its path, each behind all that it comes after, those inside another right behind it.
    pub order: Vec<String>,
    /// The steps that nothing encloses, by levels: those of one level can be done at once.
    pub levels: Vec<Vec<Name>>,
    pub groups: BTreeMap<Name, Vec<Name>>,
    /// The workflow that a step starts, by the path of the step.
    pub children: BTreeMap<String, Name>,
    pub compensations: Vec<Undone>,
    /// What is done when an execution ends, by the word that asks for it.
    pub handlers: BTreeMap<&'static str, Name>,
    /// The longest way, if every step takes as long as it may.
    pub critical_path: CriticalPath,
    /// The longest way by what recent executions took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measured: Option<MeasuredPath>,
    /// Steps without a limit, by their paths.
    pub unlimited: Vec<String>,
}

/// A critical path by medians.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MeasuredPath {
    /// How many executions were looked at.
    pub executions: usize,
    #[serde(flatten)]
    pub path: CriticalPath,
}

/// A step that can be undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Undone {
    pub step: String,
    /// One after the other.
    pub by: Vec<String>,
    pub on: CompensateOn,
}

impl Report {
    pub fn of(plan: &Plan, version: Option<u32>, measured: Option<&Measured>) -> Self {
        let names = |nodes: Vec<&Node>| nodes.into_iter().map(|node| node.name.clone()).collect();
        let mut report = Self {
            summary: Summary::of(plan, version),
            order: vec![],
            levels: Order::of(&plan.root).by_level().into_iter().map(names).collect(),
            groups: BTreeMap::new(),
            children: BTreeMap::new(),
            compensations: vec![],
            handlers: handlers(plan).into_iter().map(|(what, node)| (what, node.name.clone())).collect(),
            critical_path: CriticalPath::of(&plan.root, By::Timeouts),
            measured: measured.map(|measured| MeasuredPath {
                executions: measured.executions,
                path: CriticalPath::of(&plan.root, By::Medians(measured)),
            }),
            unlimited: vec![],
        };
        report.dag(&plan.root, "");
        report
    }

    fn dag(&mut self, dag: &Dag, below: &str) {
        let order = Order::of(dag);
        for place in &order.order {
            self.node(order.nodes[*place], below, true);
        }
    }

    fn node(&mut self, node: &Node, below: &str, is_step: bool) {
        let path = format!("{below}{}", node.name);
        let inside = format!("{path}/");
        if is_step {
            self.order.push(path.clone());
            if let Some(group) = &node.group {
                self.groups.entry(group.clone()).or_default().push(node.name.clone());
            }
        }
        match &node.kind {
            Kind::Step(step) => {
                if let Some(undo) = &step.compensate {
                    let by = undo.actions.iter().map(|action| action.activity.to_string()).collect();
                    self.compensations.push(Undone { step: path.clone(), by, on: undo.on });
                }
                if Length::of_step(step).open {
                    self.unlimited.push(path);
                }
            }
            Kind::Child(child) => {
                self.children.insert(path.clone(), child.workflow.clone());
                if child.wait && Length::written(child.timeout.as_deref()).open {
                    self.unlimited.push(path);
                }
            }
            Kind::Dag(dag) | Kind::Race(dag) => self.dag(dag, &inside),
            Kind::Switch { cases } => cases.iter().for_each(|case| self.dag(&case.steps, &inside)),
            Kind::Try(what) => {
                self.dag(&what.body, &inside);
                self.dag(&what.catch, &inside);
            }
            Kind::ForEach(each) => self.node(&each.body, &inside, false),
            Kind::Await(_) | Kind::AwaitSignals(_) | Kind::AwaitEvent(_) | Kind::Approval(_) => {
                if Length::written(crate::words::timeout(node)).open {
                    self.unlimited.push(path);
                }
                node.inside().into_iter().for_each(|inner| self.node(inner, &inside, true));
            }
            Kind::Wait(wait) => {
                if Length::written(Some(&wait.duration)).open {
                    self.unlimited.push(path);
                }
            }
            Kind::Set { .. } | Kind::Raise(_) | Kind::Emit(_) => {}
        }
    }

    pub fn lines(&self) -> Vec<Line> {
        let mut lines = Lines(self.summary.lines());
        let heading = |lines: &mut Lines, text: String| {
            lines.0.push(Line::default());
            let mut line = Line::default();
            line.push(Ink::Strong, text);
            lines.0.push(line);
        };
        heading(&mut lines, "execution order".to_owned());
        for (level, steps) in self.levels.iter().enumerate() {
            let steps: Vec<&str> = steps.iter().map(|step| step.as_str()).collect();
            lines.say(&format!("  level {}", level + 1), Ink::Plain, &steps.join(", "));
        }
        heading(&mut lines, format!("critical path by timeouts: {}", at_most(self.critical_path.length)));
        path(&mut lines, &self.critical_path, "not limited");
        if let Some(measured) = &self.measured {
            let executions = measured.executions;
            let s = if executions == 1 { "" } else { "s" };
            let took = took(measured.path.length);
            heading(&mut lines, format!("critical path by medians of {executions} execution{s}: {took}"));
            path(&mut lines, &measured.path, "not measured");
        }
        let mut part = |name: &str, items: Vec<(String, String)>| {
            if !items.is_empty() {
                heading(&mut lines, name.to_owned());
            }
            let widest = items.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).max(11);
            for (name, text) in items {
                let mut line = Line::default();
                line.push(Ink::Plain, format!("  {name:<widest$}  "));
                line.push(Ink::Quiet, text);
                lines.0.push(line);
            }
        };
        let joined = |names: &[Name]| names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
        part("groups", self.groups.iter().map(|(group, steps)| (group.to_string(), joined(steps))).collect());
        part("children", self.children.iter().map(|(step, of)| (step.clone(), of.to_string())).collect());
        let undone = |undone: &Undone| {
            let on = match undone.on {
                CompensateOn::Effected => "",
                CompensateOn::Attempted => ", also after a failure",
            };
            (undone.step.clone(), format!("{}{on}", undone.by.join(", then ")))
        };
        part("compensations", self.compensations.iter().map(undone).collect());
        part("handlers", self.handlers.iter().map(|(what, node)| ((*what).to_owned(), node.to_string())).collect());
        part("without a limit", self.unlimited.iter().map(|step| (step.clone(), String::new())).collect());
        lines.0
    }
}

fn path(lines: &mut Lines, path: &CriticalPath, unknown: &str) {
    let widest = path.steps.iter().map(|step| step.step.chars().count()).max().unwrap_or(0).max(11);
    for step in &path.steps {
        let mut line = Line::default();
        line.push(Ink::Plain, format!("  {:<widest$}  ", step.step));
        match step.length {
            Length { known, open: false } => line.push(Ink::Plain, known.to_string()),
            Length { known, open: true } if known.as_nanos() == 0 => line.push(Ink::Quiet, unknown),
            Length { known, open: true } => line.push(Ink::Plain, format!("{known} and more")),
        }
        lines.0.push(line);
    }
}

fn took(length: Length) -> String {
    let open = if length.open { ", and what was not measured" } else { "" };
    format!("{}{open}", length.known)
}
