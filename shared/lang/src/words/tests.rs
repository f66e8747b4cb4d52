//! Whoever writes a definition finds every key on the page.

use super::*;

const PAGE: &str = include_str!("../../../../docs/workflows.md");

/// The page up to the tables that set our words beside those of others.
fn page() -> &'static str {
    PAGE.split_once("## What others call it").expect("the page has such a section").0
}

/// Where the rows of tables begin that tell of keys: `` | `key` | `` or `` | `key`, `other` | ``.
fn keys_in_tables() -> Vec<&'static str> {
    let cells = page().lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect()
}

#[test]
fn every_key_has_a_row_on_the_page() {
    // What a step is has a section instead.
    let has_section =
        |key: &str| page().lines().any(|line| line.starts_with("### ") && line.contains(&format!("`{key}`")));
    let rows = keys_in_tables();
    let all = [WORKFLOW, STEP, AWAIT, APPROVAL, CHILD, EMIT, FOR_EACH, EXPAND, RETRY, EVENT, UPDATE];
    let known = all.iter().flat_map(|words| words.known);
    let missing: Vec<&str> = known.copied().filter(|key| !rows.contains(key) && !has_section(key)).collect();
    assert_eq!(missing, [] as [&str; 0], "they are in no table of docs/workflows.md");
}

const SCHEMA: &str = crate::WORKFLOW_SCHEMA;

/// What a part of the schema is called, and the keys that it must have.
const PARTS: [(&str, Words); 29] = [
    ("step", STEP),
    ("await", AWAIT),
    ("correlate", CORRELATE),
    ("rate_limit", RATE_LIMIT),
    ("limit", LIMIT),
    ("unique", UNIQUE),
    ("approval", APPROVAL),
    ("on_timeout", ON_TIMEOUT),
    ("notify", NOTIFY),
    ("signal", SIGNAL),
    ("update", UPDATE),
    ("case", CASE),
    ("catch", CATCH),
    ("raise", RAISE),
    ("child", CHILD),
    ("emit", EMIT),
    ("dead_letter", DEAD_LETTER),
    ("for_each", FOR_EACH),
    ("expand", EXPAND),
    ("concurrency", CONCURRENCY),
    ("breaker", BREAKER),
    ("retry", RETRY),
    ("event", EVENT),
    ("debounce", DEBOUNCE),
    ("batch", BATCH),
    ("schedule", SCHEDULED),
    ("every", EVERY),
    ("compensate", COMPENSATE),
    ("compensation", COMPENSATION),
];

#[test]
fn the_schema_has_every_key_and_no_other() {
    let schema: serde_json::Value = serde_json::from_str(SCHEMA).expect("JSON");
    let keys = |part: &serde_json::Value| -> Vec<String> {
        assert_eq!(part["additionalProperties"], false, "{part}");
        part["properties"].as_object().expect("properties").keys().cloned().collect()
    };
    let sorted = |words: Words| {
        let mut known: Vec<String> = words.known.iter().map(|word| (*word).to_owned()).collect();
        known.sort_unstable();
        known
    };
    assert_eq!(keys(&schema), sorted(WORKFLOW));
    let defined = schema["$defs"].as_object().expect("definitions");
    for (name, words) in PARTS {
        assert_eq!(keys(&defined[name]), sorted(words), "{name}");
    }
    let maps = defined.values().filter(|part| part.get("properties").is_some()).count();
    assert_eq!(maps, PARTS.len(), "every map of the schema is compared");
}

#[test]
fn the_schema_explains_every_key() {
    let schema: serde_json::Value = serde_json::from_str(SCHEMA).expect("JSON");
    let parts = schema["$defs"].as_object().expect("definitions").values().chain([&schema]);
    for (key, said) in parts.filter_map(|part| part["properties"].as_object()).flatten() {
        assert!(said["description"].as_str().is_some_and(|text| !text.is_empty()), "`{key}` has no description");
    }
}

#[test]
fn the_schema_says_the_same_of_what_a_step_may_do() {
    let schema: serde_json::Value = serde_json::from_str(SCHEMA).expect("JSON");
    let step = &schema["$defs"]["step"];
    let kinds: Vec<&str> =
        step["oneOf"].as_array().expect("kinds").iter().filter_map(|one| one["required"][0].as_str()).collect();
    assert_eq!(kinds, KINDS);
    let needs_activity = |key: &&str| step["dependentRequired"][*key] == serde_json::json!(["activity"]);
    assert!(OF_ACTIVITIES.iter().all(needs_activity), "{}", step["dependentRequired"]);
}

const GRAMMAR: &str = include_str!("../../../../editors/vscode/syntaxes/flow.tmLanguage.json");

/// Words of .flow files besides, and those that mean the same as one of YAML.
const OF_FLOW: [&str; 5] = ["job", "parallel", "max_attempts", "initial_interval", "backoff_multiplier"];

#[test]
fn the_grammar_for_editors_has_every_key_and_no_other() {
    let grammar: serde_json::Value = serde_json::from_str(GRAMMAR).expect("JSON");
    let matched = grammar["repository"]["keyword"]["match"].as_str().expect("a pattern");
    let listed = matched.split_once(".-])(").and_then(|(_, rest)| rest.split_once(')')).expect("a list of words").0;
    let listed: Vec<&str> = listed.split('|').collect();
    let known = crate::vocabulary().into_iter().flat_map(|(_, keys)| keys).copied();
    let short = crate::flow::SHORT.into_iter().chain(crate::flow::SHORT_OF_TOP);
    let expected: std::collections::BTreeSet<&str> = known.chain(short).chain(OF_FLOW).collect();
    assert_eq!(listed, expected.into_iter().collect::<Vec<_>>());
}
