//! What bare names and paths stand for, in the words of expressions: `trigger.order.id` is `trigger.data.order.id`, and the name of
//! a step is its output. What stands in `${…}` is never changed.

use std::collections::BTreeSet;

use super::{names::Names, token::Piece};
use crate::{suggest::nearest, words};

/// A text in quotes that is a path from one of these is a reference.
const OF_QUOTED: [&str; 5] = ["workflow", "steps", "trigger", "config", "item"];

/// What expressions read by these names is never a step's output.
const ROOTS: [&str; 12] = [
    "workflow",
    "steps",
    "trigger",
    "config",
    "ctx",
    "execution",
    "item",
    "index",
    "error",
    "outcome",
    "update",
    "attempt",
];

/// Read where something is undone; a step may be called so too.
const OF_WHAT_IS_UNDONE: [&str; 3] = ["output", "input", "idempotency_key"];

const OF_A_STEP: [&str; 3] = ["output", "status", "error"];

/// An expression, and where its parts stood in what was written.
pub(super) struct Rewritten {
    pub(super) text: String,
    pub(super) pieces: Vec<Piece>,
}

impl Rewritten {
    fn copy(&mut self, written: &str, from: usize, to: usize) {
        self.pieces.push(Piece { value: self.text.len(), source: from });
        self.text.push_str(&written[from..to]);
    }

    fn insert(&mut self, text: &str, at: usize) {
        self.pieces.push(Piece { value: self.text.len(), source: at });
        self.text.push_str(text);
    }

    /// As a text that is nothing but this expression.
    pub(super) fn template(self, len: usize) -> Self {
        let mut whole = Self { text: String::new(), pieces: vec![] };
        whole.insert("${ ", 0);
        let shift = whole.text.len();
        whole.pieces.extend(self.pieces.iter().map(|piece| Piece { value: piece.value + shift, ..*piece }));
        whole.text.push_str(&self.text);
        whole.insert(" }", len);
        whole
    }
}

/// What a text in quotes refers to, if it is a path and nothing else.
pub(super) fn of_quoted(names: &Names, text: &str) -> Option<Rewritten> {
    is_path(text).then(|| path(names, text))
}

/// Whether a text is a path that a text in quotes may be, and nothing else.
pub(super) fn is_path(text: &str) -> bool {
    let Some((root, rest)) = text.split_once('.') else { return false };
    OF_QUOTED.contains(&root) && rest.split('.').enumerate().all(|(place, part)| is_part(root, place, part))
}

/// What a bare word refers to. `anything`: also if nothing of that name is known.
pub(super) fn of_bare(names: &Names, text: &str, anything: bool) -> Option<Rewritten> {
    let (head, rest) = text.split_once('.').map_or((text, None), |(head, rest)| (head, Some(rest)));
    let is_step = names.steps.contains(head);
    if !is_step && !is_identifier(head) {
        return None;
    }
    if rest.is_some_and(|rest| !rest.split('.').enumerate().all(|(place, part)| is_part(head, place, part))) {
        return None;
    }
    let is_known = ROOTS.contains(&head)
        || OF_WHAT_IS_UNDONE.contains(&head)
        || is_step
        || names.outputs.contains(head)
        || names.items.contains(head);
    match is_known {
        true => Some(path(names, text)),
        false if anything => {
            let mut of_context = Rewritten { text: String::new(), pieces: vec![] };
            of_context.insert("ctx.", 0);
            of_context.copy(text, 0, text.len());
            Some(of_context)
        }
        false => None,
    }
}

/// A path alone; names of steps may hold what subtracts in an expression.
fn path(names: &Names, text: &str) -> Rewritten {
    let (head, rest) = text.split_once('.').map_or((text, ""), |(head, rest)| (head, rest));
    let hyphenated = |name: &str| !is_identifier(name);
    let (name, behind) = match head {
        "steps" => rest.split_once('.').map_or((rest, ""), |(name, behind)| (name, behind)),
        head => (head, rest),
    };
    if !hyphenated(name) || (head != "steps" && !names.steps.contains(name)) {
        return expression(names, text);
    }
    let mut by_name = Rewritten { text: String::new(), pieces: vec![] };
    by_name.insert(&format!("steps[\"{name}\"]"), 0);
    let field = behind.split('.').next().unwrap_or("");
    if head != "steps" || is_of_output(field) {
        by_name.insert(".output", text.len() - behind.len());
    }
    if !behind.is_empty() {
        by_name.insert(".", text.len() - behind.len());
        by_name.copy(text, text.len() - behind.len(), text.len());
    }
    by_name
}

