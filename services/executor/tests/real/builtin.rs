//! The activities that come with Sagaline.

use std::time::{Duration, Instant};

use sagaline_events::{Input, Task};
use sagaline_executor::{Settings, run};
use sagaline_model::{Span, StepError};
use sagaline_telemetry::Health;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    common::{Site, eventually, task},
    web,
};

fn executor(site: &Site, health: &Health) -> JoinHandle<()> {
    let settings = Settings::new(site.server.url(), "sagaline");
    let running = run(settings, health.clone(), CancellationToken::new());
    tokio::spawn(async move { running.await.expect("it runs") })
}

fn output(ended: Input) -> Value {
    match ended {
        Input::StepSucceeded(result) => result.output,
        other => panic!("{other:?}"),
    }
}

fn error(ended: Input) -> StepError {
    match ended {
        Input::StepFailed(failed) => failed.error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_simple_ones_do_what_their_names_say() {
    let site = Site::start().await;
    let health = Health::new();
    let executor = executor(&site, &health);
    let input = json!({ "any": ["thing", 1.5] });
    assert_eq!(output(site.perform(&task("noop", "n", input.clone())).await), Value::Null);
    assert_eq!(output(site.perform(&task("echo", "e", input.clone())).await), input);
    let began = Instant::now();
    assert_eq!(output(site.perform(&task("sleep", "s", json!({ "ms": 300 }))).await), Value::Null);
    assert!(Duration::from_millis(300) <= began.elapsed());
    let told = json!({ "times": 1, "error": { "type": "Flaky", "message": "not yet" } });
    let failed = error(site.perform(&task("fail", "f", told.clone())).await);
    assert_eq!((failed.kind.as_str(), failed.message.as_str(), failed.retryable), ("Flaky", "not yet", true));
    let second = Task { attempt: 2, ..task("fail", "f", told) };
    assert_eq!(output(site.perform(&second).await), json!({ "attempts": 2 }));
    let always = Task { attempt: 9, ..task("fail", "always", json!({})) };
    assert_eq!(error(site.perform(&always).await).kind, "Error");
    eventually("its queue is ready", async || health.report().ready).await;
    executor.abort();
}

#[tokio::test]
async fn an_http_request_gives_status_headers_and_body() {
    let site = Site::start().await;
    let executor = executor(&site, &Health::new());
    let web = web::serve().await;
    let request = json!({ "method": "post", "url": format!("{web}/json"), "body": { "amount": 5 } });
    let answer = output(site.perform(&task("http", "json", request)).await);
    assert_eq!((&answer["status"], &answer["body"]), (&json!(201), &json!({ "receipt": [1, 2] })));
    assert_eq!(answer["headers"]["content-type"], "application/json");
    let headers = json!({ "x-tenant": "a" });
    let request = json!({ "method": "PUT", "url": format!("{web}/echo"), "headers": headers, "body": { "amount": 5 } });
    let answer = output(site.perform(&task("http", "echo", request)).await);
    let sent = answer["body"].as_str().expect("text");
    assert!(sent.starts_with("PUT /echo HTTP/1.1\r\n") && sent.ends_with("\r\n\r\n{\"amount\":5}"), "{sent}");
    for header in ["x-tenant: a", "idempotency-key: echo/step", "content-type: application/json"] {
        assert!(sent.contains(header), "{header}: {sent}");
    }
    executor.abort();
}

#[tokio::test]
async fn an_http_request_that_fails_says_whether_to_try_again() {
    let site = Site::start().await;
    let executor = executor(&site, &Health::new());
    let web = web::serve().await;
    let nobody = "http://127.0.0.1:1".to_owned();
    let cases = [
        ("busy", json!({ "url": format!("{web}/busy") }), "HttpStatus", true),
        ("missing", json!({ "url": format!("{web}/missing") }), "HttpStatus", false),
        ("large", json!({ "url": format!("{web}/large") }), "HttpBodyTooLarge", false),
        ("slow", json!({ "url": format!("{web}/slow"), "timeout": "200ms" }), "Timeout", true),
        ("nobody", json!({ "url": nobody }), "HttpConnect", true),
        ("no-url", json!({ "url": "ftp://example.com" }), "BadInput", false),
        ("no-method", json!({ "url": web, "method": "a b" }), "BadInput", false),
        ("unknown", json!({ "url": web, "verb": "GET" }), "BadInput", false),
    ];
    for (execution, request, kind, retryable) in cases {
        let failed = error(site.perform(&task("http", execution, request)).await);
        assert_eq!((failed.kind.as_str(), failed.retryable), (kind, retryable), "{execution}: {}", failed.message);
        if execution == "busy" {
            let details = failed.details.expect("details");
            assert_eq!((&details["status"], &details["body"]["retry"]), (&json!(503), &json!("later")));
        }
    }
    executor.abort();
}

#[tokio::test]
async fn a_sleep_is_cut_short_by_its_timeout() {
    let site = Site::start().await;
    let executor = executor(&site, &Health::new());
    let limited = Task { timeout: Some(Span::from_millis(200)), ..task("sleep", "long", json!({ "ms": 60_000 })) };
    assert!(matches!(site.perform(&limited).await, Input::StepStarted(_)));
    let began = Instant::now();
    eventually("both are stored", async || site.results().await == 2).await;
    assert!(began.elapsed() < Duration::from_secs(20));
    executor.abort();
}
