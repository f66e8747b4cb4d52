//! The report of a day: `examples/daily_report.yaml`, and the same as a job that one activity does.

use std::time::Duration;

use sagaline_events::record::{Status, StepStatus};
use sagaline_model::{Name, When};
use sagaline_sdk::{
    client::{Error, Job, Who, fresh_id},
    worker::{ActivityContext, ActivityError},
};
use serde_json::{Value, json};

use crate::{
    schedules::schedule,
    site::{assert_completed, calls, site, step_of},
};

#[tokio::test]
async fn the_report_of_a_tick_is_that_of_its_day_and_reaches_everybody() {
    let site = site().await;
    let view = schedule(&site, "daily_report").await;
    assert!(view.next.iter().all(|tick| tick.to_string().contains("T06:00:00")), "{view:?}");
    let (execution, _) = site.client.trigger_schedule(&view.name, None, Who::default()).await.expect("it starts");
    let ended = site.end(&execution).await;
    assert_completed(&ended);
    let day = ended.started_at.to_string()[..10].to_owned();
    let url = format!("https://reports.example/sales-report-{day}.pdf");
    assert_eq!(ended.output, json!({ "url": url, "record_count": 41, "errors": 0 }));
    let subject = format!("sales report of {day}");
    let mails = calls(&execution, "messages.mail");
    let to: Vec<&Value> = mails.iter().map(|mail| &mail["customer"]).collect();
    assert_eq!(to.len(), 2);
    for customer in ["sales@example.com", "manager@example.com"] {
        assert!(mails.contains(&json!({ "customer": customer, "subject": subject, "url": url })), "{mails:?}");
    }
}

#[tokio::test]
async fn who_cannot_be_mailed_is_counted_and_costs_the_report_nothing() {
    let site = site().await;
    let recipients = ["ann@example.com", "bounce@example.com", "zoe@example.com"];
    let input = json!({ "report_type": "stock", "day": "2026-01-31", "recipients": recipients, "format": "csv" });
    let view = site.run("daily_report", input).await;
    assert_completed(&view);
    let url = "https://reports.example/stock-report-2026-01-31.csv";
    assert_eq!(view.output, json!({ "url": url, "record_count": 41, "errors": 1 }));
    assert_eq!(step_of(&view, "mail").status, StepStatus::Completed);
    for activity in ["reports.fetch", "reports.generate", "reports.upload"] {
        assert_eq!(calls(&view.execution, activity).len(), 1, "`{activity}` is not done again");
    }
}

#[tokio::test]
async fn a_report_of_no_known_type_is_refused_before_anything_is_fetched() {
    let site = site().await;
    let workflow = Name::new("daily_report").expect("a name");
    let input = json!({ "report_type": "gossip", "recipients": [], "format": "pdf" });
    let refused = site.client.start(&workflow, input, Default::default()).await.expect_err("it is refused");
    assert!(matches!(refused, Error::InvalidInput { .. }), "{refused}");
}

/// All of it by one activity, as a job that a schedule submits.
async fn generate(context: ActivityContext, input: Value) -> Result<Value, ActivityError> {
    let recipients = input["recipients"].as_array().map_or(0, Vec::len);
    let errors = recipients.saturating_sub(1);
    Ok(json!({ "url": format!("reports/{}", context.execution()), "record_count": 41, "errors": errors }))
}

#[tokio::test]
async fn a_report_may_be_a_job_that_recurs() {
    let site = site().await;
    let job = Job::new("report.daily.generate")
        .payload(json!({ "report_type": "sales", "recipients": ["a@example.com", "b@example.com"], "format": "pdf" }))
        .queue("reports")
        .max_retries(3)
        .timeout(Duration::from_secs(1800));
    // Whatever runs these tests at six in the morning: it fires by itself no sooner than in a year.
    let when = When { cron: vec!["0 6 1 1 *".to_owned()], ..When::default() };
    let name = Name::new(fresh_id().as_str()).expect("a name");
    site.client.recur(&name, job, when, Who::default()).await.expect("it is known");
    let _worker = site.worker("reports", |worker| worker.queue("reports").activity("report.daily.generate", generate));
    let (execution, _) = site.client.trigger_schedule(&name, None, Who::default()).await.expect("it starts");
    let view = site.end(&execution).await;
    assert_eq!(view.status, Status::Completed, "{view:#?}");
    assert_eq!(view.output, json!({ "url": format!("reports/{execution}"), "record_count": 41, "errors": 1 }));
    site.client.delete_schedule(&name, Who::default()).await.expect("it is gone");
}
