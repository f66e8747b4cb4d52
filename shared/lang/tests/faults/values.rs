//! Values that are not what their key takes.

use crate::told;

#[test]
fn values_of_the_wrong_kind() {
    told(
        r"workflow: 2026
version_note: [a]
input_schema: 5
timeout: 30
tags: [a, 1]
steps:
  a: { activity: [noop], queue: {} }
  b: noop
  c:
  d: { activity: noop, retry: { jitter: yes } }
  e: { await: [a] }
  f: { activity: noop, when: 5 }
",
        r#"order.yaml:1:11: `workflow` must be text, not a number
  |
1 | workflow: 2026
  |           ^^^^
  hint: put it in quotes: "2026"

order.yaml:2:15: `version_note` must be text, not a list
  |
2 | version_note: [a]
  |               ^

order.yaml:3:15: `input_schema` must be a map, not a number
  |
3 | input_schema: 5
  |               ^
  hint: a JSON Schema such as `{ type: object, required: [id] }`

order.yaml:4:10: `timeout` needs a unit
  |
4 | timeout: 30
  |          ^^
  hint: say of what: `30s`, `30m`, `30h`

order.yaml:5:11: `tags` must be text, not a number
  |
5 | tags: [a, 1]
  |           ^
  hint: put it in quotes: "1"

order.yaml:7:18: `activity` must be text, not a list
  |
7 |   a: { activity: [noop], queue: {} }
  |                  ^

order.yaml:7:33: `queue` must be text, not a map
  |
7 |   a: { activity: [noop], queue: {} }
  |                                 ^

order.yaml:8:6: `b` must be a map, not text
  |
8 |   b: noop
  |      ^^^^
  hint: for example `b: { activity: orders.validate }`

order.yaml:9:3: step `c` is empty
  |
9 |   c:
  |   ^
  hint: for example `c: { activity: orders.validate }`

order.yaml:10:41: `jitter` must be true or false, not text
   |
10 |   d: { activity: noop, retry: { jitter: yes } }
   |                                         ^^^
  hint: `yes` and `no` are texts here; write `true` or `false`

order.yaml:11:15: `await` must be a map, not a list
   |
11 |   e: { await: [a] }
   |               ^

order.yaml:12:30: `when` must be a condition, not a number
   |
12 |   f: { activity: noop, when: 5 }
   |                              ^
  hint: for example "${ workflow.input.total > 0 }""#,
    );
}

#[test]
fn steps_are_a_map_with_something_in_it() {
    told(
        r"workflow: w
steps:
  - a: { activity: noop }
---
workflow: v
steps: {}
",
        r"order.yaml:3:3: `steps` must be a map, not a list
  |
3 |   - a: { activity: noop }
  |   ^
  hint: write each step as `name: { activity: … }`

order.yaml:5:1: a second definition starts here, but one was expected
  |
5 | workflow: v
  | ^
  hint: put each in a file of its own

order.yaml:6:8: `steps` is empty
  |
6 | steps: {}
  |        ^
  hint: give it at least one step: `name: { activity: … }`",
    );
}

#[test]
fn durations_that_are_none() {
    told(
        r#"workflow: w
timeout: 0s
steps:
  a: { activity: noop, timeout: 5 minutes }
  b: { wait: soon }
  c: { wait: 30 }
  d: { await: { signal: go, timeout: "in ${ 5 }" } }
"#,
        r#"order.yaml:2:10: `timeout` must be longer than nothing
  |
2 | timeout: 0s
  |          ^^

order.yaml:4:33: `timeout`: `5 minutes` is not a duration
  |
4 |   a: { activity: noop, timeout: 5 minutes }
  |                                 ^^^^^^^^^
  hint: write `5m`

order.yaml:5:14: `wait`: `soon` is not a duration
  |
5 |   b: { wait: soon }
  |              ^^^^
  hint: for example 250ms, 30s, 5m, 2h, 1d or 1h30m

order.yaml:6:14: `wait` needs a unit
  |
6 |   c: { wait: 30 }
  |              ^^
  hint: say of what: `30s`, `30m`, `30h`

order.yaml:7:38: `timeout` must be one `${…}` with nothing around it
  |
7 |   d: { await: { signal: go, timeout: "in ${ 5 }" } }
  |                                      ^^^^^^^^^^^^"#,
    );
}

#[test]
fn limits_that_are_none() {
    told(
        r#"workflow: w
steps:
  a: { activity: noop, schedule_timeout: soon }
  b: { activity: noop, total_timeout: 0s, heartbeat: 5 }
  c: { wait: 5m, heartbeat: 10s }
  d: { activity: noop, schedule_timout: 5s }
"#,
        r#"order.yaml:3:42: `schedule_timeout`: `soon` is not a duration
  |
3 |   a: { activity: noop, schedule_timeout: soon }
  |                                          ^^^^
  hint: for example 250ms, 30s, 5m, 2h, 1d or 1h30m

order.yaml:4:39: `total_timeout` must be longer than nothing
  |
4 |   b: { activity: noop, total_timeout: 0s, heartbeat: 5 }
  |                                       ^^

order.yaml:4:54: `heartbeat` needs a unit
  |
4 |   b: { activity: noop, total_timeout: 0s, heartbeat: 5 }
  |                                                      ^
  hint: say of what: `5s`, `5m`, `5h`

order.yaml:5:18: `heartbeat` belongs to an `activity`; this step has `wait`
  |
5 |   c: { wait: 5m, heartbeat: 10s }
  |                  ^^^^^^^^^

order.yaml:6:24: unknown key `schedule_timout` in step `d`
  |
6 |   d: { activity: noop, schedule_timout: 5s }
  |                        ^^^^^^^^^^^^^^^
  hint: did you mean `schedule_timeout`?"#,
    );
}

