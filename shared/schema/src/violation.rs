//! How an input does not fit, in words of our own: what is recorded does not change with the library that found it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The most characters of a text of somebody else's that are repeated.
const TEXT_MAX: usize = 80;

/// One way in which an input does not fit its schema.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Violation {
    /// A JSON Pointer into the input; empty for the whole.
    pub at: String,
    /// What is so: `is text`, `has no order_id`.
    pub problem: String,
    /// What should be: `a number`.
    pub expected: String,
}

/// Every way in which an input does not fit; if there are very many, the first of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violations {
    pub listed: Vec<Violation>,
    /// Whether there are, or may be, more than those listed.
    pub more: bool,
}

impl Violations {
    /// All in one line, where a text of several has no place.
    pub fn in_a_line(&self) -> String {
        self.to_string().replace('\n', "; ")
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = if self.at.is_empty() { "the input" } else { &self.at };
        write!(f, "{at} {}; expected {}", self.problem, self.expected)
    }
}

/// One line for each.
impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, violation) in self.listed.iter().enumerate() {
            let between = if index == 0 { "" } else { "\n" };
            write!(f, "{between}{violation}")?;
        }
        if self.more { f.write_str("\nand perhaps more") } else { Ok(()) }
    }
}

/// One line without control characters, cut where it is too long.
pub(crate) fn short(text: &str) -> String {
    let mut shown: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(TEXT_MAX).collect();
    if text.chars().nth(TEXT_MAX).is_some() {
        shown.push('…');
    }
    shown
}
