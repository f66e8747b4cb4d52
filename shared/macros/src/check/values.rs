//! Values of arguments: durations, cron expressions, words of which there are a few.

use syn::{Error, Lit, ext::IdentExt};

use super::unknown;
use crate::{
    args::Value,
    duration::is_duration,
    words::{CHOICES, DURATIONS, INSIDE, nearest},
};

/// Keys whose values are data of the user's: nothing in there is a word of ours.
const DATA: &[&str] = &[
    "input",
    "data",
    "metadata",
    "output",
    "input_schema",
    "signals",
    "queries",
    "updates",
    "match",
    "details",
    "extensions",
    "approvers",
    "items",
];

/// A value, and all in it that has words of ours.
pub(super) fn value(key: &str, given: &Value, faults: &mut Vec<Error>) {
    if DATA.contains(&key) {
        return;
    }
    match given {
        Value::Text(text) if DURATIONS.contains(&key) && !is_duration(&text.value()) => {
            let message =
                format!("`{}` is not a duration; for example \"250ms\", \"30s\", \"5m\", \"1h30m\"", text.value());
            faults.push(Error::new(text.span(), message));
        }
        Value::Plain(_, Lit::Int(number)) if DURATIONS.contains(&key) => {
            let message = match number.suffix() {
                "" => format!("a duration needs a unit: \"{number}s\", \"{number}m\", \"{number}h\""),
                _ => format!("a duration is a text: \"{number}\""),
            };
            faults.push(Error::new(number.span(), message));
        }
        Value::Text(text) if key == "cron" && !is_cron(&text.value()) => {
            let message =
                "a cron expression has five fields, or six with seconds first; or it is `@daily` and the like";
            faults.push(Error::new(text.span(), message));
        }
        Value::Plain(_, Lit::Int(number)) if matches!(key, "attempts" | "retry") && number.base10_digits() == "0" => {
            let message = "it counts runs: 1 means one run and no retry";
            faults.push(Error::new(number.span(), message));
        }
        Value::Text(text) if matches!(key, "attempts" | "retry" | "threshold" | "burst" | "step_concurrency") => {
            if text.value().parse::<f64>().is_ok() {
                let message = format!("a number has no quotes: {}", text.value());
                faults.push(Error::new(text.span(), message));
            }
        }
        Value::Text(text) if key == "on_event" && text.value().contains(char::is_whitespace) => {
            let message = format!("`{}` is not the type of an event, such as \"order.created\"", text.value());
            faults.push(Error::new(text.span(), message));
        }
        Value::Text(text) => choice(key, &text.value(), text.span(), faults),
        Value::Word(word) => choice(key, &word.unraw().to_string(), word.span(), faults),
        Value::List(_, items) => items.iter().for_each(|item| value(key, item, faults)),
        Value::Map(_, entries) => entries.iter().for_each(|(_, key, inner)| value(&key.value(), inner, faults)),
        Value::Call(_, args) => {
            let inside = INSIDE.iter().find(|(argument, _, _)| *argument == key);
            for arg in &args.named {
                match inside {
                    Some((_, _, known)) if !known.contains(&arg.name().as_str()) => {
                        unknown(&arg.key, &format!("`{key}`"), known, faults);
                    }
                    Some(_) | None => value(&arg.name(), &arg.value, faults),
                }
            }
        }
        Value::Plain(..) | Value::Rust(_) => {}
    }
}

fn choice(key: &str, given: &str, span: proc_macro2::Span, faults: &mut Vec<Error>) {
    let Some((_, words)) = CHOICES.iter().find(|(known, _)| *known == key) else { return };
    if words.contains(&given) {
        return;
    }
    let hint = match nearest(given, words.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("one of `{}`", words.join("`, `")),
    };
    faults.push(Error::new(span, format!("`{key}` cannot be `{given}`; {hint}")));
}

fn is_cron(text: &str) -> bool {
    text.starts_with('@') || matches!(text.split_whitespace().count(), 5 | 6)
}
