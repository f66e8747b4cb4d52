//! What is wrong with a definition, where, and what to do about it; and how that is shown to people.
//!
//! Never decides what is a fault.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::source::Source;

/// The most characters of a source line that are shown; of a longer one the part around the fault.
const WIDEST_LINE: usize = 140;

/// Whether a definition can be used in spite of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Error,
    Warning,
}

/// One thing that is wrong, at one place of a file. Lines and columns count from 1, columns in characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    pub file: String,
    pub line: usize,
    pub column: usize,
    /// How many characters of the line are meant.
    pub width: usize,
    pub severity: Severity,
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// Every fault of a file in the order of their places, warnings included; at least one is an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(transparent)]
pub struct Faults(pub Vec<Fault>);

impl Fault {
    /// The fault with the line it is about and carets below what is meant. `source` is the text that was read.
    pub fn render(&self, source: &str) -> String {
        self.render_in(&Source::new(source, &self.file))
    }

    fn render_in(&self, source: &Source) -> String {
        let mut text = self.headline();
        if let Some(line) = source.line(self.line) {
            let (shown, before, width) = excerpt(line, self.column.saturating_sub(1), self.width);
            let number = self.line.to_string();
            let margin = " ".repeat(number.len());
            let (indent, carets) = (" ".repeat(before), "^".repeat(width));
            text.push_str(&format!("\n{margin} |\n{number} | {shown}\n{margin} | {indent}{carets}"));
        }
        self.push_hint(&mut text);
        text
    }

    fn headline(&self) -> String {
        let kind = match self.severity {
            Severity::Error => "",
            Severity::Warning => "warning: ",
        };
        format!("{}:{}:{}: {kind}{}", self.file, self.line, self.column, self.message)
    }

    fn push_hint(&self, text: &mut String) {
        for line in self.hint.iter().flat_map(|hint| hint.lines()) {
            text.push_str("\n  hint: ");
            text.push_str(line);
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.headline();
        self.push_hint(&mut text);
        f.write_str(&text)
    }
}

impl Faults {
    /// Every fault with its line, an empty line between two.
    pub fn render(&self, source: &str) -> String {
        let source = Source::new(source, "");
        self.0.iter().map(|fault| fault.render_in(&source)).collect::<Vec<_>>().join("\n\n")
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{fault}")?;
        }
        Ok(())
    }
}

/// The part of a line to show, how many characters stand in it before the fault, and how many carets fit below it. Each character
/// takes one cell: tabs and control characters become spaces, so that a definition cannot write to the terminal.
fn excerpt(line: &str, before: usize, width: usize) -> (String, usize, usize) {
    let line = line.trim_end();
    let is_long = line.chars().nth(WIDEST_LINE).is_some();
    let start = if is_long { before.saturating_sub(WIDEST_LINE / 3) } else { 0 };
    let from = line.char_indices().nth(start).map_or(line.len(), |(byte, _)| byte);
    let mut shown = String::from(if start > 0 { "…" } else { "" });
    let cells = line[from..].chars().take(WIDEST_LINE);
    shown.extend(cells.map(|c| if c.is_control() { ' ' } else { c }));
    let last = shown.chars().count();
    if line[from..].chars().nth(WIDEST_LINE).is_some() {
        shown.push('…');
    }
    let indent = (before - start + usize::from(start > 0)).min(last);
    (shown, indent, width.clamp(1, (last - indent).max(1)))
}
