//! What decides what is done: groups, races, cases, what is tried, loops.

use crate::told;

#[test]
fn groups_exist_and_races_have_no_order() {
    told(
        r"workflow: w
steps:
  a: { activity: noop, group: uploads }
  b: { activity: noop, after_group: upload }
  c:
    race:
      d: { activity: noop }
      e: { activity: noop, after: d }
  f: { activity: noop, after_any: [a, g] }
",
        r"order.yaml:4:37: no step beside this one belongs to a group `upload`
  |
4 |   b: { activity: noop, after_group: upload }
  |                                     ^^^^^^
  hint: did you mean `uploads`?

order.yaml:8:35: `e` runs in a race, where all begin at once
  |
8 |       e: { activity: noop, after: d }
  |                                   ^
  hint: put steps that follow one another into `steps` of one that runs in it

order.yaml:9:39: there is no step `g`
  |
9 |   f: { activity: noop, after_any: [a, g] }
  |                                       ^
  hint: did you mean `a`?",
    );
}

#[test]
fn cases_and_catches_are_whole() {
    told(
        r"workflow: w
steps:
  a: { switch: { when: true } }
  b:
    switch:
      - { steps: { c: { activity: noop } } }
      - { when: '${ ctx.n > }', steps: { d: { activity: noop, input: '${ steps.c.output }' } } }
      - { when: true }
  e: { try: { f: { activity: noop } } }
  g: { try: { h: { activity: noop, input: '${ error.type }' } }, catch: { on: [X] } }
  i: { activity: noop, catch: {} }
  j: { raise: { kind: X } }
  k: { set: 3 }
",
        r#"order.yaml:3:16: `switch` must be a list of cases, not a map
  |
3 |   a: { switch: { when: true } }
  |                ^
  hint: write each as `- { when: "${ … }", steps: { … } }`

order.yaml:6:9: a case without `when` always applies, so those behind it never do
  |
6 |       - { steps: { c: { activity: noop } } }
  |         ^^

order.yaml:7:28: the expression ends where a value or a closing bracket is missing
  |
7 |       - { when: '${ ctx.n > }', steps: { d: { activity: noop, input: '${ steps.c.output }' } } }
  |                            ^

order.yaml:7:80: `d` reads `c`, which is in another case: only one of them runs
  |
7 |       - { when: '${ ctx.n > }', steps: { d: { activity: noop, input: '${ steps.c.output }' } } }
  |                                                                                ^

order.yaml:8:9: the case has no `steps`
  |
8 |       - { when: true }
  |         ^^

order.yaml:9:8: the `try` has no `catch`
  |
9 |   e: { try: { f: { activity: noop } } }
  |        ^^^
  hint: write `catch: { steps: { … } }` beside it

order.yaml:10:47: `error` can be read in a `catch`, and in the delays of a `retry`
   |
10 |   g: { try: { h: { activity: noop, input: '${ error.type }' } }, catch: { on: [X] } }
   |                                               ^^^^^

order.yaml:10:66: the `catch` has no `steps`
   |
10 |   g: { try: { h: { activity: noop, input: '${ error.type }' } }, catch: { on: [X] } }
   |                                                                  ^^^^^

order.yaml:10:75: unknown key `on` in `catch`
   |
10 |   g: { try: { h: { activity: noop, input: '${ error.type }' } }, catch: { on: [X] } }
   |                                                                           ^^
  hint: known here: errors, steps

order.yaml:11:24: `catch` belongs to a `try`; this step has `activity`
   |
11 |   i: { activity: noop, catch: {} }
   |                        ^^^^^

order.yaml:12:17: unknown key `kind` in `raise`
   |
12 |   j: { raise: { kind: X } }
   |                 ^^^^
  hint: known here: type, message, details

order.yaml:13:13: `set` must be a map, not a number
   |
13 |   k: { set: 3 }
   |             ^"#,
    );
}

