//! A graph in the language of Graphviz.

mod ends;

use std::{collections::BTreeMap, fmt::Arguments};

use self::ends::{Ends, Tie};
use crate::{Edge, Graph, Link, Part, What, mermaid::colours, states, words};

/// How everything looks that says nothing of its own.
const LOOKS: [&str; 3] = [
    "graph [compound=true, rankdir=TB, nodesep=0.35, ranksep=0.4, fontname=\"Helvetica\", fontsize=11, pad=0.2]",
    "node [shape=box, style=\"rounded,filled\", fillcolor=\"#ffffff\", color=\"#495057\", fontname=\"Helvetica\", \
     fontsize=11, fontcolor=\"#1b1f24\", margin=\"0.14,0.07\", height=0.3]",
    "edge [color=\"#495057\", fontname=\"Helvetica\", fontsize=9, fontcolor=\"#495057\", arrowsize=0.7]",
];

/// The graph as Graphviz's `digraph`.
pub fn dot(graph: &Graph) -> String {
    let ends = Ends::of(graph);
    let mut text = String::new();
    line(&mut text, 0, format_args!("digraph \"{}\" {{", escaped(graph.workflow.as_str())));
    for looks in LOOKS {
        line(&mut text, 1, format_args!("{looks}"));
    }
    let tree = states::tree(graph);
    for part in tree.get(&None).into_iter().flatten() {
        write_part(&mut text, part, &tree, &ends, 1);
    }
    for edge in &graph.edges {
        write_edge(&mut text, edge, &ends);
    }
    legend(&mut text, graph);
    line(&mut text, 0, format_args!("}}"));
    text
}

type Tree<'a> = BTreeMap<Option<&'a str>, Vec<&'a Part>>;

const UNSEEN: &str = "[shape=point, style=invis, width=0.01, height=0.01, label=\"\"]";

fn write_part(text: &mut String, part: &Part, tree: &Tree<'_>, ends: &Ends<'_>, depth: usize) {
    if !part.holds {
        line(text, depth, format_args!("{} [{}]", part.id, attributes(part)));
        if let Some(step) = ends.takes_back(&part.id) {
            // Here, and not where the arrow is: a step belongs to the box in which it is named first.
            line(text, depth, format_args!("{{ rank=same; {step}; {} }}", part.id));
        }
        return;
    }
    line(text, depth, format_args!("subgraph cluster_{} {{", part.id));
    line(text, depth + 1, format_args!("{}", of_box(part)));
    for inner in tree.get(&Some(part.id.as_str())).into_iter().flatten() {
        write_part(text, inner, tree, ends, depth + 1);
    }
    // A box that holds nothing is there because of this.
    for (point, tied) in ends.points(&part.id) {
        line(text, depth + 1, format_args!("{point} {UNSEEN}"));
        for Tie { from, to } in tied {
            line(text, depth + 1, format_args!("{from} -> {to} [style=invis, weight=0]"));
        }
    }
    line(text, depth, format_args!("}}"));
}

/// How a box that holds others looks.
fn of_box(part: &Part) -> String {
    let quiet = matches!(part.what, What::Section | What::Group | What::Ending);
    let (fill, edge, dashed) = match part.status {
        Some(status) => colours(status),
        None if quiet => ("#ffffff", "#adb5bd", true),
        None => ("#f8f9fa", "#868e96", false),
    };
    let style = if dashed { "rounded,filled,dashed" } else { "rounded,filled" };
    // What is inside has its own colour: the box only tells by a light one.
    let fill = if part.status.is_some() { format!("{fill}60") } else { fill.to_owned() };
    let mut label = vec![part.name.clone()];
    label.extend(part.lines());
    // How far it is makes a line of its own, or a box would be as wide as that is long.
    let progress = label.split_off(label.len() - part.progress().len());
    let lines = [label, progress].into_iter().filter(|line| !line.is_empty());
    let label = lines.map(|line| format!("{}\\l", escaped(&line.join(" · ")))).collect::<String>();
    format!("label=\"{label}\"; labeljust=l; style=\"{style}\"; fillcolor=\"{fill}\"; color=\"{edge}\"; margin=10")
}

fn attributes(part: &Part) -> String {
    let mut attributes = format!("label={}", label(part));
    let (shape, style) = shape(part.what);
    let (fill, edge, dashed) = part.status.map_or(("#ffffff", "#495057", false), colours);
    let dashed = dashed || part.what == What::Undo;
    let style = if dashed { format!("{style},dashed") } else { style.to_owned() };
    attributes.push_str(&format!(", shape={shape}, style=\"{style}\""));
    if part.status.is_some() {
        attributes.push_str(&format!(", fillcolor=\"{fill}\", color=\"{edge}\""));
    }
    attributes
}

