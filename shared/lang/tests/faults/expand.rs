//! Steps that return further steps.

use crate::told;

#[test]
fn what_returns_steps_is_an_activity_and_says_how_many_at_once() {
    told(
        r"workflow: w
steps:
  a: { activity: noop, expand: often }
  b: { activity: noop, expand: { concurrency: 0, atonce: 3 } }
  c: { wait: 1s, expand: true }
  d: { activity: noop, after_graft: e }
  e: { activity: noop }
  f: { activity: noop, after_graft: g }
",
        r"order.yaml:3:32: `expand` must be true or false, not text
  |
3 |   a: { activity: noop, expand: often }
  |                                ^^^^^

order.yaml:4:47: `concurrency` must be a whole number from 1 on, not `0`
  |
4 |   b: { activity: noop, expand: { concurrency: 0, atonce: 3 } }
  |                                               ^
  hint: it counts the steps that are worked on at once

order.yaml:4:50: unknown key `atonce` in `expand`
  |
4 |   b: { activity: noop, expand: { concurrency: 0, atonce: 3 } }
  |                                                  ^^^^^^
  hint: known here: concurrency, queues

order.yaml:5:18: `expand` belongs to an `activity`; this step has `wait`
  |
5 |   c: { wait: 1s, expand: true }
  |                  ^^^^^^

order.yaml:6:37: `e` returns no steps
  |
6 |   d: { activity: noop, after_graft: e }
  |                                     ^
  hint: use `after`, or write `expand: true` beside its `activity`

order.yaml:8:37: there is no step `g`
  |
8 |   f: { activity: noop, after_graft: g }
  |                                     ^
  hint: did you mean `a`?",
    );
}
