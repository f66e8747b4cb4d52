//! A graph for a terminal: levels from top to bottom, what is inside a step further to the right.

use std::collections::{BTreeMap, BTreeSet};

use sagaline_events::record::StepStatus;

use crate::{Graph, Ink, Line, Link, Part, What, states, table};

/// No line is longer than `width`.
pub fn text(graph: &Graph, width: usize) -> Vec<Line> {
    let tree = states::tree(graph);
    let mut says: BTreeMap<&str, Vec<(Link, &str)>> = BTreeMap::new();
    for edge in &graph.edges {
        if let Some(text) = &edge.says {
            says.entry(&edge.to).or_default().push((edge.what, text));
        }
    }
    let mut writing = Writing { tree, says, lines: vec![heading(graph)] };
    writing.inside(None, "");
    let mut lines = writing.lines;
    lines.extend(legend(graph));
    lines.into_iter().map(|line| line.cut(width)).collect()
}

struct Writing<'a> {
    tree: BTreeMap<Option<&'a str>, Vec<&'a Part>>,
    says: BTreeMap<&'a str, Vec<(Link, &'a str)>>,
    lines: Vec<Line>,
}

impl<'a> Writing<'a> {
    /// The parts inside of one: level by level, and what stands beside them behind.
    fn inside(&mut self, of: Option<&'a str>, indent: &str) {
        let parts = self.tree.get(&of).cloned().unwrap_or_default();
        let (first, rest): (Vec<&Part>, Vec<&Part>) = parts.into_iter().partition(|part| part.what == What::Start);
        for start in first {
            let mut line = Line::default();
            line.push(Ink::Quiet, format!("{indent}{} {}", sign(start), start.does.join(", ")));
            self.lines.push(line);
        }
        let (mut levels, mut beside) = (BTreeMap::<usize, Vec<&Part>>::new(), vec![]);
        for part in rest {
            match part.what {
                // They stand beneath the step that they take back.
                What::Undo | What::Head => {}
                _ if part.level == 0 => beside.push(part),
                _ => levels.entry(part.level).or_default().push(part),
            }
        }
        let mut before: Option<BTreeSet<&str>> = None;
        for parts in levels.into_values() {
            if before.is_some() || of.is_none() {
                self.draw(format!("{indent}│"));
            }
            for (place, part) in parts.iter().enumerate() {
                let fork = match (parts.len(), place) {
                    (1, _) => "",
                    (_, 0) => "├─",
                    (count, place) if place + 1 == count => "╰─",
                    _ => "├─",
                };
                self.part(part, indent, fork, before.as_ref());
            }
            before = Some(parts.iter().flat_map(|part| self.names(part)).collect());
        }
        for part in beside {
            if of.is_none() {
                self.lines.push(Line::default());
            }
            self.part(part, indent, "", None);
        }
    }

