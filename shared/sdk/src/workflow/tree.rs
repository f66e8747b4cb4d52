//! A definition as a program makes it: values, in which steps keep the order in which they were added.

use serde_json::{Map, Value};

/// A value of a definition. What is plain holds no list and no map.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tree {
    Plain(Value),
    List(Vec<Tree>),
    Map(Keys),
    /// A map of steps, each known by its name wherever something is said of it.
    Steps(Keys),
}

/// Keys with their values, in the order in which they were given.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Keys(pub(super) Vec<(String, Tree)>);

impl Keys {
    pub(super) fn of(key: &str, value: impl Into<Tree>) -> Self {
        Self::default().with(key, value)
    }

    pub(super) fn with(mut self, key: &str, value: impl Into<Tree>) -> Self {
        self.set(key, value);
        self
    }

    /// What was given last counts.
    pub(super) fn set(&mut self, key: &str, value: impl Into<Tree>) {
        *self.entry(key) = value.into();
    }

    /// One more of those that are listed under the key. What is there and no list begins one.
    pub(super) fn push(&mut self, key: &str, value: impl Into<Tree>) {
        let there = self.entry(key);
        match there {
            Tree::List(items) => items.push(value.into()),
            Tree::Plain(_) | Tree::Map(_) | Tree::Steps(_) => *there = Tree::List(vec![value.into()]),
        }
    }

    /// The map under the key, which is made if there is none.
    pub(super) fn map(&mut self, key: &str) -> &mut Self {
        let there = self.entry(key);
        if !matches!(there, Tree::Map(_)) {
            *there = Tree::Map(Self::default());
        }
        match there {
            Tree::Map(keys) => keys,
            Tree::Plain(_) | Tree::List(_) | Tree::Steps(_) => unreachable!("it was made a map"),
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Tree> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    fn entry(&mut self, key: &str) -> &mut Tree {
        let place = match self.0.iter().position(|(known, _)| known == key) {
            Some(place) => place,
            None => {
                self.0.push((key.to_owned(), Tree::Plain(Value::Null)));
                self.0.len() - 1
            }
        };
        &mut self.0[place].1
    }
}

impl Tree {
    /// The same as JSON; of two of one name in a map, the last.
    pub(super) fn json(&self) -> Value {
        match self {
            Self::Plain(value) => value.clone(),
            Self::List(items) => items.iter().map(Self::json).collect(),
            Self::Map(keys) | Self::Steps(keys) => {
                Value::Object(keys.0.iter().map(|(key, value)| (key.clone(), value.json())).collect::<Map<_, _>>())
            }
        }
    }
}

impl From<Value> for Tree {
    fn from(value: Value) -> Self {
        match value {
            Value::Array(items) => Self::List(items.into_iter().map(Self::from).collect()),
            Value::Object(map) => Self::Map(Keys(map.into_iter().map(|(key, value)| (key, value.into())).collect())),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Self::Plain(value),
        }
    }
}

impl From<Keys> for Tree {
    fn from(keys: Keys) -> Self {
        Self::Map(keys)
    }
}

impl From<Vec<String>> for Tree {
    fn from(texts: Vec<String>) -> Self {
        Self::List(texts.into_iter().map(Self::from).collect())
    }
}

macro_rules! plain {
    ($($kind:ty),+) => {$(
        impl From<$kind> for Tree {
            fn from(value: $kind) -> Self {
                Self::Plain(Value::from(value))
            }
        }
    )+};
}
plain!(&str, String, bool, u32, u64, f64);
