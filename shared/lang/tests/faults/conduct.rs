//! What is said about an execution as a whole, and about the time and the company of its steps.

use crate::told;

#[test]
fn amounts_and_times_are_what_they_should_be() {
    told(
        r"workflow: w
step_concurrency: 0
deadline: tomorrow
step_timeout: 5
timeout: '${ steps.a.output }'
steps:
  a: { activity: noop, deadline: 2026-11-20 }
  b: { wait: 5m, deadline: '2026-11-20T06:00:00Z', metadata: { a: 1 } }
  c: { for_each: { items: [1], concurrency: '${ item }' }, activity: noop }
",
        r#"order.yaml:2:19: `step_concurrency` must be a whole number from 1 on, not `0`
  |
2 | step_concurrency: 0
  |                   ^
  hint: it counts the steps that are at work at once

order.yaml:3:11: `deadline`: `tomorrow` is not a time
  |
3 | deadline: tomorrow
  |           ^^^^^^^^
  hint: for example `2026-11-20T06:00:00Z`, or "${ workflow.input.until }"

order.yaml:4:15: `step_timeout` needs a unit
  |
4 | step_timeout: 5
  |               ^
  hint: say of what: `5s`, `5m`, `5h`

order.yaml:5:14: no step has run when an execution starts
  |
5 | timeout: '${ steps.a.output }'
  |              ^^^^^
  hint: it is evaluated once, at the start: it can read `workflow.input`, `trigger` and `execution`

order.yaml:7:34: `deadline`: `2026-11-20` is not a time
  |
7 |   a: { activity: noop, deadline: 2026-11-20 }
  |                                  ^^^^^^^^^^
  hint: for example `2026-11-20T06:00:00Z`, or "${ workflow.input.until }"

order.yaml:8:18: `deadline` belongs to an `activity`; this step has `wait`
  |
8 |   b: { wait: 5m, deadline: '2026-11-20T06:00:00Z', metadata: { a: 1 } }
  |                  ^^^^^^^^

order.yaml:8:52: `metadata` belongs to an `activity`; this step has `wait`
  |
8 |   b: { wait: 5m, deadline: '2026-11-20T06:00:00Z', metadata: { a: 1 } }
  |                                                    ^^^^^^^^

order.yaml:9:49: `item` is nothing that an expression can read
  |
9 |   c: { for_each: { items: [1], concurrency: '${ item }' }, activity: noop }
  |                                                 ^^^^
  hint: it can read `workflow`, `steps`, `ctx`, `trigger`, `execution`"#,
    );
}
