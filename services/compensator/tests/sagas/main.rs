//! Sagas on a real nats-server: a compensator, a worker, and whoever asks for the saga in the place of an orchestrator.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod site;

use std::time::Duration;

use sagaline_events::{
    SagaInput, SagaStatus, UndoStep,
    ask::{Answer, Ask},
    saga::{Late, SagaAsked, SagaResolve, SagaRetry, UndoneStatus},
};
use sagaline_model::Moment;
use serde_json::json;

use self::site::{Site, chain, frame, id, request, step, unknown};

#[tokio::test(flavor = "multi_thread")]
async fn what_an_execution_did_is_undone_backwards_each_step_once() {
    let site = Site::start().await;
    site.say("A-1", SagaInput::Request(request(chain(5)))).await;
    let news = site.news_of("A-1", SagaStatus::Completed).await;
    assert_eq!(news.compensated.len(), 5);
    assert_eq!(site.done_for("A-1"), ["s4", "s3", "s2", "s1", "s0"]);
    let record = site.record_of("A-1").await;
    assert_eq!((record.status, record.steps.len()), (SagaStatus::Completed, 5));
    // It left memory, and says from its record how it ended.
    site.say("A-1", SagaInput::Request(request(chain(5)))).await;
    site.say("A-1", SagaInput::Asked(SagaAsked::default())).await;
    site.newer_news_of("A-1", SagaStatus::Completed, 2).await;
    assert_eq!(site.done_for("A-1").len(), 5, "nothing is undone twice");
    assert_eq!(
        site.lifecycle_of("A-1").await,
        [
            "started",
            "step_compensated",
            "step_compensated",
            "step_compensated",
            "step_compensated",
            "step_compensated",
            "completed"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saga_that_is_stuck_is_seen_and_goes_on_when_somebody_helps() {
    let site = Site::start().await;
    let bad = UndoStep { actions: vec![site::action("undo.bad")], ..step("bad", &[]) };
    site.say("B-1", SagaInput::Request(request(vec![step("a", &[1]), bad]))).await;
    let news = site.news_of("B-1", SagaStatus::Stuck).await;
    assert_eq!((&news.stuck[0].0, news.stuck[0].1.kind.as_str()), (&frame("bad"), "Down"));
    // It is in the list, also once it has left memory.
    for _ in 0..2 {
        let Answer::Sagas(page) =
            site.ask(&Ask::Sagas { stuck: true, workflow: None, after: None, limit: 10 }, "B-1").await
        else {
            panic!("no list")
        };
        assert_eq!((page.sagas.len(), &page.sagas[0].execution), (1, &id("B-1")));
        assert_eq!(page.sagas[0].steps[0].status, UndoneStatus::Stuck);
        site.rests("B-1").await;
    }
    site.mend();
    site.say("B-1", SagaInput::Retry(SagaRetry { by: Some("ann".into()), ..SagaRetry::default() })).await;
    site.news_of("B-1", SagaStatus::Completed).await;
    assert_eq!(site.done_for("B-1"), ["bad", "a"]);
    assert_eq!(site.record_of("B-1").await.interventions.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saga_that_is_resolved_takes_back_what_is_at_work() {
    let site = Site::start().await;
    let slow = UndoStep { actions: vec![site::action("undo.slow")], ..step("slow", &[]) };
    site.say("C-1", SagaInput::Request(request(vec![step("a", &[1]), slow]))).await;
    site.begun("C-1/slow").await;
    site.say("C-1", SagaInput::Resolve(SagaResolve { by: None, why: "by hand".into() })).await;
    let news = site.news_of("C-1", SagaStatus::Resolved).await;
    assert_eq!(news.why.as_deref(), Some("by hand"));
    assert_eq!(site.record_of("C-1").await.status, SagaStatus::Resolved);
    assert_eq!(site.done_for("C-1"), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_success_is_undone_although_the_saga_is_over() {
    let site = Site::start().await;
    site.say("D-1", SagaInput::Request(request(vec![unknown(step("a", &[]))]))).await;
    site.news_of("D-1", SagaStatus::Completed).await;
    site.rests("D-1").await;
    site.say("D-1", SagaInput::Late(Late { path: frame("a"), attempt: 1, output: json!(1) })).await;
    site.newer_news_of("D-1", SagaStatus::Completed, 2).await;
    assert_eq!(site.done_for("D-1"), ["a", "a"]);
    assert_eq!(site.keys_of("D-1"), ["D-1/a/~undo", "D-1/a/~undo-late"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_compensator_goes_on_where_one_ended_and_undoes_nothing_twice() {
    let mut site = Site::start().await;
    for number in 0..20 {
        site.say(&format!("E-{number}"), SagaInput::Request(request(chain(20)))).await;
    }
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(300)).await;
        site.replace_compensator().await;
    }
    for number in 0..20 {
        let execution = format!("E-{number}");
        site.news_of(&execution, SagaStatus::Completed).await;
        let backwards: Vec<String> = (0..20).rev().map(|step| format!("s{step}")).collect();
        assert_eq!(site.done_for(&execution), backwards, "{execution}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_saga_is_set_aside() {
    let site = Site::start().await;
    site.say("F-1", SagaInput::Request(request(vec![step("a", &[0])]))).await;
    site.rejected("bad_saga").await;
    let other = sagaline_events::SagaRequest { began: Moment::from_millis(1), ..request(chain(1)) };
    site.say("F-1", SagaInput::Request(other)).await;
    site.news_of("F-1", SagaStatus::Completed).await;
}
