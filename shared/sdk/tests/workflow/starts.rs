//! What starts a workflow.

use sagaline_sdk::workflow::{Batch, Debounce, OnEvent, Workflow, activity, at, cron, every, once_in};
use serde_json::json;

use crate::Row;

pub(crate) fn rows() -> Vec<Row> {
    vec![events(), schedules()]
}

fn events() -> Row {
    let paid = OnEvent::of(["order.paid", "order.renewed.>"])
        .source("/shops/*")
        .subject("o-*")
        .extension("tenant", "acme")
        .when("${ trigger.data.total > 0 }")
        .input(json!({ "order": "${ trigger.data.order_id }" }));
    let workflow = Workflow::new("started")
        .on_event("order.created")
        .on_event(paid)
        .on_event(
            OnEvent::of("order.stopped")
                .signal("stop", "order-${ trigger.data.id }")
                .data(json!({ "why": "${ trigger.type }" })),
        )
        .on_event(OnEvent::of("doc.changed").debounce(Debounce::of("5s").key("${ trigger.data.doc }").max("1m")))
        .on_event(OnEvent::of("row.added").batch(Batch::of(100, "10s").key("${ trigger.data.table }")))
        .manual()
        .step("a", activity("echo"));
    (
        workflow,
        r#"
workflow: started
on:
  - event: order.created
  - event: [order.paid, order.renewed.>]
    source: /shops/*
    subject: o-*
    extensions: { tenant: acme }
    when: "${ trigger.data.total > 0 }"
    input: { order: "${ trigger.data.order_id }" }
  - { event: order.stopped, signal: stop, execution: "order-${ trigger.data.id }", data: { why: "${ trigger.type }" } }
  - { event: doc.changed, debounce: { for: 5s, key: "${ trigger.data.doc }", max: 1m } }
  - { event: row.added, batch: { size: 100, for: 10s, key: "${ trigger.data.table }" } }
  - manual
steps: { a: { activity: echo } }
"#,
    )
}

fn schedules() -> Row {
    let nightly = cron(["0 6 * * *", "0 18 * * *"])
        .timezone("Europe/Berlin")
        .overlap("skip")
        .catch_up("2h")
        .jitter("30s")
        .limit(10)
        .start_at("2027-01-01T00:00:00Z")
        .end_at("2027-02-01T00:00:00Z")
        .input(json!({ "kind": "daily" }));
    let workflow = Workflow::new("scheduled")
        .schedule(nightly)
        .schedule(every("5m"))
        .schedule(every("1h").anchor("2026-01-01T00:00:00Z").offset("5m"))
        .schedule(at("2026-12-24T18:00:00Z"))
        .schedule(once_in("30m"))
        .step("a", activity("echo"));
    (
        workflow,
        r#"
workflow: scheduled
on:
  - cron: ["0 6 * * *", "0 18 * * *"]
    timezone: Europe/Berlin
    overlap: skip
    catch_up: 2h
    jitter: 30s
    limit: 10
    start_at: 2027-01-01T00:00:00Z
    end_at: 2027-02-01T00:00:00Z
    input: { kind: daily }
  - { every: 5m }
  - { every: { period: 1h, anchor: 2026-01-01T00:00:00Z, offset: 5m } }
  - { at: 2026-12-24T18:00:00Z }
  - { in: 30m }
steps: { a: { activity: echo } }
"#,
    )
}
