//! What is to be seen of three executions, whoever stands between.

use sagaline_events::{
    record::Status,
    trace::{span_of_execution, trace_of},
};
use sagaline_telemetry_tests::{Receiver, Site, Span, Trace};
use serde_json::json;

pub(crate) const OUTSIDE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
pub(crate) const OUTSIDE_TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
pub(crate) const OUTSIDE_SPAN: &str = "00f067aa0ba902b7";

/// What every service is told, so that spans go to `url` soon.
pub(crate) fn environment(url: &str) -> Vec<(&'static str, String)> {
    vec![
        ("OTEL_EXPORTER_OTLP_ENDPOINT", url.to_owned()),
        ("OTEL_BSP_SCHEDULE_DELAY", "100".to_owned()),
        ("SAGALINE_HTTP", "127.0.0.1:0".to_owned()),
        ("SAGALINE_PARTITIONS", "2".to_owned()),
        // Less is logged than is traced.
        ("SAGALINE_LOG", "sagaline_telemetry=info,warn".to_owned()),
    ]
}

/// An order whose payment is tried twice, started by an event that belongs to a trace.
pub(crate) async fn an_event_from_outside(site: &Site, receiver: &Receiver) {
    let view = site.by_event("telemetry.order", "order", "from-outside", Some(OUTSIDE)).await;
    assert_eq!(view.status, Status::Completed);
    let trace = receiver.trace_of(view.execution.as_str(), |trace| trace.spans.len() == 10).await;
    is_one_tree(&trace, OUTSIDE_TRACE, OUTSIDE_SPAN);
    let inside = "charge(fail 1, fail 2), delivery(delivery/pack(echo 1), delivery/label(noop 1))";
    assert_eq!(trace.shape(), format!("trigger order(order({inside}))"));

    let order = trace.named("order");
    assert_eq!((order.field("status"), order.field("workflow")), (Some("completed"), Some("order")));
    assert_eq!((&order.error, order.field("version"), order.service.as_str()), (&None, Some("1"), "orchestrator"));
    assert!(order.by_message);
    let trigger = trace.named("trigger order");
    assert_eq!((trigger.service.as_str(), trigger.parent.as_str()), ("trigger", OUTSIDE_SPAN));
    assert_eq!((trigger.field("event"), trigger.field("type")), (Some("from-outside"), Some("telemetry.order")));

    let charge = trace.named("charge");
    assert_eq!((charge.field("attempt"), &charge.error), (Some("2"), &None), "it was tried until it worked");
    let attempts: Vec<_> = trace.spans.values().filter(|span| span.name == "fail").collect();
    assert_eq!(attempts.len(), 2);
    for attempt in attempts {
        assert_eq!((attempt.service.as_str(), attempt.field("queue")), ("executor", Some("default")));
        assert_eq!(attempt.field("worker"), charge.field("worker"));
        let failed = attempt.error.as_ref().is_some_and(|error| error.contains("try again"));
        assert_eq!(failed, attempt.field("attempt") == Some("1"), "{attempt:?}");
    }
}

/// A refund that fails, started by an event that belongs to no trace.
pub(crate) async fn an_event_of_its_own(site: &Site, receiver: &Receiver) {
    let view = site.by_event("telemetry.refund", "refund", "of-its-own", None).await;
    assert_eq!(view.status, Status::Failed);
    let execution = view.execution.as_str();
    let trace = receiver.trace_of(execution, |trace| trace.spans.len() == 5).await;
    is_one_tree(&trace, &format!("{:032x}", trace_of("sagaline", execution)), "");
    assert_eq!(trace.shape(), "trigger refund(refund(approval, pay(fail 1)))");
    let (refund, pay, approval) = (trace.named("refund"), trace.named("pay"), trace.named("approval"));
    assert_eq!((refund.field("status"), refund.error.as_deref()), (Some("failed"), Some("CardDeclined: no money")));
    assert_eq!((pay.field("status"), pay.error.as_deref()), (Some("failed"), Some("CardDeclined: no money")));
    assert_eq!((approval.field("status"), &approval.error), (Some("cancelled"), &None));
    assert_eq!(refund.id, format!("{:016x}", span_of_execution(execution)));
}

/// A start within a trace; what its activity calls belongs to the trace too.
pub(crate) async fn a_start_that_calls_somebody(site: &Site, receiver: &Receiver) {
    let input = json!({ "url": format!("{}/called", receiver.url()) });
    let view = site.by_start("call", "call-1", input, Some(OUTSIDE)).await;
    assert_eq!(view.status, Status::Completed, "{view:?}");
    let trace = receiver.trace_of("call-1", |trace| trace.spans.len() == 3).await;
    is_one_tree(&trace, OUTSIDE_TRACE, OUTSIDE_SPAN);
    assert_eq!(trace.shape(), "call(post(http 1))");
    let http = trace.named("http");
    assert!(receiver.calls().contains(&format!("00-{OUTSIDE_TRACE}-{}-01", http.id)), "{:?}", receiver.calls());
}

pub(crate) fn is_one_tree(trace: &Trace, id: &str, outside: &str) {
    assert_eq!(trace.trace_ids().into_iter().collect::<Vec<_>>(), [id], "{trace}");
    assert_eq!(trace.orphans(outside), Vec::<&Span>::new(), "{trace}");
    assert_eq!(trace.misplaced(), Vec::<&Span>::new(), "{trace}");
    assert_eq!(trace.contradictions, [], "{trace}");
}

/// All of it.
pub(crate) async fn all(site: &Site, receiver: &Receiver) {
    an_event_from_outside(site, receiver).await;
    an_event_of_its_own(site, receiver).await;
    a_start_that_calls_somebody(site, receiver).await;
}
