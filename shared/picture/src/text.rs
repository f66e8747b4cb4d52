//! A graph for a terminal: levels from top to bottom, what is inside a step further to the right. Conditions that are too long for
//! their line stand beneath it all, by number.

use std::collections::{BTreeMap, BTreeSet};

use sagaline_events::record::StepStatus;

use crate::{Graph, Ink, Line, Link, Part, Rounds, What, states, words};

/// No line is longer than `width`.
pub fn text(graph: &Graph, width: usize) -> Vec<Line> {
    let tree = states::tree(graph);
    let mut says: BTreeMap<&str, Vec<(Link, &str)>> = BTreeMap::new();
    for edge in &graph.edges {
        if let Some(text) = &edge.says {
            says.entry(&edge.to).or_default().push((edge.what, text));
        }
    }
    let mut writing = Writing { tree, says, lines: vec![heading(graph)], notes: vec![], width };
    writing.inside(None, "");
    let mut lines = writing.lines;
    lines.extend(notes(&writing.notes, width));
    lines.extend(legend(graph));
    lines.into_iter().map(|line| line.cut(width)).collect()
}

struct Writing<'a> {
    tree: BTreeMap<Option<&'a str>, Vec<&'a Part>>,
    says: BTreeMap<&'a str, Vec<(Link, &'a str)>>,
    lines: Vec<Line>,
    /// Conditions that have a number instead of a place in their line.
    notes: Vec<String>,
    width: usize,
}

/// What is said of a part, and the condition that it ends with.
struct Saying {
    words: String,
    condition: Option<String>,
}

impl Saying {
    fn of(words: impl Into<String>) -> Self {
        Self { words: words.into(), condition: None }
    }

    fn with(words: &str, condition: String) -> Self {
        Self { words: words.to_owned(), condition: Some(condition) }
    }

    /// What a step does. The expression in it may stand beneath the graph, if it is long.
    fn does(does: &str) -> Self {
        let expression = match words::short(does) == does {
            true => None,
            false => ["wait ", " of "].iter().find_map(|before| Some(does.find(before)? + before.len())),
        };
        match expression {
            Some(at) => Self::with(&does[..at], does[at..].to_owned()),
            None => Self::of(does),
        }
    }

    fn timeout(longest: &str) -> Self {
        match words::short(longest) == longest {
            true => Self::of(format!("at most {longest}")),
            false => Self::with("at most ", longest.to_owned()),
        }
    }

    fn whole(&self) -> String {
        format!("{}{}", self.words, self.condition.as_deref().unwrap_or_default())
    }
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
        let status = part.status_by(Rounds::says);
        if !status.is_empty() {
            line.push(part.status.map_or(Ink::Plain, Ink::Of), format!("  {status}"));
        }
        let mut says: Vec<Saying> = part.does.iter().map(|does| Saying::does(does)).collect();
        says.extend(self.says.get(part.id.as_str()).into_iter().flatten().filter_map(|(link, text)| match link {
            Link::Case => match text.split_once("if ") {
                Some((before, condition)) => Some(Saying::with(&format!("{before}if "), condition.to_owned())),
                None => Some(Saying::of(*text)),
            },
            Link::Late => Some(Saying::of(format!("too late {text}"))),
            Link::Fails => Some(Saying::of("if that fails")),
            Link::Tells => Some(Saying::of("tells them")),
            Link::Start | Link::After | Link::AfterAny | Link::Undoes => None,
        }));
        says.extend(part.when.as_ref().map(|when| Saying::with("when ", words::bare(when))));
        says.extend(part.timeout.as_ref().map(|it| Saying::timeout(&words::bare(it))));
        says.extend(after(part, before).map(Saying::of));
        says.extend((!part.undone_by.is_empty()).then(|| Saying::of(format!("↩ {}", part.undone_by.join(", then ")))));
        if !says.is_empty() {
            let room = self.width.saturating_sub(line.width() + "  ".len());
            line.push(Ink::Quiet, format!("  {}", self.said(says, room)));
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

    /// All that is said; with numbers for the conditions, the longest first, until it fits.
    fn said(&mut self, mut says: Vec<Saying>, room: usize) -> String {
        loop {
            let whole = says.iter().map(Saying::whole).collect::<Vec<_>>().join(" · ");
            let longest = says.iter_mut().max_by_key(|it| it.condition.as_ref().map_or(0, |it| it.chars().count()));
            let condition = longest.and_then(|it| Some((&mut it.words, it.condition.take()?)));
            match condition {
                Some((words, condition)) if room < whole.chars().count() => {
                    let known = self.notes.iter().position(|note| *note == condition);
                    let number = known.unwrap_or(self.notes.len());
                    if known.is_none() {
                        self.notes.push(condition);
                    }
                    words.push_str(&format!("[{}]", number + 1));
                }
                Some(_) | None => return whole,
            }
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

/// The conditions that stand beneath the graph, whole.
fn notes(notes: &[String], width: usize) -> Vec<Line> {
    let mut lines = vec![];
    for (place, note) in notes.iter().enumerate() {
        let number = format!("[{}] ", place + 1);
        for (row, text) in words::wrapped(note, width.saturating_sub(number.len())).into_iter().enumerate() {
            let mut line = Line::default();
            line.push(Ink::Quiet, if row == 0 { number.clone() } else { " ".repeat(number.len()) });
            line.push(Ink::Plain, text);
            lines.push(line);
        }
    }
    if !lines.is_empty() {
        lines.insert(0, Line::default());
    }
    lines
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
