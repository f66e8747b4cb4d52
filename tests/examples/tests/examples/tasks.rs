//! The kinds of tasks that others have, as definitions: `examples/tasks/`.

use sagaline_events::record::{
    Status,
    StepStatus::{Cancelled, Completed, Failed, Pending, Skipped, Waiting},
};
use sagaline_model::{ExecutionId, Name};
use sagaline_sdk::{
    client::Error,
    worker::{ActivityContext, ActivityError},
};
use sagaline_testkit::site::eventually;
use serde_json::{Value, json};

use crate::site::{Running, Site, assert_completed, assert_steps, calls, came_before, failure, site};

fn about(ticket: &str) -> Value {
    json!({ "ticket": ticket })
}

/// Waits until the execution waits for nothing but people.
async fn waits(site: &Site, execution: &ExecutionId) {
    eventually(&format!("{execution} waits"), async || {
        let view = site.client.get(execution).await.expect("an answer");
        view.is_some_and(|view| view.status == Status::Waiting)
    })
    .await;
}

#[tokio::test]
async fn a_basic_task_is_tried_again_unless_that_cannot_help() {
    let site = site().await;
    let execution = site.start("basic_task", about("tangled")).await;
    let view = site.end(&execution).await;
    assert_completed(&view);
    assert_eq!(view.output, json!({ "topic": "tangled", "answer": "all about tangled" }));
    assert_eq!(calls(&execution, "tickets.analyze").len(), 2);

    let execution = site.start("basic_task", about("unreadable")).await;
    failure(&site.end(&execution).await, "analyze", "Unreadable");
    assert_eq!((calls(&execution, "tickets.analyze").len(), calls(&execution, "tickets.reply").len()), (1, 0));
}

#[tokio::test]
async fn parallel_tasks_run_side_by_side_and_the_first_failure_ends_them() {
    let site = site().await;
    let execution = site.start("parallel_task", about("billing")).await;
    for done in ["study/topic", "study/mood"] {
        site.step_is(&execution, done, Completed).await;
    }
    waits(&site, &execution).await;
    assert_eq!(calls(&execution, "tickets.reply"), [] as [Value; 0], "one is still waited for");
    site.signal(&execution, "owner_found", json!({ "owner": "ann" })).await;
    let view = site.end(&execution).await;
    assert_completed(&view);
    assert_eq!(view.output, json!({ "topic": "billing", "mood": "cross", "owner": "ann" }));

    let execution = site.start("parallel_task", about("unreadable")).await;
    let view = site.end(&execution).await;
    failure(&view, "study/topic", "Unreadable");
    assert_steps(&view, Cancelled, &["study/owner"]);
    assert_eq!(calls(&execution, "tickets.reply"), [] as [Value; 0]);
}

#[tokio::test]
async fn parallel_tasks_do_what_they_can() {
    let site = site().await;
    let view = site.run("parallel_task_best_effort", about("numb")).await;
    assert_completed(&view);
    assert_eq!(view.output, json!({ "topic": "numb" }));
    assert_steps(&view, Failed, &["study/mood"]);
    assert_steps(&view, Completed, &["study/topic", "study", "reply"]);
}

#[tokio::test]
async fn all_parallel_tasks_are_waited_for_before_a_failure_counts() {
    let site = site().await;
    let view = site.run("parallel_task_wait_all", about("billing")).await;
    assert_completed(&view);
    assert_eq!(view.output, json!({ "topic": "billing", "mood": "cross" }));

    let view = site.run("parallel_task_wait_all", about("numb")).await;
    let error = failure(&view, "study/judge", "StudyFailed");
    let details = error.details.as_ref().expect("it says what failed");
    assert_eq!((&details["mood"]["type"], &details["topic"]), (&json!("NoMood"), &Value::Null));
    assert_steps(&view, Completed, &["study/topic"]);
}

#[tokio::test]
async fn the_first_of_parallel_tasks_may_be_enough() {
    let site = site().await;
    let execution = site.start("parallel_task_race", about("endless")).await;
    site.began(&execution, "tickets.analyze", 1).await;
    site.signal(&execution, "topic_found", json!({ "topic": "a person knows" })).await;
    let view = site.end(&execution).await;
    assert_completed(&view);
    assert_eq!(view.output, json!({ "topic": "a person knows" }));
    assert_steps(&view, Cancelled, &["study/topic"]);

    let view = site.run("parallel_task_race", about("billing")).await;
    assert_steps(&view, Cancelled, &["study/person"]);
    assert_eq!(view.output, about_topic("billing"));
}

