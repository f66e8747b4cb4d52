//! The comments of a YAML text. The parser leaves them out, so they are looked for between the scalars that it gives.

use std::rc::Rc;

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::{Anchors, Comments, Side};
use crate::{source::Position, tree::Node};

/// A comment as it was found.
struct Found {
    position: Position,
    text: String,
    /// Nothing stands before it on its line.
    is_alone: bool,
}

/// A scalar as the parser tells of it. Where it ends is told too early or too late at times, so it is looked for by its value.
struct Scalar {
    /// Where its anchor or tag stands, if it has one; a text of lines without any starts behind its mark.
    start: Position,
    has_properties: bool,
    style: ScalarStyle,
    value: String,
}

/// The comments of a text without faults, of which these are the documents.
pub(crate) fn of_yaml(text: &str, documents: &[Rc<Node>]) -> Comments {
    let anchors = Anchors::of(documents);
    let mut comments = Comments::default();
    for Found { position, text, is_alone } in found(text) {
        let at = if is_alone { alone(&anchors, position) } else { behind(&anchors, position) };
        match at {
            Some((path, side)) => comments.put(path, side, text),
            None => comments.put_below(text),
        }
    }
    comments
}

/// What a comment on a line of its own stands at; `None` if that is the end of the file.
fn alone(anchors: &Anchors, position: Position) -> Option<(Vec<usize>, Side)> {
    let next = anchors.behind(position).map(|(_, path)| path);
    let Some((_, last)) = anchors.before(position) else {
        return next.map(|next| (next.clone(), Side::Above));
    };
    // It belongs to the innermost map or list that is not indented more.
    let is_in =
        |depth: &usize| anchors.position(&last[..depth + 1]).is_some_and(|entries| entries.column <= position.column);
    let inside = (1..last.len()).rev().find(is_in).map_or(&last[..1], |depth| &last[..depth]);
    match next {
        Some(next) if inside.len() == 1 || next.starts_with(inside) => Some((next.clone(), Side::Above)),
        None if inside.len() == 1 => None,
        Some(_) | None => Some((inside.to_vec(), Side::End)),
    }
}

/// What a comment behind something on its line stands at.
fn behind(anchors: &Anchors, position: Position) -> Option<(Vec<usize>, Side)> {
    let of_line = anchors.first_of_line(position);
    let path = of_line.or_else(|| anchors.before(position).map(|(_, path)| path));
    match path {
        Some(path) => Some((path.clone(), Side::Behind)),
        // Behind `---`, or before a value that belongs to no key.
        None => anchors.behind(position).map(|(_, path)| (path.clone(), Side::Above)),
    }
}

fn found(text: &str) -> Vec<Found> {
    let mut walk = Walk { text, at: 0, position: Position { line: 1, column: 0 } };
    let mut found = vec![];
    for scalar in scalars(text) {
        walk.to(Some(scalar.start), &mut found);
        walk.over(&scalar, &mut found);
    }
    walk.to(None, &mut found);
    found
}

fn scalars(text: &str) -> impl Iterator<Item = Scalar> {
    Parser::new_from_str(text).map_while(Result::ok).filter_map(|(event, span)| match event {
        Event::Scalar(value, style, anchor, tag) => Some(Scalar {
            start: Position::from(&span.start),
            has_properties: anchor > 0 || tag.is_some(),
            style,
            value: value.into_owned(),
        }),
        _ => None,
    })
}

/// A way through a text, character by character.
struct Walk<'a> {
    text: &'a str,
    at: usize,
    position: Position,
}

