//! A plan as a graph: its parts, what holds what, and what leads from one to another.

use std::collections::BTreeMap;

use sagaline_events::record::{InsideView, ItemsView, Status, StepStatus};
use sagaline_model::{ExecutionId, Name};
use serde::Serialize;

/// Everything that a picture shows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Graph {
    pub workflow: Name,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// The execution whose states are shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution: Option<Shown>,
    /// Each before those inside it.
    pub parts: Vec<Part>,
    pub edges: Vec<Edge>,
}

/// An execution whose states a graph shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Shown {
    pub id: ExecutionId,
    pub status: Status,
}

/// A box of the picture: a step, or something around steps or beside them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Part {
    /// Unique in the graph: letters, digits and `_`, and no word of any language that graphs are written in.
    pub id: String,
    pub name: String,
    pub what: What,
    /// Where the step stands in an execution, such as `deliver/pack`; nothing if it is no step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What it does, in a few words: one line of the box each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub does: Vec<String>,
    /// The part right around it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inside: Option<String>,
    /// Whether others are inside of it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub holds: bool,
    /// Its place among its siblings: one more than the highest of those it comes after. The first is 1; 0 if it has none.
    #[serde(skip_serializing_if = "is_zero")]
    pub level: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<Name>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub after_any: Vec<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// As it is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    /// How often it runs at most, if it is an activity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// The activities that take it back.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub undone_by: Vec<String>,
    /// How it is in the execution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<StepStatus>,
    /// Which attempt is the last so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// How many items, or returned steps, are done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items: Option<ItemsView>,
    /// The execution that it started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub child: Option<ExecutionId>,
    /// Of a loop, and of what is inside of one: how it stands in its items.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rounds: Option<Rounds>,
}

/// How what is done for each item of a loop stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rounds {
    /// The item whose status is shown: of those that are worked on the newest. The first of a list is number 1. Nothing, if the status is
    /// that of the whole loop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<u32>,
    /// In how many of those that are worked on it stands how.
    pub statuses: BTreeMap<StepStatus, usize>,
    /// In how many of those that are done it ended how, and in which it failed: the first of them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub ended: BTreeMap<StepStatus, usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<u32>,
}

/// What a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// An activity.
    Activity,
    Wait,
    /// Waits for a signal, or for several.
    Signal,
    Event,
    Approval,
    Steps,
    Race,
    Switch,
    Try,
    Set,
    Raise,
    Child,
    Emit,
    /// A loop over whatever it does, where that is more than one step.
    Loop,
    /// What starts executions.
    Start,
    /// Where a step that holds others begins: the wait that may be too long, the choice between cases.
    Head,
    /// What is tried, and what takes over.
    Section,
    /// Steps with one group.
    Group,
    /// Takes back what a step did.
    Undo,
    /// Around what is done when an execution ends.
    Ending,
}

/// An arrow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Edge {
    pub from: String,
    pub to: String,
    pub what: Link,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub says: Option<String>,
}

/// Why one part comes behind another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Link {
    Start,
    After,
    /// One of several is enough.
    AfterAny,
    /// A case of a switch.
    Case,
    /// What was tried failed.
    Fails,
    /// A wait was too long.
    Late,
    /// Tells approvers.
    Tells,
    Undoes,
}

impl Link {
    /// Whether it leads away from the way that is hoped for.
    pub fn is_aside(self) -> bool {
        match self {
            Self::Start | Self::After | Self::AfterAny | Self::Case => false,
            Self::Fails | Self::Late | Self::Tells | Self::Undoes => true,
        }
    }
}

impl Part {
    pub(crate) fn new(name: impl Into<String>, what: What) -> Self {
        Self {
            id: String::new(),
            name: name.into(),
            what,
            path: None,
            does: vec![],
            inside: None,
            holds: false,
            level: 0,
            after: vec![],
            after_any: vec![],
            group: None,
            when: None,
            timeout: None,
            attempts: None,
            undone_by: vec![],
            status: None,
            attempt: None,
            items: None,
            child: None,
            rounds: None,
        }
    }