fn about_topic(topic: &str) -> Value {
    json!({ "topic": topic })
}

#[tokio::test]
async fn a_collection_task_does_the_same_for_all_that_it_picks() {
    let site = site().await;
    let tickets = json!(["billing", "closed: billing", "unreadable", "outage"]);
    let execution = site.start("collection_task", json!({ "tickets": tickets })).await;
    let view = site.end(&execution).await;
    assert_completed(&view);
    assert_eq!(view.output, json!({ "topics": ["billing", "outage"], "failed": 1 }));
    assert_eq!(calls(&execution, "tickets.analyze").len(), 3);

    let view = site.run("collection_task", json!({ "tickets": [] })).await;
    assert_eq!(view.output, json!({ "topics": [], "failed": 0 }));

    failure(&site.run("collection_task", json!({ "tickets": "no list" })).await, "study", "ExpressionError");
}

#[tokio::test]
async fn a_collection_task_may_go_one_by_one() {
    let site = site().await;
    let execution = site.start("collection_task_in_order", json!({ "tickets": ["billing", "outage"] })).await;
    for item in 1..=2 {
        site.began(&execution, "tickets.analyze", item).await;
        waits(&site, &execution).await;
        assert_eq!(calls(&execution, "tickets.analyze").len(), item, "the next one has not begun");
        site.signal(&execution, "go_ahead", Value::Null).await;
    }
    let view = site.end(&execution).await;
    assert_completed(&view);
    assert_eq!(view.output, json!(["all about billing", "all about outage"]));

    let execution = site.start("collection_task_in_order", json!({ "tickets": ["unreadable", "outage"] })).await;
    assert_eq!(site.end(&execution).await.status, Status::Failed);
    assert_eq!(calls(&execution, "tickets.analyze").len(), 1, "nothing follows what failed");
}

#[tokio::test]
async fn a_composite_task_has_one_outcome() {
    let site = site().await;
    let execution = site.start("composite_task", about("billing")).await;
    site.step_is(&execution, "handle/confirmed", Waiting).await;
    site.signal(&execution, "topic_confirmed", json!({ "by": "ann" })).await;
    let view = site.end(&execution).await;
    assert_completed(&view);
    let result = json!({ "topic": "billing", "by": "ann", "answer": "all about billing" });
    assert_eq!(view.output, json!({ "handled": "completed", "result": result }));
    assert!(came_before(&execution, "handle/topic", "handle/answer"));
    assert_eq!(calls(&execution, "tickets.close"), [json!({ "handled": true, "why": null })]);

    let impatient = json!({ "ticket": "billing", "patience": "100ms" });
    for (input, why) in [(about("unreadable"), "Unreadable"), (impatient, "Timeout")] {
        let execution = site.start("composite_task", input).await;
        let view = site.end(&execution).await;
        assert_completed(&view);
        assert_eq!(view.output["result"], Value::Null);
        assert_eq!(calls(&execution, "tickets.reply"), [] as [Value; 0]);
        assert_eq!(calls(&execution, "tickets.close"), [json!({ "handled": false, "why": why })]);
    }
}

#[tokio::test]
async fn a_router_task_takes_one_way() {
    let site = site().await;
    let view = site.run("router_task", about("billing")).await;
    assert_completed(&view);
    assert_eq!(view.output, json!({ "answer": "all about billing" }));
    assert_steps(&view, Skipped, &["route/engineer", "route/calm_down", "route/nobody"]);

    let execution = site.start("router_task", about("outage")).await;
    site.step_is(&execution, "route/engineer", Waiting).await;
    site.signal(&execution, "engineer_answered", json!({ "cause": "a digger" })).await;
    let view = site.end(&execution).await;
    assert_eq!(view.output, json!({ "cause": "a digger", "answer": "all about a digger" }));
    assert_steps(&view, Skipped, &["route/refund", "route/nobody"]);

    let view = site.run("router_task", about("the weather")).await;
    let error = failure(&view, "route/nobody", "NoRoute");
    assert_eq!(error.message, "nobody deals with `the weather`");
}

