//! Every kind of step with everything that it can have.

use std::time::Duration;

use sagaline_sdk::workflow::{
    Breaker, Each, Limit, OnError, Rate, Retry, Steps, Undo, Workflow, activity, approval, attempt, child, emit, event,
    race, raise, set, signal, signals, steps, switch, wait,
};
use serde_json::json;

use crate::Row;

pub(crate) fn rows() -> Vec<Row> {
    vec![
        an_activity(),
        how_it_is_undone(),
        limits_of_time(),
        what_is_shared(),
        steps_returned(),
        waits(),
        events(),
        inside(),
        values(),
        company(),
    ]
}

fn an_activity() -> Row {
    let workflow = Workflow::new("activities")
        .step(
            "first",
            activity("a.one")
                .queue("fast")
                .input(json!({ "text": "hello ${ workflow.input.name }", "n": [1, 2.5, null] })),
        )
        .step(
            "second",
            activity("a.two").after("first").group("g").metadata(json!({ "psp": "first" })).context_key("invoice"),
        )
        .step("third", activity("a.three").after("first").group("g").when("${ steps.first.output.ok == true }"))
        .step("fourth", activity("a.four").after_group("g").on_error(OnError::Continue))
        .step("fifth", activity("a.five").after_any(["second", "third"]).on_error(OnError::Skip))
        .step(
            "sixth",
            activity("a.six").after(["fourth"]).after("fifth").for_each(
                Each::of("${ workflow.input.items }").named("photo").concurrency(20).on_item_error("continue"),
            ),
        )
        .step("seventh", activity("a.seven").for_each(json!(["a", "b"])).on_error(OnError::Fail))
        .step(
            "eighth",
            activity("a.eight").retry(
                Retry::attempts(5)
                    .initial("1s")
                    .backoff("exponential")
                    .multiplier(3.0)
                    .max(Duration::from_secs(300))
                    .jitter()
                    .retry_on(["Timeout", "Busy"])
                    .no_retry_on("CardDeclined"),
            ),
        )
        .step("ninth", activity("a.nine").retry(2).on_error(OnError::Pause));
    (
        workflow,
        r#"
workflow: activities
steps:
  first: { activity: a.one, queue: fast, input: { text: "hello ${ workflow.input.name }", n: [1, 2.5, null] } }
  second: { activity: a.two, after: first, group: g, metadata: { psp: first }, context_key: invoice }
  third: { activity: a.three, after: first, group: g, when: "${ steps.first.output.ok == true }" }
  fourth: { activity: a.four, after_group: g, on_error: continue }
  fifth: { activity: a.five, after_any: [second, third], on_error: skip }
  sixth:
    activity: a.six
    after: [fourth, fifth]
    for_each: { items: "${ workflow.input.items }", as: photo, concurrency: 20, on_item_error: continue }
  seventh: { activity: a.seven, for_each: [a, b] }
  eighth:
    activity: a.eight
    retry:
      attempts: 5
      initial: 1s
      backoff: exponential
      multiplier: 3
      max: 5m
      jitter: true
      retry_on: [Timeout, Busy]
      no_retry_on: [CardDeclined]
  ninth: { activity: a.nine, retry: 2, on_error: pause }
"#,
    )
}

fn how_it_is_undone() -> Row {
    let refund = Undo::by("payments.refund")
        .input(json!({ "payment": "${ output.id }" }))
        .queue("payments")
        .timeout(Duration::from_secs(30))
        .attempts(50)
        .metadata("n", 1)
        .allow_skip();
    let workflow = Workflow::new("undone").step("reserve", activity("stock.reserve").compensate("stock.release")).step(
        "charge",
        activity("payments.charge").compensate(refund).compensate("mail.sorry").compensate_even_if_it_failed(),
    );
    (
        workflow,
        r#"
workflow: undone
steps:
  reserve: { activity: stock.reserve, compensate: stock.release }
  charge:
    activity: payments.charge
    compensate:
      on: attempted
      actions:
        - activity: payments.refund
          input: { payment: "${ output.id }" }
          queue: payments
          timeout: 30s
          retry: { attempts: 50 }
          metadata: { n: 1 }
          allow_skip: true
        - mail.sorry
"#,
    )
}

