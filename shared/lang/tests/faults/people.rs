//! What waits for people, and what they may send and ask.

use crate::told;

#[test]
fn an_await_is_for_one_thing() {
    told(
        r"workflow: w
steps:
  a: { await: { signal: go, signals: [go] } }
  b: { await: { signals: [] } }
  c: { await: { signals: [go, go] } }
  d: { await: { signal: go, need: any } }
  e: { await: { signals: [go, stop], need: some } }
  f: { await: { signal: go, schema: { type: object } } }
  g: { await: { timeout: 1h } }
  h: { await: { signal: go, on_timeout: { step: x }, timeout: 1h } }
",
        r#"order.yaml:3:29: the `await` has both `signal` and `signals`
  |
3 |   a: { await: { signal: go, signals: [go] } }
  |                             ^^^^^^^
  hint: a step waits for one thing; make two steps of it

order.yaml:4:26: `signals` is empty
  |
4 |   b: { await: { signals: [] } }
  |                          ^
  hint: name what is waited for: `signals: [paid, packed]`

order.yaml:5:31: the signal `go` is named twice
  |
5 |   c: { await: { signals: [go, go] } }
  |                               ^^

order.yaml:6:29: `need` belongs to `signals`: it says how many of them are enough
  |
6 |   d: { await: { signal: go, need: any } }
  |                             ^^^^

order.yaml:7:44: `need` cannot be `some`
  |
7 |   e: { await: { signals: [go, stop], need: some } }
  |                                            ^^^^
  hint: one of `all`, `any`

order.yaml:8:29: what a signal must look like is said for the whole workflow, not for one step that waits for it
  |
8 |   f: { await: { signal: go, schema: { type: object } } }
  |                             ^^^^^^
  hint: write `signals: { NAME: { schema: … } }` at the top of the file, beside `steps`

order.yaml:9:15: the `await` has no `signal`
  |
9 |   g: { await: { timeout: 1h } }
  |               ^^
  hint: for example `await: { signal: approved }`; or give it `signals`, an `approval`, or an `event`

order.yaml:10:41: the `on_timeout` has no `steps`
   |
10 |   h: { await: { signal: go, on_timeout: { step: x }, timeout: 1h } }
   |                                         ^^
  hint: write `fail`, `skip`, or `{ steps: { … } }`

order.yaml:10:43: unknown key `step` in `on_timeout`
   |
10 |   h: { await: { signal: go, on_timeout: { step: x }, timeout: 1h } }
   |                                           ^^^^
  hint: did you mean `steps`?"#,
    );
}

#[test]
fn an_approval_says_who_and_what_tells_them() {
    told(
        r"workflow: w
steps:
  a: { await: { approval: { approvers: [] } } }
  b: { await: { approval: { approver: ann } } }
  c: { await: { approval: { notify: { queue: mail } } } }
  d: { await: { approval: { notify: { activity: mail, after: a } } } }
  e: { await: { approval: {}, timeout: 1h, on_timeout: { steps: { notify: { activity: mail } } } } }
  f: { await: { approval: ann } }
",
        r#"order.yaml:3:40: `approvers` must be a name or a list of names
  |
3 |   a: { await: { approval: { approvers: [] } } }
  |                                        ^
  hint: for example `approvers: [ann, bob]`; without `approvers` anybody may

order.yaml:4:29: unknown key `approver` in `approval`
  |
4 |   b: { await: { approval: { approver: ann } } }
  |                             ^^^^^^^^
  hint: did you mean `approvers`?

order.yaml:5:37: the `notify` has no `activity`
  |
5 |   c: { await: { approval: { notify: { queue: mail } } } }
  |                                     ^^
  hint: for example `notify: { activity: mail.send }`, or `notify: { event: approval.wanted }`

order.yaml:6:55: unknown key `after` in `notify`
  |
6 |   d: { await: { approval: { notify: { activity: mail, after: a } } } }
  |                                                       ^^^^^
  hint: known here: activity, input, queue, timeout, schedule_timeout, total_timeout, heartbeat, retry, event, data

order.yaml:7:15: a step of the `on_timeout` of an approval cannot be called `notify`
  |
7 |   e: { await: { approval: {}, timeout: 1h, on_timeout: { steps: { notify: { activity: mail } } } } }
  |               ^^
  hint: that is the name of what tells the approvers; choose another

order.yaml:8:27: `approval` must be a map, not text
  |
8 |   f: { await: { approval: ann } }
  |                           ^^^"#,
    );
}

