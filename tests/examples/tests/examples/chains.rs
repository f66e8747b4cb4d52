//! Chains of events and workflows: `examples/user_registration.yaml`, and a chain that bites its own tail.

use sagaline_events::{Envelope, record::Status};
use sagaline_model::{ExecutionId, Name};
use sagaline_sdk::client::{TailFilter, TailFrom, Tailed};
use sagaline_testkit::site::eventually;
use serde_json::{Value, json};

use crate::site::{Site, assert_completed, calls, site};

/// The execution that an event starts which a step of another has emitted.
fn started_by(workflow: &str, emitter: &str, execution: &ExecutionId, step: &str) -> ExecutionId {
    let source = format!("/sagaline/examples/workflow/{emitter}");
    let workflow = Name::new(workflow).expect("a name");
    sagaline_trigger::execution_of(&workflow, &source, &format!("{execution}/{step}"))
}

async fn is_known(site: &Site, execution: &ExecutionId) {
    eventually(&format!("{execution} is known"), async || {
        site.client.get(execution).await.expect("an answer").is_some()
    })
    .await;
}

#[tokio::test]
async fn a_registration_goes_from_event_to_event() {
    let site = site().await;
    let registration = site.start("register_user", json!({ "email": "zoe@example.com" })).await;
    assert_completed(&site.end(&registration).await);

    let verification = started_by("verify_email", "register_user", &registration, "announce");
    eventually("the mail is on its way", async || !calls(&verification, "messages.mail").is_empty()).await;
    let token = calls(&verification, "messages.mail")[0]["token"].clone();
    assert_eq!(token, json!(verification));
    let mut opened = Envelope::new(
        format!("opened-{verification}"),
        "/web",
        "user.link.opened",
        json!({ "token": token }).to_string(),
    );
    opened.content_type = Some("application/json".to_owned());
    site.client.publish_event(&opened).await.expect("it is stored");
    assert_completed(&site.end(&verification).await);

    let onboarding = started_by("onboard_user", "verify_email", &verification, "announce");
    is_known(&site, &onboarding).await;
    assert_completed(&site.end(&onboarding).await);
    for (emitter, execution, step, what) in [
        ("register_user", &registration, "announce", "user.created"),
        ("verify_email", &verification, "announce", "user.email.verified"),
        ("onboard_user", &onboarding, "announce_start", "user.onboarding.started"),
        ("onboard_user", &onboarding, "announce_end", "user.onboarding.complete"),
    ] {
        let tracking = started_by("track_users", emitter, execution, step);
        is_known(&site, &tracking).await;
        assert_completed(&site.end(&tracking).await);
        assert_eq!(calls(&tracking, "analytics.count"), [json!({ "what": what, "user": "zoe@example.com" })]);
    }
}

const RING: &str = r#"
workflow: ring_a
on: { event: ring.b.done }
steps:
  tell: { emit: { type: ring.a.done, data: "${ workflow.input }" } }
---
workflow: ring_b
on: { event: ring.a.done }
steps:
  pass: { child: { workflow: ring_c, input: "${ workflow.input }" } }
---
workflow: ring_c
steps:
  tell: { emit: { type: ring.b.done, data: "${ workflow.input }" } }
"#;

/// Two workflows start each other, one of them through a child. Each round is two hops, and the 33rd is one too many.
#[tokio::test]
async fn a_loop_of_events_ends() {
    let site = site().await;
    site.apply(RING, "ring.yaml").await;
    let filter = TailFilter::parse("examples", "lifecycle.trigger.*.*.*").expect("a filter");
    let mut tail = site.client.tail(&filter, TailFrom::Now).await.expect("events");
    let first = Envelope::new("ring", "/test", "ring.b.done", "1");
    site.client.publish_event(&first).await.expect("it is stored");
    let mut matched = 0;
    let rejected = loop {
        let Tailed::Event(event) = tail.next().await else { continue };
        let data: Value = serde_json::from_slice(&event.event.data).expect("JSON");
        let of_ring = data["event"]["type"].as_str().is_some_and(|kind| kind.starts_with("ring."));
        match event.event.kind.as_str() {
            "sagaline.trigger.matched.v1" if of_ring => matched += 1,
            "sagaline.trigger.rejected.v1" if of_ring => break data,
            _ => {}
        }
    };
    // The first event has no hops, and the last that is served has 32.
    assert_eq!((matched, &rejected["reason"]), (33, &json!("loop")));
    let why = rejected["why"].as_str().expect("a sentence");
    assert!(why.starts_with("33 executions led to this event one after another"), "{why}");
    assert!(why.contains("`ring_b`") && why.contains("`ring.a.done`"), "{why}");
    let event = rejected["event"]["id"].as_str().expect("an id");
    let last = ExecutionId::new(event.split('/').next().unwrap_or_default()).expect("the execution that emitted it");
    assert_eq!(site.end(&last).await.status, Status::Completed, "nothing but the event is refused");
}
