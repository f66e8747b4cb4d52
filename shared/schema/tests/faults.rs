//! What is told about a schema that cannot be used.

use sagaline_schema::{DEEPEST, Schema, Severity};
use serde_json::{Value, json};

fn told(schema: &Value) -> Vec<String> {
    let word = |severity| if severity == Severity::Error { "" } else { "doubt: " };
    let faults = Schema::faults(schema);
    faults.iter().map(|fault| format!("{}{}: {}", word(fault.severity), fault.at, fault.message)).collect()
}

#[test]
fn every_fault_is_told_at_its_place() {
    let schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "properties": {
            "a": { "$ref": "https://example.com/a.json" },
            "b": { "$ref": "#/$defs/nothing" },
            "c": { "pattern": "(?=x)" },
            "d": { "format": "credit-card" },
            "e": { "$id": "e", "$anchor": "e" },
            "f": { "dependencies": {} }
        }
    });
    assert_eq!(
        told(&schema),
        [
            "/$schema: the dialect `http://json-schema.org/draft-07/schema#` is not supported",
            "/properties/a/$ref: `https://example.com/a.json` is outside of this schema; nothing is fetched",
            "/properties/b/$ref: there is nothing at `#/$defs/nothing`",
            "/properties/c/pattern: `(?=x)` is no pattern that can be used",
            "/properties/d/format: `credit-card` is no format that is checked",
            "/properties/e/$anchor: `$anchor` is not supported",
            "/properties/e/$id: `$id` is not supported inside a schema",
            "/properties/f/dependencies: `dependencies` is not supported",
        ]
    );
}

#[test]
fn what_the_dialect_says_is_told_too() {
    let schema = json!({ "type": "strin", "required": "a", "properties": { "a": { "minLength": -1 }, "b": 5 } });
    let told = told(&schema);
    for place in [
        "/properties/a/minLength: this is -1; expected 0 or more",
        "/required: this is \"a\"; expected a list",
        "/type: ",
        "/properties/b: ",
    ] {
        assert!(told.iter().any(|fault| fault.starts_with(place)), "{place} in {told:#?}");
    }
    assert!(Schema::compile(&json!("a text")).is_err());
}

#[test]
fn a_word_that_is_no_keyword_is_doubtful() {
    let schema = json!({ "requried": ["a"], "x-owner": "shop", "properties": { "requried": true } });
    assert_eq!(told(&schema), ["doubt: /requried: `requried` is no keyword of JSON Schema: nothing checks it"]);
    assert!(Schema::compile(&schema).is_ok());
}

#[test]
fn a_schema_that_contains_itself_is_refused() {
    let round = json!({ "$defs": {
        "a": { "properties": { "b": { "$ref": "#/$defs/b" } } },
        "b": { "items": { "$ref": "#/$defs/a" } }
    } });
    assert_eq!(told(&round), ["/$defs/a: the schema refers back to where it stands: it would have no end"]);
    assert!(!told(&json!({ "anyOf": [{ "$ref": "#" }] })).is_empty());
    // Twice side by side is no circle, and a place may be written with its escapes.
    let twice = json!({
        "$defs": { "a/b c": { "type": "string" } },
        "properties": { "x": { "$ref": "#/$defs/a~1b%20c" }, "y": { "$ref": "#/$defs/a~1b%20c" } }
    });
    assert_eq!(told(&twice), Vec::<String>::new());
    let violations = Schema::compile(&twice).unwrap().check(&json!({ "y": 1 })).unwrap_err();
    assert_eq!(violations.to_string(), "/y is 1; expected text");
}

/// Each definition uses the next one twice: short to write, and thousands of checks of one value.
#[test]
fn what_is_short_to_write_and_long_to_check_is_refused() {
    let mut defs = json!({ "d12": { "type": "string" } });
    for level in 0..12 {
        let next = json!({ "$ref": format!("#/$defs/d{}", level + 1) });
        defs[format!("d{level}")] = json!({ "anyOf": [next, next] });
    }
    let schema = json!({ "$defs": defs, "$ref": "#/$defs/d0" });
    assert_eq!(told(&schema).len(), 1, "{:?}", told(&schema));
    assert!(told(&schema)[0].contains("more than 2000 rules"));

    // What is left over is looked for again on every level.
    let mut nested = json!({ "properties": { "a": true } });
    for _ in 0..15 {
        nested = json!({ "allOf": [nested], "unevaluatedProperties": false });
    }
    assert!(told(&nested)[0].contains("more than 2000 rules"));
}

#[test]
fn a_schema_may_be_so_large_and_so_deep_and_no_more() {
    let mut deep = json!({ "type": "string" });
    for _ in 0..DEEPEST {
        deep = json!({ "items": deep });
    }
    assert_eq!(told(&deep), Vec::<String>::new());
    assert!(told(&json!({ "items": deep }))[0].contains("more than 32 deep"));
    let large = json!({ "description": "x".repeat(70_000) });
    assert!(told(&large)[0].contains("at most 65536 are taken"));
    // Very deep JSON is no danger either: nothing recurses further than it must.
    let mut very_deep = json!(true);
    for _ in 0..120 {
        very_deep = json!({ "not": very_deep });
    }
    assert!(!told(&very_deep).is_empty());
}
