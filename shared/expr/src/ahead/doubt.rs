//! What is told of an expression before it is evaluated.

use crate::{
    ahead::fact::{Fact, ValueKind},
    error::EvalCause,
    node::{Binary, Kind, Literal, Node},
    value::Val,
};

/// A part of an expression that cannot be meant.
#[derive(Clone, Debug, PartialEq)]
pub struct Doubt {
    /// Where, in bytes from the start of the expression, and how long.
    pub at: usize,
    pub len: usize,
    pub problem: Problem,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Problem {
    /// `side` is one of `words`, and never this one.
    NeverThis {
        side: String,
        word: String,
        words: Vec<String>,
    },
    Other {
        message: String,
        hint: String,
    },
}

/// A part of an expression, and what is known of it.
pub(super) struct Part<'a, 'n> {
    pub(super) node: &'n Node,
    pub(super) fact: &'n Fact<'a>,
    /// What it is called where nothing better is there.
    pub(super) role: &'static str,
}

impl Part<'_, '_> {
    fn is(&self, kind: ValueKind) -> bool {
        self.fact.kinds().is_some_and(|kinds| kinds == [kind])
    }

    fn is_a(&self) -> Option<String> {
        let kind = match self.fact {
            Fact::Exactly(value) if matches!(value.kind(), "null") => "null",
            fact => fact.name()?,
        };
        Some(format!("{} is {kind}", self.called()))
    }

    fn called(&self) -> String {
        match called(self.node) {
            Some(name) => format!("`{name}`"),
            None => self.role.to_owned(),
        }
    }
}

pub(super) fn called(node: &Node) -> Option<String> {
    Some(match &node.kind {
        Kind::Read { path, keys } if keys.is_empty() => path.join("."),
        Kind::Literal(literal) => match literal {
            Literal::Null => "null".to_owned(),
            Literal::Bool(value) => value.to_string(),
            Literal::Int(value) => value.to_string(),
            Literal::UInt(value) => format!("{value}u"),
            Literal::Double(value) => value.to_string(),
            Literal::String(text) => format!("{text:?}"),
            Literal::Type(name) => (*name).to_owned(),
        },
        Kind::Call(function, _) => format!("{}(…)", function.name()),
        Kind::Each(each) => format!("{}(…)", each.what.name()),
        Kind::Matches(..) => "matches(…)".to_owned(),
        Kind::Coalesce(_) => "coalesce(…)".to_owned(),
        _ => return None,
    })
}

/// Where the text of a part starts, in bytes, and how long it is, as far as that is known.
fn span(source: &str, node: &Node) -> (usize, usize) {
    let name = called(node).unwrap_or_default();
    let (start, len) = match &node.kind {
        // The place of a path is that of its last selection.
        Kind::Read { path, .. } => {
            let last = path.last().map_or(0, |last| last.len() + 1);
            (node.at.saturating_sub(name.len().saturating_sub(last)), name.len())
        }
        // That of a call is its bracket.
        Kind::Call(..) | Kind::Each(_) | Kind::Matches(..) => {
            let name = name.trim_end_matches("(…)");
            (node.at.saturating_sub(name.len()), name.len())
        }
        Kind::Literal(Literal::String(text)) => return (node.at, within(source, node.at, text.len() + 2)),
        _ => (node.at, name.len()),
    };
    let stands_there = source.get(start..start + len).is_some_and(|text| len > 0 && name.starts_with(text));
    if stands_there { (start, len) } else { (node.at, within(source, node.at, 1)) }
}

/// So many bytes of it from there on, if they end between two characters.
fn within(source: &str, at: usize, len: usize) -> usize {
    if source.get(at..at + len).is_some() { len } else { 0 }
}

impl Doubt {
    pub(super) fn at(source: &str, node: &Node, problem: Problem) -> Self {
        let (at, len) = span(source, node);
        Self { at, len, problem }
    }
}

impl Problem {
    fn new(message: String, hint: impl Into<String>) -> Self {
        Self::Other { message, hint: hint.into() }
    }