fn limits_of_time() -> Row {
    let workflow = Workflow::new("limits").step(
        "print",
        activity("labels.print")
            .timeout("1h30m")
            .schedule_timeout("10m")
            .total_timeout("${ workflow.input.patience }")
            .heartbeat(Duration::from_millis(250))
            .deadline("2026-11-20T06:00:00Z"),
    );
    (
        workflow,
        r#"
workflow: limits
steps:
  print:
    activity: labels.print
    timeout: 1h30m
    schedule_timeout: 10m
    total_timeout: "${ workflow.input.patience }"
    heartbeat: 250ms
    deadline: 2026-11-20T06:00:00Z
"#,
    )
}

fn what_is_shared() -> Row {
    let breaker = Breaker::named("psp").threshold(5).window("1m").reset("30s").probes(2).fail_when_open();
    let workflow = Workflow::new("shared")
        .step(
            "a",
            activity("a.one")
                .breaker(breaker)
                .rate_limit(Rate::of(10, "1s").burst(3).named("api").key("${ workflow.input.tenant }")),
        )
        .step("b", activity("a.two").breaker("psp").limit(Limit::of(5).named("api").key("${ workflow.input.tenant }")))
        .step(
            "c",
            activity("a.three")
                .limit(3)
                .rate_limit(Rate::of(1, "1s").named("x"))
                .rate_limit(Rate::of(2, "1s").named("y")),
        );
    (
        workflow,
        r#"
workflow: shared
steps:
  a:
    activity: a.one
    breaker: { name: psp, threshold: 5, window: 1m, reset: 30s, probes: 2, when_open: fail }
    rate_limit: { limit: 10, per: 1s, burst: 3, name: api, key: "${ workflow.input.tenant }" }
  b: { activity: a.two, breaker: psp, limit: { limit: 5, name: api, key: "${ workflow.input.tenant }" } }
  c: { activity: a.three, limit: 3, rate_limit: [{ limit: 1, per: 1s, name: x }, { limit: 2, per: 1s, name: y }] }
"#,
    )
}

fn steps_returned() -> Row {
    let workflow = Workflow::new("returned")
        .step("plan", activity("images.plan").expand_at_once(10).expand_into(["images"]))
        .step("again", activity("images.plan").after_graft("plan").expand());
    (
        workflow,
        r#"
workflow: returned
steps:
  plan: { activity: images.plan, expand: { concurrency: 10, queues: [images] } }
  again: { activity: images.plan, after_graft: plan, expand: true }
"#,
    )
}

fn waits() -> Row {
    let workflow = Workflow::new("waits")
        .step("nap", wait("2h"))
        .step("decide", signal("decided").timeout("24h").skip_on_timeout())
        .step("both", signals(["paid", "packed"]).on_timeout([("remind", activity("mail.send"))]).timeout("3d"))
        .step("any", signals(["yes", "no"]).need_any())
        .step("open", approval())
        .step(
            "review",
            approval()
                .approvers(["ann", "${ workflow.input.manager }"])
                .notify(
                    activity("messages.mail")
                        .input(json!({ "about": "${ workflow.input.amount }" }))
                        .queue("mail")
                        .timeout("10s")
                        .schedule_timeout("1h")
                        .total_timeout("2h")
                        .heartbeat("5s")
                        .retry(3),
                )
                .timeout("2d"),
        )
        .step("told", approval().notify_by_event("approval.wanted"))
        .step("told_more", approval().notify_by_event_with("approval.wanted", json!({ "by": "us" })));
    (
        workflow,
        r#"
workflow: waits
steps:
  nap: { wait: 2h }
  decide: { await: { signal: decided, timeout: 24h, on_timeout: skip } }
  both: { await: { signals: [paid, packed], timeout: 3d, on_timeout: { steps: { remind: { activity: mail.send } } } } }
  any: { await: { signals: ["yes", "no"], need: any } }
  open: { await: { approval: {} } }
  review:
    await:
      approval:
        approvers: [ann, "${ workflow.input.manager }"]
        notify:
          activity: messages.mail
          input: { about: "${ workflow.input.amount }" }
          queue: mail
          timeout: 10s
          schedule_timeout: 1h
          total_timeout: 2h
          heartbeat: 5s
          retry: 3
      timeout: 2d
  told: { await: { approval: { notify: { event: approval.wanted } } } }
  told_more: { await: { approval: { notify: { event: approval.wanted, data: { by: us } } } } }
"#,
    )
}

