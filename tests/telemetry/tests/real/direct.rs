//! Nothing between the services and the receiver.

use sagaline_events::record::Status;
use sagaline_telemetry_tests::{Receiver, Site};

use crate::told::{self, environment};

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_is_one_trace_over_all_services() {
    let receiver = Receiver::listen().await;
    let site = Site::start("telemetry-direct", environment(&receiver.url())).await;
    told::all(&site, &receiver).await;
    site.system.end().await;
}

/// A trace from outside that is not kept is not kept here either; nor is all of what begins here, where a ratio says so.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_sampled_is_not_sent() {
    let receiver = Receiver::listen().await;
    let mut environment = environment(&receiver.url());
    environment.push(("OTEL_TRACES_SAMPLER", "parentbased_always_off".to_owned()));
    let site = Site::start("telemetry-sampled", environment).await;
    let unsampled = told::OUTSIDE.replace("-01", "-00");
    let silent = [
        site.by_event("telemetry.order", "order", "silent", None).await,
        site.by_event("telemetry.order", "order", "unsampled", Some(&unsampled)).await,
    ];
    let told = site.by_event("telemetry.order", "order", "sampled", Some(told::OUTSIDE)).await;
    for view in silent.iter().chain([&told]) {
        assert_eq!(view.status, Status::Completed);
    }
    // It came last; so whatever there was of the others has come too.
    receiver.trace_of(told.execution.as_str(), |trace| trace.spans.len() == 10).await;
    for view in silent {
        let trace = receiver.trace_of(view.execution.as_str(), |_| true).await;
        assert!(trace.spans.is_empty(), "{trace}");
    }
    site.system.end().await;
}
