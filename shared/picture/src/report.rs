//! A workflow in detail: in which order its steps are done, and which of them decide how long that takes.

use std::collections::BTreeMap;

use sagaline_model::{Approval, Await, AwaitEvent, AwaitSignals, CompensateOn, Dag, Kind, Name, Node, OnTimeout, Plan};
use serde::Serialize;

use crate::{
    CriticalPath, Ink, Length, Line, Measured, Summary,
    critical::{self, By},
    order::Order,
    summary::{Lines, at_most, handlers},
    whole::Whole,
    words::{self, condition},
};

/// A workflow in detail.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    pub summary: Summary,
    /// Every step by its path, each behind all that it comes after, those inside another right behind it. What is done when it ends
    /// is not among them.
    pub order: Vec<String>,
    /// The steps that nothing encloses, by levels: those of one level can be done at once.
    pub levels: Vec<Vec<Name>>,
    /// The same of those inside of others, in the order of the definition.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inside: Vec<Inside>,
    /// What is done when an execution ends, behind all others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub endings: Vec<Ending>,
    pub groups: BTreeMap<Name, Vec<Name>>,
    /// The workflow that a step starts, by the path of the step.
    pub children: BTreeMap<String, Name>,
    pub compensations: Vec<Undone>,
    /// What is done when an execution ends, by the word that asks for it.
    pub handlers: BTreeMap<&'static str, Name>,
    /// The longest way, if every step takes as long as it may.
    pub critical_path: CriticalPath,
    /// How long it takes to undo all that can be undone, one after the other. It is no part of any path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undoing: Option<Length>,
    /// The longest way by what recent executions took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measured: Option<MeasuredPath>,
    /// Steps without a limit, by their paths.
    pub unlimited: Vec<String>,
    #[serde(skip)]
    whole: Whole,
}

/// A critical path by medians.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MeasuredPath {
    /// How many executions were looked at.
    pub executions: usize,
    #[serde(flatten)]
    pub path: CriticalPath,
}

/// What stands beside one another inside of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Inside {
    /// The path of the step.
    pub step: String,
    /// When it is done: of a case its condition, for example. Nothing of a step that is nothing but these.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub says: String,
    pub levels: Vec<Vec<Name>>,
    /// What stands before their names in paths.
    #[serde(skip)]
    below: String,
}

