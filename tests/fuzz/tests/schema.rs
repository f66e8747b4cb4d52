//! The JSON Schema of definitions takes what can be read, and finds what it can find of what cannot.

use jsonschema::Validator;
use proptest::{prelude::*, test_runner::RngSeed};
use sagaline_fuzz::documents::definition;
use sagaline_lang::{WORKFLOW_SCHEMA, documents};
use serde_json::{Value, json};

fn schema() -> Validator {
    let schema: Value = serde_json::from_str(WORKFLOW_SCHEMA).expect("JSON");
    jsonschema::options().with_draft(jsonschema::Draft::Draft202012).build(&schema).expect("a schema")
}

fn faults(schema: &Validator, definition: &Value) -> Vec<String> {
    schema.iter_errors(definition).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn the_schema_is_one() {
    let schema: Value = serde_json::from_str(WORKFLOW_SCHEMA).expect("JSON");
    assert!(jsonschema::meta::is_valid(&schema));
}

#[test]
fn every_example_and_every_block_on_the_pages_fits() {
    let schema = schema();
    for (name, text) in sagaline_fuzz::shown::definitions().expect("they can be read") {
        for document in documents(&text, &name).expect("a definition") {
            assert_eq!(faults(&schema, &document.json()), [] as [&str; 0], "{name}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 500,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(3),
        ..ProptestConfig::default()
    })]

    #[test]
    fn random_definitions_fit(tape in proptest::collection::vec(any::<u8>(), 0..900)) {
        thread_local!(static SCHEMA: Validator = schema());
        let document = definition(&tape);
        let faults = SCHEMA.with(|schema| faults(schema, &document.json()));
        prop_assert_eq!(faults, Vec::<String>::new(), "{}", sagaline_lang::yaml(&[document]));
    }
}

#[test]
fn what_is_wrong_does_not_fit() {
    let schema = schema();
    let with = |step: Value| json!({ "workflow": "w", "steps": { "a": step } });
    let good = with(json!({ "activity": "noop" }));
    assert_eq!(faults(&schema, &good), [] as [&str; 0]);
    let mut unknown = good.clone();
    unknown["step"] = json!({});
    for wrong in [
        unknown,
        json!({ "workflow": "w" }),
        json!({ "workflow": "a b", "steps": { "a": { "activity": "noop" } } }),
        with(json!({ "activty": "noop" })),
        with(json!({ "activity": "noop", "wait": "5m" })),
        with(json!({ "wait": 5 })),
        with(json!({ "wait": "5m", "input": 1 })),
        with(json!({ "activity": "noop", "retry": { "atempts": 3 } })),
        with(json!({ "activity": "noop", "on_error": "stop" })),
        with(json!({ "try": { "b": { "wait": "5m" } } })),
        with(json!({ "await": { "signal": "a", "event": "b" } })),
        with(json!({ "steps": { "b": { "activity": "noop", "when": 5 } } })),
    ] {
        assert!(!schema.is_valid(&wrong), "{wrong}");
    }
}
