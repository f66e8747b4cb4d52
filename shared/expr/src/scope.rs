//! Where the names in an expression get their values.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// Answers what an expression reads. It is asked for one path at a time and only for those that the evaluation reaches,
/// so nothing has to be put together in advance.
pub trait Scope {
    /// The value at `path`, from the root on: `steps`, `reserve`, `output`, `total`.
    ///
    /// The answer may be the value of a prefix, as in `Lookup::at(3, &output)`: the rest is selected inside of it here.
    /// That is how a scope hands out what it has without knowing what is in it.
    fn lookup<'s>(&'s self, path: &[String]) -> Lookup<'s>;
}

/// A [`Scope`]'s answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Lookup<'s> {
    /// Nothing is there; the expression reads null.
    Absent,
    /// The value of the first `depth` names of the path (all of them if it has fewer).
    Found { depth: usize, value: Cow<'s, Value> },
}

impl<'s> Lookup<'s> {
    pub fn at(depth: usize, value: &'s Value) -> Self {
        Self::Found { depth, value: Cow::Borrowed(value) }
    }

    /// For what the scope does not hold as JSON and puts together when asked.
    pub fn made(depth: usize, value: Value) -> Self {
        Self::Found { depth, value: Cow::Owned(value) }
    }
}

/// A JSON object is a scope: its keys are the roots.
impl Scope for Map<String, Value> {
    fn lookup<'s>(&'s self, path: &[String]) -> Lookup<'s> {
        path.first().and_then(|root| self.get(root)).map_or(Lookup::Absent, |value| Lookup::at(1, value))
    }
}

/// The key of an object that stands for a payload stored elsewhere.
const REFERENCE: &str = "$ref";

/// Whether `value` is exactly `{"$ref": {…}}`.
pub(crate) fn is_offloaded(object: &Map<String, Value>) -> bool {
    object.len() == 1 && object.get(REFERENCE).is_some_and(Value::is_object)
}
