//! What is wrong with the file before it is asked what it means.

use crate::told;

#[test]
fn what_is_no_yaml_is_told_with_its_place() {
    told(
        r"workflow: w
steps:
  a: { activity: noop
  b: { activity: noop }
",
        r"order.yaml:4:4: not valid YAML: a `,` or the closing `}` is missing before this
  |
4 |   b: { activity: noop }
  |    ^
  hint: check the brackets of this map",
    );
}

#[test]
fn an_expression_without_quotes_that_breaks_yaml_gets_a_hint() {
    told(
        r"workflow: w
steps:
  a: { activity: echo, input: { x: ${ workflow.input.x } } }
",
        r#"order.yaml:3:37: not valid YAML: a `,` or the closing `}` is missing before this
  |
3 |   a: { activity: echo, input: { x: ${ workflow.input.x } } }
  |                                     ^
  hint: put the `${…}` in quotes: "${ … }""#,
    );
}

#[test]
fn a_tab_cannot_indent() {
    told(
        "workflow: w\nsteps:\n\ta: { activity: noop }\n",
        r"order.yaml:3:2: not valid YAML: a tab cannot indent
  |
3 |  a: { activity: noop }
  |  ^
  hint: indent with spaces",
    );
}

#[test]
fn a_file_without_anything_defines_no_workflow() {
    told(
        r"# nothing here
",
        r"order.yaml:1:1: the file defines no workflow
  |
1 | # nothing here
  | ^
  hint: start with `workflow: some_name` and `steps:`",
    );
}

#[test]
fn a_definition_is_a_map() {
    told(
        r"- workflow: w
",
        r"order.yaml:1:1: a definition is a map, not a list
  |
1 | - workflow: w
  | ^
  hint: start with `workflow: some_name` and `steps:`",
    );
}

#[test]
fn keys_that_are_given_twice() {
    told(
        r"workflow: w
tags: [a]
steps:
  a: { activity: noop }
  a: { activity: echo, input: { x: 1, x: 2 } }
tags: [b]
",
        r"order.yaml:5:3: `a` is given twice in the same map
  |
5 |   a: { activity: echo, input: { x: 1, x: 2 } }
  |   ^
  hint: the first one is on line 4; keep one of them, or rename one

order.yaml:5:39: `x` is given twice in the same map
  |
5 |   a: { activity: echo, input: { x: 1, x: 2 } }
  |                                       ^
  hint: the first one is on line 5; keep one of them, or rename one

order.yaml:6:1: `tags` is given twice in the same map
  |
6 | tags: [b]
  | ^^^^
  hint: the first one is on line 2; keep one of them, or rename one",
    );
}

#[test]
fn maps_and_lists_nest_only_so_deep() {
    told(
        r"workflow: w
steps: { a: { activity: echo, input: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]] } }
",
        r"order.yaml:2:83: maps and lists nest more than 48 levels deep
  |
2 | … [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]] } }
  |                                                ^",
    );
}

#[test]
fn aliases_cannot_blow_a_file_up() {
    told(
        r"workflow: w
bombs:
  - &a [x, x, x, x, x, x, x, x, x, x]
  - &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]
  - &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]
  - &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]
  - &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]
  - &f [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]
  - &g [*f, *f, *f, *f, *f, *f, *f, *f, *f, *f]
  - &h [*g, *g, *g, *g, *g, *g, *g, *g, *g, *g]
  - &i [*h, *h, *h, *h, *h, *h, *h, *h, *h, *h]
steps: { s: { activity: noop } }
",
        r"order.yaml:8:21: the aliases of this file repeat more than 1 MiB
  |
8 |   - &f [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]
  |                     ^^",
    );
}

#[test]
fn an_alias_cannot_repeat_what_it_stands_in() {
    told(
        r"workflow: w
steps: &s { a: { activity: echo, input: *s } }
",
        r"order.yaml:2:41: this alias stands inside what it would repeat, or in another document
  |
2 | steps: &s { a: { activity: echo, input: *s } }
  |                                         ^^",
    );
}

#[test]
fn what_json_cannot_hold_is_refused() {
    told(
        r"workflow: w
steps:
  a: { activity: echo, input: [.inf, !secret x, !!int y, { ? [k] : v }] }
",
        r"order.yaml:3:32: `.inf` is no number that JSON can hold
  |
3 |   a: { activity: echo, input: [.inf, !secret x, !!int y, { ? [k] : v }] }
  |                                ^^^^
  hint: put it in quotes if it is meant as text

order.yaml:3:38: the tag `!secret` has no meaning here
  |
3 |   a: { activity: echo, input: [.inf, !secret x, !!int y, { ? [k] : v }] }
  |                                      ^^^^^^^^^
  hint: remove the tag; text that looks like a number goes in quotes

order.yaml:3:49: the tag `!!int` has no meaning here
  |
3 |   a: { activity: echo, input: [.inf, !secret x, !!int y, { ? [k] : v }] }
  |                                                 ^^^^^^^
  hint: remove the tag; text that looks like a number goes in quotes

order.yaml:3:62: a key must be text, not a map or a list
  |
3 |   a: { activity: echo, input: [.inf, !secret x, !!int y, { ? [k] : v }] }
  |                                                              ^",
    );
}

#[test]
fn a_second_definition_where_one_is_expected() {
    told(
        r"workflow: w
steps: { a: { activity: noop } }
---
workflow: w
steps: { a: { activity: noop } }
",
        r"order.yaml:4:1: a second definition starts here, but one was expected
  |
4 | workflow: w
  | ^
  hint: put each in a file of its own",
    );
}

#[test]
fn a_flow_text_in_a_file_of_another_name_is_known_for_what_it_is() {
    let expected = r#"order.yaml:2:1: this is the .flow language, in a file that is read as YAML
  |
2 | workflow w {
  | ^^^^^^^^
  hint: let its name end in .flow"#;
    told("// an order\nworkflow w {\n  steps { a { activity \"x\" input { n: 1 } } }\n}\n", expected);
    let expected = r#"order.yaml:2:3: this is the .flow language, in a file that is read as YAML
  |
2 |   job "tidy"
  |   ^^^
  hint: let its name end in .flow"#;
    told("\n  job \"tidy\"\n  {\n    task \"x\"\n  }\n", expected);
}
