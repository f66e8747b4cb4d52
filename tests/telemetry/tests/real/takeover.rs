//! What becomes of traces and counters when an owner dies.

use std::time::SystemTime;

use sagaline_crash::Role;
use sagaline_events::record::Status;
use sagaline_telemetry_tests::{Receiver, Site, scrape};
use serde_json::Value;

use crate::{
    metrics::Family,
    told::{OUTSIDE, OUTSIDE_SPAN, OUTSIDE_TRACE, environment, is_one_tree},
};

/// What the first owner folded, the second one folds again: it tells of the same spans, and counts nothing twice.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_takeover_spans_are_the_same_and_nothing_is_counted_again() {
    let receiver = Receiver::listen().await;
    let mut environment = environment(&receiver.url());
    // What ends on the one partition shows that its owner is live.
    environment.push(("SAGALINE_PARTITIONS", "1".to_owned()));
    let mut site = Site::start("telemetry-takeover", environment).await;
    let waiting = site.start_one("signed", "signed-1", Value::Null, Some(OUTSIDE)).await;
    for number in 0..20 {
        let id = format!("before-{number}");
        assert_eq!(site.by_event("telemetry.order", "order", &id, None).await.status, Status::Completed);
    }
    // At once, so that the checkpoint is still behind.
    site.system.kill(Role::Orchestrator);
    let killed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a time").as_nanos();
    site.sign(&waiting).await;
    assert_eq!(site.ended(&waiting).await.status, Status::Completed);
    assert_eq!(site.by_event("telemetry.order", "order", "after", None).await.status, Status::Completed);

    let trace = receiver.trace_of("signed-1", |trace| trace.spans.len() == 4).await;
    is_one_tree(&trace, OUTSIDE_TRACE, OUTSIDE_SPAN);
    assert_eq!(trace.shape(), "signed(paper, file(noop 1))");
    let (signed, paper) = (trace.named("signed"), trace.named("paper"));
    assert!(u128::from(signed.from) < killed && u128::from(paper.from) < killed, "the times of the log: {trace}");
    assert!(killed < u128::from(paper.to), "{trace}");

    let scraped = scrape::all(site.system.folder()).await;
    let orchestrators: Vec<&String> =
        scraped.iter().filter(|(service, _)| service == "orchestrator").map(|(_, text)| text).collect();
    let [second] = orchestrators[..] else { panic!("{} orchestrators live", orchestrators.len()) };
    let families = Family::all(second);
    let order = ("workflow_type", "order");
    assert_eq!(families["sagaline_workflows_started_total"].value(&[order]), Some(1.0));
    let completed = families["sagaline_workflows_completed_total"].value(&[order, ("status", "completed")]);
    assert_eq!(completed, Some(1.0));
    site.system.end().await;
}
