//! Steps: what they do, their names, their order.

use crate::told;

#[test]
fn a_step_does_exactly_one_thing() {
    told(
        r"workflow: w
steps:
  a: { after: b }
  b: { activity: noop, wait: 5m }
  c: { wait: 5m, queue: fast, retry: 3 }
  d: { await: go, timeout: 5m }
",
        r"order.yaml:3:3: step `a` has no `activity`
  |
3 |   a: { after: b }
  |   ^
  hint: give it one of: activity, wait, await, steps, race, switch, try, set, raise, child, emit

order.yaml:4:24: step `b` has both `activity` and `wait`
  |
4 |   b: { activity: noop, wait: 5m }
  |                        ^^^^
  hint: a step does one thing; make two steps of it

order.yaml:5:18: `queue` belongs to an `activity`; this step has `wait`
  |
5 |   c: { wait: 5m, queue: fast, retry: 3 }
  |                  ^^^^^

order.yaml:5:31: `retry` belongs to an `activity`; this step has `wait`
  |
5 |   c: { wait: 5m, queue: fast, retry: 3 }
  |                               ^^^^^

order.yaml:6:19: `timeout` belongs to an `activity`; this step has `await`
  |
6 |   d: { await: go, timeout: 5m }
  |                   ^^^^^^^
  hint: put it into the `await`: `await: { signal: …, timeout: 1h }`",
    );
}

#[test]
fn step_names_are_unique_in_the_whole_workflow() {
    told(
        r"workflow: w
steps:
  outer:
    steps:
      a: { activity: noop }
  a: { activity: noop }
",
        r"order.yaml:5:7: a second step is called `a`
  |
5 |       a: { activity: noop }
  |       ^
  hint: names are unique in the whole workflow; the other step is on line 6",
    );
}

#[test]
fn after_names_a_step_that_exists() {
    told(
        r"workflow: w
steps:
  validate: { activity: noop }
  charge: { after: [validat, refund], activity: noop }
",
        r"order.yaml:4:21: there is no step `validat`
  |
4 |   charge: { after: [validat, refund], activity: noop }
  |                     ^^^^^^^
  hint: did you mean `validate`?

order.yaml:4:30: there is no step `refund`
  |
4 |   charge: { after: [validat, refund], activity: noop }
  |                              ^^^^^^",
    );
}

#[test]
fn a_step_cannot_come_after_itself() {
    told(
        r"workflow: w
steps:
  a: { after: a, activity: noop }
",
        r"order.yaml:3:15: `a` cannot come after itself
  |
3 |   a: { after: a, activity: noop }
  |               ^",
    );
}

#[test]
fn after_names_steps_of_the_same_map() {
    told(
        r"workflow: w
steps:
  outer:
    steps:
      inner: { activity: noop }
      other: { after: [outer, last], activity: noop }
  last: { after: inner, activity: noop }
",
        r"order.yaml:6:24: `other` is inside `outer` and cannot come after it
  |
6 |       other: { after: [outer, last], activity: noop }
  |                        ^^^^^

order.yaml:6:31: `last` is not beside `other`
  |
6 |       other: { after: [outer, last], activity: noop }
  |                               ^^^^
  hint: `after` names steps of the same map

order.yaml:7:18: `inner` is not beside `last`
  |
7 |   last: { after: inner, activity: noop }
  |                  ^^^^^
  hint: `after` names steps of the same map; `outer` holds it",
    );
}

#[test]
fn a_circle_is_told_whole() {
    told(
        r"workflow: w
steps:
  a: { after: c, activity: noop }
  b: { after: a, activity: noop }
  c: { after: b, activity: noop }
  d: { after: c, activity: noop }
  e: { after: [d, f], activity: noop }
  f: { after: e, activity: noop }
",
        r"order.yaml:3:15: these steps wait for each other: a → c → b → a
  |
3 |   a: { after: c, activity: noop }
  |               ^
  hint: each waits for the one to its right; remove one `after` of them

order.yaml:7:19: these steps wait for each other: e → f → e
  |
7 |   e: { after: [d, f], activity: noop }
  |                   ^
  hint: each waits for the one to its right; remove one `after` of them",
    );
}

#[test]
fn steps_stand_only_so_deep_inside_steps() {
    told(
        r"workflow: w
steps: { s0: { steps: { s1: { steps: { s2: { steps: { s3: { steps: { s4: { steps: { s5: { steps: { s6: { steps: { s7: { steps: { s8: { steps: { s9: { steps: { s10: { steps: { s11: { steps: { s12: { steps: { s13: { steps: { s14: { steps: { s15: { steps: { s16: { steps: { a: { activity: noop } } } } } } } } } } } } } } } } } } } } } } } } } } } } } } } } } } } }
",
        r"order.yaml:2:254: steps stand more than 16 deep inside steps
  |
2 | …s13: { steps: { s14: { steps: { s15: { steps: { s16: { steps: { a: { activity: noop } } } } } } } } } } } } } } } } } } } } } } } } } } } } …
  |                                                ^^",
    );
}

#[test]
fn a_context_key_is_a_name_and_nothing_beside_the_execution_has_one() {
    told(
        r"workflow: w
steps:
  a: { activity: noop, context_key: a.b }
on_step_error: { activity: noop, context_key: noted, expand: { concurrency: 2 } }
",
        r"order.yaml:3:37: `context_key`: `a.b` contains `.`; letters, digits, `_` and `-` are allowed
  |
3 |   a: { activity: noop, context_key: a.b }
  |                                     ^^^
  hint: write `a_b`

order.yaml:4:1: `on_step_error` has no `context_key`
  |
4 | on_step_error: { activity: noop, context_key: noted, expand: { concurrency: 2 } }
  | ^^^^^^^^^^^^^
  hint: it runs beside the execution, and what it returns joins nothing

order.yaml:4:1: `on_step_error` has no `expand`
  |
4 | on_step_error: { activity: noop, context_key: noted, expand: { concurrency: 2 } }
  | ^^^^^^^^^^^^^
  hint: it runs beside the execution, and what it returns joins nothing",
    );
}
