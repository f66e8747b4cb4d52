//! What operators say about events that come in, and what they are told where it has faults.

use sagaline_lang::{Faults, read_event_source, read_event_type};
use serde_json::{Value, json};

fn told<T: std::fmt::Debug>(read: Result<T, Faults>) -> String {
    read.expect_err("faults").to_string()
}

#[test]
fn a_source_is_read_as_it_is_written() {
    let text = "stream: SHOP\nsubject: shop.*.paid\nfrom_beginning: true\nevent:\n  type: order.paid\n  id: \"${ message.data.id }\"\n  \
                extensions: { tenant: \"${ message.tokens[1] }\" }\n  data: { order: \"${ message.data }\" }\n";
    let (source, warnings) = read_event_source(text, "shop.yaml").expect("a source");
    let expected = json!({
        "stream": "SHOP", "subject": "shop.*.paid", "from_beginning": true,
        "event": {
            "type": "order.paid", "id": "${ message.data.id }",
            "extensions": { "tenant": "${ message.tokens[1] }" }, "data": { "order": "${ message.data }" },
        },
    });
    assert_eq!((serde_json::to_value(&source).expect("JSON"), warnings.len()), (expected, 0));
    let (captured, _) = read_event_source(r#"{"subject":"till.>"}"#, "SOURCE").expect("JSON is YAML");
    assert_eq!(serde_json::to_value(captured).expect("JSON"), json!({ "subject": "till.>" }));
}

#[test]
fn faults_of_a_source_are_told_at_their_place() {
    for (text, expected) in [
        (
            "",
            "S:1:1: a source of events is one map\n  hint: for example `{ stream: ORDERS, event: { type: order.created } }`",
        ),
        (
            "[]",
            "S:1:1: a source of events is a map, not a list\n  hint: for example `{ stream: ORDERS, event: { type: order.created } }`",
        ),
        (
            "{}",
            "S:1:1: the source has neither a `stream` nor a `subject`\n  hint: for example `{ stream: ORDERS, event: { type: order.created } }`",
        ),
        ("{ stream: a.b }", "S:1:11: `a.b` is not the name of a stream"),
        (
            "{ subject: a.>.b }",
            "S:1:12: `a.>.b` is not a subject\n  hint: words with dots between them; `*` is any word, a last `>` any rest",
        ),
        ("{ strem: A, subject: a }", "S:1:3: unknown key `strem` in the source\n  hint: did you mean `stream`?"),
        (
            "{ subject: a, from_beginning: true }",
            "S:1:15: `from_beginning` belongs to a `stream`\n  hint: what is captured begins now; a stream that is there may have a past",
        ),
        (
            "{ stream: A, event: {} }",
            "S:1:21: the `event` has no `type`\n  hint: for example `type: order.created`, or \"order.${ message.tokens[1] }\"",
        ),
        (
            "{ stream: A, event: { type: '${ trigger.id }' } }",
            "S:1:29: `trigger` cannot be read here\n  hint: there is only `message`",
        ),
        (
            "{ stream: A, event: { type: a, extensions: { Tenant: b } } }",
            "S:1:46: `Tenant` is not the name of an extension attribute\n  hint: small letters and digits, such as `tenant`",
        ),
    ] {
        assert_eq!(told(read_event_source(text, "S")), expected, "{text}");
    }
}

/// An event that has had a version since the second of it.
#[test]
fn versions_are_read_as_they_are_written() {
    let text = r#"
version: "${ trigger.data.version }"
versions:
  1:
    schema: { required: [id, data] }
    to_next: { id: "${ trigger.data.id }", data: { text: "${ trigger.data.data }" }, metadata: {}, version: 2 }
  2: { schema: { required: [id, data, metadata, version] } }
"#;
    let (known, warnings) = read_event_type(text, "type.yaml").expect("a type");
    assert_eq!((known.version.as_deref(), warnings.len()), (Some("trigger.data.version"), 0));
    assert_eq!(known.versions.keys().collect::<Vec<_>>(), [&1, &2]);
    assert!(known.versions[&1].to_next.is_some() && known.versions[&2].to_next.is_none());
    let (known, _) = read_event_type("schema: { type: object }", "type.yaml").expect("a type");
    let expected: Value = json!({ "versions": { "1": { "schema": { "type": "object" } } } });
    assert_eq!(serde_json::to_value(&known).expect("JSON"), expected);
    let (again, _) = read_event_type(&expected.to_string(), "type.json").expect("what is shown can be set");
    assert_eq!(again, known);
}

#[test]
fn faults_of_a_type_are_told_at_their_place() {
    for (text, expected) in [
        (
            "{}",
            "T:1:1: there is neither `schema` nor `versions`\n  hint: for example `{ schema: { type: object, required: [id] } }`",
        ),
        (
            "{ schema: {}, versions: { 1: {} } }",
            "T:1:3: there are both `schema` and `versions`\n  hint: put it into the version that it is of: `versions: { 1: { schema: … } }`",
        ),
        ("{ versions: {} }", "T:1:13: `versions` is empty\n  hint: for example `versions: { 1: { schema: … } }`"),
        ("{ versions: { 0: {} } }", "T:1:15: a version is a whole number from 1 on"),
        (
            "{ versions: { 1: {}, 2: {} } }",
            "T:1:15: version 1 has no `to_next`\n  hint: say what its data are in version 2: `to_next: { id: \"${ trigger.data.id }\" }`",
        ),
        (
            "{ versions: { 1: { to_next: 1 }, 3: {} } }",
            "T:1:15: version 1 becomes version 2, and there is none\n  hint: versions follow one another without a gap",
        ),
        ("{ versions: { 1: { to_next: 1 } } }", "T:1:15: version 1 is the last, so it has no `to_next`"),
        (
            "{ version: '${ event.data }', schema: {} }",
            "T:1:12: `event` cannot be read here\n  hint: there is only `trigger`",
        ),
    ] {
        assert_eq!(told(read_event_type(text, "T")), expected, "{text}");
    }
    assert!(told(read_event_type("{ schema: { type: nonsense } }", "T")).starts_with("T:1:19: `schema`: "));
}
