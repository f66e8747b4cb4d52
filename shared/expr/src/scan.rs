//! Reads an expression as far as brackets and quotes go: where it ends inside a text, and how deep it is.
//!
//! Runs before the parser, which needs protection from both questions. Knows no grammar.

use crate::{
    error::CompileError,
    limits::{MAX_DEPTH, MAX_NESTING},
};

/// What an expression is made of, for the purposes here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Open(u8),
    Close(u8),
    /// A name or number; holds whether it is the operator `in`.
    Word(bool),
    Quoted,
    Symbol(u8),
}

struct Pieces<'t> {
    text: &'t [u8],
    at: usize,
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

impl Pieces<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Moves behind the quoted text that starts here; to the end if it has none.
    fn skip_quoted(&mut self, quote: u8, raw: bool) {
        let rest = &self.text[self.at..];
        let mark = if rest.starts_with(&[quote; 3]) { 3 } else { 1 };
        self.at += mark;
        while let Some(byte) = self.peek() {
            if byte == b'\\' && !raw {
                self.at += 2;
            } else if self.text[self.at..].starts_with(&[quote; 3][..mark]) {
                self.at += mark;
                return;
            } else {
                self.at += 1;
            }
        }
        self.at = self.text.len();
    }

    fn skip_word(&mut self) -> Piece {
        let start = self.at;
        while self.peek().is_some_and(is_word) {
            self.at += 1;
        }
        let word = &self.text[start..self.at];
        match self.peek() {
            Some(quote @ (b'"' | b'\''))
                if matches!(word.to_ascii_lowercase().as_slice(), b"r" | b"b" | b"br" | b"rb") =>
            {
                self.skip_quoted(quote, word.iter().any(|byte| byte.eq_ignore_ascii_case(&b'r')));
                Piece::Quoted
            }
            _ => Piece::Word(word == b"in"),
        }
    }

    fn skip_comment(&mut self) {
        while self.peek().is_some_and(|byte| byte != b'\n') {
            self.at += 1;
        }
    }
}

impl Iterator for Pieces<'_> {
    type Item = (usize, Piece);

    fn next(&mut self) -> Option<(usize, Piece)> {
        loop {
            let start = self.at;
            let piece = match self.peek()? {
                byte if byte.is_ascii_whitespace() => {
                    self.at += 1;
                    continue;
                }
                b'/' if self.text.get(start + 1) == Some(&b'/') => {
                    self.skip_comment();
                    continue;
                }
                quote @ (b'"' | b'\'') => {
                    self.skip_quoted(quote, false);
                    return Some((start, Piece::Quoted));
                }
                byte if is_word(byte) => return Some((start, self.skip_word())),
                byte @ (b'(' | b'[' | b'{') => Piece::Open(byte),
                byte @ (b')' | b']' | b'}') => Piece::Close(byte),
                byte => Piece::Symbol(byte),
            };
            self.at += 1;
            return Some((start, piece));
        }
    }
}

/// Where the expression that starts at `from` ends: at the `}` that belongs to no bracket of its own.
pub(crate) fn end_of_expression(text: &str, from: usize) -> Option<usize> {
    let mut braces = 0_usize;
    for (at, piece) in (Pieces { text: text.as_bytes(), at: from }) {
        match piece {
            Piece::Open(b'{') => braces += 1,
            Piece::Close(b'}') if braces == 0 => return Some(at),
            Piece::Close(b'}') => braces -= 1,
            _ => {}
        }
    }
    None
}

/// How deep the tree is at a place: what an open bracket remembers of its outside.
#[derive(Clone, Copy, Default)]
struct Level {
    /// Depth where operands begin.
    base: usize,
    depth: usize,
    /// `? :` open in this level: each nests what follows.
    choices: usize,
}

/// Refuses what is nested or chained deeper than the bounds.
pub(crate) fn check_depth(source: &str) -> Result<(), CompileError> {
    let mut outside: Vec<Level> = vec![];
    let mut level = Level::default();
    let mut nesting = 0_usize;
    let mut previous = Piece::Quoted;
    for (at, piece) in (Pieces { text: source.as_bytes(), at: 0 }) {
        match piece {
            Piece::Open(_) => {
                outside.push(level);
                nesting += 1;
                level = Level { base: level.depth + 1, depth: level.depth + 1, choices: 0 };
            }
            Piece::Close(_) => {
                // An unmatched bracket is the parser's to report.
                if let Some(outer) = outside.pop() {
                    nesting -= level.choices + 1;
                    level = Level { depth: outer.depth + 1, ..outer };
                }
            }
            Piece::Symbol(b'?') => {
                level.choices += 1;
                nesting += 1;
                level.base += 1;
                level.depth = level.base;
            }
            Piece::Symbol(b',') => {
                nesting -= level.choices;
                level.base -= level.choices;
                level = Level { depth: level.base, choices: 0, ..level };
            }
            Piece::Symbol(b':' | b'&' | b'|') => level.depth = level.base,
            // The second half of `==`, `!=`, `<=`, `>=`.
            Piece::Symbol(b'=') if matches!(previous, Piece::Symbol(b'=' | b'!' | b'<' | b'>')) => {}
            Piece::Symbol(_) | Piece::Word(true) => level.depth += 1,
            Piece::Word(false) | Piece::Quoted => {}
        }
        previous = piece;
        if nesting > MAX_NESTING {
            let message = format!("brackets and `? :` are nested deeper than {MAX_NESTING}");
            return Err(CompileError::new(source, at, message).hint("compute a part of it in a step of its own"));
        }
        if level.depth > MAX_DEPTH {
            let message = format!("operators and selections are chained deeper than {MAX_DEPTH}");
            return Err(CompileError::new(source, at, message).hint("compute a part of it in a step of its own"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_ends_at_the_brace_that_is_not_its_own() {
        for (text, end) in [
            ("a}", Some(1)),
            ("{'a': {'b': 1}}.a}", Some(17)),
            ("'}'}", Some(3)),
            ("\"\\\"}\"}", Some(5)),
            ("r'\\'}", Some(4)),
            ("'''it's }''' }", Some(13)),
            ("a // }\n}", Some(7)),
            ("'}", None),
            ("{}", None),
        ] {
            assert_eq!(end_of_expression(text, 0), end, "{text}");
        }
    }

    #[test]
    fn depth_counts_chains_and_nesting_but_not_width() {
        let fine = [
            "1,".repeat(500),
            "a == 1 && ".repeat(200) + "b",
            "(".repeat(MAX_NESTING) + &")".repeat(MAX_NESTING),
            "1+".repeat(MAX_DEPTH) + "1",
            format!("[{}1]", "a?b:c,".repeat(60)),
        ];
        for source in fine {
            assert_eq!(check_depth(&source), Ok(()), "{source}");
        }
        let deep = [
            "(".repeat(MAX_NESTING + 1),
            "a?b:".repeat(MAX_NESTING + 1),
            "1+".repeat(MAX_DEPTH + 1),
            "a.".repeat(MAX_DEPTH + 1),
            "-".repeat(MAX_DEPTH + 1),
            "[a]".repeat(MAX_DEPTH + 1),
            "()".repeat(MAX_DEPTH + 1),
            "1 in ".repeat(MAX_DEPTH + 1),
        ];
        for source in deep {
            assert!(check_depth(&source).is_err(), "{source}");
        }
    }
}
