//! Faults of gates and of unique keys.

use crate::told;

#[test]
fn gates_that_are_none() {
    told(
        r"workflow: w
unique: { for: soon, until: later }
steps:
  a: { activity: noop, rate_limit: 5 }
  b: { activity: noop, rate_limit: { limit: 0, burst: x, rate: 1 } }
  c: { activity: noop, limit: [1, { limit: 2 }] }
  d: { activity: noop, limit: { name: 'a b', key: '${ nobody }' } }
  e: { wait: 5s, limit: 3 }
",
        r#"order.yaml:2:9: the `unique` has no `key`
  |
2 | unique: { for: soon, until: later }
  |         ^^
  hint: for example `unique: { key: "order-${ workflow.input.id }", for: 1h }`

order.yaml:2:16: `for`: `soon` is not a duration
  |
2 | unique: { for: soon, until: later }
  |                ^^^^
  hint: for example 250ms, 30s, 5m, 2h, 1d or 1h30m

order.yaml:2:29: `until` cannot be `later`
  |
2 | unique: { for: soon, until: later }
  |                             ^^^^^
  hint: one of `end`, `success`, `expiry`

order.yaml:4:36: `rate_limit` must be a map, not a number
  |
4 |   a: { activity: noop, rate_limit: 5 }
  |                                    ^
  hint: for example `rate_limit: { limit: 10, per: 1s }`

order.yaml:5:36: the `rate_limit` has no `per`
  |
5 |   b: { activity: noop, rate_limit: { limit: 0, burst: x, rate: 1 } }
  |                                    ^^
  hint: for example `rate_limit: { limit: 10, per: 1s }`

order.yaml:5:45: `limit` must be a whole number from 1 on, not `0`
  |
5 |   b: { activity: noop, rate_limit: { limit: 0, burst: x, rate: 1 } }
  |                                             ^
  hint: it counts the attempts that begin in a time

order.yaml:5:55: `burst` must be a whole number, not text
  |
5 |   b: { activity: noop, rate_limit: { limit: 0, burst: x, rate: 1 } }
  |                                                       ^

order.yaml:5:58: unknown key `rate` in `rate_limit`
  |
5 |   b: { activity: noop, rate_limit: { limit: 0, burst: x, rate: 1 } }
  |                                                          ^^^^
  hint: known here: limit, per, burst, name, key

order.yaml:6:35: two of `limit` have one name and key
  |
6 |   c: { activity: noop, limit: [1, { limit: 2 }] }
  |                                   ^^
  hint: give each a `name` of its own, or leave one out

order.yaml:7:31: the `limit` has no `limit`
  |
7 |   d: { activity: noop, limit: { name: 'a b', key: '${ nobody }' } }
  |                               ^^
  hint: for example `limit: 5`, or `limit: { limit: 5, name: api }`

order.yaml:7:39: `name`: `a b` contains ` `; letters, digits, `_` and `-` are allowed
  |
7 |   d: { activity: noop, limit: { name: 'a b', key: '${ nobody }' } }
  |                                       ^^^^^
  hint: write `a_b`

order.yaml:7:55: `nobody` is nothing that an expression can read
  |
7 |   d: { activity: noop, limit: { name: 'a b', key: '${ nobody }' } }
  |                                                       ^^^^^^
  hint: it can read `workflow`, `steps`, `ctx`, `trigger`, `execution`, `config`

order.yaml:8:18: `limit` belongs to an `activity`; this step has `wait`
  |
8 |   e: { wait: 5s, limit: 3 }
  |                  ^^^^^"#,
    );
}
