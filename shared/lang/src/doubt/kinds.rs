//! What expressions make of values of the wrong kind, by what is known of the values before anything runs: those that are
//! written down, those of which a schema says something, and those that always look alike.

use sagaline_expr::{Doubt, Known, Problem, ValueKind};
use serde_json::Value;

use super::Looked;
use crate::{
    fault::Severity,
    outline::{MustBe, Scope, Use},
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

pub(super) fn tell(reader: &mut Reader, looked: &Looked) {
    for used in &looked.outline.uses {
        for (offset, expression) in &used.compiled {
            let foreseen = expression.foresee(&|path| known(looked, used, path));
            for doubt in &foreseen.doubts {
                tell_one(reader, used, *offset, doubt);
            }
            if let (Some(must_be), Some(kinds)) = (used.must_be, &foreseen.kinds) {
                hold(reader, used, *offset, must_be, kinds);
            }
        }
    }
}

fn tell_one(reader: &mut Reader, used: &Use, offset: usize, doubt: &Doubt) {
    let place = reader.inside(Severity::Warning, &used.node, offset + doubt.at, doubt.len);
    let (message, hint) = match &doubt.problem {
        Problem::NeverThis { side, word, words } => {
            let hint = match nearest(word, words.iter().map(String::as_str)) {
                Some(word) => format!("did you mean `{word}`?"),
                None => format!("it is one of `{}`", words.join("`, `")),
            };
            (format!("{side} is never `{}`", shown(word)), hint)
        }
        Problem::Other { message, hint } => (message.clone(), hint.clone()),
    };
    reader.warning(place, message).hint(hint);
}

/// Tells if a value can be none of what it has to be.
fn hold(reader: &mut Reader, used: &Use, offset: usize, must_be: MustBe, kinds: &[ValueKind]) {
    if kinds.iter().any(|kind| must_be.kinds().contains(kind)) {
        return;
    }
    let [kind, ..] = kinds else { return };
    let (wanted, hint) = match must_be {
        MustBe::Condition => {
            ("a condition holds if it is true", "compare it with something, as in `x > 0`, `x != ''` or `x != null`")
        }
        MustBe::Duration => ("a duration is needed here", "a text such as `5m` or `1h30m`, or a number of seconds"),
        MustBe::Moment => ("a time is needed here", "a text such as `2026-11-20T06:00:00Z`"),
        MustBe::Count => ("a whole number is needed here", "`int(x)` makes a number of a text"),
        MustBe::Items => ("a loop goes through a list", "`[x]` is a list of one"),
    };
    let place = reader.inside(Severity::Warning, &used.node, offset, used.expression.len());
    reader.warning(place, format!("{wanted}, and this is {}", kind.name())).hint(hint);
}

fn known(looked: &Looked, used: &Use, path: &[String]) -> Option<Known> {
    let parts: Vec<&str> = path.iter().map(String::as_str).collect();
    let (root, rest) = parts.split_first()?;
    // Of what is undone, and of items, it says something else.
    let is_own = is_local(looked.outline, used.scope, root) && !matches!(*root, "outcome" | "index");
    if is_own || matches!(used.scope, Scope::Undo(_)) && *root == "outcome" {
        return None;
    }
    let one_of = |words: &[&str]| Some(Known::Words(words.iter().map(|word| (*word).to_owned()).collect()));
    let kind = |kind| Some(Known::Kind(kind));
    match (*root, rest) {
        ("steps", [_, "status"]) => one_of(&OF_STEPS),
        ("outcome", ["status"]) => one_of(&OF_ENDS),
        ("workflow", ["name"]) | ("execution", ["id" | "started_at"]) => kind(ValueKind::Text),
        ("workflow", ["version"]) | ("execution", ["attempt"]) | ("index" | "attempt", []) => kind(ValueKind::Number),
        ("workflow", ["input", inside @ ..]) => of_schema(looked.plan.input_schema.as_ref()?, inside),
        ("config", [name, inside @ ..]) => {
            let whole = looked.config?.get(*name)?;
            // What it is may change, but hardly of which kind.
            ValueKind::of_json(inside.iter().try_fold(whole, |at, name| at.get(name))?).map(Known::Kind)
        }
        _ => None,
    }
}

/// What a schema says of the value at this path; nothing if it says it in any other way than by `properties` and `type`.
fn of_schema(schema: &Value, path: &[&str]) -> Option<Known> {
    let mut at = schema;
    for name in path {
        at = at.get("properties")?.get(name)?;
    }
    let kind = match at.get("type")?.as_str()? {
        "string" => match at.get("enum").and_then(Value::as_array) {
            Some(words) => {
                return Some(Known::Words(words.iter().filter_map(|word| Some(word.as_str()?.to_owned())).collect()));
            }
            None => ValueKind::Text,
        },
        "number" | "integer" => ValueKind::Number,
        "boolean" => ValueKind::Boolean,
        "array" => ValueKind::List,
        "object" => ValueKind::Map,
        _ => return None,
    };
    Some(Known::Kind(kind))
}
