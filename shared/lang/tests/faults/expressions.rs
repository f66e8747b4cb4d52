//! Expressions: that they compile, and that what they read can be there.

use crate::told;

#[test]
fn an_expression_that_does_not_compile_is_told_with_its_place() {
    told(
        r#"workflow: w
steps:
  a:
    activity: echo
    when: "${ workflow.input.x > }"
    input:
      text: "total: ${ 1 + } euro"
      open: "${ workflow.input"
"#,
        r#"order.yaml:5:33: the expression ends where a value or a closing bracket is missing
  |
5 |     when: "${ workflow.input.x > }"
  |                                 ^

order.yaml:7:28: the expression ends where a value or a closing bracket is missing
  |
7 |       text: "total: ${ 1 + } euro"
  |                            ^

order.yaml:8:14: the expression that begins here has no end
  |
8 |       open: "${ workflow.input"
  |              ^
  hint: it ends with `}`, and quotes inside of it come in pairs; a literal `${` is written `$${`"#,
    );
}

#[test]
fn places_within_folded_and_escaped_texts_are_exact() {
    told(
        r#"workflow: w
steps:
  a:
    activity: echo
    input:
      quoted: "\u00e4 \"x\" ${ stpes }"
      single: 'it''s ${ stpes }'
      literal: |
        first
        second ${ stpes }
      folded: >-
        first
        ${ stpes }
      plain: first
        ${ stpes }
      tagged: !!str ${ stpes }
"#,
        r#"order.yaml:6:32: `stpes` is nothing that an expression can read
  |
6 |       quoted: "\u00e4 \"x\" ${ stpes }"
  |                                ^^^^^
  hint: did you mean `steps`?

order.yaml:7:25: `stpes` is nothing that an expression can read
  |
7 |       single: 'it''s ${ stpes }'
  |                         ^^^^^
  hint: did you mean `steps`?

order.yaml:10:19: `stpes` is nothing that an expression can read
   |
10 |         second ${ stpes }
   |                   ^^^^^
  hint: did you mean `steps`?

order.yaml:13:12: `stpes` is nothing that an expression can read
   |
13 |         ${ stpes }
   |            ^^^^^
  hint: did you mean `steps`?

order.yaml:15:12: `stpes` is nothing that an expression can read
   |
15 |         ${ stpes }
   |            ^^^^^
  hint: did you mean `steps`?

order.yaml:16:24: `stpes` is nothing that an expression can read
   |
16 |       tagged: !!str ${ stpes }
   |                        ^^^^^
  hint: did you mean `steps`?"#,
    );
}

#[test]
fn roots_that_do_not_exist() {
    told(
        r#"workflow: w
steps:
  a:
    activity: echo
    input: ["${ stpes.a.output }", "${ banana }", "${ attempt }", "${ steps }"]
"#,
        r#"order.yaml:5:17: `stpes` is nothing that an expression can read
  |
5 |     input: ["${ stpes.a.output }", "${ banana }", "${ attempt }", "${ steps }"]
  |                 ^^^^^
  hint: did you mean `steps`?

order.yaml:5:40: `banana` is nothing that an expression can read
  |
5 |     input: ["${ stpes.a.output }", "${ banana }", "${ attempt }", "${ steps }"]
  |                                        ^^^^^^
  hint: it can read `workflow`, `steps`, `ctx`, `trigger`, `execution`, `config`

order.yaml:5:55: `attempt` can be read in the delays of a `retry` only
  |
5 |     input: ["${ stpes.a.output }", "${ banana }", "${ attempt }", "${ steps }"]
  |                                                       ^^^^^^^

order.yaml:5:71: `steps` alone cannot be read
  |
5 |     input: ["${ stpes.a.output }", "${ banana }", "${ attempt }", "${ steps }"]
  |                                                                       ^^^^^
  hint: name the step: `steps.reserve.output`"#,
    );
}

#[test]
fn fields_that_do_not_exist() {
    told(
        r#"workflow: w
steps:
  a: { activity: noop }
  b:
    after: a
    activity: echo
    input: ["${ workflow.inptu.id }", "${ execution.banana }", "${ steps.a.outptu }"]
"#,
        r#"order.yaml:7:26: `workflow` has no `inptu`
  |
7 |     input: ["${ workflow.inptu.id }", "${ execution.banana }", "${ steps.a.outptu }"]
  |                          ^^^^^
  hint: did you mean `input`?

order.yaml:7:53: `execution` has no `banana`
  |
7 |     input: ["${ workflow.inptu.id }", "${ execution.banana }", "${ steps.a.outptu }"]
  |                                                     ^^^^^^
  hint: it has `id`, `started_at`, `attempt`

order.yaml:7:76: a step has no `outptu`
  |
7 |     input: ["${ workflow.inptu.id }", "${ execution.banana }", "${ steps.a.outptu }"]
  |                                                                            ^^^^^^
  hint: did you mean `output`?"#,
    );
}