impl<'a> Walk<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn step(&mut self) {
        let Some(c) = self.peek() else { return };
        self.at += c.len_utf8();
        let ends_line = c == '\n' || (c == '\r' && self.peek() != Some('\n'));
        self.position = match ends_line {
            true => Position { line: self.position.line + 1, column: 0 },
            false => Position { column: self.position.column + 1, ..self.position },
        };
    }

    fn steps(&mut self, bytes: usize) {
        let end = self.at + bytes;
        while self.at < end {
            self.step();
        }
    }

    /// Goes on between scalars, to a position or to the end.
    fn to(&mut self, end: Option<Position>, found: &mut Vec<Found>) {
        while let Some(c) = self.peek()
            && end.is_none_or(|end| self.position < end)
        {
            if c == '#' && self.may_begin_comment() {
                self.comment(found);
            } else {
                self.step();
            }
        }
    }

    /// Outside of scalars a `#` is part of a name (`*a#b`) or begins a comment.
    fn may_begin_comment(&self) -> bool {
        let before = self.text[..self.at].chars().next_back();
        before.is_none_or(|c| c.is_whitespace() || "{}[],:\"'".contains(c))
    }

    fn comment(&mut self, found: &mut Vec<Found>) {
        let line = &self.text[..self.at];
        let line = &line[line.rfind(['\n', '\r']).map_or(0, |end| end + 1)..];
        let rest = self.rest();
        let len = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let text = rest[1..len].trim_end().to_owned();
        found.push(Found { position: self.position, text, is_alone: line.trim().is_empty() });
        self.steps(len);
    }

    /// Goes over a scalar, and over what stands before it: its anchor and its tag, behind which comments may stand.
    fn over(&mut self, scalar: &Scalar, found: &mut Vec<Found>) {
        while scalar.has_properties && self.peek().is_some_and(|c| matches!(c, '&' | '!')) {
            let rest = self.rest();
            self.steps(rest.find(|c: char| c.is_whitespace() || c == ',').unwrap_or(rest.len()));
            if scalar.value.is_empty() && scalar.style == ScalarStyle::Plain {
                // There may be nothing; what follows is something else then.
                return;
            }
            while let Some(c) = self.peek().filter(|c| c.is_whitespace() || *c == '#') {
                if c == '#' { self.comment(found) } else { self.step() }
            }
        }
        match scalar.style {
            ScalarStyle::Plain => self.over_solid(&scalar.value),
            ScalarStyle::SingleQuoted => self.over_quoted('\'', None),
            ScalarStyle::DoubleQuoted => self.over_quoted('"', Some('\\')),
            ScalarStyle::Literal | ScalarStyle::Folded => {
                if scalar.has_properties {
                    self.over_mark(found);
                }
                self.over_lines(&scalar.value);
            }
        }
    }

    /// A value over several lines has other white space than its writing, and nothing else.
    fn over_solid(&mut self, value: &str) {
        let mut left = value.chars().filter(|c| !c.is_whitespace()).count();
        while let Some(c) = self.peek()
            && 0 < left
        {
            left -= usize::from(!c.is_whitespace());
            self.step();
        }
    }

    fn over_quoted(&mut self, quote: char, escape: Option<char>) {
        self.step();
        while let Some(c) = self.peek() {
            self.step();
            if Some(c) == escape || (c == quote && self.peek() == Some(quote) && escape.is_none()) {
                self.step();
            } else if c == quote {
                return;
            }
        }
    }

    /// The `|` or `>` of a text of lines, and what stands behind it.
    fn over_mark(&mut self, found: &mut Vec<Found>) {
        let line = self.position.line;
        while self.peek().is_some() && self.position.line == line {
            match self.peek() {
                Some('#') if self.may_begin_comment() => self.comment(found),
                _ => self.step(),
            }
        }
    }

    /// A text of lines that are indented goes to the first line that is not.
    fn over_lines(&mut self, value: &str) {
        let is_blank = |line: &str| line.chars().all(|c| c == ' ');
        let spaces = |line: &str| line.len() - line.trim_start_matches(' ').len();
        // What the first line begins with is part of the value only beyond the indentation.
        let Some(own) = value.split('\n').find(|line| !is_blank(line)).map(spaces) else { return };
        let mut indented = None;
        // It may start behind the indentation of its first line.
        let mut begin = self.text[..self.at].rfind(['\n', '\r']).map_or(0, |end| end + 1);
        while begin < self.text.len() {
            let rest = &self.text[begin..];
            let line = &rest[..rest.find(['\n', '\r']).unwrap_or(rest.len())];
            let least = match is_blank(line) {
                true => 0,
                false => *indented.get_or_insert(spaces(line).saturating_sub(own)),
            };
            if spaces(line) < least {
                return;
            }
            self.steps(begin + line.len() - self.at);
            if self.peek().is_some() {
                self.step();
            }
            begin = self.at;
        }
    }
}
