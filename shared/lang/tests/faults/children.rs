//! What children are given that they do not take: that is doubtful, wherever both are known.

use std::collections::BTreeMap;

use sagaline_lang::{Fault, Severity, Surroundings, read_all_within};
use serde_json::json;

const SHIP: &str = r#"
---
workflow: ship
input_schema:
  type: object
  required: [order]
  properties: { order: { type: string }, parcels: { type: integer, minimum: 1 }, express: { type: boolean } }
  additionalProperties: false
steps: { a: { activity: noop } }
"#;

#[test]
fn what_a_child_of_the_same_file_does_not_take_is_told_where_it_stands() {
    let text = r#"workflow: w
steps:
  a: { child: { workflow: ship, input: { order: 7, parcels: 0 } } }
  b: { child: ship }
  c: { child: { workflow: ship, input: { order: x, expres: true } } }
  d: { child: { workflow: ship, input: { order: 7 }, version: 1 } }
  e: { child: { workflow: other, input: 7 } }
  f: { child: { workflow: ship, input: { order: x, parcels: 2, express: false } } }
"#
    .to_owned()
        + SHIP;
    let told: Vec<String> = warnings(&text, "w.yaml", &Surroundings::default()).iter().map(Fault::to_string).collect();
    let expected = [
        "w.yaml:3:49: warning: the child `ship` does not take this input: `/order` is 7\n  hint: its `input_schema` expects text",
        "w.yaml:3:61: warning: the child `ship` does not take this input: `/parcels` is 0\n  hint: its `input_schema` expects 1 or more",
        "w.yaml:4:15: warning: the child `ship` does not take this input: it is nothing (null)\n  hint: its `input_schema` expects a map",
        "w.yaml:5:52: warning: the child `ship` does not take this input: it has a key `expres`\n  hint: its `input_schema` expects only keys that the schema names",
    ];
    assert_eq!(told, expected);
}

#[test]
fn what_is_computed_may_fit_and_what_is_not_is_doubtful_beside_it() {
    let text = r#"workflow: w
steps:
  a: { child: { workflow: ship, input: { order: "${ workflow.input.order }", parcels: "${ workflow.input.n }" } } }
  b: { child: { workflow: ship, input: "${ workflow.input }" } }
  c: { child: { workflow: ship, input: { order: "${ workflow.input.order }", parcels: many } } }
  d: { child: { workflow: ship, input: { express: "${ workflow.input.fast }" } } }
"#
    .to_owned()
        + SHIP;
    let told: Vec<String> = warnings(&text, "w.yaml", &Surroundings::default())
        .iter()
        .map(|warning| format!("{}:{}: {}", warning.line, warning.column, warning.message))
        .collect();
    let expected = [
        "5:87: the child `ship` does not take this input: `/parcels` is \"many\"",
        "6:40: the child `ship` does not take this input: it has no `order`",
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_child_of_another_file_is_known_by_its_schema() {
    let schema = json!({ "type": "object", "properties": { "n": { "type": "integer" } } });
    let schemas = BTreeMap::from([("ship".parse().expect("a name"), schema)]);
    let within = Surroundings { schemas, ..Surroundings::default() };
    let text = "workflow w {\n steps {\n  a { child { workflow ship, input { n: \"two\" } } }\n }\n}\n";
    let expected = r#"w.flow:3:41: warning: the child `ship` does not take this input: `/n` is "two"
  |
3 |   a { child { workflow ship, input { n: "two" } } }
  |                                         ^^^^^
  hint: its `input_schema` expects a whole number"#;
    let told = warnings(text, "w.flow", &within);
    assert_eq!(told.iter().map(|warning| warning.render(text)).collect::<Vec<_>>(), [expected]);
    assert_eq!(warnings(text, "w.flow", &Surroundings::default()), [], "nobody knows what it takes");
}

fn warnings(text: &str, file: &str, within: &Surroundings) -> Vec<Fault> {
    let read = read_all_within(text, file, within).unwrap_or_else(|faults| panic!("{}", faults.render(text)));
    let warnings: Vec<Fault> = read.into_iter().flat_map(|definition| definition.warnings).collect();
    assert!(warnings.iter().all(|warning| warning.severity == Severity::Warning));
    warnings
}
