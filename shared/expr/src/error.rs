//! What can be wrong with an expression: when it is compiled, and when it is evaluated.

use std::sync::Arc;

/// An expression cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CompileError {
    pub message: String,
    /// Where, in bytes from the start of the expression.
    pub offset: usize,
    /// The same as people count: both from 1, columns in characters.
    pub line: usize,
    pub column: usize,
    /// What to do about it.
    pub hint: Option<String>,
}

impl CompileError {
    pub(crate) fn new(source: &str, offset: usize, message: impl Into<String>) -> Self {
        let offset = source.floor_char_boundary(offset);
        let before = &source[..offset];
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            message: message.into(),
            offset,
            line: before.matches('\n').count() + 1,
            column: before[start..].chars().count() + 1,
            hint: None,
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// A string of a template cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at `{pointer}`: {error}")]
pub struct TemplateError {
    /// The JSON pointer of the string; empty for the whole value.
    pub pointer: String,
    /// Where in that string, in bytes.
    pub offset: usize,
    /// Places in it are relative to the expression, not to the string.
    #[source]
    pub error: CompileError,
}

/// An expression has no value.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("`{expression}` cannot be evaluated: {cause}")]
pub struct EvalError {
    /// The text of the expression.
    pub expression: Arc<str>,
    /// Where in that text, in bytes.
    pub offset: usize,
    pub cause: EvalCause,
}

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EvalCause {
    /// The value is kept outside of the state, so nothing of it can be told.
    #[error(
        "{0} was stored outside of the execution because of its size and cannot be looked into; pass it on whole, or \
         have the step return what the workflow decides by as a small value of its own"
    )]
    Offloaded(String),
    #[error("`{operation}` cannot be applied to {operands}{}", null_hint(operands))]
    Types { operation: &'static str, operands: String },
    #[error("{place} is {kind}, of which this cannot be selected")]
    NoMembers { place: String, kind: String },
    #[error("division by zero")]
    DivisionByZero,
    #[error("the result of `{0}` is out of range")]
    Overflow(&'static str),
    /// A conversion of a value that has the right type but the wrong content.
    #[error("`{function}` cannot read {text:?}: {reason}")]
    Unreadable { function: &'static str, text: String, reason: &'static str },
    #[error("the key `{0}` is there twice")]
    DuplicateKey(String),
    #[error("{0} has no JSON form")]
    NotJson(&'static str),
    #[error(
        "it takes more than {} steps; make the lists it walks smaller, or do this in an activity",
        crate::limits::MAX_WORK
    )]
    TooMuchWork,
    #[error("it builds more than {} bytes; do this in an activity", crate::limits::MAX_BUILT_BYTES)]
    TooLarge,
}

impl EvalCause {
    /// Whether `||` and `&&` may overlook it when the other side decides.
    pub(crate) fn may_be_overlooked(&self) -> bool {
        !matches!(self, Self::Offloaded(_) | Self::TooMuchWork | Self::TooLarge)
    }
}

fn null_hint(operands: &str) -> &'static str {
    if operands.contains("null") {
        " (a path that leads nowhere gives null: `coalesce(x, 0)` gives it a default)"
    } else {
        ""
    }
}

/// An [`EvalCause`] and its place, on its way up; boxed because results are passed by value at every node.
#[derive(Debug)]
pub(crate) struct Fault(pub(crate) Box<(usize, EvalCause)>);

impl Fault {
    pub(crate) fn at(offset: usize) -> impl FnOnce(EvalCause) -> Self {
        move |cause| Self(Box::new((offset, cause)))
    }
}