/// What is done when an execution ends in one way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ending {
    /// The word that asks for it.
    pub handler: &'static str,
    /// When it comes to that.
    pub says: &'static str,
    /// It and the steps inside of it by their paths, each behind all that it comes after.
    pub order: Vec<String>,
    /// How long it may take. It is no part of any path.
    pub length: Length,
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
        let mut report = Self {
            summary: Summary::of(plan, version),
            order: vec![],
            levels: levels(&plan.root),
            inside: vec![],
            endings: vec![],
            whole: Whole::of(plan),
            groups: BTreeMap::new(),
            children: BTreeMap::new(),
            compensations: vec![],
            handlers: handlers(plan).into_iter().map(|(what, node)| (what, node.name.clone())).collect(),
            critical_path: CriticalPath::of(&plan.root, By::Timeouts),
            measured: measured.map(|measured| MeasuredPath {
                executions: measured.executions,
                path: CriticalPath::of(&plan.root, By::Medians(measured)),
            }),
            undoing: None,
            unlimited: vec![],
        };
        report.dag(&plan.root, "", false);
        handlers(plan).into_iter().for_each(|(handler, node)| report.ending(handler, node));
        report
    }

    fn ending(&mut self, handler: &'static str, node: &Node) {
        let before = self.order.len();
        self.node(node, "", None, false);
        let (order, length) = (self.order.split_off(before), critical::at_most(node));
        self.endings.push(Ending { handler, says: comes(handler), order, length });
    }

    /// Steps inside of a step.
    fn inside(&mut self, step: &str, says: impl Into<String>, dag: &Dag, below: &str, looped: bool) {
        if dag.nodes.is_empty() {
            return;
        }
        let (step, says, below) = (step.to_owned(), says.into(), below.to_owned());
        self.inside.push(Inside { step, says, levels: levels(dag), below: below.clone() });
        self.dag(dag, &below, looped);
    }

    fn dag(&mut self, dag: &Dag, below: &str, looped: bool) {
        let order = Order::of(dag);
        for place in &order.order {
            self.node(order.nodes[*place], below, None, looped);
        }
    }

    /// `body_of`: the path of the loop for each of whose items it is done. `looped`: whether there is one around it at all.
    fn node(&mut self, node: &Node, below: &str, body_of: Option<&str>, looped: bool) {
        let path = format!("{below}{}", node.name);
        let inside = format!("{path}/");
        // What is inside of a loop is said of the step that people know.
        let step = body_of.unwrap_or(&path).to_owned();
        if body_of.is_none() {
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
                    let length = Length::of_undoing(undo);
                    // Who knows how many items a loop has.
                    let length = Length { open: length.open || looped, ..length };
                    self.undoing = Some(self.undoing.unwrap_or_default().and(length));
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
            Kind::Dag(dag) => self.inside(&step, if body_of.is_some() { "each" } else { "" }, dag, &inside, looped),
            Kind::Race(dag) => self.inside(&step, "the first wins", dag, &inside, looped),
            Kind::Switch { cases } => {
                for (number, case) in cases.iter().enumerate() {
                    let says = words::case(number, case.when.as_deref());
                    self.inside(&step, says, &case.steps, &inside, looped);
                }
            }
            Kind::Try(what) => {
                self.inside(&step, "tried", &what.body, &inside, looped);
                let errors = if what.errors.is_empty() { "that fails".to_owned() } else { what.errors.join(", ") };
                self.inside(&step, format!("if {errors}"), &what.catch, &inside, looped);
            }
            Kind::ForEach(each) => self.node(&each.body, &inside, Some(&step), true),
            Kind::Await(Await { on_timeout, .. })
            | Kind::AwaitSignals(AwaitSignals { on_timeout, .. })
            | Kind::AwaitEvent(AwaitEvent { on_timeout, .. })
            | Kind::Approval(Approval { on_timeout, .. }) => {
                if Length::written(words::timeout(node)).open {
                    self.unlimited.push(path);
                }
                if let Kind::Approval(Approval { notify: Some(notify), .. }) = &node.kind {
                    let (step, says, below) = (step.clone(), "to tell who is asked".to_owned(), inside.clone());
                    self.inside.push(Inside { step, says, levels: vec![vec![notify.name.clone()]], below });
                    self.node(notify, &inside, None, looped);
                }
                if let OnTimeout::Steps(dag) = on_timeout {
                    self.inside(&step, "if nobody came in time", dag, &inside, looped);
                }
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
        let mut blocks: BTreeMap<&str, Vec<&Inside>> = BTreeMap::new();
        self.inside.iter().for_each(|inside| blocks.entry(&inside.step).or_default().push(inside));
        say_levels(&mut lines, &self.levels, "", 1, &blocks);
        for ending in &self.endings {
            let name = ending.order.first().map_or(ending.handler, String::as_str);
            let called = if name == ending.handler { String::new() } else { format!("{name}, ") };
            lines.say(&format!("  {}", ending.handler), Ink::Quiet, &format!("{called}{}", ending.says));
            say_inside(&mut lines, name, "", 1, &blocks);
        }
        heading(&mut lines, format!("critical path by timeouts: {}", at_most(self.critical_path.length)));
        path(&mut lines, &self.critical_path, "not limited");
        for note in self.notes() {
            let mut line = Line::default();
            line.push(Ink::Quiet, format!("  {note}"));
            lines.0.push(line);
        }
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

impl Report {
    /// What else makes an execution longer or shorter than its critical path.
    fn notes(&self) -> Vec<String> {
        let Whole { steps, rounds, limit, at_once } = &self.whole;
        let mut notes = vec![];
        if let Some(limit) = limit.filter(|_| self.whole.length() != rounds.map_or(*steps, |(_, length)| length)) {
            notes.push(format!("no execution takes that long: after {limit} its time is over"));
        }
        if let Some((count, length)) = rounds {
            notes.push(format!("it begins anew when it fails: {count} times in all take {}", at_most(*length)));
        }
        if let Some(at_once) = at_once {
            let count = condition(at_once);
            notes.push(format!("step_concurrency is {count}: what a step waits for its turn is not in it"));
        }
        notes.extend(self.undoing.map(|undoing| format!("undoing is not in it: {}", undoing_takes(undoing))));
        let endings = self.endings.iter().filter(|ending| ending.handler != BESIDE);
        notes.extend(endings.map(|it| format!("{} is not in it: it takes {}", it.handler, at_most(it.length))));
        notes
    }
}

/// It runs beside an execution, which goes on.
const BESIDE: &str = "on_step_error";

/// When it comes to what is done at the end.
fn comes(handler: &str) -> &'static str {
    match handler {
        "on_success" => "only if it completes",
        "on_failure" => "only if it fails, or its time is over",
        "on_cancel" => "only if it is cancelled",
        _ => "only if an attempt of a step fails, once for each, beside all else",
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
        let s = if step.times == Some(1) { "" } else { "s" };
        line.push(
            Ink::Quiet,
            step.times.map_or(String::new(), |times| format!("  measured in {times} execution{s} only")),
        );
        lines.0.push(line);
    }
}

/// Levels of steps, and beneath each those inside of them.
fn say_levels(
    lines: &mut Lines,
    levels: &[Vec<Name>],
    below: &str,
    depth: usize,
    blocks: &BTreeMap<&str, Vec<&Inside>>,
) {
    let indent = "  ".repeat(depth);
    for (level, steps) in levels.iter().enumerate() {
        let names: Vec<&str> = steps.iter().map(|step| step.as_str()).collect();
        lines.say(&format!("{indent}level {}", level + 1), Ink::Plain, &names.join(", "));
        names.into_iter().for_each(|name| say_inside(lines, name, below, depth, blocks));
    }
}

fn say_inside(lines: &mut Lines, name: &str, below: &str, depth: usize, blocks: &BTreeMap<&str, Vec<&Inside>>) {
    for block in blocks.get(format!("{below}{name}").as_str()).into_iter().flatten() {
        let mut line = Line::default();
        let says = if block.says.is_empty() { String::new() } else { format!(", {}", block.says) };
        line.push(Ink::Quiet, format!("{}  in {name}{says}", "  ".repeat(depth)));
        lines.0.push(line);
        say_levels(lines, &block.levels, &block.below, depth + 2, blocks);
    }
}

fn levels(dag: &Dag) -> Vec<Vec<Name>> {
    let names = |nodes: Vec<&Node>| nodes.into_iter().map(|node| node.name.clone()).collect();
    Order::of(dag).by_level().into_iter().map(names).collect()
}

/// How long it may take to undo everything, for people.
fn undoing_takes(length: Length) -> String {
    match length {
        Length { known, open: false } => format!("all of it takes at most {known}, one after the other"),
        Length { known, open: true } if known.as_nanos() == 0 => "it takes as long as it takes".to_owned(),
        Length { known, open: true } => {
            format!("all of it takes {known}, one after the other, and what is not limited")
        }
    }
}

fn took(length: Length) -> String {
    let open = if length.open { ", and what was not measured" } else { "" };
    format!("{}{open}", length.known)
}
