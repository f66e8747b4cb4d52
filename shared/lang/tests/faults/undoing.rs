//! What undoes a step.

use crate::told;

#[test]
fn only_activities_are_undone_and_each_by_a_word_of_its_own() {
    told(
        r"workflow: w
steps:
  a: { wait: 1s, compensate: undo }
  b: { child: other, compensate: undo }
  c: { steps: { d: { activity: noop } }, compensate: undo }
on_failure: { activity: noop, compensate: undo }
",
        r"order.yaml:3:18: `compensate` belongs to an `activity`; this step has `wait`
  |
3 |   a: { wait: 1s, compensate: undo }
  |                  ^^^^^^^^^^
  hint: it does nothing that would have to be undone

order.yaml:4:22: `compensate` belongs to an `activity`; this step has `child`
  |
4 |   b: { child: other, compensate: undo }
  |                      ^^^^^^^^^^
  hint: a child is undone by what its own steps say: give it to those

order.yaml:5:42: `compensate` belongs to an `activity`; this step has `steps`
  |
5 |   c: { steps: { d: { activity: noop } }, compensate: undo }
  |                                          ^^^^^^^^^^
  hint: give it to the steps inside: each is undone by itself

order.yaml:6:31: `compensate` cannot stand in a handler: what handles an end is not undone
  |
6 | on_failure: { activity: noop, compensate: undo }
  |                               ^^^^^^^^^^
  hint: what it does itself may be undone by another step of it",
    );
}

#[test]
fn what_undoes_is_named_and_computed_from_what_is_known_by_then() {
    told(
        r#"workflow: w
steps:
  a: { activity: noop, compensate: [] }
  b: { activity: noop, compensate: { input: 1 } }
  c: { activity: noop, compensate: { activity: undo, retry: { backoff: "${ attempt }" } } }
  d: { activity: noop, compensate: { activity: undo, input: "${ outputs.id }" } }
  e: { activity: noop, compensate: { activity: undo, input: "${ steps.e.output }" } }
  f: { activity: noop, input: "${ output }" }
  g: { activity: noop, compensate: { on: never, actions: undo } }
  h: { activity: noop, compensate: { on: attempted } }
  i: { activity: noop, compensate: { activity: undo, input: ["${ output }", "${ error }", "${ outcome }", "${ input }", "${ idempotency_key }"] } }
"#,
        r#"order.yaml:3:36: `compensate` names no activity
  |
3 |   a: { activity: noop, compensate: [] }
  |                                    ^
  hint: name what undoes the step: `compensate: stock.release`

order.yaml:4:36: the `compensate` has no `activity`
  |
4 |   b: { activity: noop, compensate: { input: 1 } }
  |                                    ^^
  hint: for example `compensate: { activity: stock.release }`

order.yaml:5:61: the `retry` of a `compensate` cannot be computed
  |
5 |   c: { activity: noop, compensate: { activity: undo, retry: { backoff: "${ attempt }" } } }
  |                                                             ^^
  hint: when it is undone nothing is left of the execution that it could be computed from

order.yaml:6:65: `outputs` is nothing that an expression can read
  |
6 |   d: { activity: noop, compensate: { activity: undo, input: "${ outputs.id }" } }
  |                                                                 ^^^^^^^
  hint: did you mean `output`?

order.yaml:7:71: what is undone is `e` itself; what it gave is `output`
  |
7 |   e: { activity: noop, compensate: { activity: undo, input: "${ steps.e.output }" } }
  |                                                                       ^

order.yaml:8:35: `output` is nothing that an expression can read
  |
8 |   f: { activity: noop, input: "${ output }" }
  |                                   ^^^^^^
  hint: it can read `workflow`, `steps`, `ctx`, `trigger`, `execution`, `config`

order.yaml:9:42: `on` cannot be `never`
  |
9 |   g: { activity: noop, compensate: { on: never, actions: undo } }
  |                                          ^^^^^
  hint: one of `effected`, `attempted`

order.yaml:10:36: the `compensate` has no `actions`
   |
10 |   h: { activity: noop, compensate: { on: attempted } }
   |                                    ^^
  hint: for example `compensate: { on: attempted, actions: [stock.release] }`"#,
    );
}
