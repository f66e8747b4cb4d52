//! The text of a file as a grid of lines and columns.
//!
//! Knows where things stand; knows nothing of what they mean.

use saphyr_parser::{Marker, ScalarStyle, Span};

use crate::{flow::Piece, tree::Text};

/// From where to where something stands. Lines count from 1, columns in characters from 0; the end is exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) start: Position,
    pub(crate) end: Position,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// A text with the start of each of its lines.
pub(crate) struct Source<'a> {
    pub(crate) file: &'a str,
    pub(crate) text: &'a str,
    lines: Vec<usize>,
    ascii: bool,
}

impl Place {
    /// The first character of a file.
    pub(crate) const START: Self =
        Self { start: Position { line: 1, column: 0 }, end: Position { line: 1, column: 1 } };

    /// Whether it has this position in it.
    pub(crate) fn holds(self, position: Position) -> bool {
        self.start <= position && position < self.end
    }

    /// How many columns of its first line the place takes; one, if it goes on below.
    pub(crate) fn width(self) -> usize {
        if self.start.line == self.end.line { self.end.column.saturating_sub(self.start.column).max(1) } else { 1 }
    }
}

impl From<&Marker> for Position {
    // Not the marker's index: it counts comments in bytes and all else in characters.
    fn from(marker: &Marker) -> Self {
        Self { line: marker.line().max(1), column: marker.col() }
    }
}

impl From<Span> for Place {
    fn from(span: Span) -> Self {
        Self { start: (&span.start).into(), end: (&span.end).into() }
    }
}

impl<'a> Source<'a> {
    /// A byte order mark at the start is no part of the text.
    pub(crate) fn new(text: &'a str, file: &'a str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self { file, text, lines: line_starts(text), ascii: text.is_ascii() }
    }

    /// The text of a line, without its break.
    pub(crate) fn line(&self, line: usize) -> Option<&'a str> {
        let start = *self.lines.get(line.checked_sub(1)?)?;
        Some(self.text[start..self.line_start(line + 1)].trim_end_matches(['\n', '\r']))
    }

    fn line_start(&self, line: usize) -> usize {
        self.lines.get(line.saturating_sub(1)).copied().unwrap_or(self.text.len())
    }

    fn byte(&self, position: Position) -> usize {
        let start = self.line_start(position.line);
        if self.ascii {
            return (start + position.column).min(self.text.len());
        }
        let rest = &self.text[start..];
        rest.char_indices().nth(position.column).map_or(self.text.len(), |(byte, _)| start + byte)
    }

    /// Where the content of a scalar starts whose anchor or tag is at `from`.
    fn behind_properties(&self, from: usize, style: ScalarStyle) -> usize {
        let mut rest = &self.text[from..];
        while rest.starts_with(['&', '!', '#']) {
            let ends = |c: char| if rest.starts_with('#') { c == '\n' } else { c.is_whitespace() };
            rest = rest[rest.find(ends).unwrap_or(rest.len())..].trim_start();
        }
        if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
            // `|` or `>` and what stands behind it on its line.
            rest = &rest[rest.find('\n').map_or(rest.len(), |end| end + 1)..];
        }
        self.text.len() - rest.len()
    }

    /// The place of `len` bytes from `offset` on within the value of a scalar.
    ///
    /// A value and its writing differ by escapes, folding and indentation, but agree in what is not white space; so the
    /// characters that are not white space are counted in both.
    pub(crate) fn inside(&self, text: &Text, offset: usize, len: usize) -> Place {
        let value = text.value.as_str();
        let offset = floor_boundary(value, offset);
        let end = floor_boundary(value, offset.saturating_add(len));
        if let Some(pieces) = text.pieces() {
            return self.of_pieces(text, pieces, offset, end);
        }
        let solid = |text: &str| text.chars().filter(|c| !c.is_whitespace()).count();
        let known = self.byte(text.start);
        let from = if text.has_properties { self.behind_properties(known, text.style) } else { known };
        let mut written = Written::new(&self.text[from..], text.style);
        let mut start = from + written.skip(solid(&value[..offset]));
        // What is meant may be the end of the value: then the place right behind what was skipped.
        if value[offset..].starts_with(|c: char| !c.is_whitespace()) {
            start = from + written.next_start();
        }
        let stop = (from + written.skip(solid(&value[offset..end]))).max(start);
        let start = self.position(text.start, known, start);
        let stop = self.position(text.start, known, stop);
        let least = Position { column: start.column + 1, ..start };
        Place { start, end: stop.max(least) }
    }

    /// From one byte to another.
    pub(crate) fn between(&self, bytes: std::ops::Range<usize>) -> Place {
        let start = floor_boundary(self.text, bytes.start);
        let end = floor_boundary(self.text, bytes.end).max(start);
        let position = |byte| self.position(Position { line: 1, column: 0 }, 0, byte);
        Place { start: position(start), end: position(end) }
    }

    /// The same for a text of which it is known where its parts stand.
    fn of_pieces(&self, text: &Text, pieces: &[Piece], offset: usize, end: usize) -> Place {
        let known = self.byte(text.start);
        let byte = |at: usize| {
            let behind = pieces.partition_point(|piece| piece.value <= at);
            let Some(piece) = behind.checked_sub(1).map(|last| pieces[last]) else { return known };
            let far = pieces.get(behind).map_or(usize::MAX, |next| next.source);
            floor_boundary(self.text, (piece.source + (at - piece.value)).min(far)).max(known)
        };
        let start = self.position(text.start, known, byte(offset));
        let stop = self.position(text.start, known, byte(end));
        let least = Position { column: start.column + 1, ..start };
        Place { start, end: stop.max(least) }
    }

    /// The position of `byte`, given that of an earlier byte.
    fn position(&self, known: Position, known_byte: usize, byte: usize) -> Position {
        let line = self.lines.partition_point(|start| *start <= byte);
        if line <= known.line {
            let column = known.column + self.text[known_byte..byte].chars().count();
            return Position { line: known.line, column };
        }
        Position { line, column: self.text[self.line_start(line)..byte].chars().count() }
    }
}

