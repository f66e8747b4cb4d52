//! Values of the project that expressions read: that each is there, and which of them come into the plan.

use sagaline_model::Plan;
use serde_json::{Map, Value};

use super::{CONFIG, is_local, place};
use crate::{
    outline::{Outline, Scope, Use},
    reader::Reader,
    suggest::nearest,
    syntax::shown,
};

/// What the expressions of a plan read of `given`, and no more: a plan is whole, and says what it does. `None`: they read nothing of it.
pub(crate) fn config(
    reader: &mut Reader,
    outline: &Outline,
    given: Option<&Map<String, Value>>,
    plan: Option<&Plan>,
) -> Option<Map<String, Value>> {
    let (mut read, mut written) = (None, None);
    for used in outline.uses.iter().filter(|used| used.scope != Scope::Event) {
        for path in &used.paths {
            if path.first().is_none_or(|root| root != CONFIG) || is_local(outline, used.scope, CONFIG) {
                continue;
            }
            let mut idle = Map::new();
            let into = match is_taken(used, plan, &mut written) {
                true => read.get_or_insert_with(Map::new),
                false => &mut idle,
            };
            let Some(names) = path.get(1..).filter(|names| !names.is_empty()) else {
                let at = place(reader, used, path, 0);
                let hint = "name a value: `config.reports.recipients`";
                reader.error(at, "`config` alone cannot be read").hint(hint);
                continue;
            };
            if let Some(given) = given {
                match find(given, names) {
                    Ok(()) => keep(into, names, given),
                    Err(missing) => tell(reader, used, path, &missing),
                }
            }
        }
    }
    read
}

/// Whether an expression is part of the plan: what all steps share is not, if none of them takes it.
fn is_taken(used: &Use, plan: Option<&Plan>, written: &mut Option<String>) -> bool {
    let is_shared = matches!(used.scope, Scope::Whole | Scope::Backoff(None));
    let Some(plan) = plan.filter(|_| is_shared) else { return true };
    let written = written.get_or_insert_with(|| serde_json::to_string(plan).unwrap_or_default());
    let expression = Value::from(used.expression.as_str()).to_string();
    written.contains(expression.trim_matches('"'))
}

/// A name on a path that leads nowhere.
enum Missing<'v> {
    /// There is no value of this name beside these.
    Unknown { at: usize, beside: &'v Map<String, Value> },
    /// What it is selected from has nothing inside.
    Inside { at: usize, of: &'v Value },
}

fn find<'v>(given: &'v Map<String, Value>, names: &[String]) -> Result<(), Missing<'v>> {
    let mut beside = given;
    for (at, name) in names.iter().enumerate() {
        match beside.get(name) {
            None => return Err(Missing::Unknown { at, beside }),
            Some(Value::Object(inner)) => beside = inner,
            Some(value) if at + 1 < names.len() => return Err(Missing::Inside { at: at + 1, of: value }),
            Some(_) => {}
        }
    }
    Ok(())
}

/// Takes the value at the end of a path that [`find`] has gone.
fn keep(into: &mut Map<String, Value>, names: &[String], from: &Map<String, Value>) {
    let Some((name, rest)) = names.split_first() else { return };
    let Some(value) = from.get(name) else { return };
    match (value, rest) {
        (Value::Object(inner), [_, ..]) => {
            let entry = into.entry(name.clone()).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(into) = entry {
                keep(into, rest, inner);
            }
        }
        (whole, _) => {
            into.insert(name.clone(), whole.clone());
        }
    }
}

fn tell(reader: &mut Reader, used: &Use, path: &[String], missing: &Missing) {
    match missing {
        Missing::Unknown { at, beside } => {
            let name = &path[1 + at];
            let whole = path[..=1 + at].join(".");
            let start = format!("{name}-");
            let before = path[..=*at].join(".");
            let hint = match (beside.keys().find(|key| key.starts_with(&start)), nearest(name, keys(beside))) {
                (Some(key), _) => format!("a `-` in an expression subtracts; write `{before}[\"{key}\"]`"),
                (None, Some(key)) => format!("did you mean `{before}.{key}`?"),
                (None, None) if beside.is_empty() => {
                    "give it one under `[config]` in `sagaline.toml`, the file of the project".to_owned()
                }
                (None, None) => format!("`{before}` has {}", listed(beside)),
            };
            let at = place(reader, used, path, 1 + at);
            reader.error(at, format!("there is no value `{}`", shown(&whole))).hint(hint);
        }
        Missing::Inside { at, of } => {
            let before = path[..=*at].join(".");
            let message = format!("`{}` is {}, and has no `{}`", shown(&before), described(of), shown(&path[1 + at]));
            let at = place(reader, used, path, 1 + at);
            reader.error(at, message);
        }
    }
}

fn keys(map: &Map<String, Value>) -> impl Iterator<Item = &str> {
    map.keys().map(String::as_str)
}

/// The names of what is there; of very many, some.
fn listed(map: &Map<String, Value>) -> String {
    const MOST: usize = 10;
    let mut names: Vec<String> = map.keys().take(MOST).map(|key| format!("`{}`", shown(key))).collect();
    if MOST < map.len() {
        names.push(format!("and {} more", map.len() - MOST));
    }
    names.join(", ")
}

fn described(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}
