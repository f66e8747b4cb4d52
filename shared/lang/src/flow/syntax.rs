//! A .flow file as it is written: definitions, blocks, entries, and the comments between them. Knows no meaning of any word.

use super::token::{Piece, Quotes, Token};
use crate::source::Place;

/// A whole file.
#[derive(Default)]
pub(crate) struct File {
    pub(super) definitions: Vec<Definition>,
    /// Comments behind the last definition.
    pub(super) tail: Vec<Comment>,
}

/// `workflow name { … }` or `job name { … }`.
pub(super) struct Definition {
    pub(super) lead: Vec<Comment>,
    pub(super) keyword: Keyword,
    /// Of the keyword.
    pub(super) place: Place,
    pub(super) name: Scalar,
    pub(super) body: Block,
    pub(super) trail: Option<Comment>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    Workflow,
    Job,
}

/// `{ … }`
pub(super) struct Block {
    pub(super) place: Place,
    pub(super) entries: Vec<Entry>,
    /// Right behind the `{`, on its line.
    pub(super) head: Option<Comment>,
    /// Before the `}`.
    pub(super) tail: Vec<Comment>,
    /// Whether all of it stands on one line.
    pub(super) inline: bool,
}

/// A key with its value.
pub(super) struct Entry {
    pub(super) lead: Vec<Comment>,
    /// Whether an empty line stands right before its key.
    pub(super) apart: bool,
    pub(super) key: Key,
    pub(super) value: Value,
    pub(super) trail: Option<Comment>,
    /// All of it.
    pub(super) place: Place,
}

pub(super) struct Key {
    pub(super) text: String,
    pub(super) place: Place,
    /// In quotes it is a name in any case, never a word of the language.
    pub(super) quoted: bool,
}

/// What stands behind a key: a head, a block, or both (`call: payments.charge { … }`).
pub(super) struct Value {
    pub(super) head: Option<Head>,
    pub(super) block: Option<Block>,
}

pub(super) enum Head {
    Scalar(Scalar),
    List(List),
    /// Several words on one line: `a > b`, `3 times`, `email(customer.email)`.
    Phrase(Phrase),
    /// `event "order.created"`: a word that says what the value behind it is.
    Named(Key, Box<Head>),
}

pub(super) struct Scalar {
    pub(super) value: String,
    pub(super) style: Style,
    pub(super) place: Place,
    pub(super) pieces: Vec<Piece>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Bare,
    Quoted(Quotes),
}

pub(super) struct Phrase {
    /// As it is written.
    pub(super) text: String,
    pub(super) tokens: Vec<Token>,
    pub(super) place: Place,
    /// Where it starts, in bytes.
    pub(super) from: usize,
}

/// `[ … ]`
pub(super) struct List {
    pub(super) place: Place,
    pub(super) items: Vec<Item>,
    pub(super) head: Option<Comment>,
    pub(super) tail: Vec<Comment>,
    pub(super) inline: bool,
}

pub(super) struct Item {
    pub(super) lead: Vec<Comment>,
    pub(super) value: Value,
    pub(super) trail: Option<Comment>,
}

#[derive(Clone)]
pub(super) struct Comment {
    /// With its `//`.
    pub(super) text: String,
    /// Whether an empty line stands before it.
    pub(super) apart: bool,
}

impl Comment {
    /// One for each line of it: `/* … */` is written with `//` as well.
    pub(super) fn of(written: &str, apart: bool) -> Vec<Self> {
        let Some(inside) = written.strip_prefix("/*") else {
            return vec![Self { text: written.to_owned(), apart }];
        };
        let inside = inside.strip_suffix("*/").unwrap_or(inside);
        let lines = inside.lines().map(|line| line.trim().trim_start_matches('*').trim());
        let mut lines: Vec<&str> = lines.skip_while(|line| line.is_empty()).collect();
        while lines.last().is_some_and(|last| last.is_empty()) {
            lines.pop();
        }
        let text = |line: &str| if line.is_empty() { "//".to_owned() } else { format!("// {line}") };
        let first = lines.iter().take(1).map(|line| Self { text: text(line), apart });
        first.chain(lines.iter().skip(1).map(|line| Self { text: text(line), apart: false })).collect()
    }
}

impl Value {
    pub(super) fn of(head: Head) -> Self {
        Self { head: Some(head), block: None }
    }

    pub(super) fn block(block: Block) -> Self {
        Self { head: None, block: Some(block) }
    }

    /// A fault that is noted already left nothing of it.
    pub(super) fn is_lost(&self) -> bool {
        self.head.is_none() && self.block.is_none()
    }

    pub(super) fn place(&self) -> Option<Place> {
        let head = self.head.as_ref().map(Head::place);
        head.or_else(|| self.block.as_ref().map(|block| block.place))
    }
}

impl Head {
    pub(super) fn place(&self) -> Place {
        match self {
            Self::Scalar(scalar) => scalar.place,
            Self::List(list) => list.place,
            Self::Phrase(phrase) => phrase.place,
            Self::Named(word, _) => word.place,
        }
    }
}
