//! `examples/user_onboarding.yaml`.

use sagaline_events::record::StepStatus::{Completed, Failed, Skipped, Waiting};
use sagaline_sdk::client::fresh_id;
use serde_json::{Value, json};

use crate::site::{assert_completed, assert_steps, calls, failure, site, step_of, why};

const WORKFLOW: &str = "user_onboarding";

#[tokio::test]
async fn a_confirmed_address_sets_everything_up() {
    let site = site().await;
    let execution = site.start(WORKFLOW, json!({ "email": "ann@example.com" })).await;
    site.step_is(&execution, "first_chance", Waiting).await;
    let waiting = site.client.get(&execution).await.expect("an answer").expect("it is there");
    assert_eq!(waiting.status.as_str(), "waiting");
    site.signal(&execution, "email_confirmed", json!({ "by": "link" })).await;
    let view = site.end(&execution).await;
    assert_completed(&view);
    let user = "ann@example.com";
    assert_eq!(view.output, json!({ "user": user, "state": "active", "workspace": "of ann@example.com" }));
    assert_steps(
        &view,
        Skipped,
        &["first_chance/remind", "first_chance/last_chance", "begin/close_account", "begin/expired"],
    );
    assert_steps(&view, Completed, &["begin/settings", "begin/storage", "begin/trial", "begin/count_signup"]);
    assert_eq!(calls(&execution, "accounts.send_link").len(), 1);
    assert_eq!(calls(&execution, "analytics.count"), [json!({ "what": "signup", "source": "organic" })]);
}

#[tokio::test]
async fn who_confirms_before_it_is_waited_for_is_heard() {
    let site = site().await;
    // Even before it has started.
    let execution = fresh_id();
    site.signal(&execution, "email_confirmed", Value::Null).await;
    site.start_as(&execution, WORKFLOW, json!({ "email": "quick@example.com" })).await;
    assert_completed(&site.end(&execution).await);
    assert_eq!(calls(&execution, "accounts.send_link").len(), 1);
}

#[tokio::test]
async fn who_is_late_is_reminded_once() {
    let site = site().await;
    // Long enough to be confirmed within, on a machine with much else to do; the first wait passes in any case.
    let execution = site.start(WORKFLOW, json!({ "email": "late@example.com", "patience": "5s" })).await;
    site.step_is(&execution, "first_chance/last_chance", Waiting).await;
    site.signal(&execution, "email_confirmed", Value::Null).await;
    let view = site.end(&execution).await;
    assert_completed(&view);
    assert_eq!(view.output["state"], "active");
    assert_steps(&view, Completed, &["first_chance", "first_chance/last_chance"]);
    assert_steps(&view, Skipped, &["first_chance/last_chance/give_up"]);
    let links = calls(&execution, "accounts.send_link");
    assert_eq!(links.iter().map(|link| &link["reminder"]).collect::<Vec<_>>(), [false, true]);
}

#[tokio::test]
async fn who_never_confirms_loses_the_account() {
    let site = site().await;
    let execution = site.start(WORKFLOW, json!({ "email": "never@example.com", "patience": "200ms" })).await;
    let view = site.end(&execution).await;
    assert_completed(&view);
    assert_eq!(view.output, json!({ "user": "never@example.com", "state": "expired", "workspace": null }));
    assert_steps(&view, Completed, &["first_chance", "first_chance/last_chance/give_up"]);
    assert_steps(&view, Skipped, &["begin/settings", "begin/trial"]);
    assert_eq!(calls(&execution, "accounts.close"), [json!("never@example.com")]);
}

#[tokio::test]
async fn an_address_that_is_taken_ends_it_before_any_mail() {
    let site = site().await;
    let execution = site.start(WORKFLOW, json!({ "email": "taken@example.com" })).await;
    let view = site.end(&execution).await;
    failure(&view, "account", "EmailTaken");
    assert_eq!(step_of(&view, "account").attempt, 1);
    assert_eq!(
        calls(&execution, "accounts.mark_failed"),
        [json!({ "email": "taken@example.com", "why": "EmailTaken" })]
    );
    assert_eq!(calls(&execution, "accounts.send_link"), [] as [Value; 0]);
}

#[tokio::test]
async fn a_set_up_that_fails_fails_it_and_a_mail_that_bounces_does_not() {
    let site = site().await;
    let [full, bounce] = ["full@example.com", "bounce@example.com"].map(|email| json!({ "email": email }));
    let full = site.start(WORKFLOW, full).await;
    let bounce = site.start(WORKFLOW, bounce).await;
    for execution in [&full, &bounce] {
        site.signal(execution, "email_confirmed", Value::Null).await;
    }
    let view = site.end(&full).await;
    why(&view, "begin/workspace", "QuotaExceeded");
    assert_eq!(calls(&full, "accounts.trial"), [] as [Value; 0]);
    let view = site.end(&bounce).await;
    assert_completed(&view);
    assert_steps(&view, Failed, &["begin/welcome"]);
    assert_eq!(calls(&bounce, "analytics.count").len(), 1);
}
