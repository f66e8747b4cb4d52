//! Values: what a scalar, a list, a phrase or a block means where it stands.

use std::rc::Rc;

use serde_json::Value as Json;

use super::{Lower, list};
use crate::{
    flow::{
        reference::{self, Rewritten},
        syntax::{Head, Key, List, Phrase, Scalar, Style, Value},
        token::{Piece, Quotes},
        within::Within,
    },
    scalar::{Plain, plain},
    source::Place,
    spelled,
    syntax::shown,
    tree::{Content, Node, Text},
};

/// What words and texts mean.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Literal,
    Data,
    Computed,
    Condition,
}

impl Mode {
    fn of(within: Within) -> Self {
        match within {
            Within::Data | Within::Correlate | Within::ForEach => Self::Data,
            Within::Computed => Self::Computed,
            Within::Condition => Self::Condition,
            _ => Self::Literal,
        }
    }
}

/// What is written where a word that takes one of the two was given both.
const HOLDS: [(&str, &str); 7] = [
    ("activity", "activity NAME, input { … }`, or `call NAME { … }"),
    ("await", "await { signal NAME, timeout 2h }`, or `await { approval { … }, timeout 2d }"),
    ("child", "child { workflow NAME, input { … } }"),
    ("raise", "raise { type NAME, message \"…\" }"),
    ("emit", "emit { type NAME, data { … } }"),
    ("compensate", "compensate { activity NAME, input { … } }"),
    ("for_each", "for_each { items: …, as: NAME }"),
];

impl Lower<'_, '_> {
    /// `None`: there is none, which is noted.
    pub(super) fn value(&mut self, value: &Value, within: Within, key: &Key) -> Option<Rc<Node>> {
        match (&value.head, &value.block) {
            (None, None) => None,
            (None, Some(block)) => Some(self.block(block, within, key.place)),
            (Some(head), None) => self.head(head, within, &key.text),
            (Some(head), Some(_)) => {
                let shown_key = shown(&key.text);
                let message = format!("`{shown_key}` has both a value and a block");
                let written =
                    HOLDS.iter().find(|(word, _)| *word == key.text && !key.quoted).map(|(_, written)| *written);
                let hint = written.map(|written| format!("write `{written}`"));
                let hint = hint.unwrap_or_else(|| "keep one of them, or give the block a key of its own".to_owned());
                self.reader.error(head.place(), message).hint(hint);
                None
            }
        }
    }

    pub(super) fn head(&mut self, head: &Head, within: Within, key: &str) -> Option<Rc<Node>> {
        match head {
            Head::Scalar(scalar) => Some(self.scalar(scalar, Mode::of(within))),
            Head::List(items) => Some(self.list(items, within)),
            Head::Phrase(phrase) => self.phrase(phrase, Mode::of(within), key),
            Head::Named(word, _) => {
                let message = format!("`{}` belongs to a `trigger`", word.text);
                self.reader.error(word.place, message);
                None
            }
        }
    }

    fn list(&mut self, items: &List, within: Within) -> Rc<Node> {
        let nobody = Key { text: "an item".to_owned(), place: items.place, quoted: true };
        let nodes = items.items.iter().filter_map(|item| self.value(&item.value, within, &nobody)).collect();
        list(items.place, nodes)
    }

    pub(super) fn scalar(&mut self, scalar: &Scalar, mode: Mode) -> Rc<Node> {
        let content = match scalar.style {
            Style::Bare => self.bare(scalar, mode),
            Style::Quoted(quotes) => self.quoted(scalar, quotes, mode),
        };
        Rc::new(Node::new(scalar.place, content))
    }