#[test]
fn names_that_are_none() {
    told(
        r#"workflow: my workflow
steps:
  "a.b": { activity: noop }
  b: { activity: .charge, queue: fast lane }
  c: { await: "go!" }
"#,
        r#"order.yaml:1:11: `workflow`: `my workflow` contains ` `; letters, digits, `_` and `-` are allowed
  |
1 | workflow: my workflow
  |           ^^^^^^^^^^^
  hint: write `my_workflow`

order.yaml:3:3: this cannot name a step: `a.b` contains `.`; letters, digits, `_` and `-` are allowed
  |
3 |   "a.b": { activity: noop }
  |   ^^^^^
  hint: write `a_b`

order.yaml:4:18: `activity`: `.charge` contains `.`; letters, digits, `_` and `-` are allowed, and single dots between them
  |
4 |   b: { activity: .charge, queue: fast lane }
  |                  ^^^^^^^

order.yaml:4:34: `queue`: `fast lane` contains ` `; letters, digits, `_` and `-` are allowed
  |
4 |   b: { activity: .charge, queue: fast lane }
  |                                  ^^^^^^^^^
  hint: write `fast_lane`

order.yaml:5:15: `await`: `go!` contains `!`; letters, digits, `_` and `-` are allowed
  |
5 |   c: { await: "go!" }
  |               ^^^^^^"#,
    );
}

#[test]
fn delays_that_cannot_be_computed() {
    told(
        r#"workflow: w
steps:
  a: { activity: noop, retry: { attempts: 2, initial: "about ${ attempt }", max: "${ steps.b.output }" } }
"#,
        r#"order.yaml:3:55: `initial` must be one `${…}` with nothing around it
  |
3 |   a: { activity: noop, retry: { attempts: 2, initial: "about ${ attempt }", max: "${ steps.b.output }" } }
  |                                                       ^^^^^^^^^^^^^^^^^^^^

order.yaml:3:92: there is no step `b`
  |
3 |   a: { activity: noop, retry: { attempts: 2, initial: "about ${ attempt }", max: "${ steps.b.output }" } }
  |                                                                                            ^
  hint: did you mean `a`?"#,
    );
}

#[test]
fn retries_that_make_no_sense() {
    told(
        r#"workflow: w
retry: 0
steps:
  a: { activity: noop, retry: { attempts: 2.5, multiplier: 0, backoff: exponental, initial: fast, max: 0s } }
  b: { activity: noop, retry: { attempts: -1, multiplier: fast, backoff: "x ${ attempt }" } }
"#,
        r#"order.yaml:2:8: `retry` must be a whole number from 1 on, not `0`
  |
2 | retry: 0
  |        ^
  hint: it counts runs: 1 means one run and no retry

order.yaml:4:43: `attempts` must be a whole number from 1 on, not `2.5`
  |
4 |   a: { activity: noop, retry: { attempts: 2.5, multiplier: 0, backoff: exponental, initial: fast, max: 0s } }
  |                                           ^^^
  hint: it counts runs: 1 means one run and no retry

order.yaml:4:60: `multiplier` must be above 0, not `0`
  |
4 |   a: { activity: noop, retry: { attempts: 2.5, multiplier: 0, backoff: exponental, initial: fast, max: 0s } }
  |                                                            ^
  hint: with 2, each delay is twice the one before

order.yaml:4:72: `backoff` cannot be `exponental`
  |
4 |   a: { activity: noop, retry: { attempts: 2.5, multiplier: 0, backoff: exponental, initial: fast, max: 0s } }
  |                                                                        ^^^^^^^^^^
  hint: did you mean `exponential`?

order.yaml:4:93: `initial`: `fast` is not a duration
  |
4 |   a: { activity: noop, retry: { attempts: 2.5, multiplier: 0, backoff: exponental, initial: fast, max: 0s } }
  |                                                                                             ^^^^
  hint: for example 250ms, 30s, 5m, 2h, 1d or 1h30m

order.yaml:4:104: `max` must be longer than nothing
  |
4 |   a: { activity: noop, retry: { attempts: 2.5, multiplier: 0, backoff: exponental, initial: fast, max: 0s } }
  |                                                                                                        ^^

order.yaml:5:43: `attempts` must be a whole number from 1 on, not `-1`
  |
5 |   b: { activity: noop, retry: { attempts: -1, multiplier: fast, backoff: "x ${ attempt }" } }
  |                                           ^^
  hint: it counts runs: 1 means one run and no retry

order.yaml:5:59: `multiplier` must be a number, not text
  |
5 |   b: { activity: noop, retry: { attempts: -1, multiplier: fast, backoff: "x ${ attempt }" } }
  |                                                           ^^^^

order.yaml:5:74: `backoff` must be one `${…}` with nothing around it
  |
5 |   b: { activity: noop, retry: { attempts: -1, multiplier: fast, backoff: "x ${ attempt }" } }
  |                                                                          ^^^^^^^^^^^^^^^^^"#,
    );
}