    /// What stands in a level: the part, or, of a group, what belongs to it.
    fn names(&self, part: &'a Part) -> Vec<&'a str> {
        match part.what {
            What::Group => {
                let members = self.tree.get(&Some(part.id.as_str())).into_iter().flatten();
                members.filter(|member| member.path.is_some()).map(|member| member.name.as_str()).collect()
            }
            _ => vec![part.name.as_str()],
        }
    }

    /// `before`: the level above. Who comes after all of it and nothing else need not say so.
    fn part(&mut self, part: &'a Part, indent: &str, fork: &str, before: Option<&BTreeSet<&str>>) {
        let mut line = Line::default();
        line.push(Ink::Quiet, format!("{indent}{fork}"));
        line.push(part.status.map_or(Ink::Plain, Ink::Of), format!("{} {}", sign(part), part.name));
        let status = table::status(part);
        if !status.is_empty() {
            line.push(part.status.map_or(Ink::Plain, Ink::Of), format!("  {status}"));
        }
        let mut says: Vec<String> = part.does.clone();
        says.extend(self.says.get(part.id.as_str()).into_iter().flatten().filter_map(|(link, text)| match link {
            Link::Case => Some(if *text == "otherwise" { (*text).to_owned() } else { format!("if {text}") }),
            Link::Late => Some(format!("too late {text}")),
            Link::Fails => Some("if that fails".to_owned()),
            Link::Tells => Some("tells them".to_owned()),
            Link::Start | Link::After | Link::AfterAny | Link::Undoes => None,
        }));
        says.extend(part.when.as_ref().map(|when| format!("when {}", crate::words::condition(when))));
        says.extend(part.timeout.as_ref().map(|timeout| format!("at most {}", crate::words::condition(timeout))));
        says.extend(after(part, before));
        says.extend((!part.undone_by.is_empty()).then(|| format!("↩ {}", part.undone_by.join(", then "))));
        if !says.is_empty() {
            line.push(Ink::Quiet, format!("  {}", says.join(" · ")));
        }
        self.lines.push(line);
        if part.holds {
            let stem = match fork {
                "" => "  ",
                "╰─" => "    ",
                _ => "│   ",
            };
            self.inside(Some(&part.id), &format!("{indent}{stem}"));
        }
    }

    fn draw(&mut self, text: String) {
        let mut line = Line::default();
        line.push(Ink::Quiet, text);
        self.lines.push(line);
    }
}

/// What a part comes after, where that is not just the level above.
fn after(part: &Part, before: Option<&BTreeSet<&str>>) -> Option<String> {
    let after: Vec<&str> = part.after.iter().map(|name| name.as_str()).collect();
    let any: Vec<&str> = part.after_any.iter().map(|name| name.as_str()).collect();
    if !any.is_empty() {
        let all = if after.is_empty() { String::new() } else { format!("{} and ", after.join(", ")) };
        return Some(format!("after {all}any of {}", any.join(", ")));
    }
    let is_all = before.is_some_and(|before| after.iter().copied().collect::<BTreeSet<_>>() == *before);
    (!after.is_empty() && !is_all).then(|| format!("after {}", after.join(", ")))
}

fn heading(graph: &Graph) -> Line {
    let mut line = Line::default();
    line.push(Ink::Strong, graph.workflow.as_str());
    line.push(Ink::Plain, graph.version.map_or(String::new(), |version| format!(" (version {version})")));
    if let Some(execution) = &graph.execution {
        line.push(Ink::Plain, format!("  {}: {}", execution.id, execution.status.as_str().replace('_', " ")));
    }
    line
}

/// What stands in front of a part: its status, if that is known, else what it is.
fn sign(part: &Part) -> &'static str {
    match part.status {
        Some(status) => status_sign(status),
        None => match part.what {
            What::Start => "○",
            What::Activity | What::Set | What::Emit | What::Raise => "●",
            What::Wait | What::Signal | What::Event | What::Approval => "◔",
            What::Steps | What::Race | What::Switch | What::Try | What::Loop => "▾",
            What::Section | What::Group | What::Ending => "▾",
            What::Child => "◆",
            What::Head | What::Undo => "·",
        },
    }
}

fn status_sign(status: StepStatus) -> &'static str {
    match status {
        StepStatus::Completed => "✓",
        StepStatus::Failed | StepStatus::TimedOut => "✗",
        StepStatus::Skipped | StepStatus::Cancelled => "-",
        StepStatus::Compensated => "↩",
        StepStatus::Unknown => "?",
        StepStatus::Pending => ".",
        StepStatus::Scheduled | StepStatus::Running | StepStatus::Waiting | StepStatus::BackingOff => "…",
    }
}

fn legend(graph: &Graph) -> Vec<Line> {
    let statuses = graph.statuses();
    if statuses.is_empty() {
        return vec![];
    }
    let mut line = Line::default();
    for status in statuses {
        line.push(Ink::Of(status), format!("{} {}", status_sign(status), status.as_str().replace('_', " ")));
        line.push(Ink::Plain, "  ");
    }
    vec![Line::default(), line]
}
