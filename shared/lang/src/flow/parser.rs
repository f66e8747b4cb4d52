//! From tokens to a file as it is written. What is wrong is noted at its place, and reading goes on behind it, so that a fault in
//! one block hides nothing in the next.

mod blocks;
mod definitions;
mod lists;
mod phrases;
mod values;

use std::collections::BTreeMap;

use crate::{
    flow::{
        syntax::{Comment, File, Key, Scalar, Style},
        token::{Piece, Token, TokenKind},
    },
    reader::Reader,
    source::Place,
};

/// Keys whose value is words for people or for an activity, up to the end of the line.
pub(super) const IN_WORDS: [&str; 2] = ["query", "select"];

/// In the place of a key, for the value of an item.
const ITEM: &str = "[";

/// What is faulty, to where; what is said about the meaning of that is of no use.
pub(super) struct Parsed {
    pub(super) file: File,
    pub(super) blurred: Vec<Place>,
}

pub(super) fn parse(reader: &mut Reader, tokens: Vec<Token>) -> Parsed {
    let text = reader.source.text;
    let mut edges = BTreeMap::new();
    for token in &tokens {
        edges.entry(token.place.start.line).or_insert(token.place.start.column);
    }
    let (gathered, blurred) = (vec![], vec![]);
    let swallowed = tokens.iter().any(|token| token.is_endless(text));
    let mut parser = Parser {
        reader,
        text,
        tokens,
        at: 0,
        depth: 0,
        gathered,
        blurred,
        edges,
        doubtful: None,
        told_unclosed: false,
        swallowed,
        early: None,
        previous: None,
        inside: 0,
        definition: Place::START,
    };
    let file = parser.file();
    Parsed { file, blurred: parser.blurred }
}

struct Parser<'r, 'a> {
    reader: &'r mut Reader<'a>,
    text: &'a str,
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    /// Comments that were passed and have found no place yet.
    gathered: Vec<Comment>,
    blurred: Vec<Place>,
    /// The column in which each line begins.
    edges: BTreeMap<usize, usize>,
    /// The first `{` of a definition whose `}` stands elsewhere than it should by its column: if one is missing, it is that one's.
    doubtful: Option<Token>,
    told_unclosed: bool,
    /// Whether a text that is never closed took in the rest of the file, and what would have closed blocks in it.
    swallowed: bool,
    /// The first `}` of a definition that stands deeper than what it closes: if one is too many, it is that one, with the place it closes.
    early: Option<(Place, Place)>,
    /// The last entry of one value on its line.
    previous: Option<Previous>,
    /// The line in which the block that is read begins.
    inside: usize,
    /// The keyword of the definition that is read.
    definition: Place,
}

/// An entry whose value is one word or text.
struct Previous {
    key: String,
    value: String,
    /// The number of the token behind it.
    behind: usize,
}

impl Parser<'_, '_> {
    /// The next token that is no comment; comments before it are gathered.
    fn peek(&mut self) -> &Token {
        while self.tokens[self.at].kind == TokenKind::Comment {
            let token = &self.tokens[self.at];
            self.gathered.extend(Comment::of(token.written(self.text), token.breaks > 1));
            // A break before a comment, in it or behind it counts for what follows it.
            let breaks = usize::from(token.breaks > 0 || token.has_lines() || self.ends_line(token));
            self.at += 1;
            self.tokens[self.at].breaks = self.tokens[self.at].breaks.max(breaks);
        }
        &self.tokens[self.at]
    }

    /// The token behind the next one, comments aside.
    fn second(&mut self) -> &Token {
        self.peek();
        let behind = &self.tokens[self.at..];
        let second = behind.iter().skip(1).find(|token| token.kind != TokenKind::Comment);
        second.unwrap_or(&behind[0])
    }

    fn take(&mut self) -> Token {
        self.peek();
        let token = self.tokens[self.at].clone();
        if token.kind != TokenKind::End {
            self.at += 1;
        }
        token
    }

    fn peeks(&mut self, mark: char) -> bool {
        self.peek().is(mark)
    }

    fn at_end(&mut self) -> bool {
        self.peek().kind == TokenKind::End
    }

    /// Whether the next token, or a comment before it, stands on the line where the last token ended.
    fn is_on_line(&self) -> bool {
        self.tokens[self.at].breaks == 0
    }

    /// The comment that stands behind the last token on its line.
    fn trail(&mut self) -> Option<Comment> {
        let token = &self.tokens[self.at];
        let next = self.tokens.get(self.at + 1)?;
        let ends_line = self.ends_line(token) || next.breaks > 0 || next.is('}') || next.kind == TokenKind::End;
        if token.kind != TokenKind::Comment || token.breaks > 0 || token.has_lines() || !ends_line {
            return None;
        }
        let comment = Comment::of(token.written(self.text), false).into_iter().next();
        self.at += 1;
        let next = &mut self.tokens[self.at];
        next.breaks = next.breaks.max(1);
        comment
    }

    /// Whether a comment goes to the end of its line.
    fn ends_line(&self, comment: &Token) -> bool {
        comment.written(self.text).starts_with("//")
    }

    fn last(&self) -> Place {
        let before = self.tokens[..self.at].iter().rev().find(|token| token.kind != TokenKind::Comment);
        before.map_or(Place::START, |token| token.place)
    }

    /// From the place to the last token.
    fn since(&self, start: Place) -> Place {
        Place { start: start.start, end: self.last().end.max(start.end) }
    }

    fn blur(&mut self, place: Place) {
        // There is an end to what is told; what is beyond it need not be hidden.
        if self.blurred.len() < 1000 {
            self.blurred.push(place);
        }
    }

    fn scalar(&self, token: &Token) -> Scalar {
        let place = token.place;
        match &token.kind {
            TokenKind::Text(quoted) => Scalar {
                value: quoted.value.clone(),
                style: Style::Quoted(quoted.quotes),
                place,
                pieces: quoted.pieces.clone(),
            },
            _ => Scalar {
                value: token.written(self.text).to_owned(),
                style: Style::Bare,
                place,
                pieces: vec![Piece { value: 0, source: token.from }],
            },
        }
    }

    fn key(&self, token: &Token) -> Key {
        let scalar = self.scalar(token);
        Key { text: scalar.value, place: scalar.place, quoted: scalar.style != Style::Bare }
    }
}
