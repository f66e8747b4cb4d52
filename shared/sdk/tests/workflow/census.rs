//! Nothing that a definition can say is beyond the builder: each key of the language stands in some document that it made.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::rows;

/// What a value under a key is.
enum Shape {
    /// A map of this kind, or a list of such.
    Of(&'static str),
    /// Names, each with a map of this kind.
    Named(&'static str),
    /// An event or a schedule.
    Trigger,
}

/// What stands under the key in a map of this kind, if that has keys of the language itself.
fn shape(kind: &str, key: &str) -> Option<Shape> {
    Some(match (kind, key) {
        (_, "steps" | "race" | "try") => Shape::Named("step"),
        ("workflow", "on_success" | "on_failure" | "on_cancel" | "on_step_error") => Shape::Of("step"),
        ("workflow", "on") => Shape::Trigger,
        ("workflow", "signals") => Shape::Named("signal"),
        ("workflow", "updates") => Shape::Named("update"),
        ("workflow", "retry_workflow") => Shape::Of("retry"),
        ("workflow", "unique") => Shape::Of("unique"),
        ("workflow", "dead_letter") => Shape::Of("dead_letter"),
        ("workflow", "concurrency") => Shape::Of("concurrency"),
        ("step", "await") => Shape::Of("await"),
        ("step", "switch") => Shape::Of("case"),
        ("step", "catch") => Shape::Of("catch"),
        ("step", "raise") => Shape::Of("raise"),
        ("step", "child") => Shape::Of("child"),
        ("step", "emit") => Shape::Of("emit"),
        ("step", "for_each") => Shape::Of("for_each"),
        ("step", "expand") => Shape::Of("expand"),
        ("step", "breaker") => Shape::Of("breaker"),
        ("step", "rate_limit") => Shape::Of("rate_limit"),
        ("step", "limit") => Shape::Of("limit"),
        ("step", "compensate") => Shape::Of("compensate"),
        ("compensate", "actions") => Shape::Of("compensation"),
        ("workflow" | "step" | "compensation", "retry") => Shape::Of("retry"),
        ("await", "approval") => Shape::Of("approval"),
        ("await", "correlate") => Shape::Of("correlate"),
        ("await", "on_timeout") => Shape::Of("on_timeout"),
        ("approval", "notify") => Shape::Of("notify"),
        ("event", "debounce") => Shape::Of("debounce"),
        ("event", "batch") => Shape::Of("batch"),
        ("schedule", "every") => Shape::Of("every"),
        _ => return None,
    })
}

fn visit(kind: &'static str, value: &Value, seen: &mut BTreeSet<(&'static str, String)>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| visit(kind, item, seen)),
        Value::Object(map) => {
            for (key, value) in map {
                seen.insert((kind, key.clone()));
                match shape(kind, key) {
                    Some(Shape::Of(kind)) => visit(kind, value, seen),
                    Some(Shape::Named(kind)) => {
                        value.as_object().into_iter().flatten().for_each(|(_, inner)| visit(kind, inner, seen));
                    }
                    Some(Shape::Trigger) => {
                        for trigger in value.as_array().into_iter().flatten() {
                            let kind = if trigger.get("event").is_some() { "event" } else { "schedule" };
                            visit(kind, trigger, seen);
                        }
                    }
                    None => {}
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_key_of_the_language_is_made_by_the_builder() {
    let mut seen = BTreeSet::new();
    for (workflow, _) in rows::all() {
        visit("workflow", &workflow.document(), &mut seen);
    }
    let all = sagaline_lang::vocabulary();
    let every = all.iter().flat_map(|(kind, keys)| keys.iter().map(|key| (*kind, (*key).to_owned())));
    let missing: Vec<_> = every.filter(|key| !seen.contains(key)).collect();
    assert_eq!(missing, [], "the builder has no method for these, or no row shows it");
}
