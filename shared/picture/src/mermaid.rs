//! A graph in the language of Mermaid, which many pages and editors draw.

use std::{collections::BTreeMap, fmt::Arguments};

use sagaline_events::record::StepStatus;

use crate::{Edge, Graph, Part, What, states, words};

/// Mermaid draws no graph with more edges than 500, unless it is configured to; two of them nobody sees.
pub const MERMAID_EDGES_MAX: usize = 498;

/// So many of the legend stand side by side: all of them are wider than most graphs.
const LEGEND_WIDTH: usize = 4;

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
    aside(&mut text, graph);
    classes(&mut text, graph);
    text
}

/// What no arrow leads to stands at the end, one beneath the other; beside the start it would push all else away.
fn aside(text: &mut String, graph: &Graph) {
    let outer = || graph.parts.iter().filter(|part| part.inside.is_none());
    let last = outer().filter(|part| 0 < part.level).max_by_key(|part| part.level).map(|part| part.id.as_str());
    let ending = outer().find(|part| part.what == What::Ending).map(|part| part.id.as_str());
    let legend = (!graph.statuses().is_empty()).then_some("legend");
    let all: Vec<&str> = [last, ending, legend].into_iter().flatten().collect();
    for pair in all.windows(2) {
        line(text, format_args!("  {} ~~~ {}", pair[0], pair[1]));
    }
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
    // Without it a box is drawn across, and what is done at once stands beneath one another.
    line(text, format_args!("{indent}  direction TB"));
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
        // Not a diamond: an arrow from there to a box would begin beside it.
        What::Head => ("(", ")"),
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
        // Mermaid breaks the lines itself, and would break lines of ours once more.
        Some(says) => {
            let says = escaped(&words::on_arrow_unbroken(says));
            line(text, format_args!("  {} {arrow}|\"{says}\"| {}", edge.from, edge.to));
        }
        None => line(text, format_args!("  {} {arrow} {}", edge.from, edge.to)),
    }
}

fn legend(text: &mut String, graph: &Graph) {
    let statuses = graph.statuses();
    if statuses.is_empty() {
        return;
    }
    line(text, format_args!("  subgraph legend[\"Legend\"]"));
    line(text, format_args!("    direction TB"));
    for (above, beneath) in statuses.iter().zip(statuses.iter().skip(LEGEND_WIDTH)) {
        line(text, format_args!("    legend_{} ~~~ legend_{}", above.as_str(), beneath.as_str()));
    }
    for status in &statuses {
        let word = status.as_str();
        line(text, format_args!("    legend_{word}[\"{}\"]:::{}", word.replace('_', " "), class(*status)));
    }
    line(text, format_args!("  end"));
}

/// How parts look, and which those are. What themes give to boxes is as loud as a status.
fn classes(text: &mut String, graph: &Graph) {
    line(text, format_args!("  classDef default fill:#ffffff,stroke:#495057,color:#1b1f24"));
    for status in graph.statuses() {
        let (fill, edge, dashed) = colours(status);
        let looks = |fill: &str| format!("fill:{fill},stroke:{edge},color:#1b1f24{}", if dashed { DASHED } else { "" });
        let of = |holds| {
            let parts = graph.parts.iter().filter(move |part| part.status == Some(status) && part.holds == holds);
            parts.map(|part| part.id.as_str())
        };
        // The legend has it in any case.
        line(text, format_args!("  classDef {} {}", class(status), looks(fill)));
        let ids: Vec<&str> = of(false).collect();
        if !ids.is_empty() {
            line(text, format_args!("  class {} {}", ids.join(","), class(status)));
        }
        // What is inside has its own colour: the box only tells by a light one.
        class_of(text, &format!("in_{}", status.as_str()), &looks(&format!("{fill}60")), of(true));
    }
    let plain = || graph.parts.iter().filter(|part| part.status.is_none());
    let is_quiet = |part: &&Part| matches!(part.what, What::Section | What::Group | What::Ending);
    let boxes = plain().filter(|part| part.holds && !is_quiet(part)).map(|part| part.id.as_str());
    class_of(text, "box", "fill:#f8f9fa,stroke:#868e96,color:#1b1f24", boxes);
    let legend = graph.parts.iter().any(|part| part.status.is_some()).then_some("legend");
    let quiet = plain().filter(|part| part.holds && is_quiet(part)).map(|part| part.id.as_str()).chain(legend);
    class_of(text, "quiet", &format!("fill:#ffffff,stroke:#adb5bd,color:#1b1f24{DASHED}"), quiet);
    let undo = plain().filter(|part| part.what == What::Undo).map(|part| part.id.as_str());
    class_of(text, "aside", "stroke-dasharray:4 3", undo);
}

/// How these parts look; nothing, if there are none.
fn class_of<'a>(text: &mut String, name: &str, looks: &str, parts: impl Iterator<Item = &'a str>) {
    let ids = parts.collect::<Vec<_>>().join(",");
    if !ids.is_empty() {
        line(text, format_args!("  classDef {name} {looks}"));
        line(text, format_args!("  class {ids} {name}"));
    }
}

/// What makes the edge of a box dashed.
const DASHED: &str = ",stroke-dasharray:4 3";

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
