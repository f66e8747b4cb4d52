//! A graph in the language of Mermaid, which many pages and editors draw.

use std::{collections::BTreeMap, fmt::Arguments};

use sagaline_events::record::StepStatus;

use crate::{Edge, Graph, Part, What, states};

/// Mermaid draws no graph with more edges, unless it is configured to.
pub const MERMAID_EDGES_MAX: usize = 500;

/// The graph as Mermaid's `flowchart`.
pub fn mermaid(graph: &Graph) -> String {
    let mut text = String::from("flowchart TD\n");
    let tree = states::tree(graph);
    for part in tree.get(&None).into_iter().flatten() {
        write_part(&mut text, part, &tree, 1);
    }
    for edge in &graph.edges {
        write_edge(&mut text, edge);
    }
    legend(&mut text, graph);
    classes(&mut text, graph);
    text
}

type Tree<'a> = BTreeMap<Option<&'a str>, Vec<&'a Part>>;

fn write_part(text: &mut String, part: &Part, tree: &Tree<'_>, depth: usize) {
    let indent = "  ".repeat(depth);
    if !part.holds {
        let (open, close) = shape(part.what);
        line(text, format_args!("{indent}{}{open}\"{}\"{close}", part.id, label(part)));
        return;
    }
    line(text, format_args!("{indent}subgraph {}[\"{}\"]", part.id, label(part)));
    for inner in tree.get(&Some(part.id.as_str())).into_iter().flatten() {
        write_part(text, inner, tree, depth + 1);
    }
    line(text, format_args!("{indent}end"));
}

fn line(text: &mut String, line: Arguments<'_>) {
    text.push_str(&format!("{line}\n"));
}

/// What is written around the label.
fn shape(what: What) -> (&'static str, &'static str) {
    match what {
        What::Activity | What::Steps | What::Race | What::Switch | What::Try | What::Loop => ("[", "]"),
        What::Section | What::Group | What::Ending => ("[", "]"),
        What::Wait | What::Signal | What::Event | What::Approval => ("{{", "}}"),
        What::Head => ("{", "}"),
        What::Set => ("[/", "/]"),
        What::Raise => ("[/", "\\]"),
        What::Emit => (">", "]"),
        What::Child => ("[[", "]]"),
        What::Start => ("([", "])"),
        What::Undo => ("(", ")"),
    }
}

fn label(part: &Part) -> String {
    let mut label = if part.what == What::Start { String::new() } else { format!("<b>{}</b>", escaped(&part.name)) };
    if matches!(part.what, What::Head | What::Undo | What::Section | What::Ending) {
        label = escaped(&part.name);
    }
    // The title of a box is one line.
    let between = if part.holds { " · " } else { "<br/>" };
    for line in part.lines() {
        if !label.is_empty() {
            label.push_str(between);
        }
        label.push_str(&escaped(&line));
    }
    label
}

fn write_edge(text: &mut String, edge: &Edge) {
    let arrow = if edge.what.is_aside() { "-.->" } else { "-->" };
    // An empty text between two `"` is none to Mermaid.
    match edge.says.as_ref().filter(|says| !says.trim().is_empty()) {
        Some(says) => line(text, format_args!("  {} {arrow}|\"{}\"| {}", edge.from, escaped(says), edge.to)),
        None => line(text, format_args!("  {} {arrow} {}", edge.from, edge.to)),
    }
}

fn legend(text: &mut String, graph: &Graph) {
    let statuses = graph.statuses();
    if statuses.is_empty() {
        return;
    }
    line(text, format_args!("  subgraph legend[\"Legend\"]"));
    line(text, format_args!("    direction LR"));
    for status in &statuses {
        let word = status.as_str();
        line(text, format_args!("    legend_{word}[\"{}\"]:::{}", word.replace('_', " "), class(*status)));
    }
    line(text, format_args!("  end"));
}

/// How steps of each status look, and which those are.
fn classes(text: &mut String, graph: &Graph) {
    for status in graph.statuses() {
        let (fill, edge, dashed) = colours(status);
        let dash = if dashed { ",stroke-dasharray:4 3" } else { "" };
        line(text, format_args!("  classDef {} fill:{fill},stroke:{edge},color:#1b1f24{dash}", class(status)));
        let ids = graph.parts.iter().filter(|part| part.status == Some(status)).map(|part| part.id.as_str());
        let ids: Vec<&str> = ids.collect();
        line(text, format_args!("  class {} {}", ids.join(","), class(status)));
    }
    let undo: Vec<&str> = graph
        .parts
        .iter()
        .filter(|part| part.what == What::Undo && part.status.is_none())
        .map(|part| part.id.as_str())
        .collect();
    if !undo.is_empty() {
        line(text, format_args!("  classDef aside stroke-dasharray:4 3"));
        line(text, format_args!("  class {} aside", undo.join(",")));
    }
}

/// A class of Mermaid; none of its words begins like that.
fn class(status: StepStatus) -> String {
    format!("is_{}", status.as_str())
}

/// Of a status: what fills a box, what is around it, and whether that is dashed.
pub(crate) fn colours(status: StepStatus) -> (&'static str, &'static str, bool) {
    match status {
        StepStatus::Completed => ("#c6efce", "#2e7d32", false),
        StepStatus::Running => ("#ffe08a", "#b58900", false),
        StepStatus::Scheduled => ("#fff3c4", "#b58900", false),
        StepStatus::Waiting => ("#cfe8fc", "#1565c0", false),
        StepStatus::BackingOff => ("#ffd8a8", "#d9480f", false),
        StepStatus::Failed => ("#ffc9c9", "#c92a2a", false),
        StepStatus::TimedOut => ("#ffc9c9", "#c92a2a", true),
        StepStatus::Pending => ("#eceff1", "#90a4ae", false),
        StepStatus::Skipped => ("#f8f9fa", "#adb5bd", true),
        StepStatus::Cancelled => ("#dee2e6", "#495057", true),
        StepStatus::Compensated => ("#e5dbff", "#6741d9", false),
        StepStatus::Unknown => ("#ffffff", "#495057", true),
    }
}

/// Letters and digits of any language, and what means nothing to Mermaid, as they are; all else by its number.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_alphanumeric() || " _-.,()=+*/'?!…·".contains(c) {
            escaped.push(c);
        } else {
            escaped.push_str(&format!("#{};", u32::from(c)));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Link;

    #[test]
    fn nothing_in_a_label_means_anything_to_mermaid() {
        assert_eq!(escaped("a \"b\" <c> %% #1; `d`"), "a #34;b#34; #60;c#62; #37;#37; #35;1#59; #96;d#96;");
        assert_eq!(escaped("Größe 名前 user_id"), "Größe 名前 user_id");
    }

    #[test]
    fn ways_aside_are_dashed() {
        let edge = |what| Edge { from: "s_a".into(), to: "s_b".into(), what, says: None };
        let written = |what| {
            let mut text = String::new();
            write_edge(&mut text, &edge(what));
            text
        };
        assert_eq!(written(Link::After), "  s_a --> s_b\n");
        assert_eq!(written(Link::Undoes), "  s_a -.-> s_b\n");
    }
}
