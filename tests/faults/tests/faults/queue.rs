//! Garbage in a queue.

use sagaline_events::task::TASK_TYPE;
use serde_json::json;

use crate::site::{Site, event, header};

/// Headers, payload, and what the reason must say.
type Case<'a> = (&'a [(&'a str, &'a str)], &'a [u8], &'a str);

#[test]
fn what_is_no_task_is_set_aside_and_the_executor_goes_on() {
    let site = Site::shared();
    let of_task = event(TASK_TYPE);
    let unanswerable = json!({
        "workflow": "echo", "version": 1, "execution": "a", "path": "echo", "attempt": 1, "queue": "default",
        "activity": "echo", "idempotency_key": "a/echo", "reply": "two words", "ask": "sagaline.ask.0",
        "cause": "2026-01-01T00:00:00Z",
    });
    let unanswerable = unanswerable.to_string();
    let cases: [Case; 6] = [
        (&[], b"\0\xff\r\nraw bytes", "no CloudEvent"),
        (&event("sagaline.nonsense.v1"), b"{}", "`sagaline.nonsense.v1`"),
        (&of_task, b"{ not JSON", "no task"),
        (&of_task, b"{}", "no task"),
        (&of_task, unanswerable.as_bytes(), "`two words`"),
        (&[("content-type", "application/cloudevents+json")], b"{", "no CloudEvent in JSON"),
    ];
    for (number, (headers, payload, why)) in cases.into_iter().enumerate() {
        let subject = format!("sagaline.queue.default.echo.garbage-{number}.echo.1");
        let sequence = site.store(&subject, headers, payload);
        let message = site.is_rejected(&subject, sequence, "bad_task", payload);
        let reason = header(&message, "Sagaline-Reason").expect("a reason");
        assert!(reason.contains(why), "`{why}` is not in `{reason}`");
    }
    site.goes_on();
}
