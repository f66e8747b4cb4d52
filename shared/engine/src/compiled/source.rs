//! What a definition writes as itself or as `${…}`: lengths of time, times, counts.

use sagaline_expr::{Expression, whole};
use sagaline_model::{Moment, Span};

use super::{CompileError, expression_of};

/// A duration as written, or an expression that gives one.
#[derive(Debug)]
pub enum SpanSource {
    Fixed(Span),
    Expression(Expression),
}

/// A time as written, or an expression that gives one.
#[derive(Debug)]
pub enum MomentSource {
    Fixed(Moment),
    Expression(Expression),
}

/// A whole number from 1 on as written, or an expression that gives one.
#[derive(Debug)]
pub enum CountSource {
    Fixed(u32),
    Expression(Expression),
}

impl SpanSource {
    pub(super) fn compile(step: &str, text: &str) -> Result<Self, CompileError> {
        of(step, text, Self::Expression, |text| text.parse().map(Self::Fixed).map_err(told))
    }
}

impl MomentSource {
    pub(super) fn compile(step: &str, text: &str) -> Result<Self, CompileError> {
        of(step, text, Self::Expression, |text| text.parse().map(Self::Fixed).map_err(told))
    }
}

impl CountSource {
    pub(super) fn compile(step: &str, text: &str) -> Result<Self, CompileError> {
        of(step, text, Self::Expression, |text| match text.parse() {
            Ok(0) => Err("it must be a whole number from 1 on".to_owned()),
            Ok(count) => Ok(Self::Fixed(count)),
            Err(fault) => Err(told::<std::num::ParseIntError>(fault)),
        })
    }
}

fn of<S>(
    step: &str,
    text: &str,
    computed: impl Fn(Expression) -> S,
    fixed: impl Fn(&str) -> Result<S, String>,
) -> Result<S, CompileError> {
    if whole(text).is_some() {
        return expression_of(step, text).map(computed);
    }
    fixed(text).map_err(|why| CompileError::Expression { step: step.to_owned(), text: text.to_owned(), why })
}

fn told<E: std::fmt::Display>(fault: E) -> String {
    fault.to_string()
}
