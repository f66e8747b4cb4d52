//! `examples/flow/`: definitions in the .flow language, run as any others.

use std::collections::BTreeSet;

use sagaline_broker::ports::{Message, Outcome};
use sagaline_events::record::{
    ExecutionView, Status,
    StepStatus::{Completed, Failed, Skipped},
};
use sagaline_lang::{Surroundings, read_all_within};
use sagaline_model::{ExecutionId, Name, StepError};
use sagaline_sdk::{
    client::{ListFilter, fresh_id},
    worker::{ActivityContext, ActivityError, Worker},
};
use sagaline_testkit::site::eventually;
use serde_json::{Value, json};

use crate::site::{Site, all_calls, assert_completed, assert_steps, calls, came_before, examples, note, site, why};

type Stub = fn(&Value) -> Value;

/// What the activities of these definitions give.
const TABLE: &[(&str, Stub)] = &[
    ("order.validate", |input| json!({ "items": [input["order_id"]], "total": 30, "customer": "ann" })),
    ("inventory.check", |input| json!({ "available": input["items"] != json!(["gone"]) })),
    ("payment.process", |input| json!({ "id": format!("p-{}", input["amount"]) })),
    ("inventory.reserve", |_| Value::Null),
    ("warehouse.notify", |_| Value::Null),
    ("email.send", |_| Value::Null),
    ("report.date_range", |_| json!({ "from": "2026-11-20", "to": "2026-11-21" })),
    ("sales.fetch", |_| json!({ "sales": [1, 2, 3] })),
    ("sales.aggregate", |input| json!({ "count": input["sales"].as_array().map(Vec::len) })),
    ("report.pdf", |input| json!({ "file": format!("{}.pdf", input["metrics"]["count"]) })),
    ("storage.upload", |_| Value::Null),
    ("user.create_profile", |input| json!({ "id": format!("u-{}", input["email"].as_str().unwrap_or("")) })),
    ("user.set_preferences", |_| Value::Null),
    ("tasks.create_tutorial", |_| Value::Null),
    ("integrations.setup", |_| Value::Null),
    ("user.activate", |_| Value::Null),
    ("sessions.cleanup", |_| json!({ "removed": 12 })),
    ("database.backup", |_| Value::Null),
    ("inventory.sync", |_| Value::Null),
    ("reminders.send", |_| Value::Null),
    ("logs.archive", |_| Value::Null),
    ("analytics.generate", |_| Value::Null),
    ("health.check", |_| Value::Null),
    ("ShippingService.create", |_| json!({ "tracking_number": "t-9" })),
    ("cancel_order", |_| Value::Null),
    ("update", |_| Value::Null),
    ("query", |_| json!([{ "sku": "tea", "quantity": 3 }])),
    ("template", |input| json!({ "report_file": format!("report.{}", input["format"].as_str().unwrap_or("")) })),
    ("send", |_| Value::Null),
];

pub(crate) fn serve(mut worker: Worker) -> Worker {
    for &(name, answer) in TABLE {
        worker = worker.activity(name, move |context: ActivityContext, input: Value| async move {
            note(&context, &input);
            Ok::<Value, ActivityError>(answer(&input))
        });
    }
    worker.activity("PaymentGateway.charge", |context: ActivityContext, input: Value| async move {
        note(&context, &input);
        match input["amount"].as_u64() {
            Some(..1_000) => Ok(Value::Null),
            _ => Err(ActivityError::new("TooMuch", "no card has that").not_retryable()),
        }
    })
}

async fn publish(site: &Site, kind: &str, data: Value) -> String {
    let connection = site.client.connection();
    let id = fresh_id().to_string();
    let headers = [("ce-specversion", "1.0"), ("ce-id", &id), ("ce-source", "/shop"), ("ce-type", kind)];
    let message = Message {
        subject: connection.names().event(kind),
        expected: None,
        msg_id: None,
        ttl: None,
        headers: headers.map(|(name, value)| (name, value.to_owned())).into(),
        payload: data.to_string().into(),
    };
    eventually("the event is stored", async || matches!(connection.publish(&message).await, Outcome::Stored { .. }))
        .await;
    id
}

/// The execution that an event started, once it has ended. One at a time: it is the one that was not there before.
async fn started_by(site: &Site, workflow: &str, kind: &str, data: Value) -> (ExecutionId, ExecutionView) {
    static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let alone = ONE_AT_A_TIME.lock().await;
    let filter = ListFilter { workflow: Some(Name::new(workflow).expect("a name")), ..ListFilter::default() };
    let all = async || -> BTreeSet<ExecutionId> {
        let listed = site.client.list(filter.clone(), None).next(500).await.expect("a list");
        listed.into_iter().map(|listed| listed.view.execution).collect()
    };
    let before = all().await;
    publish(site, kind, data).await;
    eventually("the event starts it", async || before.len() < all().await.len()).await;
    let execution = all().await.difference(&before).next().cloned().expect("a new one");
    drop(alone);
    let view = site.end(&execution).await;
    (execution, view)
}

#[tokio::test]
async fn an_order_goes_its_way_from_an_event_to_its_confirmation() {
    let site = site().await;
    let order = json!({ "order_id": "A-1" });
    let (execution, view) = started_by(&site, "order_fulfillment", "order.placed", order).await;
    assert_completed(&view);
    for (earlier, later) in [
        ("validate_order", "check_inventory"),
        ("check_inventory", "process_payment"),
        ("process_payment", "reserve_inventory"),
        ("process_payment", "notify_warehouse"),
        ("reserve_inventory", "send_confirmation"),
        ("notify_warehouse", "send_confirmation"),
    ] {
        assert!(came_before(&execution, earlier, later), "{earlier} and {later}");
    }
    assert_eq!(calls(&execution, "payment.process"), [json!({ "order_id": "A-1", "amount": 30 })]);
    let mail = json!({ "template": "order_confirmation", "to": "ann", "payment": "p-30" });
    assert_eq!(calls(&execution, "email.send"), [mail]);

    let gone = json!({ "order_id": "gone" });
    let (_, view) = started_by(&site, "order_fulfillment", "order.placed", gone).await;
    assert_completed(&view);
    assert_steps(&view, Skipped, &["process_payment", "reserve_inventory"]);
}

