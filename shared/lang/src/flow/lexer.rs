//! From the characters of a .flow text to its tokens.
//!
//! Every character belongs to a token or is white space; what begins no token is noted and left out.

use super::{
    parser::IN_WORDS,
    quoted,
    token::{Piece, Quoted, Quotes, Token, TokenKind},
};
use crate::{
    fault::Severity,
    reader::Reader,
    source::{Place, Position},
    syntax::shown,
};

/// Quotes of printed texts.
const CURLED: [char; 8] = ['“', '”', '„', '‟', '‘', '’', '«', '»'];

/// What closes a text that one of these began.
const CLOSES: [char; 10] = ['“', '”', '„', '‟', '‘', '’', '«', '»', '"', '\''];

/// The tokens of a text, the last one being its end.
pub(super) fn tokens(reader: &mut Reader) -> Vec<Token> {
    let (text, position) = (reader.source.text, Place::START.start);
    let mut lexer = Lexer { text, at: 0, position, reader, tokens: vec![], in_words: false };
    while lexer.next() {}
    lexer.tokens
}

struct Lexer<'r, 'a> {
    reader: &'r mut Reader<'a>,
    text: &'a str,
    at: usize,
    /// Of `at`.
    position: Position,
    tokens: Vec<Token>,
    /// Whether what is left of the line may be a value in words, in which a `;` is one of its characters.
    in_words: bool,
}

