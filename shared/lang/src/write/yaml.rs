//! A document as YAML, as people would write it: in blocks, short lists on one line, texts of several lines as they are.

mod scalar;

use self::scalar::{Where, key, literal, text};
use super::Document;

/// A list is written on one line up to this many characters.
const WIDEST_LIST: usize = 80;

/// The text of a file with these documents.
pub fn yaml(documents: &[Document]) -> String {
    let mut out = String::new();
    for (place, document) in documents.iter().enumerate() {
        if 0 < place {
            out.push_str("---\n");
        }
        match document {
            Document::Map(entries) if !entries.is_empty() => map(&mut out, entries, 0, false),
            Document::List(items) if on_one_line(items).is_none() => list(&mut out, items, 0, false),
            other => {
                // A value alone is the same as one behind a key, without that.
                let mut line = String::new();
                value(&mut line, other, 0);
                out.push_str(line.trim_start());
            }
        }
    }
    out
}

fn indent(out: &mut String, by: usize) {
    out.extend(std::iter::repeat_n(' ', by));
}

/// `is_begun`: the first line is indented already.
fn map(out: &mut String, entries: &[(String, Document)], by: usize, mut is_begun: bool) {
    for (name, inside) in entries {
        if !std::mem::take(&mut is_begun) {
            indent(out, by);
        }
        key(out, name, by);
        value(out, inside, by);
    }
}

fn list(out: &mut String, items: &[Document], by: usize, mut is_begun: bool) {
    for item in items {
        if !std::mem::take(&mut is_begun) {
            indent(out, by);
        }
        out.push('-');
        match item {
            Document::Map(entries) if !entries.is_empty() => {
                out.push(' ');
                map(out, entries, by + 2, true);
            }
            Document::List(items) if on_one_line(items).is_none() => {
                out.push(' ');
                list(out, items, by + 2, true);
            }
            scalar => value(out, scalar, by),
        }
    }
}

/// What stands behind a `:` or a `-` that is indented by so much.
fn value(out: &mut String, value: &Document, by: usize) {
    match value {
        Document::Text(whole) => match literal(whole) {
            Some((mark, lines)) => {
                out.push(' ');
                out.push_str(mark);
                out.push('\n');
                for line in lines {
                    if !line.is_empty() {
                        indent(out, by + 2);
                        out.push_str(line);
                    }
                    out.push('\n');
                }
            }
            None => line(out, &text(whole, Where::Block)),
        },
        Document::Plain(plain) => line(out, &plain.to_string()),
        Document::Map(entries) if entries.is_empty() => line(out, "{}"),
        Document::Map(entries) => {
            out.push('\n');
            map(out, entries, by + 2, false);
        }
        Document::List(items) => match on_one_line(items) {
            Some(short) => line(out, &short),
            None => {
                out.push('\n');
                list(out, items, by + 2, false);
            }
        },
    }
}

fn line(out: &mut String, rest: &str) {
    out.push(' ');
    out.push_str(rest);
    out.push('\n');
}

/// `[a, b]`, if that is short and nothing but scalars.
fn on_one_line(items: &[Document]) -> Option<String> {
    let mut written = vec![];
    let mut width = 2;
    for item in items {
        let item = match item {
            Document::Text(whole) => text(whole, Where::List),
            Document::Plain(plain) => plain.to_string(),
            Document::List(_) | Document::Map(_) => return None,
        };
        width += item.len() + 2;
        if WIDEST_LIST < width {
            return None;
        }
        written.push(item);
    }
    Some(format!("[{}]", written.join(", ")))
}
