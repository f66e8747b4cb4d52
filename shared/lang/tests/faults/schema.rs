//! Schemas of inputs that cannot be used.

use sagaline_lang::{Severity, read};

use crate::told;

#[test]
fn every_fault_of_a_schema_stands_at_its_place() {
    told(
        r##"workflow: w
input_schema:
  type: objekt
  required: id
  properties:
    total: { minimum: a lot }
    card: { $ref: "https://example.com/card.json" }
    name: { pattern: "(?=x)" }
    list:
      - 1
steps: { a: { activity: noop } }
"##,
        r##"order.yaml:3:9: `input_schema`: this fits none of 2 alternatives (the nearest: /type is "objekt"; expected one of "array", "boolean", "integer", "null", "number", "object", "string"); expected one of them
  |
3 |   type: objekt
  |         ^^^^^^

order.yaml:4:13: `input_schema`: this is "id"; expected a list
  |
4 |   required: id
  |             ^^

order.yaml:6:23: `input_schema`: this is "a lot"; expected a number
  |
6 |     total: { minimum: a lot }
  |                       ^^^^^

order.yaml:7:19: `input_schema`: `https://example.com/card.json` is outside of this schema; nothing is fetched
  |
7 |     card: { $ref: "https://example.com/card.json" }
  |                   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  hint: copy it under `$defs` and write `$ref: "#/$defs/NAME"`

order.yaml:8:22: `input_schema`: `(?=x)` is no pattern that can be used
  |
8 |     name: { pattern: "(?=x)" }
  |                      ^^^^^^^^
  hint: a regular expression without look-around and back references, and not too large

order.yaml:9:5: `input_schema`: this is a list; expected a map or true or false
  |
9 |     list:
  |     ^^^^"##,
    );
}

#[test]
fn a_mistyped_keyword_is_doubtful() {
    let source = "workflow: w\ninput_schema: { type: object, requried: [id], x-owner: shop }\nsteps: { a: { activity: noop } }\n";
    let definition = read(source, "order.yaml").expect("it can be used");
    let [warning] = definition.warnings.as_slice() else { panic!("{:?}", definition.warnings) };
    assert_eq!((warning.line, warning.column, warning.severity), (2, 31, Severity::Warning));
    assert_eq!(warning.message, "`input_schema`: `requried` is no keyword of JSON Schema: nothing checks it");
    assert_eq!(warning.hint.as_deref(), Some("did you mean `required`? A key of your own begins with `x-`"));
}

#[test]
fn a_schema_that_refers_to_itself_is_told_where_it_does() {
    told(
        "workflow: w\ninput_schema:\n  $defs:\n    tree: { items: { $ref: \"#/$defs/tree\" } }\n  $ref: \"#/$defs/tree\"\nsteps: { a: { activity: noop } }\ntags: [a, =b]\n",
        r##"order.yaml:4:5: `input_schema`: the schema refers back to where it stands: it would have no end
  |
4 |     tree: { items: { $ref: "#/$defs/tree" } }
  |     ^^^^
  hint: say how deep it goes, or take any value below here: `true`

order.yaml:7:7: a tag needs a name
  |
7 | tags: [a, =b]
  |       ^
  hint: write `orders`, or `team=blue`"##,
    );
}
