//! Comparisons that can never hold, by what is known of their sides before anything runs.

use sagaline_expr::{Comparison, Side};
use serde_json::Value;

use super::Looked;
use crate::{
    outline::{Scope, Use},
    reader::Reader,
    references::is_local,
    suggest::nearest,
    syntax::shown,
};

/// As which the steps of an execution are seen by others.
const OF_STEPS: [&str; 11] = [
    "pending",
    "scheduled",
    "running",
    "waiting",
    "backing_off",
    "completed",
    "failed",
    "skipped",
    "cancelled",
    "timed_out",
    "compensated",
];
/// As which an execution ends.
const OF_ENDS: [&str; 4] = ["completed", "failed", "timed_out", "cancelled"];

/// What is known of a value.
enum Known {
    Text,
    /// One of these texts.
    One(Vec<String>),
    Number,
    Boolean,
    List,
    Map,
}

pub(super) fn tell(reader: &mut Reader, looked: &Looked) {
    for used in &looked.outline.uses {
        for comparison in &used.comparisons {
            look_at(reader, looked, used, comparison);
        }
    }
}

fn look_at(reader: &mut Reader, looked: &Looked, used: &Use, comparison: &Comparison) {
    let (Some(left), Some(right)) = (known(looked, used, &comparison.left), known(looked, used, &comparison.right))
    else {
        return;
    };
    let (message, hint) = match (&comparison.left, &comparison.right) {
        (side, Side::Literal(Value::String(text))) | (Side::Literal(Value::String(text)), side) => {
            let known = if matches!(&comparison.left, Side::Literal(_)) { &right } else { &left };
            match known {
                Known::One(words) if !words.contains(text) && matches!(comparison.symbol, "==" | "!=") => {
                    let hint = match nearest(text, words.iter().map(String::as_str)) {
                        Some(word) => format!("did you mean `{word}`?"),
                        None => format!("it is one of `{}`", words.join("`, `")),
                    };
                    (format!("{} is never `{}`", described(side), shown(text)), hint)
                }
                _ => match differ(comparison, &left, &right) {
                    Some(told) => told,
                    None => return,
                },
            }
        }
        _ => match differ(comparison, &left, &right) {
            Some(told) => told,
            None => return,
        },
    };
    let len = match &comparison.right {
        Side::Literal(Value::String(text)) => text.len() + 2,
        Side::Literal(other) => other.to_string().len(),
        Side::Path(path) => path.first().map_or(1, String::len),
        Side::Other => 1,
    };
    let place = reader.inside(&used.node, used.offset + comparison.at, len);
    reader.warning(place, message).hint(hint);
}

/// Two kinds of values.
fn differ(comparison: &Comparison, left: &Known, right: &Known) -> Option<(String, String)> {
    if kind(left) == kind(right) {
        return None;
    }
    let what = match comparison.symbol {
        "==" => "this never holds",
        "!=" => "this always holds",
        _ => "this cannot be compared",
    };
    let side = |side: &Side, known: &Known| format!("{} is {}", described(side), kind(known));
    let message = format!("{what}: {}, and {}", side(&comparison.left, left), side(&comparison.right, right));
    Some((message, "`string(x)`, `int(x)` and `double(x)` make one of the other".to_owned()))
}

fn described(side: &Side) -> String {
    match side {
        Side::Path(path) => format!("`{}`", shown(&path.join("."))),
        Side::Literal(value) => format!("`{}`", shown(&value.to_string())),
        Side::Other => "the other side".to_owned(),
    }
}

fn kind(known: &Known) -> &'static str {
    match known {
        Known::Text | Known::One(_) => "text",
        Known::Number => "a number",
        Known::Boolean => "true or false",
        Known::List => "a list",
        Known::Map => "a map",
    }
}

fn known(looked: &Looked, used: &Use, side: &Side) -> Option<Known> {
    let path = match side {
        Side::Literal(value) => return of_value(value),
        Side::Path(path) => path,
        Side::Other => return None,
    };
    let parts: Vec<&str> = path.iter().map(String::as_str).collect();
    let (root, rest) = parts.split_first()?;
    // Of what is undone, and of items, it says something else.
    let is_own = is_local(looked.outline, used.scope, root) && !matches!(*root, "outcome" | "index");
    if is_own || matches!(used.scope, Scope::Undo(_)) && *root == "outcome" {
        return None;
    }
    let one = |words: &[&str]| Some(Known::One(words.iter().map(|word| (*word).to_owned()).collect()));
    match (*root, rest) {
        ("steps", [_, "status"]) => one(&OF_STEPS),
        ("outcome", ["status"]) => one(&OF_ENDS),
        ("workflow", ["name"]) | ("execution", ["id" | "started_at"]) => Some(Known::Text),
        ("workflow", ["version"]) | ("execution", ["attempt"]) | ("index" | "attempt", []) => Some(Known::Number),
        ("workflow", ["input", inside @ ..]) => of_schema(looked.plan.input_schema.as_ref()?, inside),
        ("config", inside) => of_value(inside.iter().try_fold(None, |at: Option<&Value>, name| match at {
            None => looked.config?.get(*name).map(Some),
            Some(value) => value.get(*name).map(Some),
        })??),
        _ => None,
    }
}

fn of_value(value: &Value) -> Option<Known> {
    match value {
        // Whatever is absent is null.
        Value::Null => None,
        Value::Bool(_) => Some(Known::Boolean),
        Value::Number(_) => Some(Known::Number),
        Value::String(_) => Some(Known::Text),
        Value::Array(_) => Some(Known::List),
        Value::Object(_) => Some(Known::Map),
    }
}

/// What a schema says of the value at this path; nothing if it says it in any other way than by `properties` and `type`.
fn of_schema(schema: &Value, path: &[&str]) -> Option<Known> {
    let mut at = schema;
    for name in path {
        at = at.get("properties")?.get(name)?;
    }
    match at.get("type")?.as_str()? {
        "string" => match at.get("enum").and_then(Value::as_array) {
            Some(words) => Some(Known::One(words.iter().filter_map(|word| Some(word.as_str()?.to_owned())).collect())),
            None => Some(Known::Text),
        },
        "number" | "integer" => Some(Known::Number),
        "boolean" => Some(Known::Boolean),
        "array" => Some(Known::List),
        "object" => Some(Known::Map),
        _ => None,
    }
}