/// An expression in which the names and paths stand for what they mean.
pub(super) fn expression(names: &Names, written: &str) -> Rewritten {
    let own = bound_by_macros(written);
    let mut out = Rewritten { text: String::new(), pieces: vec![] };
    let mut copied = 0;
    for path in Paths::of(written) {
        for (at, inserted) in insertions(names, &own, written, &path) {
            out.copy(written, copied, at);
            out.insert(inserted, at);
            copied = at;
        }
    }
    out.copy(written, copied, written.len());
    out
}

/// What must be put where, for a path to mean what it says.
fn insertions(
    names: &Names,
    own: &BTreeSet<&str>,
    written: &str,
    path: &[(usize, usize)],
) -> Vec<(usize, &'static str)> {
    let part = |place: usize| path.get(place).map(|(from, to)| &written[*from..*to]);
    let (Some(head), Some((from, to))) = (part(0), path.first().copied()) else { return vec![] };
    match head {
        _ if own.contains(head) => vec![],
        "trigger" => match (part(1), path.get(1)) {
            (Some(field), Some((at, _))) if !words::ATTRIBUTES.contains(&field) => vec![(*at, "data.")],
            _ => vec![],
        },
        "steps" => match (part(2), path.get(2)) {
            (Some(field), Some((at, _))) if is_of_output(field) => vec![(*at, "output.")],
            _ => vec![],
        },
        _ if ROOTS.contains(&head) || names.items.contains(head) => vec![],
        _ if names.steps.contains(head) => vec![(from, "steps."), (to, ".output")],
        _ if names.outputs.contains(head) => vec![(from, "ctx.")],
        _ => vec![],
    }
}

/// Whether what follows the name of a step is part of its output: unless it is a word for a step itself, or nearly one.
fn is_of_output(field: &str) -> bool {
    !field.is_empty() && nearest(field, OF_A_STEP).is_none()
}

fn is_identifier(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_')
}

/// Whether a part of a path is one: a name, with places in lists behind it. Steps may have a `-` in theirs.
fn is_part(root: &str, place: usize, part: &str) -> bool {
    let (name, places) = part.split_once('[').map_or((part, None), |(name, places)| (name, Some(places)));
    let is_name = is_identifier(name)
        || (root == "steps"
            && place == 0
            && !name.is_empty()
            && name.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-')));
    let is_places = |places: &str| {
        let inner = places.strip_suffix(']');
        inner.is_some_and(|inner| {
            inner.split("][").all(|place| !place.is_empty() && place.bytes().all(|c| c.is_ascii_digit()))
        })
    };
    is_name && places.is_none_or(is_places)
}

/// The names that macros bind: `x` in `list.filter(x, x > 1)`.
fn bound_by_macros(written: &str) -> BTreeSet<&str> {
    let mut bound = BTreeSet::new();
    for (at, _) in written.match_indices('(') {
        let before = &written[..at];
        let of_macro = [".map", ".filter", ".all", ".exists", ".exists_one"];
        if !of_macro.iter().any(|name| before.ends_with(name)) {
            continue;
        }
        let behind = written[at + 1..].trim_start();
        let end = behind.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(behind.len());
        if behind[end..].trim_start().starts_with(',') {
            bound.insert(&behind[..end]);
        }
    }
    bound
}

/// The paths of an expression, each as where its parts stand. A name that is called is none, nor is what stands behind one that is.
struct Paths<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Paths<'a> {
    fn of(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    fn identifier(&self, from: usize) -> Option<usize> {
        let rest = &self.text[from..];
        if !rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            return None;
        }
        let len = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        Some(from + len)
    }

    fn skip_text(&mut self, quote: char) {
        self.at += 1;
        while let Some(c) = self.text[self.at..].chars().next() {
            self.at += c.len_utf8();
            if c == '\\' {
                self.at += self.text[self.at..].chars().next().map_or(0, char::len_utf8);
            } else if c == quote {
                return;
            }
        }
    }
}

impl Iterator for Paths<'_> {
    type Item = Vec<(usize, usize)>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut is_member = false;
        while let Some(c) = self.text[self.at..].chars().next() {
            if c == '"' || c == '\'' {
                self.skip_text(c);
                is_member = false;
            } else if c.is_ascii_digit() {
                let rest = &self.text[self.at..];
                self.at +=
                    rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.').unwrap_or(rest.len());
                is_member = false;
            } else if let Some(end) = self.identifier(self.at) {
                let mut parts = vec![(self.at, end)];
                let mut here = end;
                while self.text[here..].starts_with('.')
                    && let Some(end) = self.identifier(here + 1)
                {
                    parts.push((here + 1, end));
                    here = end;
                }
                self.at = here;
                if self.text[here..].trim_start().starts_with('(') {
                    parts.pop();
                }
                if !is_member && !parts.is_empty() {
                    return Some(parts);
                }
                is_member = false;
            } else {
                is_member = c == '.' || (is_member && c.is_whitespace());
                self.at += c.len_utf8();
            }
        }
        None
    }
}