#[test]
fn what_may_be_sent_and_asked_is_checked() {
    told(
        r"workflow: w
signals: { go: { schema: { type: objekt } }, stop: { shape: {} } }
queries: { a b: 1, now: '${ update.n }', all: '${ steps.b.output }' }
updates:
  one: { set: 3, when: '${ update.n > }' }
  two: { sets: { n: 1 } }
  three: { set: { n: '${ updat.n }' } }
steps:
  a: { activity: noop, input: '${ update.n }' }
",
        r#"order.yaml:2:34: `schema`: this fits none of 2 alternatives (the nearest: /type is "objekt"; expected one of "array", "boolean", "integer", "null", "number", "object", "string"); expected one of them
  |
2 | signals: { go: { schema: { type: objekt } }, stop: { shape: {} } }
  |                                  ^^^^^^

order.yaml:2:54: unknown key `shape` in a signal
  |
2 | signals: { go: { schema: { type: objekt } }, stop: { shape: {} } }
  |                                                      ^^^^^
  hint: known here: schema

order.yaml:3:12: `queries`: `a b` contains ` `; letters, digits, `_` and `-` are allowed
  |
3 | queries: { a b: 1, now: '${ update.n }', all: '${ steps.b.output }' }
  |            ^^^
  hint: write `a_b`

order.yaml:3:29: `update` is nothing that an expression can read
  |
3 | queries: { a b: 1, now: '${ update.n }', all: '${ steps.b.output }' }
  |                             ^^^^^^
  hint: it can read `workflow`, `steps`, `ctx`, `trigger`, `execution`, `config`

order.yaml:3:57: there is no step `b`
  |
3 | queries: { a b: 1, now: '${ update.n }', all: '${ steps.b.output }' }
  |                                                         ^
  hint: did you mean `a`?

order.yaml:5:15: `set` must be a map, not a number
  |
5 |   one: { set: 3, when: '${ update.n > }' }
  |               ^
  hint: for example `set: { limit: "${ update.limit }" }`

order.yaml:5:38: the expression ends where a value or a closing bracket is missing
  |
5 |   one: { set: 3, when: '${ update.n > }' }
  |                                      ^

order.yaml:6:10: unknown key `sets` in an update
  |
6 |   two: { sets: { n: 1 } }
  |          ^^^^
  hint: did you mean `set`?

order.yaml:7:26: `updat` is nothing that an expression can read
  |
7 |   three: { set: { n: '${ updat.n }' } }
  |                          ^^^^^
  hint: did you mean `update`?

order.yaml:9:35: `update` is nothing that an expression can read
  |
9 |   a: { activity: noop, input: '${ update.n }' }
  |                                   ^^^^^^
  hint: it can read `workflow`, `steps`, `ctx`, `trigger`, `execution`, `config`"#,
    );
}

#[test]
fn approvers_are_told_by_an_activity_or_by_an_event() {
    told(
        r"workflow: w
steps:
  a: { await: { approval: { notify: { event: a..b } } } }
  b: { await: { approval: { notify: { event: asked, activity: mail } } } }
  c: { await: { approval: { notify: { event: asked, retry: 3 } } } }
  d: { await: { approval: { notify: { activity: mail, data: 3 } } } }
",
        r"order.yaml:3:46: `a..b` is not the type of an event
  |
3 |   a: { await: { approval: { notify: { event: a..b } } } }
  |                                              ^^^^
  hint: words with dots between them, such as `order.created`; no spaces, no `*` or `>`

order.yaml:4:39: the `notify` has both `activity` and `event`
  |
4 |   b: { await: { approval: { notify: { event: asked, activity: mail } } } }
  |                                       ^^^^^
  hint: an event may start a workflow that does the rest

order.yaml:5:53: `retry` belongs to an `activity`; this `notify` has an `event`
  |
5 |   c: { await: { approval: { notify: { event: asked, retry: 3 } } } }
  |                                                     ^^^^^

order.yaml:6:55: `data` belongs to an `event`; what an activity gets is its `input`
  |
6 |   d: { await: { approval: { notify: { activity: mail, data: 3 } } } }
  |                                                       ^^^^",
    );
}

