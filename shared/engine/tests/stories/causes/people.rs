//! People, and executions of other workflows.

use sagaline_events::input::OnLate;
use serde_json::json;

use super::{ONE, Row, row};
use crate::{
    inputs::{awaits, signal},
    story::story,
};

pub(super) fn people() -> Vec<Row> {
    vec![
        row(
            "it waits for a signal",
            story("s: { await: go }").start(),
            &[[
                "s waiting",
                "nobody has sent the signal `go` yet",
                "the signal comes; it has no timeout",
                "sagaline signal e go",
            ]],
        ),
        row(
            "it waits for a signal",
            story("s: { await: { signal: go, timeout: 5s } }").start(),
            &[[
                "s waiting",
                "nobody has sent the signal `go` yet",
                "the signal comes, or its timeout at 00:00:05",
                "sagaline signal e go",
            ]],
        ),
        row(
            "it waits for an event",
            story("s: { await: { event: order.paid, match: { id: A-1 }, timeout: 5s } }").start(),
            &[[
                "s waiting",
                "no event `order.paid` with `id=A-1` has come yet",
                "such an event comes to `~event:order_2epaid:24eb8b6f7526:id_3dA-1`, or its timeout at 00:00:05",
                "sagaline cancel e",
            ]],
        ),
        row(
            "it waits for several signals",
            story("s: { await: { signals: [paid, packed] } }").start(),
            &[[
                "s waiting",
                "nobody has sent the signals `paid`, `packed` yet",
                "all of them have come; it has no timeout",
                "sagaline signal e paid",
            ]],
        ),
        row(
            "it waits for several signals",
            story("s: { await: { signals: [paid, packed], timeout: 5s } }").start().at("1s", signal("paid", json!(1))),
            &[[
                "s waiting",
                "nobody has sent the signal `packed` yet",
                "the signal comes, or its timeout at 00:00:05",
                "sagaline signal e packed",
            ]],
        ),
        row(
            "it waits for one of several signals",
            story("s: { await: { signals: [yes, no], need: any } }").start(),
            &[[
                "s waiting",
                "nobody has sent the signals `yes`, `no` yet",
                "one of them comes; it has no timeout",
                "sagaline signal e yes",
            ]],
        ),
        row(
            "it waits for an approval",
            story("s: { await: { approval: { approvers: [ann, bob] }, timeout: 5s } }").start(),
            &[[
                "s waiting",
                "it waits for an approval by `ann`, `bob`",
                "somebody approves or rejects, or its timeout at 00:00:05",
                "sagaline approve e s --by ann",
            ]],
        ),
        row(
            "it waits for an approval",
            story("s: { await: { approval: {} } }").start(),
            &[[
                "s waiting",
                "it waits for an approval by anybody",
                "somebody approves or rejects; it has no timeout",
                "sagaline approve e s",
            ]],
        ),
        row(
            "its activity wants an approval",
            story(ONE).start().at("1s", awaits("a", 1, &["ann"], OnLate::Fail)),
            &[[
                "a waiting",
                "it waits for an approval by `ann`",
                "somebody approves or rejects, or its timeout at 00:10:01",
                "sagaline approve e a --by ann",
            ]],
        ),
        row(
            "a child does it",
            story("a: { child: shipping }").start(),
            &[[
                "a running",
                "it waits for the execution `e-a-7395a38d22016389` of the workflow `shipping`",
                "that execution ends",
                "sagaline why e-a-7395a38d22016389",
            ]],
        ),
        row(
            "a child does it",
            story("a: { child: { workflow: shipping, timeout: 5s } }").start(),
            &[[
                "a running",
                "it waits for the execution `e-a-7395a38d22016389` of the workflow `shipping`",
                "that execution ends, or its timeout at 00:00:05",
                "sagaline why e-a-7395a38d22016389",
            ]],
        ),
    ]
}
