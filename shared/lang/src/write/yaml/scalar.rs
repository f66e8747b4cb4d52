//! Texts and keys as YAML writes them: as they are where that means the same, else in quotes.

use crate::scalar::{Plain, plain};

/// A key that is longer is marked with a `?`: YAML looks no further for its `:`.
const LONGEST_KEY: usize = 1000;

/// Where a text stands.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Where {
    Block,
    /// Inside of `[…]`.
    List,
    /// Before a `:`.
    Key,
}

/// The key with its `:`.
pub(super) fn key(out: &mut String, name: &str, by: usize) {
    let written = if name == "<<" { "\"<<\"".to_owned() } else { text(name, Where::Key) };
    if written.len() <= LONGEST_KEY {
        out.push_str(&written);
        out.push(':');
        return;
    }
    out.push_str("? ");
    out.push_str(&written);
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', by));
    out.push(':');
}

/// A text on one line.
pub(super) fn text(text: &str, at: Where) -> String {
    if is_plain(text, at) {
        return text.to_owned();
    }
    let is_one_line = !text.chars().any(is_special);
    if is_one_line && text.contains(['"', '\\']) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    quoted(text)
}

/// The lines of a text and the mark that they begin with, if they can stand as they are.
pub(super) fn literal(text: &str) -> Option<(&'static str, Vec<&str>)> {
    let (mark, body) = match text.strip_suffix('\n') {
        Some(body) => ("|", body),
        None => ("|-", text),
    };
    let lines: Vec<&str> = body.split('\n').collect();
    let is_fine = |line: &&str| {
        !line.chars().any(|c| is_special(c) && c != '\t')
            && !line.ends_with(char::is_whitespace)
            && !line.starts_with('\t')
    };
    let begins = lines.first().is_some_and(|first| !first.is_empty() && !first.starts_with(char::is_whitespace));
    let ends = lines.last().is_some_and(|last| !last.is_empty());
    let is_long = 1 < lines.len();
    (is_long && begins && ends && lines.iter().all(is_fine)).then_some((mark, lines))
}

fn is_plain(text: &str, at: Where) -> bool {
    const FIRST: &str = "-?:,[]{}#&*!|>'\"%@`~=.";
    // Other readers of YAML take these for booleans; `on` is a key of the language.
    const WORDS: [&str; 8] = ["yes", "no", "on", "off", "y", "n", "true", "false"];
    matches!(plain(text), Plain::Text)
        && !text.starts_with(|c: char| FIRST.contains(c))
        && text.trim() == text
        && !text.chars().any(is_special)
        && !text.contains(": ")
        && !text.ends_with(':')
        && !text.contains(" #")
        && !text.contains("${")
        && (at == Where::Key || !WORDS.iter().any(|word| text.eq_ignore_ascii_case(word)))
        && (at == Where::Block || !text.contains([',', '[', ']', '{', '}', ':']))
        // Before the end of a list a `-` alone is taken for one that begins something.
        && (at != Where::List || !text.ends_with(" -"))
}

/// What cannot stand in a line as it is, or could not be seen there.
fn is_special(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' | '\u{a0}')
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if is_special(c) && (c as u32) < 0x100 => out.push_str(&format!("\\x{:02X}", c as u32)),
            c if is_special(c) => out.push_str(&format!("\\u{:04X}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
