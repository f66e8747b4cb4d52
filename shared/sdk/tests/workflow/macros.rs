//! Workflows that are modules: the same as their file.

use std::io;

use sagaline_sdk::{
    worker::{ActivityContext, ActivityError, Worker},
    workflow,
    workflow::{Workflow, activity},
};
use serde_json::{Value, json};

use crate::assert_same;

#[derive(serde::Deserialize)]
pub(crate) struct Order {
    pub(crate) id: String,
}

#[workflow(
    name = "order",
    on_event = "order.created",
    on_event(["order.renewed", "order.moved"], when = "${ trigger.data.total > 0 }"),
    schedule(cron = "0 6 * * *", timezone = "Europe/Berlin", overlap = skip),
    manual,
    timeout = "30m",
    tags = ["orders", "team=blue"],
    retry(attempts = 3, initial = "1s", jitter),
    dead_letter(ttl = "7d"),
    metadata = { owner: "data", "a b": [1, -2.5, true, null] },
    on_failure(page, timeout = "10s"),
    on_cancel = "log.note",
)]
pub(crate) mod order {
    use super::*;

    #[step]
    pub(crate) async fn validate(_: ActivityContext, order: Order) -> Result<Value, ActivityError> {
        Ok(json!({ "valid": !order.id.is_empty() }))
    }

    #[step(after = validate, group = work, compensate = release, retry = 5, queue = "stock")]
    async fn reserve(_: ActivityContext, _: Value) -> Result<(), io::Error> {
        Ok(())
    }

    async fn release(_: ActivityContext, _: Value) -> Result<(), ActivityError> {
        Ok(())
    }

    #[step(
        after = [validate],
        group = work,
        when = "${ ctx.valid }",
        timeout = "30s",
        on_error = continue,
        input = { order: "${ workflow.input.id }", given: json!(1 + 1) },
        compensate(release, allow_skip, input = { a: 1 }),
        compensate = "mail.sorry",
        for_each(items = [1, 2], as = number, concurrency = 3),
        rate_limit(limit = 1, per = "1s", name = "a"),
        rate_limit(limit = 2, per = "1s", name = "b"),
        breaker = "psp",
    )]
    async fn charge(_: ActivityContext) -> Result<(), ActivityError> {
        Ok(())
    }

    #[step(after = validate, compensate([release, "mail.sorry"], on = attempted))]
    async fn insure(_: ActivityContext) -> Result<(), ActivityError> {
        Ok(())
    }

    #[graft(after_group = work)]
    async fn plan(_: ActivityContext) -> Result<(), ActivityError> {
        Ok(())
    }

    #[wait("2h", after_graft = plan)]
    fn rest();
    #[signal("decided", after = rest, timeout = "24h", on_timeout = skip)]
    fn decide();
    #[signals(["paid", "packed"], need = any)]
    fn either();
    #[approval(approvers = ["ann"], notify(activity = "mail.send"), timeout = "2d")]
    fn review();
    #[approval]
    fn anybody();
    #[event("parcel.scanned", match = { id: "${ workflow.input.id }" }, event_when = "${ trigger.data.ok }", keep = "1h", when = "${ ctx.x }")]
    fn scanned();
    #[child("ship", input = { a: 1 }, wait = false, on_parent_end = abandon, after_any = [decide, either])]
    fn ship();
    #[emit("order.done", subject = "${ workflow.input.id }", data = { a: 1 })]
    fn tell();
    #[set({ currency: "EUR" }, after = tell)]
    fn currency();
    #[raise("Refused", message = "no", when = "${ ctx.no }")]
    fn refuse();
    #[activity("echo", input = "hello", context_key = said)]
    fn say();

    async fn page(_: ActivityContext, _: Value) -> Result<(), ActivityError> {
        Ok(())
    }

    /// None of the workflow's.
    pub(crate) fn helper() -> u32 {
        7
    }
}

const ORDER: &str = r#"
workflow: order
on:
  - event: order.created
  - { event: [order.renewed, order.moved], when: "${ trigger.data.total > 0 }" }
  - { cron: "0 6 * * *", timezone: Europe/Berlin, overlap: skip }
  - manual
timeout: 30m
tags: [orders, team=blue]
retry: { attempts: 3, initial: 1s, jitter: true }
dead_letter: { ttl: 7d }
metadata: { owner: data, a b: [1, -2.5, true, null] }
on_failure: { activity: order.page, timeout: 10s }
on_cancel: { activity: log.note }
steps:
  validate: { activity: order.validate, input: "${ ctx }" }
  reserve:
    activity: order.reserve
    input: "${ ctx }"
    after: validate
    group: work
    compensate: order.release
    retry: 5
    queue: stock
  charge:
    activity: order.charge
    after: validate
    group: work
    when: "${ ctx.valid }"
    timeout: 30s
    on_error: continue
    input: { order: "${ workflow.input.id }", given: 2 }
    compensate: [{ activity: order.release, allow_skip: true, input: { a: 1 } }, mail.sorry]
    for_each: { items: [1, 2], as: number, concurrency: 3 }
    rate_limit: [{ limit: 1, per: 1s, name: a }, { limit: 2, per: 1s, name: b }]
    breaker: psp
  insure: { activity: order.insure, after: validate, compensate: { on: attempted, actions: [order.release, mail.sorry] } }
  plan: { activity: order.plan, after_group: work, expand: true }
  rest: { wait: 2h, after_graft: plan }
  decide: { await: { signal: decided, timeout: 24h, on_timeout: skip }, after: rest }
  either: { await: { signals: [paid, packed], need: any } }
  review: { await: { approval: { approvers: [ann], notify: { activity: mail.send } }, timeout: 2d } }
  anybody: { await: { approval: {} } }
  scanned:
    await: { event: parcel.scanned, match: { id: "${ workflow.input.id }" }, when: "${ trigger.data.ok }", keep: 1h }
    when: "${ ctx.x }"
  ship: { child: { workflow: ship, input: { a: 1 }, wait: false, on_parent_end: abandon }, after_any: [decide, either] }
  tell: { emit: { type: order.done, subject: "${ workflow.input.id }", data: { a: 1 } } }
  currency: { set: { currency: EUR }, after: tell }
  refuse: { raise: { type: Refused, message: "no" }, when: "${ ctx.no }" }
  say: { activity: echo, input: hello, context_key: said }
"#;

#[test]
fn a_module_is_the_plan_of_its_file() {
    assert_same((order::definition(), ORDER));
    assert_eq!(order::helper(), 7);
}

#[workflow]
mod smallest {
    use super::*;

    #[step]
    async fn only(_: ActivityContext) -> Result<(), ActivityError> {
        Ok(())
    }
}

#[test]
fn a_module_gives_its_name_and_more_may_be_added_to_its_definition() {
    let yaml =
        "workflow: smallest\nsteps: { only: { activity: smallest.only }, more: { activity: echo, after: only } }\n";
    assert_same((smallest::definition().step("more", activity("echo").after("only")), yaml));
}

#[test]
fn a_worker_is_told_what_is_wrong_with_its_workflows_before_it_runs() {
    let worker = smallest::register(Worker::new("nats://127.0.0.1:1")).workflow(Workflow::new("no good"));
    let running = worker.run(tokio_util::sync::CancellationToken::new());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let error = runtime.block_on(running).expect_err("it cannot run").to_string();
    assert!(error.contains("the workflow `no good` cannot be built") && !error.contains("smallest"), "{error}");
}