    /// What a box says beneath the name: what it does, when, and how far it is.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.does.iter().map(|does| crate::words::short(does)).collect();
        lines.extend(self.when.as_ref().map(|when| format!("when {}", crate::words::condition(when))));
        lines.extend(self.progress());
        lines
    }

    /// How far it is, besides its status.
    pub(crate) fn progress(&self) -> Vec<String> {
        self.progress_by(Rounds::says)
    }

    /// How it stands, and how far it is, in one line. `rounds` words how the items of a loop stand.
    pub(crate) fn status_by(&self, rounds: impl Fn(&Rounds) -> String) -> String {
        let status = self.status.map(|status| status.as_str().replace('_', " "));
        status.into_iter().chain(self.progress_by(rounds)).collect::<Vec<_>>().join(", ")
    }

    fn progress_by(&self, rounds: impl Fn(&Rounds) -> String) -> Vec<String> {
        let mut says = vec![];
        says.extend(self.items.map(|items| format!("{} of {} done", items.done, items.total)));
        says.extend(self.attempt.filter(|attempt| 1 < *attempt).map(|attempt| format!("attempt {attempt}")));
        says.extend(self.rounds.as_ref().map(rounds));
        says
    }
}

impl Rounds {
    /// How what one step inside of a loop does stands.
    pub fn of(inside: &InsideView) -> Self {
        Self {
            item: Some(inside.item).filter(|item| 0 < *item),
            statuses: inside.statuses.clone(),
            ended: inside.ended.clone(),
            failed: inside.failed.clone(),
        }
    }

    /// The same, of the loop itself.
    pub fn of_loop(body: &InsideView) -> Self {
        Self { item: None, ..Self::of(body) }
    }

    /// It in a few words, such as `item 7 (now 2 running, 1 completed; before 4 completed)`.
    pub fn says(&self) -> String {
        let [now, ended] = [&self.statuses, &self.ended].map(counted);
        let ended = format!("{ended}{}", self.failures());
        let now_and_before = match (self.statuses.is_empty(), self.ended.is_empty()) {
            // The status that they all came to stands in front of it.
            (true, _) if self.item.is_none() && self.ended.len() <= 1 && self.failed.is_empty() => {
                return times(self.ended.values().sum());
            }
            (true, _) if self.item.is_none() => return ended,
            (true, true) => String::new(),
            (true, false) => format!("before {ended}"),
            (false, true) => format!("now {now}"),
            (false, false) => format!("now {now}; before {ended}"),
        };
        match self.item {
            None => now_and_before,
            // There is no other item.
            Some(item) if self.ended.is_empty() && self.statuses.values().sum::<usize>() <= 1 => format!("item {item}"),
            Some(item) => format!("item {item} ({now_and_before})"),
        }
    }

    /// How it stands, without what was before: there is less room in a table.
    pub(crate) fn in_brief(&self) -> String {
        if self.statuses.is_empty() && self.item.is_none() {
            return if self.ended.len() <= 1 { times(self.ended.values().sum()) } else { counted(&self.ended) };
        }
        Self { ended: BTreeMap::new(), failed: vec![], ..self.clone() }.says()
    }

    /// Whether it failed in no other items than those that are named.
    pub fn names_all(&self) -> bool {
        let bad = [StepStatus::Failed, StepStatus::TimedOut].iter().filter_map(|status| self.ended.get(status));
        // Of a loop inside of a loop several may be of one item.
        self.failed.len() < NAMED_MAX || bad.sum::<usize>() <= self.failed.len()
    }

    /// In which items it failed.
    fn failures(&self) -> String {
        if self.failed.is_empty() {
            return String::new();
        }
        let named: Vec<String> = self.failed.iter().map(u32::to_string).collect();
        let more = if self.names_all() { "" } else { " and others" };
        let s = if self.failed.len() == 1 && more.is_empty() { "" } else { "s" };
        format!(" (failed: item{s} {}{more})", named.join(", "))
    }
}

/// Of those that failed so many are told.
const NAMED_MAX: usize = 10;

fn times(count: usize) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

fn counted(statuses: &BTreeMap<StepStatus, usize>) -> String {
    let count = |(status, count): (&StepStatus, &usize)| format!("{count} {}", status.as_str().replace('_', " "));
    statuses.iter().map(count).collect::<Vec<_>>().join(", ")
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}
