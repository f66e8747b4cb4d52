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
  hint: it can read `workflow`, `steps`, `ctx`, `trigger`, `execution`, `config`"#,
    );
}

#[test]
fn what_waits_for_somebody_or_runs_beside_is_one_activity() {
    told(
        r"workflow: w
on_step_error: { steps: { note: { activity: noop } } }
on_failure: { activity: noop, on_error: pause }
retry_workflow: { attempts: 0 }
steps:
  a: { steps: { b: { activity: noop } }, on_error: pause }
  c: { for_each: { items: [1], on_item_error: pause }, activity: noop }
",
        r"order.yaml:2:1: `on_step_error` can only be an `activity`
  |
2 | on_step_error: { steps: { note: { activity: noop } } }
  | ^^^^^^^^^^^^^
  hint: it runs beside the execution, once for each attempt that fails; a workflow of its own can do more

order.yaml:3:41: `on_error: pause` cannot stand in a handler: nothing is paused any more then
  |
3 | on_failure: { activity: noop, on_error: pause }
  |                                         ^^^^^

order.yaml:4:29: `attempts` must be a whole number from 1 on, not `0`
  |
4 | retry_workflow: { attempts: 0 }
  |                             ^
  hint: it counts runs: 1 means one run and no retry

order.yaml:6:52: `on_error: pause` belongs to an `activity`
  |
6 |   a: { steps: { b: { activity: noop } }, on_error: pause }
  |                                                    ^^^^^
  hint: give it to the steps inside: each waits where it failed

order.yaml:7:47: `on_item_error` cannot be `pause`
  |
7 |   c: { for_each: { items: [1], on_item_error: pause }, activity: noop }
  |                                               ^^^^^
  hint: one of `fail`, `skip`, `continue`",
    );
}
