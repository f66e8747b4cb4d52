//! The words of a .flow text: what the lexer makes of it.

use crate::source::Place;

/// A piece of the text that means something by itself.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) place: Place,
    /// From where to where it stands, in bytes.
    pub(super) from: usize,
    pub(super) to: usize,
    /// How many line breaks stand before it, after the token or comment before it.
    pub(super) breaks: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum TokenKind {
    /// A name, a path, a number, a duration: letters, digits, `_`, `-` and `.`.
    Word,
    /// A text in quotes of some kind.
    Text(Quoted),
    /// One of `{ } [ ] ( ) : ,`.
    Mark(char),
    /// What only means something in an expression: `>=`, `&&`, `=`.
    Operator,
    /// `// …` to the end of the line, or `/* … */`.
    Comment,
    End,
}

/// A text without its quotes and escapes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Quoted {
    pub(super) value: String,
    pub(super) quotes: Quotes,
    /// Where its parts stand in the file.
    pub(super) pieces: Vec<Piece>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quotes {
    /// `"…"`, with escapes. A path in it is a reference.
    Double,
    /// `'…'`: as it stands.
    Single,
    /// `"""…"""` over several lines.
    Triple,
}

/// From `value` on, a text was written from `source` on, both in bytes; to the next piece, character by character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) value: usize,
    pub(crate) source: usize,
}

impl Token {
    pub(super) fn is(&self, mark: char) -> bool {
        self.kind == TokenKind::Mark(mark)
    }

    pub(super) fn is_word(&self) -> bool {
        self.kind == TokenKind::Word
    }

    /// Whether it can be the key of an entry.
    pub(super) fn is_key(&self) -> bool {
        matches!(self.kind, TokenKind::Word | TokenKind::Text(_))
    }

    /// Whether it goes on after the line that it begins on.
    pub(super) fn has_lines(&self) -> bool {
        self.place.start.line < self.place.end.line
    }

    /// Whether it is a text of several lines that nothing closes.
    pub(super) fn is_endless(&self, text: &str) -> bool {
        let written = self.written(text);
        let is_closed = 6 <= written.len() && written.ends_with("\"\"\"");
        matches!(&self.kind, TokenKind::Text(quoted) if quoted.quotes == Quotes::Triple) && !is_closed
    }

    pub(super) fn written<'a>(&self, text: &'a str) -> &'a str {
        &text[self.from..self.to]
    }
}
