//! The steps of a graph as a table.

use crate::{Graph, Ink, Line, Part, Rounds, What, words};

/// Where a table is too wide, no column is made narrower than this.
const NARROWEST: usize = 16;

/// One row for each step, those inside another beneath it and further to the right. No line is longer than `width`: where all does not
/// fit, the widest columns are cut first.
pub fn table(graph: &Graph, width: usize) -> Vec<Line> {
    let shows_states = graph.execution.is_some();
    let mut heading = vec!["STEP", "DOES", "AFTER", "TIMEOUT", "ATTEMPTS", "UNDONE BY"];
    if shows_states {
        heading.insert(1, "STATUS");
    }
    let depths = depths(graph);
    let mut rows: Vec<Vec<(Ink, String)>> = vec![heading.iter().map(|word| (Ink::Quiet, (*word).to_owned())).collect()];
    for (part, depth) in graph.parts.iter().zip(depths) {
        if part.path.is_some() {
            rows.push(row(part, depth, shows_states));
        }
    }
    let columns = heading.len();
    let widest = |column: usize| rows.iter().map(|row| row[column].1.chars().count()).max().unwrap_or(0);
    let widths = fitting((0..columns).map(widest).collect(), width);
    let mut lines = vec![rule(&widths, ['┌', '┬', '┐'])];
    for (place, row) in rows.into_iter().enumerate() {
        if place == 1 {
            lines.push(rule(&widths, ['├', '┼', '┤']));
        }
        lines.push(line(row, &widths));
    }
    lines.push(rule(&widths, ['└', '┴', '┘']));
    lines.into_iter().map(|line| line.cut(width)).collect()
}

/// The widths of columns that fit, with what is between them, into a line: always the widest gives way.
fn fitting(mut widths: Vec<usize>, line: usize) -> Vec<usize> {
    let between = widths.len() * "│ ".chars().count() + widths.len() + "│".chars().count();
    let room = line.saturating_sub(between);
    let mut total: usize = widths.iter().sum();
    while room < total {
        let Some(widest) = widths.iter_mut().max().filter(|widest| NARROWEST < **widest) else { break };
        *widest -= 1;
        total -= 1;
    }
    widths
}

/// How many steps are around each part; boxes that are no steps do not count.
fn depths(graph: &Graph) -> Vec<usize> {
    let mut known: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    let mut depths = vec![];
    for part in &graph.parts {
        let depth = part.inside.as_ref().and_then(|inside| known.get(inside.as_str()).copied()).unwrap_or(0);
        known.insert(&part.id, depth + usize::from(part.path.is_some()));
        depths.push(depth);
    }
    depths
}

fn row(part: &Part, depth: usize, shows_states: bool) -> Vec<(Ink, String)> {
    let after: Vec<&str> = part.after.iter().map(|name| name.as_str()).collect();
    let any: Vec<&str> = part.after_any.iter().map(|name| name.as_str()).collect();
    let mut after = after.join(", ");
    if !any.is_empty() {
        after = format!("{after}{}any of {}", if after.is_empty() { "" } else { ", " }, any.join(", "));
    }
    let ink = part.status.map_or(Ink::Plain, Ink::Of);
    let mut does = part.does.clone();
    does.extend(part.when.as_ref().map(|when| format!("when {}", words::bare(when))));
    if does.is_empty() && part.what == What::Steps {
        does.push("steps".to_owned());
    }
    let mut row = vec![
        (ink, format!("{}{}", "  ".repeat(depth), part.name)),
        (Ink::Plain, does.join(", ")),
        (Ink::Plain, dashed(after)),
        (Ink::Plain, dashed(part.timeout.as_deref().map(words::bare).unwrap_or_default())),
        (Ink::Plain, dashed(part.attempts.map(|attempts| attempts.to_string()).unwrap_or_default())),
        (Ink::Plain, dashed(part.undone_by.join(", "))),
    ];
    if shows_states {
        row.insert(1, (ink, dashed(part.status_by(Rounds::in_brief))));
    }
    row
}

fn dashed(text: String) -> String {
    if text.is_empty() { "-".to_owned() } else { text }
}

fn line(row: Vec<(Ink, String)>, widths: &[usize]) -> Line {
    let mut line = Line::default();
    for ((ink, text), width) in row.into_iter().zip(widths) {
        let text = words::cut(&text, *width);
        line.push(Ink::Quiet, "│ ");
        let padding = " ".repeat(width - text.chars().count() + 1);
        line.push(ink, text);
        line.push(Ink::Plain, padding);
    }
    line.push(Ink::Quiet, "│");
    line
}

fn rule(widths: &[usize], [left, between, right]: [char; 3]) -> Line {
    let parts: Vec<String> = widths.iter().map(|width| "─".repeat(width + 2)).collect();
    let mut line = Line::default();
    line.push(Ink::Quiet, format!("{left}{}{right}", parts.join(&between.to_string())));
    line
}