#[tokio::test]
async fn a_report_and_a_welcome_are_done_in_their_order() {
    let site = site().await;
    let execution = site.start("daily_sales_report", json!({})).await;
    assert_completed(&site.end(&execution).await);
    assert_eq!(calls(&execution, "storage.upload"), [json!({ "file": "3.pdf" })]);
    assert!(came_before(&execution, "aggregate", "generate_pdf"));

    let execution = site.start("welcome_user", json!({ "email": "ann@example.com" })).await;
    let view = site.end(&execution).await;
    assert_completed(&view);
    assert_steps(&view, Skipped, &["setup_integrations"]);
    assert_eq!(calls(&execution, "user.activate"), [json!({ "user": "u-ann@example.com" })]);
    assert!(came_before(&execution, "create_tutorial", "activate"));
}

#[tokio::test]
async fn every_job_does_its_task() {
    let site = site().await;
    for (job, task) in [
        ("cleanup_sessions", "sessions.cleanup"),
        ("weekly_backup", "database.backup"),
        ("sync_inventory", "inventory.sync"),
        ("send_reminders", "reminders.send"),
        ("archive_logs", "logs.archive"),
        ("generate_analytics", "analytics.generate"),
        ("health_check_services", "health.check"),
    ] {
        let execution = site.start(job, json!({})).await;
        assert_completed(&site.end(&execution).await);
        assert_eq!(calls(&execution, task).len(), 1, "{job}");
    }
}

/// What an order of the larger form is about.
fn placed(quantity: u32, total: u32) -> Value {
    let items = json!([{ "product": { "quantity": 5 }, "quantity": quantity }]);
    let customer = json!({ "email": "ann@example.com" });
    let order =
        json!({ "id": "A-1", "items": items, "total": total, "shipping_address": "here", "customer": customer });
    json!({ "order": order })
}

#[tokio::test]
async fn an_order_of_the_larger_form_is_charged_shipped_and_told() {
    let site = site().await;
    let (execution, view) = started_by(&site, "OrderFulfillment", "OrderPlaced", placed(2, 70)).await;
    assert_completed(&view);
    assert_eq!(calls(&execution, "PaymentGateway.charge"), [json!({ "amount": 70 })]);
    assert_eq!(calls(&execution, "ShippingService.create"), [json!({ "order_id": "A-1", "address": "here" })]);
    let mail = json!({
        "via": "email", "to": "ann@example.com", "template": "order_shipped", "data": { "tracking_number": "t-9" }
    });
    assert_eq!(calls(&execution, "send"), [mail]);
    assert_eq!(calls(&execution, "update"), [json!("trigger.order.status = \"completed\"")]);
    assert_eq!(calls(&execution, "cancel_order"), [] as [Value; 0]);
}

#[tokio::test]
async fn a_check_that_does_not_hold_cancels_the_order_and_one_that_cannot_be_paid_does_not() {
    let site = site().await;
    let (execution, view) = started_by(&site, "OrderFulfillment", "OrderPlaced", placed(6, 70)).await;
    assert_eq!(view.status, Status::Failed);
    let StepError { kind, message, .. } =
        why(&view, "validate_inventory/item/validate_inventory_check", "CheckFailed").clone();
    assert_eq!(kind, "CheckFailed");
    assert_eq!(message, "the check does not hold: item.product.quantity >= item.quantity");
    assert_eq!(calls(&execution, "cancel_order"), [json!("Insufficient inventory")]);
    assert_eq!(calls(&execution, "PaymentGateway.charge"), [] as [Value; 0]);

    let (execution, view) = started_by(&site, "OrderFulfillment", "OrderPlaced", placed(2, 70_000)).await;
    assert_eq!(view.status, Status::Failed);
    assert_steps(&view, Failed, &["process_payment"]);
    assert_steps(&view, Completed, &["on_failure/workflow_on_fail"]);
    assert_eq!(calls(&execution, "cancel_order"), [] as [Value; 0]);
}

#[tokio::test]
async fn what_is_nearly_gone_is_reported_to_whom_the_project_names() {
    let site = site().await;
    let (file, text) = ("flow/inventory_report.flow", &examples()["flow/inventory_report.flow"]);
    let config = json!({ "reports": { "recipients": ["ops@example.com"] } }).as_object().cloned();
    let within = Surroundings { config, ..Surroundings::default() };
    let plan = read_all_within(text, file, &within).expect("it has no fault").remove(0).plan;
    site.client.apply(&plan, Some(text)).await.expect("applied");
    let execution = site.start("DailyInventoryReport", json!({})).await;
    assert_completed(&site.end(&execution).await);
    let [query, template, send] = all_calls(&execution).try_into().expect("three calls");
    assert_eq!((query.activity.as_str(), query.input), ("query", json!("select Product where quantity < 10")));
    let data = json!({ "low_stock": [{ "sku": "tea", "quantity": 3 }] });
    assert_eq!(template.input, json!({ "template": "inventory_report", "data": data, "format": "pdf" }));
    assert_eq!(
        send.input,
        json!({
            "via": "email", "to": ["ops@example.com"], "subject": "Daily Inventory Report", "attachment": "report.pdf"
        })
    );
}