#[test]
fn a_wait_for_an_event_says_what_it_has_in_common_with_it() {
    told(
        r"workflow: w
steps:
  a: { await: { event: order paid } }
  b: { await: { event: paid, match: {} } }
  c: { await: { event: paid, match: { id: 1 }, correlate: { event: '${ trigger.id }', with: 1 } } }
  d: { await: { event: paid, correlate: { event: '${ trigger.id }' } } }
  e: { await: { event: paid, correlate: { event: '${ workflow.input.id }', with: '${ steps.nobody.output }' } } }
  f: { await: { event: paid, when: '${ ctx.n > trigger.data.n }', keep: 2d } }
  g: { await: { signal: go, match: { id: 1 } } }
  h: { await: { match: { id: 1 } } }
  i: { await: { event: paid, signal: go } }
",
        r#"order.yaml:3:24: `order paid` is not the type of an event
  |
3 |   a: { await: { event: order paid } }
  |                        ^^^^^^^^^^
  hint: words with dots between them, such as `order.created`; no spaces, no `*` or `>`

order.yaml:4:37: `match` is empty
  |
4 |   b: { await: { event: paid, match: {} } }
  |                                     ^
  hint: for example `match: { order_id: "${ workflow.input.order_id }" }`; without `match` any event of the type will do

order.yaml:5:48: the `await` has both `match` and `correlate`
  |
5 |   c: { await: { event: paid, match: { id: 1 }, correlate: { event: '${ trigger.id }', with: 1 } } }
  |                                                ^^^^^^^^^
  hint: `match` compares fields of the event's data; `correlate` compares what you compute

order.yaml:6:41: `correlate` needs both `event` and `with`
  |
6 |   d: { await: { event: paid, correlate: { event: '${ trigger.id }' } } }
  |                                         ^^
  hint: for example `correlate: { event: "${ trigger.subject }", with: "${ workflow.input.order_id }" }`

order.yaml:7:54: `workflow` cannot be read in what is said about the event
  |
7 |   e: { await: { event: paid, correlate: { event: '${ workflow.input.id }', with: '${ steps.nobody.output }' } } }
  |                                                      ^^^^^^^^
  hint: only `trigger` is there, the event; what the execution knows goes into `with`, or into `match`

order.yaml:7:92: there is no step `nobody`
  |
7 |   e: { await: { event: paid, correlate: { event: '${ workflow.input.id }', with: '${ steps.nobody.output }' } } }
  |                                                                                            ^^^^^^

order.yaml:8:40: `ctx` cannot be read in what is said about the event
  |
8 |   f: { await: { event: paid, when: '${ ctx.n > trigger.data.n }', keep: 2d } }
  |                                        ^^^
  hint: only `trigger` is there, the event; what the execution knows goes into `with`, or into `match`

order.yaml:8:73: `keep`: an event is kept for 1d at most
  |
8 |   f: { await: { event: paid, when: '${ ctx.n > trigger.data.n }', keep: 2d } }
  |                                                                         ^^
  hint: let the step wait before the event is published

order.yaml:9:29: `match` belongs to a wait for an event
  |
9 |   g: { await: { signal: go, match: { id: 1 } } }
  |                             ^^^^^
  hint: for example `await: { event: order.paid, match: { … } }`

order.yaml:10:17: `match` belongs to a wait for an event
   |
10 |   h: { await: { match: { id: 1 } } }
   |                 ^^^^^
  hint: for example `await: { event: order.paid, match: { … } }`

order.yaml:11:17: the `await` has both `signal` and `event`
   |
11 |   i: { await: { event: paid, signal: go } }
   |                 ^^^^^
  hint: a step waits for one thing; make two steps of it"#,
    );
}