/// The name, and beneath it in small letters what there is to say.
fn label(part: &Part) -> String {
    let small = |line: String| format!("<font point-size=\"9\" color=\"#495057\">{}</font>", in_html(&line));
    let mut lines = vec![];
    match part.what {
        What::Start => {}
        What::Undo => lines.push(format!("↩ {}", in_html(&part.name))),
        What::Head => lines.push(in_html(&part.name)),
        _ => lines.push(format!("<b>{}</b>", in_html(&part.name))),
    }
    lines.extend(part.lines().into_iter().map(small));
    format!("<{}>", lines.join("<br/>"))
}

fn shape(what: What) -> (&'static str, &'static str) {
    match what {
        What::Activity | What::Steps | What::Race | What::Switch | What::Try | What::Loop => ("box", "rounded,filled"),
        What::Section | What::Group | What::Ending | What::Undo => ("box", "rounded,filled"),
        What::Wait | What::Signal | What::Event | What::Approval => ("hexagon", "filled"),
        What::Head => ("diamond", "filled"),
        What::Set => ("note", "filled"),
        What::Raise => ("octagon", "filled"),
        What::Emit => ("cds", "filled"),
        What::Child => ("box", "filled,diagonals"),
        What::Start => ("ellipse", "filled"),
    }
}

fn write_edge(text: &mut String, edge: &Edge, ends: &Ends<'_>) {
    let mut attributes: Vec<String> = vec![];
    // What takes a step back says so itself: between neighbours there is no room for a label.
    let says = edge.says.as_ref().filter(|_| edge.what != Link::Undoes);
    let in_lines = |says: &String| words::on_arrow(says).iter().map(|line| format!(" {} ", escaped(line))).collect();
    attributes.extend(says.map(in_lines).map(|lines: Vec<String>| format!("label=\"{}\"", lines.join("\\n"))));
    if edge.what.is_aside() {
        attributes.push("style=dashed".to_owned());
    }
    if edge.what == Link::Undoes {
        // Beside the step, not beneath it.
        attributes.push("constraint=false, color=\"#868e96\"".to_owned());
    }
    if ends.is_box(&edge.from) {
        attributes.push(format!("ltail=cluster_{}", edge.from));
    }
    if ends.is_box(&edge.to) {
        attributes.push(format!("lhead=cluster_{}", edge.to));
    }
    let (from, to) = (ends.tail(&edge.from), ends.head(&edge.to));
    match attributes.as_slice() {
        [] => line(text, 1, format_args!("{from} -> {to}")),
        some => line(text, 1, format_args!("{from} -> {to} [{}]", some.join(", "))),
    }
}

fn legend(text: &mut String, graph: &Graph) {
    let statuses = graph.statuses();
    if statuses.is_empty() {
        return;
    }
    line(text, 1, format_args!("subgraph cluster_legend {{"));
    line(
        text,
        2,
        format_args!("label=\"Legend\"; labeljust=l; style=\"rounded\"; color=\"#ced4da\"; fontsize=9; margin=6"),
    );
    line(text, 2, format_args!("node [fontsize=9, height=0.2, margin=\"0.08,0.03\"]"));
    // One beneath the other: side by side they would be wider than most graphs.
    for pair in statuses.windows(2) {
        line(
            text,
            2,
            format_args!("legend_{} -> legend_{} [style=invis, weight=0]", pair[0].as_str(), pair[1].as_str()),
        );
    }
    for status in statuses {
        let (word, (fill, edge, dashed)) = (status.as_str(), colours(status));
        let style = if dashed { "rounded,filled,dashed" } else { "rounded,filled" };
        let label = word.replace('_', " ");
        line(
            text,
            2,
            format_args!(
                "legend_{word} [label=\"{label}\", style=\"{style}\", fillcolor=\"{fill}\", color=\"{edge}\"]"
            ),
        );
    }
    line(text, 1, format_args!("}}"));
}

fn line(text: &mut String, depth: usize, line: Arguments<'_>) {
    text.push_str(&format!("{}{line}\n", "  ".repeat(depth)));
}

/// A text between quotation marks. Graphviz reads `\N`, and `&amp;` as HTML does.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' => escaped.push_str("\\\""),
            '\\' => escaped.push_str("\\\\"),
            '&' => escaped.push_str("&amp;"),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A text in a label that is written as HTML.
fn in_html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' => escaped.push_str("&quot;"),
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_label_means_anything_to_graphviz() {
        assert_eq!(in_html("a \"b\" && c < d"), "a &quot;b&quot; &amp;&amp; c &lt; d");
        assert_eq!(escaped("a \"b\" \\N &lt; c\nd"), "a \\\"b\\\" \\\\N &amp;lt; c d");
    }
}
