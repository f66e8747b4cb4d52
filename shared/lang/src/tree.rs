//! What a file says before anyone asks what it means: maps, lists and scalars, each with its place.
//!
//! Knows YAML and TOML; knows nothing of workflows.

mod load;
mod toml;

use std::rc::Rc;

use saphyr_parser::ScalarStyle;
use serde_json::Value;

pub(crate) use load::{DEEPEST, load};
pub(crate) use toml::load as load_toml;

use crate::{
    flow::Piece,
    source::{Place, Position},
};

/// A value of the file. What an alias repeats is shared, not copied.
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) content: Content,
    /// How many characters and values there are in it, aliases written out.
    weight: usize,
    /// How many levels there are in it.
    height: usize,
}

pub(crate) enum Content {
    Text(Text),
    /// Null, a boolean or a number, with how it was written.
    Plain(Value, String),
    List(Vec<Rc<Node>>),
    Map(Vec<Entry>),
}

/// A text with how it was written: what places within it need.
pub(crate) struct Text {
    pub(crate) value: String,
    pub(crate) style: ScalarStyle,
    /// Where it starts: at its anchor or tag, if it has one.
    pub(crate) start: Position,
    pub(crate) has_properties: bool,
    /// Where its parts stand in the file, if that is known so well: then its style says nothing.
    pieces: Option<Vec<Piece>>,
}

#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) key: Rc<Key>,
    pub(crate) value: Rc<Node>,
}

pub(crate) struct Key {
    pub(crate) text: String,
    pub(crate) place: Place,
    /// Written without quotes: only then does `<<` merge.
    plain: bool,
}

impl Node {
    pub(crate) fn new(place: Place, content: Content) -> Self {
        let (weight, height) = match &content {
            Content::Text(text) => (1 + text.value.len(), 1),
            Content::Plain(..) => (1, 1),
            Content::List(items) => measure(items.iter().map(|item| (0, item))),
            Content::Map(entries) => measure(entries.iter().map(|entry| (entry.key.text.len(), &entry.value))),
        };
        Self { place, content, weight, height }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self.content, Content::Plain(Value::Null, _))
    }

    /// What it is, for messages: `a number`, `a map`.
    pub(crate) fn described(&self) -> &'static str {
        match &self.content {
            Content::Text(_) => "text",
            Content::Plain(Value::Null, _) => "nothing",
            Content::Plain(Value::Bool(_), _) => "true or false",
            Content::Plain(..) => "a number",
            Content::List(_) => "a list",
            Content::Map(_) => "a map",
        }
    }

    /// A number that quotes make a text.
    pub(crate) fn number_in_quotes(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) if text.value.parse::<f64>().is_ok_and(f64::is_finite) => Some(&text.value),
            Content::Text(_) | Content::Plain(..) | Content::List(_) | Content::Map(_) => None,
        }
    }

    /// Every text in it.
    pub(crate) fn texts(&self, see: &mut impl FnMut(&Self, &str)) {
        match &self.content {
            Content::Text(text) => see(self, &text.value),
            Content::Plain(..) => {}
            Content::List(items) => items.iter().for_each(|item| item.texts(see)),
            Content::Map(entries) => entries.iter().for_each(|entry| entry.value.texts(see)),
        }
    }

    /// The same as JSON.
    pub(crate) fn json(&self) -> Value {
        match &self.content {
            Content::Text(text) => Value::String(text.value.clone()),
            Content::Plain(value, _) => value.clone(),
            Content::List(items) => items.iter().map(|item| item.json()).collect(),
            Content::Map(entries) => {
                Value::Object(entries.iter().map(|entry| (entry.key.text.clone(), entry.value.json())).collect())
            }
        }
    }
}

impl Text {
    pub(crate) fn styled(value: String, style: ScalarStyle, start: Position, has_properties: bool) -> Self {
        Self { value, style, start, has_properties, pieces: None }
    }

    /// A text at a place, whose parts stand where the pieces say; all of it anywhere there, if there are none.
    pub(crate) fn at(value: String, place: Place, pieces: Vec<Piece>) -> Self {
        let style = ScalarStyle::Plain;
        Self { value, style, start: place.start, has_properties: false, pieces: Some(pieces) }
    }

    /// None, if only its style says where its parts stand.
    pub(crate) fn pieces(&self) -> Option<&[Piece]> {
        self.pieces.as_deref()
    }
}

impl Key {
    /// A key that never merges.
    pub(crate) fn new(text: String, place: Place) -> Self {
        Self { text, place, plain: false }
    }
}

/// The entry of a key.
pub(crate) fn get<'n>(entries: &'n [Entry], key: &str) -> Option<&'n Entry> {
    entries.iter().find(|entry| entry.key.text == key)
}

fn measure<'a>(children: impl Iterator<Item = (usize, &'a Rc<Node>)>) -> (usize, usize) {
    let (weight, height) = children.fold((1_usize, 0), |(weight, height), (key, child)| {
        (weight.saturating_add(key).saturating_add(child.weight), height.max(child.height))
    });
    (weight, height + 1)
}
