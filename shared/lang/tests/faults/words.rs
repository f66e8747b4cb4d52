//! Keys and words: mistyped, missing, or not served yet.

use crate::told;

#[test]
fn what_a_workflow_cannot_do_without() {
    told(
        r"version_note: first
",
        r"order.yaml:1:1: the workflow has no `workflow`
  |
1 | version_note: first
  | ^
  hint: give it a name: `workflow: order_fulfillment`

order.yaml:1:1: the workflow has no `steps`
  |
1 | version_note: first
  | ^
  hint: a workflow needs at least one step",
    );
}

#[test]
fn unknown_keys_are_told_with_what_was_meant() {
    told(
        r"workflow: w
timout: 5m
colour: red
steps:
  a: { activty: noop }
  b: { activity: noop, queu: fast }
",
        r"order.yaml:2:1: unknown key `timout` in the workflow
  |
2 | timout: 5m
  | ^^^^^^
  hint: did you mean `timeout`?

order.yaml:3:1: unknown key `colour` in the workflow
  |
3 | colour: red
  | ^^^^^^
  hint: known here: workflow, version_note, input_schema, on, timeout, tags, retry, steps, output, on_success, on_failure, on_cancel, step_concurrency, step_timeout, deadline, metadata, signals, queries, updates, on_step_error, retry_workflow, concurrency, dead_letter, unique

order.yaml:5:8: unknown key `activty` in step `a`
  |
5 |   a: { activty: noop }
  |        ^^^^^^^
  hint: did you mean `activity`?

order.yaml:6:24: unknown key `queu` in step `b`
  |
6 |   b: { activity: noop, queu: fast }
  |                        ^^^^
  hint: did you mean `queue`?",
    );
}

#[test]
fn words_that_are_not_served_yet_are_no_typing_mistakes() {
    told(
        r"workflow: w
priority: high
steps:
  a: { activity: noop, tags: [one] }
",
        r"order.yaml:2:1: `priority` is not supported by this version
  |
2 | priority: high
  | ^^^^^^^^

order.yaml:4:24: `tags` is not supported by this version
  |
4 |   a: { activity: noop, tags: [one] }
  |                        ^^^^",
    );
}

#[test]
fn schedules_that_make_no_sense() {
    told(
        r#"workflow: w
on:
  - { cron: ["0 6 * * *", "0 25 * * *"], timezone: Berlin }
  - { every: 100ms, overlap: skipp }
  - { at: tomorrow }
steps: { a: { activity: noop } }
"#,
        r#"order.yaml:3:30: `cron[1]`: 25 is out of range in the field `hour`, column 3 of `0 25 * * *`
  |
3 |   - { cron: ["0 6 * * *", "0 25 * * *"], timezone: Berlin }
  |                              ^^
  hint: write 0 to 23

order.yaml:3:52: `timezone`: `Berlin` is no time zone
  |
3 |   - { cron: ["0 6 * * *", "0 25 * * *"], timezone: Berlin }
  |                                                    ^^^^^^
  hint: write `Europe/Berlin`

order.yaml:4:14: `every`: every 100ms is too often
  |
4 |   - { every: 100ms, overlap: skipp }
  |              ^^^^^
  hint: write at least `1s`

order.yaml:4:30: `overlap` cannot be `skipp`
  |
4 |   - { every: 100ms, overlap: skipp }
  |                              ^^^^^
  hint: did you mean `skip`?

order.yaml:5:11: `at`: `tomorrow` is not a time
  |
5 |   - { at: tomorrow }
  |           ^^^^^^^^
  hint: for example `2026-12-24T18:00:00Z`, or `2026-12-24T18:00:00+01:00`"#,
    );
}

#[test]
fn triggers_that_are_none() {
    told(
        r#"workflow: w
on: [order.created, { evnt: order.created }, { event: "orders*" }, 5]
steps: { a: { activity: noop } }
"#,
        r#"order.yaml:2:6: there is no trigger `order.created`
  |
2 | on: [order.created, { evnt: order.created }, { event: "orders*" }, 5]
  |      ^^^^^^^^^^^^^
  hint: `manual`, or for an event `{ event: order.created }`

order.yaml:2:23: unknown key `evnt` in the trigger
  |
2 | on: [order.created, { evnt: order.created }, { event: "orders*" }, 5]
  |                       ^^^^
  hint: did you mean `event`?

order.yaml:2:55: `orders*` is not the type of an event
  |
2 | on: [order.created, { evnt: order.created }, { event: "orders*" }, 5]
  |                                                       ^^^^^^^^^^
  hint: words with dots between them, such as `order.created`; `*` alone stands for one word, a last `>` for any rest

order.yaml:2:68: `on` must be `manual`, a map or a list of them, not a number
  |
2 | on: [order.created, { evnt: order.created }, { event: "orders*" }, 5]
  |                                                                    ^"#,
    );
}

#[test]
fn words_that_are_not_among_the_choices() {
    told(
        r"workflow: w
steps:
  a: { activity: noop, on_error: ignore }
  b: { await: { signal: go, on_timeout: skp } }
  c: { await: { timeout: 5m } }
",
        r"order.yaml:3:34: `on_error` cannot be `ignore`
  |
3 |   a: { activity: noop, on_error: ignore }
  |                                  ^^^^^^
  hint: one of `fail`, `skip`, `continue`, `pause`

order.yaml:4:41: `on_timeout` cannot be `skp`
  |
4 |   b: { await: { signal: go, on_timeout: skp } }
  |                                         ^^^
  hint: did you mean `skip`?

order.yaml:5:15: the `await` has no `signal`
  |
5 |   c: { await: { timeout: 5m } }
  |               ^^
  hint: for example `await: { signal: approved }`; or give it `signals`, an `approval`, or an `event`",
    );
}