fn events() -> Row {
    let paid = event("payment.received")
        .matching("order_id", "${ workflow.input.order_id }")
        .event_when("${ trigger.data.amount > 0 }")
        .keep("1h")
        .timeout("3d");
    let workflow = Workflow::new("events")
        .step("paid", paid)
        .step("gone", event("parcel.scanned").correlate("${ trigger.subject }", "${ workflow.input.parcel }"));
    (
        workflow,
        r#"
workflow: events
steps:
  paid:
    await:
      event: payment.received
      match: { order_id: "${ workflow.input.order_id }" }
      when: "${ trigger.data.amount > 0 }"
      keep: 1h
      timeout: 3d
  gone: { await: { event: parcel.scanned, correlate: { event: "${ trigger.subject }", with: "${ workflow.input.parcel }" } } }
"#,
    )
}

fn inside() -> Row {
    let south = Steps::new().step("ask", activity("http")).step("check", activity("echo").after("ask"));
    let workflow = Workflow::new("inside")
        .step("deliver", steps([("z", activity("a.z")), ("a", activity("a.a").after("z"))]).on_error(OnError::Continue))
        .step("quote", race([("north", activity("http")), ("south", steps(south)), ("patience", wait("10m"))]))
        .step(
            "route",
            switch()
                .case("${ workflow.input.left > 10 }", [("pack", activity("echo"))])
                .case("${ workflow.input.left > 0 }", [("part", activity("echo"))])
                .otherwise([("decline", raise("SoldOut"))]),
        )
        .step(
            "pay",
            attempt([("charge", activity("echo"))]).catch_only(["CardDeclined"], [("sorry", activity("mail.send"))]),
        )
        .step("book", attempt([("enter", activity("echo"))]).catch([("mend", activity("mail.send"))]).after("pay"));
    (
        workflow,
        r#"
workflow: inside
steps:
  deliver: { steps: { z: { activity: a.z }, a: { activity: a.a, after: z } }, on_error: continue }
  quote:
    race:
      north: { activity: http }
      south: { steps: { ask: { activity: http }, check: { activity: echo, after: ask } } }
      patience: { wait: 10m }
  route:
    switch:
      - { when: "${ workflow.input.left > 10 }", steps: { pack: { activity: echo } } }
      - { when: "${ workflow.input.left > 0 }", steps: { part: { activity: echo } } }
      - steps: { decline: { raise: SoldOut } }
  pay:
    try: { charge: { activity: echo } }
    catch: { errors: [CardDeclined], steps: { sorry: { activity: mail.send } } }
  book:
    after: pay
    try: { enter: { activity: echo } }
    catch: { steps: { mend: { activity: mail.send } } }
"#,
    )
}

fn values() -> Row {
    let workflow = Workflow::new("values")
        .step("sum", set("gross", "${ workflow.input.net * 1.19 }").and("currency", "EUR").and("nothing", json!({})))
        .step(
            "refuse",
            raise("Refused")
                .message("there are ${ size(ctx.faults) } faults")
                .details(json!({ "faults": "${ ctx.faults }" }))
                .after("sum"),
        );
    (
        workflow,
        r#"
workflow: values
steps:
  sum: { set: { gross: "${ workflow.input.net * 1.19 }", currency: EUR, nothing: {} } }
  refuse:
    after: sum
    raise: { type: Refused, message: "there are ${ size(ctx.faults) } faults", details: { faults: "${ ctx.faults }" } }
"#,
    )
}

fn company() -> Row {
    let workflow = Workflow::new("company")
        .step(
            "ship",
            child("ship_parcel")
                .version(3)
                .id("ship-${ workflow.input.id }")
                .input(json!({ "p": 1 }))
                .queue("slow")
                .timeout("2d"),
        )
        .step("survey", child("survey").detached().abandon_at_end().after("ship"))
        .step("tell", emit("order.paid").subject("${ workflow.input.id }").source("/shop").data(json!({ "total": 3 })));
    (
        workflow,
        r#"
workflow: company
steps:
  ship: { child: { workflow: ship_parcel, version: 3, id: "ship-${ workflow.input.id }", input: { p: 1 }, queue: slow, timeout: 2d } }
  survey: { after: ship, child: { workflow: survey, wait: false, on_parent_end: abandon } }
  tell: { emit: { type: order.paid, subject: "${ workflow.input.id }", source: /shop, data: { total: 3 } } }
"#,
    )
}