    /// Two sides that are never alike, or cannot be compared at all.
    pub(super) fn of_comparison(operator: Binary, left: &Part<'_, '_>, right: &Part<'_, '_>) -> Self {
        let what = match operator {
            Binary::Equal => "this never holds",
            Binary::NotEqual => "this always holds",
            _ => "this cannot be compared",
        };
        Self::new(format!("{what}: {}", told(&[left, right])), conversion(&[left, right]))
    }

    /// Two values, and both stand in the text.
    pub(super) fn of_certainty(holds: bool) -> Self {
        let message =
            format!("this {} holds: neither of its sides reads anything", if holds { "always" } else { "never" });
        Self::new(message, "what is to be read stands without quotes: `workflow.input.total`")
    }

    /// What fails for every value that its parts may have.
    pub(super) fn of_fault(cause: &EvalCause, parts: &[&Part<'_, '_>]) -> Self {
        let (message, hint) = match cause {
            EvalCause::Types { operation, .. } => {
                (format!("`{operation}` cannot be applied here: {}", told(parts)), for_operation(operation, parts))
            }
            EvalCause::Unreadable { function, text, reason } => {
                (format!("`{function}` cannot read `{text}`"), (*reason).to_owned())
            }
            EvalCause::DivisionByZero => {
                ("this always divides by zero".to_owned(), "divide by something else".to_owned())
            }
            other => (format!("this always fails: {other}"), "nothing that it reads changes that".to_owned()),
        };
        Self::new(message, hint)
    }

    pub(super) fn of_selection(called: Option<String>, base: &Fact<'_>, key: &Fact<'_>) -> Self {
        let base_called = called.map_or_else(|| "what stands before it".to_owned(), |name| format!("`{name}`"));
        let has = match key {
            Fact::Exactly(Val::Text(name)) => format!("has no `{}` inside", &**name),
            _ => "nothing can be taken out of it that way".to_owned(),
        };
        let message = format!("{base_called} is {}, and {has}", base.name().unwrap_or("no map"));
        Self::new(message, "only a map has names inside, and only a list has places, from 0 on")
    }

    pub(super) fn of_word(side: &Part<'_, '_>, word: &str, words: &[String]) -> Self {
        let (side, word, words) = (side.called(), word.to_owned(), words.to_vec());
        Self::NeverThis { side, word, words }
    }

    /// What has to be true or false, and never is.
    pub(super) fn of_truth(operation: &str, part: &Part<'_, '_>) -> Option<Self> {
        let message = format!("`{operation}` takes what is true or false, and {}", part.is_a()?);
        Some(Self::new(message, COMPARE))
    }
}

const COMPARE: &str = "compare it with something, as in `x > 0`, `x != ''` or `x != null`";

/// What the parts are, those of which anything is known.
fn told(parts: &[&Part<'_, '_>]) -> String {
    let known: Vec<String> = parts.iter().filter_map(|part| part.is_a()).collect();
    known.join(", and ")
}

fn for_operation(operation: &str, parts: &[&Part<'_, '_>]) -> String {
    match operation {
        "in" => {
            "`x in list` looks for an element, `'key' in map` for a key; in a text, `text.contains('x')`".to_owned()
        }
        "!" => COMPARE.to_owned(),
        "size" => "a text, a list and a map have a size".to_owned(),
        "contains" | "startsWith" | "endsWith" | "matches" => {
            format!("only a text has `{operation}`; whether a list holds something tells `x in list`")
        }
        "all" | "exists" | "exists_one" | "filter" | "map" => {
            format!("`{operation}` goes through a list, or the keys of a map")
        }
        "+" | "-" if parts.iter().any(|part| part.is(ValueKind::Time)) => {
            "a duration is what a time takes: `timestamp(x) + duration('1h')`".to_owned()
        }
        _ => conversion(parts),
    }
}

/// How one side could become what the other is.
fn conversion(parts: &[&Part<'_, '_>]) -> String {
    let any = |kind: ValueKind| parts.iter().any(|part| part.is(kind));
    if any(ValueKind::Time) {
        "`timestamp(x)` makes a time of a text".to_owned()
    } else if any(ValueKind::Duration) {
        "`duration(x)` makes a duration of a text".to_owned()
    } else {
        "`string(x)`, `int(x)` and `double(x)` make one of the other".to_owned()
    }
}
