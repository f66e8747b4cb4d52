//! Verdicts on inputs, and their words. Both are recorded with executions: a change here is a change of the engine's rules.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use sagaline_schema::{EFFORT_MAX, MOST_VIOLATIONS, Schema, Violations};
use serde_json::{Value, json};

fn check(schema: &Value, input: &Value) -> Result<(), Violations> {
    Schema::compile(schema).unwrap().check(input)
}

/// Everything that is told about an input.
fn told(schema: Value, input: Value) -> String {
    check(&schema, &input).map_or_else(|violations| violations.to_string(), |()| "fits".to_owned())
}

#[test]
fn every_violation_is_told_with_its_place_what_is_so_and_what_should_be() {
    let schema = json!({
        "type": "object",
        "required": ["order_id", "items"],
        "additionalProperties": false,
        "properties": {
            "order_id": { "type": "string", "pattern": "^[A-Z]-[0-9]+$" },
            "total": { "type": "number", "minimum": 0, "exclusiveMaximum": 1000 },
            "card": { "enum": ["visa", "amex"] },
            "day": { "type": "string", "format": "date" },
            "items": {
                "type": "array", "minItems": 1, "uniqueItems": true,
                "items": { "$ref": "#/$defs/item" }
            }
        },
        "$defs": { "item": { "type": "object", "required": ["sku"], "properties": { "sku": { "type": "string", "maxLength": 3 } } } }
    });
    let fits =
        json!({ "order_id": "A-1", "total": 9.5, "card": "visa", "day": "2026-11-20", "items": [{ "sku": "x" }] });
    assert_eq!(told(schema.clone(), fits), "fits");
    let bad = json!({
        "order_id": "a1", "total": -3, "card": "cash", "day": "today", "a/b": 1,
        "items": [{ "sku": 7 }, { "sku": "long" }, {}, {}]
    });
    assert_eq!(
        told(schema.clone(), bad),
        r#"the input has a key `a/b`; expected only keys that the schema names
/card is "cash"; expected one of "visa", "amex"
/day is "today"; expected text in the format `date`
/items has an item twice; expected no item twice
/items/0/sku is 7; expected text
/items/1/sku has 4 characters; expected 3 or less
/items/2 has no `sku`; expected a map with `sku`
/items/3 has no `sku`; expected a map with `sku`
/order_id is "a1"; expected text that matches `^[A-Z]-[0-9]+$`
/total is -3; expected 0 or more"#
    );
    assert_eq!(told(schema, Value::Null), "the input is nothing (null); expected a map");
}

#[test]
fn the_words_for_every_keyword() {
    for (schema, input, words) in [
        (json!({ "type": ["integer", "null"] }), json!(1.5), "is 1.5; expected a whole number or nothing (null)"),
        (json!({ "type": "boolean" }), json!([]), "is a list; expected true or false"),
        (json!({ "const": 1 }), json!(2), "is 2; expected 1"),
        (json!({ "maximum": 3 }), json!(4), "is 4; expected 3 or less"),
        (json!({ "exclusiveMinimum": 3 }), json!(3), "is 3; expected more than 3"),
        (json!({ "multipleOf": 5 }), json!(7), "is 7; expected a multiple of 5"),
        (json!({ "minLength": 2 }), json!("ä"), "has 1 characters; expected 2 or more"),
        (json!({ "maxItems": 1 }), json!([1, 2]), "has 2 items; expected 1 or less"),
        (json!({ "minProperties": 1 }), json!({}), "has 0 keys; expected 1 or more"),
        (json!({ "maxProperties": 0 }), json!({ "a": 1 }), "has 1 keys; expected 0 or less"),
        (
            json!({ "contains": { "const": 1 } }),
            json!([2]),
            "has other items; expected as many items as `contains` asks for",
        ),
        (json!({ "not": { "const": 1 } }), json!(1), "is 1; expected a value that does not fit `not`"),
        (json!(false), json!(1), "is there; expected nothing here"),
        (
            json!({ "prefixItems": [true], "unevaluatedItems": false }),
            json!([1, 2]),
            "has 2 items; expected only items that the schema describes",
        ),
        (
            json!({ "propertyNames": { "maxLength": 1 } }),
            json!({ "ab": 1 }),
            "has a key that has 2 characters; expected as a key 1 or less",
        ),
        (
            json!({ "oneOf": [{ "type": "number" }, { "minimum": 1 }] }),
            json!(2),
            "fits several alternatives; expected exactly one of them",
        ),
        (
            json!({ "anyOf": [{ "type": "string" }, { "type": "object" }] }),
            json!(2),
            "fits none of 2 alternatives (the nearest: the input is 2; expected text); expected one of them",
        ),
        (
            json!({ "allOf": [{ "properties": { "a": true } }], "unevaluatedProperties": false }),
            json!({ "a": 1, "b": 2 }),
            "has a key `b`; expected only keys that the schema names",
        ),
        (
            json!({ "dependentRequired": { "card": ["cvc"] } }),
            json!({ "card": 1 }),
            "has no `cvc`; expected a map with `cvc`",
        ),
    ] {
        assert_eq!(told(schema.clone(), input), format!("the input {words}"), "{schema}");
    }
    let pair = json!({ "prefixItems": [true], "items": false });
    assert_eq!(told(pair, json!([1, 2])), "/1 is there; expected nothing here");
}