#[test]
fn steps_that_do_not_exist_are_told_with_what_was_meant() {
    told(
        r#"workflow: w
steps:
  reserve: { activity: noop }
  charge:
    after: reserve
    activity: echo
    input: "${ steps.resrve.output.id + steps.refund.output.id }"
output: { id: "${ steps.chrage.output.id }" }
"#,
        r#"order.yaml:7:22: there is no step `resrve`
  |
7 |     input: "${ steps.resrve.output.id + steps.refund.output.id }"
  |                      ^^^^^^
  hint: did you mean `reserve`?

order.yaml:7:47: there is no step `refund`
  |
7 |     input: "${ steps.resrve.output.id + steps.refund.output.id }"
  |                                               ^^^^^^

order.yaml:8:25: there is no step `chrage`
  |
8 | output: { id: "${ steps.chrage.output.id }" }
  |                         ^^^^^^
  hint: did you mean `charge`?"#,
    );
}

#[test]
fn a_hyphen_in_the_name_of_a_step_needs_brackets() {
    told(
        r#"workflow: w
steps:
  reserve-items: { activity: noop }
  charge:
    after: reserve-items
    activity: echo
    input: "${ steps.reserve-items.output.id }"
"#,
        r#"order.yaml:7:22: there is no step `reserve`
  |
7 |     input: "${ steps.reserve-items.output.id }"
  |                      ^^^^^^^
  hint: a `-` in an expression subtracts; write `steps["reserve-items"]`"#,
    );
}

#[test]
fn a_step_cannot_read_what_comes_after_it() {
    told(
        r#"workflow: w
steps:
  a: { activity: echo, input: "${ steps.c.output }" }
  b: { after: a, activity: noop }
  c: { after: b, activity: noop }
"#,
        r#"order.yaml:3:41: `a` reads `c`, which only runs after it
  |
3 |   a: { activity: echo, input: "${ steps.c.output }" }
  |                                         ^"#,
    );
}

#[test]
fn a_step_cannot_read_itself_or_what_is_around_or_inside_it() {
    told(
        r#"workflow: w
steps:
  a: { activity: echo, input: "${ steps.a.output }" }
  b:
    when: "${ steps.c.output.ok }"
    steps:
      c: { activity: echo, input: "${ steps.b.status }" }
"#,
        r#"order.yaml:3:41: `a` reads itself before it has run
  |
3 |   a: { activity: echo, input: "${ steps.a.output }" }
  |                                         ^

order.yaml:5:21: `b` reads `c`, which is inside of it and has not run yet
  |
5 |     when: "${ steps.c.output.ok }"
  |                     ^

order.yaml:7:45: `c` reads `b`, which ends only after it: it is inside of it
  |
7 |       c: { activity: echo, input: "${ steps.b.status }" }
  |                                             ^"#,
    );
}

#[test]
fn a_trigger_reads_the_event_only() {
    told(
        r#"workflow: w
on: { event: order.created, when: "${ workflow.input.id != null }", input: { x: "${ tirgger.data }" } }
steps: { a: { activity: noop } }
"#,
        r#"order.yaml:2:39: `workflow` cannot be read in a trigger
  |
2 | on: { event: order.created, when: "${ workflow.input.id != null }", input: { x: "${ tirgger.data }" } }
  |                                       ^^^^^^^^
  hint: no execution has started yet: only `trigger` is there, the event

order.yaml:2:85: `tirgger` is nothing that an expression can read
  |
2 | on: { event: order.created, when: "${ workflow.input.id != null }", input: { x: "${ tirgger.data }" } }
  |                                                                                     ^^^^^^^
  hint: did you mean `trigger`?"#,
    );
}

#[test]
fn a_condition_is_one_expression() {
    told(
        r#"workflow: w
steps:
  a: { activity: noop, when: "${ true } && ${ false }" }
"#,
        r#"order.yaml:3:30: `when` must be one `${…}` with nothing around it
  |
3 |   a: { activity: noop, when: "${ true } && ${ false }" }
  |                              ^^^^^^^^^^^^^^^^^^^^^^^^^^"#,
    );
}

#[test]
fn a_step_that_does_not_exist_is_told_whatever_the_others_are_called() {
    told(
        "workflow: w\nsteps:\n  z: { activity: echo, input: \"${ steps.refund }\" }\n",
        r#"order.yaml:3:41: there is no step `refund`
  |
3 |   z: { activity: echo, input: "${ steps.refund }" }
  |                                         ^^^^^^"#,
    );
}
