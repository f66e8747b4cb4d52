//! Changes to a text that leave most of it as it is, so that what reads it gets far.

use crate::{Form, random::Random};

/// Texts do not grow beyond this by changes.
const LONGEST: usize = 16 << 10;

/// What the languages are made of.
const TOKENS: [&str; 64] = [
    "\n",
    "\n  ",
    "\n    ",
    "\n- ",
    "  - ",
    " ",
    "\t",
    ": ",
    ":",
    ", ",
    ",",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "\"",
    "'",
    "\"\"\"",
    "|\n",
    ">-\n ",
    "# ",
    "// ",
    "/*",
    "*/",
    "&a ",
    "*a",
    "<<: ",
    "!!str ",
    "!x ",
    "---\n",
    "...\n",
    "? ",
    "- ",
    "~",
    "null",
    "\u{feff}",
    "é",
    "\u{2028}",
    "\\",
    "\\u00",
    "\\x",
    "${",
    "${ ",
    " }",
    "$${",
    "workflow.input.x",
    "steps.a.output",
    "item",
    " + ",
    " && ",
    "? a : b",
    ".map(x, x)",
    "5m",
    "1h30m",
    "0",
    "-1",
    "1e999",
    "9223372036854775808",
    "true",
    "2026-12-24T18:00:00Z",
    "@daily",
    "*/5 * * * *",
];

/// Keys and words of the language.
const WORDS: [&str; 72] = [
    "workflow",
    "job",
    "steps",
    "activity",
    "wait",
    "await",
    "race",
    "switch",
    "try",
    "catch",
    "set",
    "raise",
    "child",
    "emit",
    "for_each",
    "input",
    "queue",
    "timeout",
    "retry",
    "after",
    "after_any",
    "after_group",
    "after_graft",
    "group",
    "when",
    "if",
    "on_error",
    "deadline",
    "metadata",
    "expand",
    "breaker",
    "context_key",
    "compensate",
    "rate_limit",
    "limit",
    "on",
    "trigger",
    "event",
    "schedule",
    "cron",
    "every",
    "at",
    "in",
    "signal",
    "signals",
    "approval",
    "need",
    "match",
    "correlate",
    "keep",
    "on_timeout",
    "attempts",
    "initial",
    "backoff",
    "max",
    "jitter",
    "items",
    "as",
    "concurrency",
    "actions",
    "unique",
    "key",
    "for",
    "until",
    "queries",
    "updates",
    "schema",
    "input_schema",
    "output",
    "on_failure",
    "parallel",
    "tags",
];

/// One to six changes. `others` are what pieces are taken from.
pub fn mutate(random: &mut Random, form: Form, text: &str, others: &[String]) -> String {
    let mut text: Vec<char> = text.chars().collect();
    for _ in 0..=random.below(6) {
        let other = random.one_of(others);
        text = change(random, form, text, other);
        text.truncate(LONGEST);
    }
    text.into_iter().collect()
}

fn change(random: &mut Random, form: Form, mut text: Vec<char>, other: &str) -> Vec<char> {
    match random.below(if form == Form::Expression { 8 } else { 12 }) {
        0 => {
            let (from, to) = range(random, &text, 12);
            text.drain(from..to);
        }
        1 => insert(random, &mut text, TOKENS),
        2 => insert(random, &mut text, WORDS),
        3 => {
            let (from, to) = range(random, &text, 40);
            let piece: Vec<char> = text[from..to].to_vec();
            let at = random.below(text.len() + 1);
            text.splice(at..at, piece);
        }
        4 => {
            // The beginning of one, the end of another.
            let other: Vec<char> = other.chars().collect();
            text.truncate(random.below(text.len() + 1));
            text.extend(&other[random.below(other.len() + 1)..]);
        }
        5 => {
            let (from, to) = range(random, &text, 3);
            let piece: Vec<char> = text[from..to].to_vec();
            let times = 1 << random.below(9);
            let many: Vec<char> = (0..times).flat_map(|_| piece.iter().copied()).collect();
            text.splice(from..from, many);
        }
        6 => {
            let at = random.below(text.len().max(1));
            if let Some(c) = text.get_mut(at) {
                *c = char::from_u32(random.below(0x250) as u32).unwrap_or(' ');
            }
        }
        7 => {
            // A word for a word.
            let (from, to) = word(random, &text);
            let all: &[&str] = if random.below(2) == 0 { &WORDS } else { &TOKENS };
            text.splice(from..to, random.one_of(all).chars());
        }
        _ => return lines(random, &text.into_iter().collect::<String>(), other),
    }
    text
}

fn insert<const N: usize>(random: &mut Random, text: &mut Vec<char>, all: [&str; N]) {
    let at = random.below(text.len() + 1);
    text.splice(at..at, random.one_of(&all).chars());
}

fn range(random: &mut Random, text: &[char], longest: usize) -> (usize, usize) {
    let from = random.below(text.len() + 1);
    (from, (from + random.below(longest + 1)).min(text.len()))
}

fn word(random: &mut Random, text: &[char]) -> (usize, usize) {
    let is_word = |c: &char| c.is_alphanumeric() || *c == '_';
    let start = random.below(text.len() + 1);
    let from = text[start..].iter().position(is_word).map_or(text.len(), |ahead| start + ahead);
    let to = text[from..].iter().position(|c| !is_word(c)).map_or(text.len(), |ahead| from + ahead);
    (from, to)
}

/// Lines are left out, doubled, moved, indented, or taken from another text.
fn lines(random: &mut Random, text: &str, other: &str) -> Vec<char> {
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    let at = random.below(lines.len());
    let to = random.below(lines.len());
    match random.below(6) {
        0 => drop(lines.remove(at)),
        1 => lines.insert(to, lines[at].clone()),
        2 => lines.swap(at, to),
        3 => lines[at].insert_str(0, "  "),
        4 => lines[at] = lines[at].strip_prefix("  ").unwrap_or(&lines[at]).to_owned(),
        _ => {
            let others: Vec<&str> = other.split('\n').collect();
            let from = random.below(others.len());
            let piece = others[from..].iter().take(1 + random.below(6)).map(|line| (*line).to_owned());
            lines.splice(at..at, piece);
        }
    }
    lines.join("\n").chars().collect()
}