#[test]
fn formats_are_checked_and_defaults_are_not_applied() {
    for (format, good, bad) in [
        ("date", "2026-02-28", "2026-02-30"),
        ("date-time", "2026-11-20T06:00:00Z", "2026-11-20 06:00"),
        ("duration", "P1DT2H", "1 day"),
        ("email", "ada@example.com", "ada"),
        ("hostname", "example.com", "-x-"),
        ("ipv4", "127.0.0.1", "127.0.0.256"),
        ("ipv6", "::1", ":::1"),
        ("json-pointer", "/a/0", "a"),
        ("time", "06:00:00Z", "6 o'clock"),
        ("uri", "https://example.com/a", "/a"),
        ("uri-reference", "/a", "\\a"),
        ("uuid", "2eb8aa08-aa98-11ea-b4aa-73b441d16380", "2eb8"),
    ] {
        let schema = json!({ "format": format });
        assert_eq!(told(schema.clone(), json!(good)), "fits", "{format}");
        assert!(check(&schema, &json!(bad)).is_err(), "{format}: {bad}");
    }
    let schema = json!({ "required": ["a"], "properties": { "a": { "default": 1 } } });
    assert_eq!(told(schema, json!({})), "the input has no `a`; expected a map with `a`");
}

#[test]
fn of_very_many_violations_the_first_are_told() {
    let schema = json!({ "items": { "type": "string" } });
    let few = check(&schema, &json!(vec![1; MOST_VIOLATIONS])).unwrap_err();
    assert_eq!((few.listed.len(), few.more), (MOST_VIOLATIONS, false));
    let many = check(&schema, &json!(vec![1; MOST_VIOLATIONS + 1])).unwrap_err();
    assert_eq!((many.listed.len(), many.more), (MOST_VIOLATIONS, true));
    assert!(many.to_string().ends_with("\nand perhaps more"));
    // Listing all would take memory in proportion to what is wrong.
    let huge = check(&schema, &json!(vec![1; 600_000])).unwrap_err();
    assert_eq!((huge.listed.len(), huge.more), (1, true));
}

#[test]
fn what_would_take_too_long_is_refused_and_not_begun() {
    let alternatives: Vec<Value> = (0..1000).map(|number| json!({ "const": number })).collect();
    let schema = Schema::compile(&json!({ "items": { "anyOf": alternatives } })).unwrap();
    let values = EFFORT_MAX / 1000;
    let refused = schema.check(&json!(vec![1; values])).unwrap_err();
    assert!(refused.to_string().starts_with("the input is too large to be checked: about 50001 values"), "{refused}");
    assert!(schema.check(&json!(vec![1; values / 10])).is_ok());
}

#[test]
fn what_others_wrote_is_cut_and_cannot_write_to_the_terminal() {
    let long = "x".repeat(100_000);
    let told = told(
        json!({ "additionalProperties": { "type": "number" } }),
        json!({ long.clone(): format!("\u{1b}[31m{long}") }),
    );
    assert!(told.len() < 600 && !told.contains('\u{1b}'), "{told}");
}