#[tokio::test]
async fn an_aggregate_task_makes_one_value_of_several() {
    let site = site().await;
    let execution = site.start("aggregate_task", about("billing")).await;
    site.step_is(&execution, "notes", Waiting).await;
    site.signal(&execution, "notes", json!(["called twice"])).await;
    let view = site.end(&execution).await;
    assert_completed(&view);
    let output = json!({ "about": "billing", "mood": "cross", "notes": ["called twice"], "sources": 3 });
    assert_eq!(view.output, output);

    // One fails, one says nothing.
    let view = site.run("aggregate_task", json!({ "ticket": "numb", "patience": "100ms" })).await;
    assert_completed(&view);
    assert_eq!(view.output, json!({ "about": "numb", "mood": "unknown", "notes": [], "sources": 1 }));

    let view = site.run("aggregate_task", about("unreadable")).await;
    failure(&view, "topic", "Unreadable");
    assert_steps(&view, Cancelled, &["notes"]);
    assert_steps(&view, Pending, &["summary"]);
}

/// What wakes one execution that is known: an activity with a client of its own.
fn signals(site: &Site) -> Running {
    let client = site.client.clone();
    site.worker("signals", move |worker| {
        worker.activity("executions.signal", move |_: ActivityContext, input: Value| {
            let client = client.clone();
            async move {
                let text = |key: &str| input[key].as_str().unwrap_or_default();
                let wrong = |error: &dyn ToString| ActivityError::new("BadSignal", error.to_string()).not_retryable();
                let execution = ExecutionId::new(text("execution")).map_err(|error| wrong(&error))?;
                let name = Name::new(text("name")).map_err(|error| wrong(&error))?;
                let sent = client.signal(&execution, &name, input["data"].clone()).await;
                sent.map_err(|error| wrong(&error))?;
                Ok(Value::Null)
            }
        })
    })
}

#[tokio::test]
async fn a_signal_task_starts_who_listens_and_wakes_who_waits() {
    let site = site().await;
    let _signals = signals(&site);
    let waiting = site.start("wait_task", about("outage")).await;
    site.step_is(&waiting, "ready", Waiting).await;

    let execution = site.start("signal_task", json!({ "ticket": "billing", "waiting": waiting })).await;
    let view = site.end(&execution).await;
    assert_completed(&view);
    assert_eq!(site.end(&waiting).await.output, json!({ "topic": "billing", "answer": "all about billing" }));
    let event = view.output["event"].as_str().expect("the id of the event");
    let source = "/sagaline/examples/workflow/signal_task";
    let workflow = Name::new("escalated_ticket").expect("a name");
    let started = sagaline_trigger::execution_of(&workflow, source, event);
    eventually("who listens has done its work", async || {
        calls(&started, "tickets.reply") == [json!({ "topic": "billing" })]
    })
    .await;
}

#[tokio::test]
async fn a_signal_task_fails_when_nothing_can_be_told() {
    let site = site().await;
    let _signals = signals(&site);
    let view = site.run("signal_task", json!({ "ticket": "billing", "waiting": "no id" })).await;
    failure(&view, "wake", "BadSignal");
    let execution = site.start("signal_task", about("unreadable")).await;
    let view = site.end(&execution).await;
    failure(&view, "topic", "Unreadable");
    assert_steps(&view, Pending, &["tell"]);
}

#[tokio::test]
async fn a_wait_task_takes_what_fits_and_nothing_else() {
    let site = site().await;
    let execution = site.start("wait_task", about("outage")).await;
    site.step_is(&execution, "ready", Waiting).await;
    let name = Name::new("ticket_ready").expect("a name");
    let refused = site.client.signal(&execution, &name, json!({ "topic": 7 })).await;
    assert!(matches!(refused, Err(Error::InvalidSignal { .. })), "{refused:?}");
    waits(&site, &execution).await;
    site.signal(&execution, "ticket_ready", json!({ "topic": "a digger" })).await;
    let view = site.end(&execution).await;
    assert_completed(&view);
    assert_eq!(view.output, json!({ "topic": "a digger", "answer": "all about a digger" }));
}

#[tokio::test]
async fn a_wait_task_looks_for_itself_when_nobody_tells_it_in_time() {
    let site = site().await;
    let late = |ticket: &str| json!({ "ticket": ticket, "patience": "100ms" });
    let view = site.run("wait_task", late("outage")).await;
    assert_completed(&view);
    assert_steps(&view, Completed, &["ready", "ready/look"]);
    assert_eq!(view.output, json!({ "topic": "outage", "answer": "all about outage" }));

    failure(&site.run("wait_task", late("unreadable")).await, "ready/look", "Unreadable");
}