impl<'a> Lexer<'_, 'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn next(&mut self) -> bool {
        let breaks = self.skip_blank();
        let rest = self.rest();
        let mut characters = rest.chars();
        let (Some(first), second) = (characters.next(), characters.next()) else {
            self.take(TokenKind::End, 0, breaks);
            return false;
        };
        match first {
            '{' | '}' | '[' | ']' | '(' | ')' | ':' | ',' => self.take(TokenKind::Mark(first), 1, breaks),
            '"' | '\'' => self.quoted(breaks),
            '/' if second == Some('/') => {
                let len = rest.find(['\n', '\r']).unwrap_or(rest.len());
                self.take(TokenKind::Comment, rest[..len].trim_end().len(), breaks);
            }
            '/' if second == Some('*') => self.block_comment(breaks),
            '#' => self.hash(),
            ';' if !self.in_words => self.semicolon(),
            _ if CURLED.contains(&first) => self.curled(breaks),
            _ if begins_word(first, second) => {
                // A sign may begin a word and is no part of one further on.
                let behind = &rest[first.len_utf8()..];
                let len = behind.find(|c| !continues_word(c)).map_or(rest.len(), |len| len + first.len_utf8());
                self.take(TokenKind::Word, len, breaks);
            }
            _ if is_operator(first) => {
                let len = rest.find(|c| !is_operator(c)).unwrap_or(rest.len());
                // A comment may follow without a space.
                let len = rest[..len].find("//").filter(|len| 0 < *len).unwrap_or(len);
                self.take(TokenKind::Operator, len, breaks);
            }
            _ => {
                let place = self.place_of(first.len_utf8());
                let message = format!("nothing can begin with `{}`", shown(&first.to_string()));
                self.reader.error(place, message).hint("put it in quotes if it is meant as text");
                self.advance(first.len_utf8());
            }
        }
        true
    }

    /// Goes over white space, and says how many lines end in it.
    fn skip_blank(&mut self) -> usize {
        let line = self.position.line;
        let rest = self.rest();
        let len = rest.find(|c: char| !c.is_whitespace()).unwrap_or(rest.len());
        self.advance(len);
        self.position.line - line
    }

    fn take(&mut self, kind: TokenKind, len: usize, breaks: usize) {
        let (from, start) = (self.at, self.position);
        self.advance(len);
        let place = Place { start, end: self.position };
        let names_words = kind == TokenKind::Word && IN_WORDS.contains(&&self.text[from..self.at]);
        self.in_words = names_words || (self.in_words && breaks == 0);
        self.tokens.push(Token { kind, place, from, to: self.at, breaks });
    }

    fn quoted(&mut self, breaks: usize) {
        let read = quoted::read(self.text, self.at);
        if let Some(word) = self.tokens.last().filter(|last| last.is_word() && last.to == self.at && read.unclosed) {
            let (place, written) = (word.place, shown(word.written(self.text)));
            if self.rest()[1..].starts_with(char::is_alphanumeric) {
                let message = format!("a quote stands in the middle of what begins with `{written}`");
                self.reader.error(place, message).hint("put all of the text in quotes: `\"…\"`");
                self.advance(read.len);
            } else {
                let message = format!("`{written}` ends with a quote and begins with none");
                self.reader.error(place, message).hint(format!("write `\"{written}\"`"));
                self.advance(1);
            }
            return;
        }
        for fault in read.faults {
            let (from, start) = (self.at, self.position);
            self.advance(fault.at - from);
            let place = self.place_of(fault.len);
            (self.at, self.position) = (from, start);
            self.reader.error(place, fault.message).hint(fault.hint);
        }
        let start = self.position;
        self.take(TokenKind::Text(read.quoted), read.len, breaks);
        if read.unclosed && self.reader.tells(Severity::Error) {
            // What it says is not all that it was meant to say, or more.
            self.reader.blur(std::iter::once(Place { start, end: self.position }));
        }
    }

    fn block_comment(&mut self, breaks: usize) {
        let len = match self.rest()[2..].find("*/") {
            Some(len) => len + 4,
            None => {
                let place = self.place_of(2);
                self.reader.error(place, "the comment that begins here is never closed").hint("a `*/` is missing");
                self.rest().len()
            }
        };
        self.take(TokenKind::Comment, len, breaks);
    }

    fn hash(&mut self) {
        let place = self.place_of(1);
        self.reader.error(place, "nothing can begin with `#`").hint("a comment begins with `//`");
        let rest = self.rest();
        self.advance(rest.find(['\n', '\r']).unwrap_or(rest.len()));
    }

    fn semicolon(&mut self) {
        let hint = "remove it; entries are parted by a line break, a comma or a space";
        self.reader.error(self.place_of(1), "nothing ends with `;` here").hint(hint);
        self.advance(1);
    }

    /// What some editors make of quotes. What stands between two on a line is taken for the text that it should be.
    fn curled(&mut self, breaks: usize) {
        let rest = self.rest();
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let behind = &rest[first..];
        let place = self.place_of(first);
        let message = format!("`{}` is no quote here", &rest[..first]);
        let close = behind.char_indices().find(|(_, c)| CLOSES.contains(c) || matches!(c, '\n' | '\r'));
        let Some((value, close)) = close.filter(|(_, c)| CLOSES.contains(c)) else {
            self.reader.error(place, message).hint("write it as `\"`");
            return self.advance(first);
        };
        let value = behind[..value].to_owned();
        self.reader.error(place, message).hint(format!("write `\"{}\"`, with straight quotes", shown(&value)));
        let len = first + value.len() + close.len_utf8();
        let pieces = vec![Piece { value: 0, source: self.at + first }];
        self.take(TokenKind::Text(Quoted { value, quotes: Quotes::Double, pieces }), len, breaks);
    }

    fn place_of(&self, len: usize) -> Place {
        let width = self.text[self.at..self.at + len].chars().count().max(1);
        Place { start: self.position, end: Position { column: self.position.column + width, ..self.position } }
    }

    fn advance(&mut self, len: usize) {
        let passed = &self.text[self.at..self.at + len];
        let mut characters = passed.chars().peekable();
        while let Some(c) = characters.next() {
            let ends_line = c == '\n' || (c == '\r' && !self.continues_break(characters.peek(), len));
            if ends_line {
                self.position = Position { line: self.position.line + 1, column: 0 };
            } else {
                self.position.column += 1;
            }
        }
        self.at += len;
    }

    /// Whether a carriage return is only the first half of a line break. Nothing that is passed ends between the two.
    fn continues_break(&self, next: Option<&char>, len: usize) -> bool {
        match next {
            Some(next) => *next == '\n',
            None => self.text[self.at + len..].starts_with('\n'),
        }
    }
}

fn begins_word(first: char, second: Option<char>) -> bool {
    let is_number = matches!(first, '-' | '+' | '.') && second.is_some_and(|c| c.is_ascii_digit());
    first.is_alphanumeric() || first == '_' || is_number
}

fn continues_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.')
}

fn is_operator(c: char) -> bool {
    matches!(
        c,
        '=' | '<' | '>' | '!' | '&' | '|' | '+' | '-' | '*' | '/' | '%' | '?' | '.' | '$' | ';' | '@' | '~' | '^'
    )
}
