//! One expression: compiled once, evaluated often.

use std::{borrow::Cow, fmt, sync::Arc};

use serde_json::Value;

use crate::{
    ahead::{self, Foreseen, Knows},
    error::{CompileError, EvalCause, EvalError, Fault},
    eval::{self, Budget, Evaluation},
    lower,
    node::Node,
    parse, scan,
    scope::{Lookup, Scope, is_offloaded},
    value::{self, Val},
};

/// An expression, compiled once; clones share it.
#[derive(Clone)]
pub struct Expression(Arc<Compiled>);

struct Compiled {
    source: Arc<str>,
    root: Node,
    paths: Vec<Vec<String>>,
}

impl Expression {
    /// Compiles the text between the braces of `${…}`.
    pub fn compile(source: &str) -> Result<Self, CompileError> {
        let root = lower::lower(source, &parse::parse(source)?)?;
        let mut paths = vec![];
        root.collect_paths(&mut paths);
        Ok(Self(Arc::new(Compiled { source: source.into(), root, paths })))
    }

    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// Every static path it may read, without duplicates: `["steps", "reserve", "output", "total"]`. An index that is
    /// not a literal text ends the path. Variables of macros are none; what a macro walks is.
    pub fn paths(&self) -> &[Vec<String>] {
        &self.0.paths
    }

    /// What can be told before it is evaluated, by what is known of the values at some paths.
    pub fn foresee(&self, knows: &Knows<'_>) -> Foreseen {
        ahead::foresee(&self.0.source, &self.0.root, knows)
    }

    /// Selecting from something absent or null gives null. What a whole path leads to is handed on as it is, also the
    /// reference to a payload stored elsewhere.
    pub fn evaluate(&self, scope: &dyn Scope) -> Result<Value, EvalError> {
        self.evaluate_within(scope, &mut Budget::new())
    }

    pub(crate) fn evaluate_within(&self, scope: &dyn Scope, budget: &mut Budget) -> Result<Value, EvalError> {
        let result = match eval::static_path(&self.0.root) {
            Some(path) => whole_path(path, scope, budget).map_err(Fault::at(self.0.root.at)),
            None => Evaluation::new(scope, budget)
                .value(&self.0.root)
                .and_then(|value| value.into_json(budget).map_err(Fault::at(self.0.root.at))),
        };
        result.map_err(|fault| self.error(fault))
    }

    /// Its value as a part of a text: strings as they are, everything else as JSON.
    pub(crate) fn write_within(
        &self,
        scope: &dyn Scope,
        budget: &mut Budget,
        into: &mut String,
    ) -> Result<(), EvalError> {
        match self.evaluate_within(scope, budget)? {
            Value::String(text) => into.push_str(&text),
            Value::Object(object) if is_offloaded(&object) => {
                return Err(self.error(Fault::at(0)(EvalCause::Offloaded("a value".to_owned()))));
            }
            other => into.push_str(&other.to_string()),
        }
        Ok(())
    }

    /// Whether it evaluates to true. A fault is false, and so is everything that is no boolean; only a value that would
    /// have to be looked into but was stored elsewhere is an error, because nobody can tell.
    pub fn condition(&self, scope: &dyn Scope) -> Result<bool, EvalError> {
        match Evaluation::new(scope, &mut Budget::new()).value(&self.0.root) {
            Ok(value) => Ok(matches!(value, Val::Bool(true))),
            Err(fault) if matches!(fault.0.1, EvalCause::Offloaded(_)) => Err(self.error(fault)),
            Err(_) => Ok(false),
        }
    }

    /// True only if it evaluates to true; false for everything else, errors included.
    pub fn holds(&self, scope: &dyn Scope) -> bool {
        self.condition(scope).unwrap_or(false)
    }

    fn error(&self, fault: Fault) -> EvalError {
        let (offset, cause) = *fault.0;
        EvalError { expression: Arc::clone(&self.0.source), offset, cause }
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.source()).finish()
    }
}

/// Two expressions are the same if their texts are.
impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.source() == other.source()
    }
}

/// The shortcut for the most common expression.
fn whole_path(path: &[String], scope: &dyn Scope, budget: &mut Budget) -> Result<Value, EvalCause> {
    budget.work(1)?;
    match scope.lookup(path) {
        Lookup::Absent => Ok(Value::Null),
        Lookup::Found { depth, value: Cow::Owned(value) } if depth >= path.len() => Ok(value),
        Lookup::Found { depth, value } => match eval::descend(&value, path, depth)? {
            Some(found) => value::copy(found, budget),
            None => Ok(Value::Null),
        },
    }
}

/// The expression of a text that is nothing else than `${…}`, as conditions and durations are. White space around it does
/// not count here, as it does in a [`Template`](crate::Template).
pub fn whole(text: &str) -> Option<&str> {
    exactly_whole(text.trim())
}

pub(crate) fn exactly_whole(text: &str) -> Option<&str> {
    let end = scan::end_of_expression(text.strip_prefix("${").map(|_| text)?, 2)?;
    (end + 1 == text.len()).then(|| &text[2..end])
}