fn line_starts(text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    let mut starts = vec![0];
    for (at, byte) in bytes.iter().enumerate() {
        let ends = *byte == b'\n' || (*byte == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
        if ends {
            starts.push(at + 1);
        }
    }
    starts
}

fn floor_boundary(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

/// The writing of a scalar, walked by the characters of its value that are not white space.
struct Written<'a> {
    text: &'a str,
    style: ScalarStyle,
    at: usize,
}

impl<'a> Written<'a> {
    fn new(text: &'a str, style: ScalarStyle) -> Self {
        let at = match style {
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => text.chars().next().map_or(0, char::len_utf8),
            ScalarStyle::Plain | ScalarStyle::Literal | ScalarStyle::Folded => 0,
        };
        Self { text, style, at }
    }

    /// Goes on behind the next `count` solid characters.
    fn skip(&mut self, count: usize) -> usize {
        for _ in 0..count {
            self.at = self.next_start();
            self.at += self.unit().0;
        }
        self.at
    }

    /// Where the next solid character starts.
    fn next_start(&mut self) -> usize {
        while self.at < self.text.len() {
            let (len, solid) = self.unit();
            if solid {
                break;
            }
            self.at += len;
        }
        self.at
    }

    /// The length of what writes one character here, and whether that is solid.
    fn unit(&self) -> (usize, bool) {
        let rest = &self.text[self.at..];
        let Some(first) = rest.chars().next() else { return (0, true) };
        match (self.style, first) {
            (ScalarStyle::SingleQuoted, '\'') if rest.starts_with("''") => (2, true),
            (ScalarStyle::DoubleQuoted, '\\') => {
                let escape = rest[1..].chars().next().unwrap_or(' ');
                let digits = match escape {
                    'x' => 2,
                    'u' => 4,
                    'U' => 8,
                    _ => 0,
                };
                let len = floor_boundary(rest, 1 + escape.len_utf8() + digits);
                let code =
                    rest.get(2..len).and_then(|digits| u32::from_str_radix(digits, 16).ok()).and_then(char::from_u32);
                let blank =
                    matches!(escape, 'n' | 't' | 'r' | 'v' | 'f' | 'N' | '_' | 'L' | 'P' | ' ' | '\t' | '\n' | '\r');
                (len, !blank && !code.is_some_and(char::is_whitespace))
            }
            (_, other) => (other.len_utf8(), !other.is_whitespace()),
        }
    }
}