#[test]
fn loops_say_over_what_and_what_is_inside_stays_there() {
    told(
        r"workflow: w
steps:
  a: { for_each: { as: x }, activity: noop }
  b: { for_each: { items: '${ ctx.list }', as: ctx, concurrency: 0, on_item_error: stop }, activity: noop }
  c: { for_each: 'list', activity: noop }
  d: { for_each: '${ ctx.list }', steps: { e: { activity: noop, input: ['${ item }', '${ index }'] } } }
  f: { after: d, activity: noop, input: ['${ steps.e.output }', '${ item }', '${ index }'] }
  g: { for_each: '${ item }', when: '${ index > 1 }', activity: noop, input: '${ thing }' }
output: { e: '${ steps.e.output }' }
",
        r#"order.yaml:3:18: `for_each` has no `items`
  |
3 |   a: { for_each: { as: x }, activity: noop }
  |                  ^^
  hint: for example `items: "${ ctx.images }"`

order.yaml:4:48: an item cannot be called `ctx`: expressions read something else by that name
  |
4 |   b: { for_each: { items: '${ ctx.list }', as: ctx, concurrency: 0, on_item_error: stop }, activity: noop }
  |                                                ^^^

order.yaml:4:66: `concurrency` must be a whole number from 1 on, not `0`
  |
4 |   b: { for_each: { items: '${ ctx.list }', as: ctx, concurrency: 0, on_item_error: stop }, activity: noop }
  |                                                                  ^
  hint: it counts the items that are worked on at once

order.yaml:4:84: `on_item_error` cannot be `stop`
  |
4 |   b: { for_each: { items: '${ ctx.list }', as: ctx, concurrency: 0, on_item_error: stop }, activity: noop }
  |                                                                                    ^^^^
  hint: one of `fail`, `skip`, `continue`

order.yaml:5:18: `items` must be one `${…}` with nothing around it
  |
5 |   c: { for_each: 'list', activity: noop }
  |                  ^^^^^^

order.yaml:7:52: `e` is inside of the loop `d`, where it runs for each item
  |
7 |   f: { after: d, activity: noop, input: ['${ steps.e.output }', '${ item }', '${ index }'] }
  |                                                    ^
  hint: `steps.d.output` is the list of what the items gave

order.yaml:7:69: `item` is nothing that an expression can read
  |
7 |   f: { after: d, activity: noop, input: ['${ steps.e.output }', '${ item }', '${ index }'] }
  |                                                                     ^^^^
  hint: it can read `workflow`, `steps`, `ctx`, `trigger`, `execution`, `config`

order.yaml:7:82: `index` is nothing that an expression can read
  |
7 |   f: { after: d, activity: noop, input: ['${ steps.e.output }', '${ item }', '${ index }'] }
  |                                                                                  ^^^^^
  hint: it can read `workflow`, `steps`, `ctx`, `trigger`, `execution`, `config`

order.yaml:8:22: `item` is nothing that an expression can read
  |
8 |   g: { for_each: '${ item }', when: '${ index > 1 }', activity: noop, input: '${ thing }' }
  |                      ^^^^
  hint: it can read `workflow`, `steps`, `ctx`, `trigger`, `execution`, `config`

order.yaml:8:41: `index` is nothing that an expression can read
  |
8 |   g: { for_each: '${ item }', when: '${ index > 1 }', activity: noop, input: '${ thing }' }
  |                                         ^^^^^
  hint: it can read `workflow`, `steps`, `ctx`, `trigger`, `execution`, `config`

order.yaml:8:82: `thing` is nothing that an expression can read
  |
8 |   g: { for_each: '${ item }', when: '${ index > 1 }', activity: noop, input: '${ thing }' }
  |                                                                                  ^^^^^
  hint: it can read `workflow`, `steps`, `ctx`, `trigger`, `execution`, `config`, `item`, `index`

order.yaml:9:24: `e` is inside of the loop `d`, where it runs for each item
  |
9 | output: { e: '${ steps.e.output }' }
  |                        ^
  hint: `steps.d.output` is the list of what the items gave"#,
    );
}

#[test]
fn what_stands_in_other_parts_of_a_step_is_read_only_where_it_has_run() {
    told(
        r"workflow: w
steps:
  a:
    try: { b: { activity: noop, input: '${ steps.d.output }' } }
    catch: { steps: { d: { activity: noop, input: ['${ steps.b.error }', '${ error.type }'] } } }
  e: { activity: noop, input: '${ error }' }
",
        r"order.yaml:4:50: `b` reads `d`, which only runs after it
  |
4 |     try: { b: { activity: noop, input: '${ steps.d.output }' } }
  |                                                  ^

order.yaml:6:35: `error` can be read in a `catch`, and in the delays of a `retry`
  |
6 |   e: { activity: noop, input: '${ error }' }
  |                                   ^^^^^",
    );
}

#[test]
fn children_and_events_are_named() {
    told(
        r"workflow: w
steps:
  a: { child: { input: 1, colour: red } }
  b: { child: { workflow: other, wait: false, timeout: 5m, on_parent_end: kill } }
  c: { child: other, input: { n: 1 } }
  d: { emit: { data: '${ steps.nobody.output }' } }
  e: { emit: order.* }
",
        r"order.yaml:3:15: the `child` has no `workflow`
  |
3 |   a: { child: { input: 1, colour: red } }
  |               ^^
  hint: for example `child: { workflow: ship }`

order.yaml:3:27: unknown key `colour` in `child`
  |
3 |   a: { child: { input: 1, colour: red } }
  |                           ^^^^^^
  hint: known here: workflow, version, id, input, queue, wait, timeout, on_parent_end

order.yaml:4:56: nobody waits for this child, so no `timeout` of it can pass
  |
4 |   b: { child: { workflow: other, wait: false, timeout: 5m, on_parent_end: kill } }
  |                                                        ^^
  hint: remove `wait: false`, or give the workflow that is started a `timeout` of its own

order.yaml:4:75: `on_parent_end` cannot be `kill`
  |
4 |   b: { child: { workflow: other, wait: false, timeout: 5m, on_parent_end: kill } }
  |                                                                           ^^^^
  hint: one of `cancel`, `abandon`

order.yaml:5:22: `input` belongs to an `activity`; this step has `child`
  |
5 |   c: { child: other, input: { n: 1 } }
  |                      ^^^^^
  hint: put it into the `child`: `child: { workflow: …, input: … }`

order.yaml:6:14: the `emit` has no `type`
  |
6 |   d: { emit: { data: '${ steps.nobody.output }' } }
  |              ^^
  hint: for example `emit: { type: order.shipped }`

order.yaml:6:32: there is no step `nobody`
  |
6 |   d: { emit: { data: '${ steps.nobody.output }' } }
  |                                ^^^^^^

order.yaml:7:14: `order.*` is not the type of an event
  |
7 |   e: { emit: order.* }
  |              ^^^^^^^
  hint: words with dots between them, such as `order.created`; no spaces, no `*` or `>`",
    );
}
