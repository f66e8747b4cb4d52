//! Checking an input, and wording what the validator finds.

use jsonschema::{
    JsonType, ValidationError, Validator,
    error::{TypeKind, ValidationErrorKind},
};
use serde_json::Value;

use crate::{
    limits::{EFFORT_MAX, LISTING_EFFORT_MAX, MOST_VIOLATIONS},
    violation::{Violation, Violations, short},
};

/// The longest pointer that is repeated: keys are as long as their maker likes.
const PLACE_MAX: usize = 300;
/// So many options of an `enum` are repeated.
const OPTIONS_MAX: usize = 20;

pub(crate) fn check(validator: &Validator, rules: usize, input: &Value) -> Result<(), Violations> {
    let values = weight(input);
    let effort = rules.saturating_mul(values);
    if EFFORT_MAX < effort {
        let problem = format!("is too large to be checked: about {values} values against {rules} rules");
        let expected = format!("at most {} values", EFFORT_MAX / rules.max(1));
        return Err(Violations { listed: vec![Violation { at: String::new(), problem, expected }], more: false });
    }
    if validator.is_valid(input) {
        return Ok(());
    }
    let whole = effort <= LISTING_EFFORT_MAX;
    let mut listed = match whole {
        true => worded(validator.iter_errors(input)),
        false => worded(validator.validate(input).err().into_iter()),
    };
    let more = !whole || MOST_VIOLATIONS < listed.len();
    listed.truncate(MOST_VIOLATIONS);
    Err(Violations { listed, more })
}

/// How many values there are, a long text counting for several.
fn weight(value: &Value) -> usize {
    1 + match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len() / 64,
        Value::Array(items) => items.iter().map(weight).sum(),
        Value::Object(fields) => fields.iter().map(|(key, field)| key.len() / 64 + weight(field)).sum(),
    }
}

/// In the order of their places, whatever the order in which they were found.
pub(crate) fn worded<'e>(errors: impl Iterator<Item = ValidationError<'e>>) -> Vec<Violation> {
    let mut worded: Vec<Violation> = errors.flat_map(|error| words(&error)).collect();
    worded.sort();
    worded.dedup();
    worded
}

fn words(error: &ValidationError<'_>) -> Vec<Violation> {
    use ValidationErrorKind as Kind;
    let at = cut(error.instance_path().as_str());
    let is = || format!("is {}", described(error.instance()));
    let has = |what: &str| format!("has {} {what}", size(error.instance()));
    let (problem, expected) = match error.kind() {
        Kind::Type { kind } => (is(), types(kind)),
        Kind::Required { property } => {
            let name = property.as_str().map_or_else(|| property.to_string(), str::to_owned);
            (format!("has no `{}`", short(&name)), format!("a map with `{}`", short(&name)))
        }
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            let mut names: Vec<&String> = unexpected.iter().collect();
            names.sort();
            return names.into_iter().map(|name| unknown(&at, name)).collect();
        }
        Kind::Enum { options } => (is(), one_of(options)),
        Kind::Constant { expected_value } => (is(), described(expected_value)),
        Kind::Minimum { limit } => (is(), format!("{limit} or more")),
        Kind::Maximum { limit } => (is(), format!("{limit} or less")),
        Kind::ExclusiveMinimum { limit } => (is(), format!("more than {limit}")),
        Kind::ExclusiveMaximum { limit } => (is(), format!("less than {limit}")),
        Kind::MultipleOf { multiple_of } => (is(), format!("a multiple of {multiple_of}")),
        Kind::MinLength { limit } => (has("characters"), format!("{limit} or more")),
        Kind::MaxLength { limit } => (has("characters"), format!("{limit} or less")),
        Kind::MinItems { limit } => (has("items"), format!("{limit} or more")),
        Kind::MaxItems { limit } => (has("items"), format!("{limit} or less")),
        Kind::AdditionalItems { limit } => (has("items"), format!("{limit} or less")),
        Kind::UnevaluatedItems { .. } => (has("items"), "only items that the schema describes".into()),
        Kind::MinProperties { limit } => (has("keys"), format!("{limit} or more")),
        Kind::MaxProperties { limit } => (has("keys"), format!("{limit} or less")),
        Kind::UniqueItems => ("has an item twice".into(), "no item twice".into()),
        Kind::Contains => ("has other items".into(), "as many items as `contains` asks for".into()),
        Kind::Pattern { pattern } => (is(), format!("text that matches `{}`", short(pattern))),
        Kind::Format { format } => (is(), format!("text in the format `{format}`")),
        Kind::PropertyNames { error } => {
            let names = words(error).into_iter().map(|name| {
                let problem = format!("has a key that {}", name.problem);
                Violation { at: at.clone(), problem, expected: format!("as a key {}", name.expected) }
            });
            return names.collect();
        }
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
            let nearest = context.iter().min_by_key(|errors| errors.len()).and_then(|errors| errors.first());
            let nearest = nearest.and_then(|error| words(error).into_iter().next());
            let nearest = nearest.map_or(String::new(), |nearest| format!(" (the nearest: {nearest})"));
            (format!("fits none of {} alternatives{nearest}", context.len()), "one of them".into())
        }
        Kind::OneOfMultipleValid { .. } => ("fits several alternatives".into(), "exactly one of them".into()),
        Kind::Not { .. } => (is(), "a value that does not fit `not`".into()),
        Kind::FalseSchema => ("is there".into(), "nothing here".into()),
        Kind::BacktrackLimitExceeded { .. }
        | Kind::RegexEngineFailure { .. }
        | Kind::ContentEncoding { .. }
        | Kind::ContentMediaType { .. }
        | Kind::FromUtf8 { .. }
        | Kind::Custom { .. }
        | Kind::Referencing(_) => (format!("does not fit `{}`", error.kind().keyword()), "a value that does".into()),
    };
    vec![Violation { at, problem, expected }]
}

fn unknown(at: &str, name: &str) -> Violation {
    let (problem, expected) = (format!("has a key `{}`", short(name)), "only keys that the schema names".into());
    Violation { at: at.to_owned(), problem, expected }
}

fn cut(place: &str) -> String {
    match place.char_indices().nth(PLACE_MAX) {
        Some((end, _)) => format!("{}…", &place[..end]),
        None => place.to_owned(),
    }
}

fn described(value: &Value) -> String {
    match value {
        Value::Null => "nothing (null)".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => format!("\"{}\"", short(text)),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a map".to_owned(),
    }
}

fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.chars().count(),
        Value::Array(items) => items.len(),
        Value::Object(fields) => fields.len(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

fn types(kind: &TypeKind) -> String {
    let word = |kind: JsonType| match kind {
        JsonType::Array => "a list",
        JsonType::Boolean => "true or false",
        JsonType::Integer => "a whole number",
        JsonType::Null => "nothing (null)",
        JsonType::Number => "a number",
        JsonType::Object => "a map",
        JsonType::String => "text",
    };
    match kind {
        TypeKind::Single(kind) => word(*kind).to_owned(),
        TypeKind::Multiple(kinds) => {
            let mut words: Vec<_> = kinds.iter().map(word).collect();
            words.sort_unstable();
            words.join(" or ")
        }
    }
}

fn one_of(options: &Value) -> String {
    let options: &[Value] = options.as_array().map_or(&[], Vec::as_slice);
    let mut shown: Vec<String> = options.iter().take(OPTIONS_MAX).map(described).collect();
    if OPTIONS_MAX < options.len() {
        shown.push(format!("or one of {} more", options.len() - OPTIONS_MAX));
    }
    format!("one of {}", shown.join(", "))
}