    fn bare(&mut self, scalar: &Scalar, mode: Mode) -> Content {
        let written = scalar.value.as_str();
        match plain(written) {
            Plain::Value(value) => return Content::Plain(value, written.to_owned()),
            Plain::NotJson => {
                let message = format!("`{}` is no number that JSON can hold", shown(written));
                self.reader.error(scalar.place, message).hint("put it in quotes if it is meant as text");
                return Content::Plain(Json::Null, written.to_owned());
            }
            Plain::Text => {}
        }
        let begins_as_number = written.starts_with(|c: char| c.is_ascii_digit());
        let found = match mode {
            Mode::Literal => None,
            Mode::Condition => return self.condition(scalar),
            Mode::Data => reference::of_bare(&self.names, written, !begins_as_number),
            Mode::Computed => reference::of_bare(&self.names, written, false),
        };
        match found {
            Some(found) => template(scalar, found),
            None => {
                if mode == Mode::Data && !begins_as_number {
                    let message = format!("`{}` is no name of anything", shown(written));
                    self.reader.error(scalar.place, message).hint("put it in quotes if it is meant as text");
                }
                as_written(scalar)
            }
        }
    }

    fn quoted(&mut self, scalar: &Scalar, quotes: Quotes, mode: Mode) -> Content {
        match (quotes, mode) {
            (_, Mode::Condition) => self.condition(scalar),
            (Quotes::Double, Mode::Data | Mode::Computed) => match reference::of_quoted(&self.names, &scalar.value) {
                Some(found) => template(scalar, found),
                None => as_written(scalar),
            },
            (Quotes::Double | Quotes::Single | Quotes::Triple, _) => as_written(scalar),
        }
    }

    fn condition(&mut self, scalar: &Scalar) -> Content {
        if scalar.value.contains("${") {
            return as_written(scalar);
        }
        let rewritten = reference::expression(&self.names, &scalar.value);
        placed(rewritten, scalar.place, &scalar.pieces)
    }

    /// Several words on a line are an expression, where there may be one.
    pub(super) fn phrase(&mut self, phrase: &Phrase, mode: Mode, key: &str) -> Option<Rc<Node>> {
        if phrase.text.starts_with("not ") && mode != Mode::Literal {
            let at = phrase.tokens.first().map_or(phrase.place, |not| not.place);
            self.reader.error(at, "`not` is nothing that an expression knows").hint("write `!` in its place");
            return None;
        }
        if let Some(written) = spelled::written_here(&phrase.text) {
            let message = format!("`{}` is not a duration", shown(&phrase.text));
            self.reader.error(phrase.place, message).hint(format!("write `{written}`"));
            return None;
        }
        let rewritten = reference::expression(&self.names, &phrase.text);
        let rewritten = match mode {
            Mode::Condition => rewritten,
            Mode::Data | Mode::Computed => rewritten.template(phrase.text.len()),
            Mode::Literal => {
                let message = format!("`{}` has one value, and this is more", shown(key));
                let hint = match key {
                    "schedule" | "cron" => "put it in quotes, for example `schedule \"0 6 * * *\"`",
                    _ => "put it in quotes if it is meant as text",
                };
                self.reader.error(phrase.place, message).hint(hint);
                return None;
            }
        };
        let pieces = [Piece { value: 0, source: phrase.from }];
        Some(Rc::new(Node::new(phrase.place, placed(rewritten, phrase.place, &pieces))))
    }
}

fn as_written(scalar: &Scalar) -> Content {
    Content::Text(Text::at(scalar.value.clone(), scalar.place, scalar.pieces.clone()))
}

fn template(scalar: &Scalar, found: Rewritten) -> Content {
    placed(found.template(scalar.value.len()), scalar.place, &scalar.pieces)
}

/// The text, with where its parts stand in the file: `written` says where those of what it was made of do.
fn placed(rewritten: Rewritten, place: Place, written: &[Piece]) -> Content {
    let source = |at: usize| {
        let piece = &written[written.partition_point(|piece| piece.value <= at).saturating_sub(1)];
        piece.source + (at - piece.value)
    };
    let pieces = rewritten.pieces.iter().map(|piece| Piece { source: source(piece.source), ..*piece }).collect();
    Content::Text(Text::at(rewritten.text, place, pieces))
}
