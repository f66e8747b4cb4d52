//! What a definition says, apart from how it is written: maps in the order of their keys, lists, texts, and other values.

use serde_json::Value;

use crate::tree::{Content, Node};

/// A value of a definition without its place. Maps keep their order, since that of steps is part of a plan.
#[derive(Clone, Debug, PartialEq)]
pub enum Document {
    Text(String),
    /// Null, a boolean or a number.
    Plain(Value),
    List(Vec<Document>),
    Map(Vec<(String, Document)>),
}

impl Document {
    /// The same as JSON. Keys lose their order there.
    pub fn json(&self) -> Value {
        match self {
            Self::Text(text) => Value::String(text.clone()),
            Self::Plain(value) => value.clone(),
            Self::List(items) => items.iter().map(Self::json).collect(),
            Self::Map(entries) => {
                Value::Object(entries.iter().map(|(key, value)| (key.clone(), value.json())).collect())
            }
        }
    }

    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }
}

impl From<&Value> for Document {
    fn from(value: &Value) -> Self {
        match value {
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(items) => Self::List(items.iter().map(Self::from).collect()),
            Value::Object(fields) => {
                Self::Map(fields.iter().map(|(key, value)| (key.clone(), Self::from(value))).collect())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => Self::Plain(value.clone()),
        }
    }
}

impl From<&Node> for Document {
    fn from(node: &Node) -> Self {
        match &node.content {
            Content::Text(text) => Self::Text(text.value.clone()),
            Content::Plain(value, _) => Self::Plain(value.clone()),
            Content::List(items) => Self::List(items.iter().map(|item| Self::from(&**item)).collect()),
            Content::Map(entries) => {
                let entry = |entry: &crate::tree::Entry| (entry.key.text.clone(), Self::from(&*entry.value));
                Self::Map(entries.iter().map(entry).collect())
            }
        }
    }
}

impl From<u32> for Document {
    fn from(number: u32) -> Self {
        Self::Plain(number.into())
    }
}

impl From<bool> for Document {
    fn from(is: bool) -> Self {
        Self::Plain(is.into())
    }
}

/// A map that is being written: what is left out is not put in.
#[derive(Default)]
pub(super) struct Keys(Vec<(String, Document)>);

impl Keys {
    pub(super) fn put(&mut self, key: &str, value: impl Into<Document>) {
        self.0.push((key.to_owned(), value.into()));
    }

    pub(super) fn text(&mut self, key: &str, text: impl ToString) {
        self.put(key, Document::Text(text.to_string()));
    }

    pub(super) fn maybe_text(&mut self, key: &str, text: Option<impl ToString>) {
        if let Some(text) = text {
            self.text(key, text);
        }
    }

    pub(super) fn maybe(&mut self, key: &str, value: Option<impl Into<Document>>) {
        if let Some(value) = value {
            self.put(key, value);
        }
    }

    /// A value that is null where it is not given.
    pub(super) fn value(&mut self, key: &str, value: &Value) {
        if !value.is_null() {
            self.put(key, value);
        }
    }

    pub(super) fn list<T: ToString>(&mut self, key: &str, texts: &[T]) {
        if !texts.is_empty() {
            self.put(key, texts_of(texts));
        }
    }

    /// One text as it is, several as a list.
    pub(super) fn one_or_more<T: ToString>(&mut self, key: &str, texts: &[T]) {
        match texts {
            [one] => self.text(key, one.to_string()),
            more => self.list(key, more),
        }
    }

    /// `expression` is bare; what is plainly true or false needs no braces.
    pub(super) fn condition(&mut self, key: &str, expression: Option<&String>) {
        match expression.map(String::as_str) {
            None => {}
            Some("true") => self.put(key, true),
            Some("false") => self.put(key, false),
            Some(bare) => self.text(key, braced(bare)),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn map(self) -> Document {
        Document::Map(self.0)
    }

    /// The value alone, if there is nothing but this key.
    pub(super) fn short(mut self, key: &str) -> Document {
        match self.0.as_mut_slice() {
            [(only, value)] if only == key => std::mem::replace(value, Document::Plain(Value::Null)),
            _ => self.map(),
        }
    }
}

pub(super) fn texts_of<T: ToString>(texts: &[T]) -> Document {
    Document::List(texts.iter().map(|text| Document::text(text.to_string())).collect())
}

/// An expression as it stands in a text.
pub(super) fn braced(bare: &str) -> String {
    format!("${{ {bare} }}")
}
