//! Triggers that ask for what no event has, and signals that go nowhere.

use super::told;

#[test]
fn types_and_patterns_that_fit_nothing() {
    told(
        r#"workflow: w
on:
  - { event: [], source: "" }
  - { event: ["order.>.late", order..created] }
  - { event: order.created, subject: "order-${ trigger.data.id }" }
steps: { a: { activity: noop } }
"#,
        r#"order.yaml:3:14: `event` is empty
  |
3 |   - { event: [], source: "" }
  |              ^
  hint: name the types: `event: [order.created, order.changed]`

order.yaml:3:26: `source` is compared as it is written, and cannot be ``
  |
3 |   - { event: [], source: "" }
  |                          ^^^
  hint: `*` in it stands for any text: `/shops/*`; anything else is said by a `when`

order.yaml:4:15: `order.>.late` is not the type of an event
  |
4 |   - { event: ["order.>.late", order..created] }
  |               ^^^^^^^^^^^^^^
  hint: words with dots between them, such as `order.created`; `*` alone stands for one word, a last `>` for any rest

order.yaml:4:31: `order..created` is not the type of an event
  |
4 |   - { event: ["order.>.late", order..created] }
  |                               ^^^^^^^^^^^^^^
  hint: words with dots between them, such as `order.created`; `*` alone stands for one word, a last `>` for any rest

order.yaml:5:38: `subject` is compared as it is written, and cannot be `order-${ trigger.data.id }`
  |
5 |   - { event: order.created, subject: "order-${ trigger.data.id }" }
  |                                      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  hint: `*` in it stands for any text: `/shops/*`; anything else is said by a `when`"#,
    );
}

#[test]
fn extensions_that_are_none() {
    told(
        r#"workflow: w
on:
  event: order.created
  extensions: { type: a, subject: b, time: c, Tenant: d, region: [eu], shard: 7 }
steps: { a: { activity: noop } }
"#,
        r#"order.yaml:4:17: `type` is an attribute of every event and no extension
  |
4 |   extensions: { type: a, subject: b, time: c, Tenant: d, region: [eu], shard: 7 }
  |                 ^^^^
  hint: it is what `event` says

order.yaml:4:26: `subject` is an attribute of every event and no extension
  |
4 |   extensions: { type: a, subject: b, time: c, Tenant: d, region: [eu], shard: 7 }
  |                          ^^^^^^^
  hint: put it beside `event`: `subject: …`

order.yaml:4:38: `time` is an attribute of every event and no extension
  |
4 |   extensions: { type: a, subject: b, time: c, Tenant: d, region: [eu], shard: 7 }
  |                                      ^^^^
  hint: write a condition: `when: "${ trigger.time == '…' }"`

order.yaml:4:47: `Tenant` is not the name of an extension attribute
  |
4 |   extensions: { type: a, subject: b, time: c, Tenant: d, region: [eu], shard: 7 }
  |                                               ^^^^^^
  hint: small letters and digits, such as `tenant`

order.yaml:4:66: `region` must be text, not a list
  |
4 |   extensions: { type: a, subject: b, time: c, Tenant: d, region: [eu], shard: 7 }
  |                                                                  ^"#,
    );
}

#[test]
fn signals_that_go_nowhere() {
    told(
        r#"workflow: w
on:
  - { event: order.paid, signal: paid }
  - { event: order.paid, signal: "a b", execution: "order-1", input: 5 }
  - { event: order.paid, execution: "order-1", data: 5 }
  - { event: order.paid, signal: paid, execution: "${ workflow.input.id }" }
steps: { a: { activity: noop } }
"#,
        r#"order.yaml:3:26: the trigger has a `signal` and no `execution`
  |
3 |   - { event: order.paid, signal: paid }
  |                          ^^^^^^
  hint: say which one is told: `execution: "order-${ trigger.data.order_id }"`

order.yaml:4:34: `signal`: `a b` contains ` `; letters, digits, `_` and `-` are allowed
  |
4 |   - { event: order.paid, signal: "a b", execution: "order-1", input: 5 }
  |                                  ^^^^^
  hint: write `a_b`

order.yaml:4:63: a trigger with a `signal` starts nothing, so it has no `input`
  |
4 |   - { event: order.paid, signal: "a b", execution: "order-1", input: 5 }
  |                                                               ^^^^^
  hint: what goes with the signal is its `data`

order.yaml:5:26: `execution` belongs to a `signal`, and this trigger has none
  |
5 |   - { event: order.paid, execution: "order-1", data: 5 }
  |                          ^^^^^^^^^
  hint: add `signal: NAME`; or remove it: what is started gets an id from the event

order.yaml:5:48: `data` belongs to a `signal`, and this trigger has none
  |
5 |   - { event: order.paid, execution: "order-1", data: 5 }
  |                                                ^^^^
  hint: the input of what is started is its `input`; for a signal, add `signal: NAME`

order.yaml:6:55: `workflow` cannot be read in a trigger
  |
6 |   - { event: order.paid, signal: paid, execution: "${ workflow.input.id }" }
  |                                                       ^^^^^^^^
  hint: no execution has started yet: only `trigger` is there, the event"#,
    );
}

#[test]
fn what_is_gathered_says_for_how_long() {
    told(
        r"workflow: w
on:
  - { event: a, debounce: { key: '${ ctx.n }' } }
  - { event: a, debounce: { for: 5s, max: 1s } }
  - { event: a, batch: { for: 5s } }
  - { event: a, batch: { size: 2000, for: 5s } }
  - { event: a, batch: { size: 2, for: 5s }, debounce: { for: 1s } }
  - { event: a, batch: { size: 2, for: 5s }, signal: go, execution: x }
steps: { a: { activity: noop } }
",
        r#"order.yaml:3:27: the `debounce` has no `for`
  |
3 |   - { event: a, debounce: { key: '${ ctx.n }' } }
  |                           ^^
  hint: for how long others are waited for: `debounce: { for: 5s, … }`

order.yaml:3:38: `ctx` cannot be read in a trigger
  |
3 |   - { event: a, debounce: { key: '${ ctx.n }' } }
  |                                      ^^^
  hint: no execution has started yet: only `trigger` is there, the event

order.yaml:4:43: `max` is 1s, shorter than `for`, which is 5s
  |
4 |   - { event: a, debounce: { for: 5s, max: 1s } }
  |                                           ^^
  hint: it bounds how often `for` may begin anew

order.yaml:5:24: the `batch` has no `size`
  |
5 |   - { event: a, batch: { for: 5s } }
  |                        ^^
  hint: how many are enough: `{ size: 100, for: 10s }`

order.yaml:6:32: `size`: a batch has 1000 events at most
  |
6 |   - { event: a, batch: { size: 2000, for: 5s } }
  |                                ^^^^

order.yaml:7:17: the trigger has both `debounce` and `batch`
  |
7 |   - { event: a, batch: { size: 2, for: 5s }, debounce: { for: 1s } }
  |                 ^^^^^
  hint: a `debounce` starts with the last event, a `batch` with all; make two triggers of it

order.yaml:8:17: a trigger with a `signal` starts nothing, so it has no `batch`
  |
8 |   - { event: a, batch: { size: 2, for: 5s }, signal: go, execution: x }
  |                 ^^^^^"#,
    );
}
