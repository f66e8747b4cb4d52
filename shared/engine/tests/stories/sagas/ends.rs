//! Which ends are undone, what is heard of the saga, and what comes after it.

use sagaline_events::{
    Input, SagaNews, SagaStatus, TimerKind, TimerName,
    record::{Status, StepStatus},
};
use sagaline_model::StepError;
use serde_json::json;

use super::{TRIP, actions, request};
use crate::{
    inputs::{began, cancel, claimed, failed, news, returned, rollback, succeeded, undone, workflow_timeout},
    story::{Story, path, workflow},
};

fn booked() -> Story {
    workflow(TRIP)
        .start()
        .at("1s", began("hotel", 1))
        .at("2s", claimed("hotel", 1, json!({"id": 1})))
        .at("3s", began("flight", 1))
        .at("4s", claimed("flight", 1, json!({"id": 2})))
}

fn failing() -> Story {
    booked().at("5s", failed("pay", 1, "Declined"))
}

#[test]
fn a_task_whose_step_can_be_undone_asks_for_a_claim() {
    let story = workflow(TRIP).start();
    let task = story.task("hotel");
    assert!(task.claim && task.report);
    let story = booked();
    assert!(!story.task("pay").claim, "nothing of it is undone");
    story.gives(&["step.completed flight#1 in 2s", "step.started pay#1", "task pay#1"]);
}

#[test]
fn what_was_done_is_undone_backwards_when_the_execution_fails() {
    let story = failing()
        .gives(&["step.failed pay#1 Declined", "undo of failed: flight, hotel after flight"])
        .is(Status::Compensating)
        .timer_is_due("1m5s");
    let asked = request(&story);
    assert_eq!((asked.cause.step, asked.cause.error.unwrap().kind), (Some(path("pay")), "Declined".to_owned()));
    let view = story.view();
    assert_eq!((view.failed_step.as_deref(), view.error.unwrap().kind.as_str()), (Some("pay"), "Declined"));
    let story = story
        .at("6s", Input::SagaNews(news(Some(SagaStatus::Running))))
        .gives_nothing()
        .is(Status::Compensating)
        .at("8s", undone(&["flight", "hotel"]))
        .gives(&["workflow.rolled_back Declined by pay in 8s"])
        .is(Status::RolledBack)
        .step("hotel", StepStatus::Compensated)
        .step("flight", StepStatus::Compensated)
        .step("pay", StepStatus::Failed)
        .has_no_timer();
    let view = story.view();
    assert_eq!((view.failed_step.as_deref(), view.error.unwrap().kind.as_str()), (Some("pay"), "Declined"));
    story.at("9s", undone(&["flight", "hotel"])).gives_nothing();
}

#[test]
fn what_undoes_gets_what_is_known_of_its_step_unless_the_definition_says() {
    let story = failing();
    let hotel = actions(&story, "hotel");
    let known = json!({"input": null, "output": {"id": 1}, "outcome": "completed", "idempotency_key": "e/hotel", "error": null});
    assert_eq!((&hotel[0].input, hotel[0].default_input), (&known, true));
    assert_eq!(
        (hotel[0].activity.as_str(), hotel[0].queue.as_str(), hotel[0].retry.attempts),
        ("cancel", "default", 20)
    );
    let flight = actions(&story, "flight");
    assert_eq!((&flight[0].input, flight[0].default_input), (&json!({"id": 2}), false));
}

#[test]
fn a_completed_execution_undoes_nothing() {
    booked().at("5s", succeeded("pay", 1)).gives(&["step.completed pay#1 in 1s", "workflow.completed in 5s"]);
}

#[test]
fn an_execution_that_did_nothing_fails_as_it_always_did() {
    workflow(TRIP)
        .start()
        .at("1s", began("hotel", 1))
        .at("2s", failed("hotel", 1, "Full"))
        .gives(&["step.failed hotel#1 Full", "workflow.failed Full by hotel attempt 1 in 2s"])
        .fails_by("hotel", "Full");
}

#[test]
fn the_timeout_of_the_whole_is_undone_as_well() {
    workflow(&format!("timeout: 1m{TRIP}"))
        .start()
        .at("1s", began("hotel", 1))
        .at("2s", claimed("hotel", 1, json!({"id": 1})))
        .at("60s", workflow_timeout())
        .gives(&["revoke flight#1", "step.cancelled flight#1", "undo of timed_out: hotel"])
        .at("62s", undone(&["hotel"]))
        .gives(&["workflow.rolled_back in 1m2s"])
        .is(Status::RolledBack);
}

#[test]
fn a_cancel_undoes_if_it_asks_for_that() {
    booked().at("5s", cancel("not today")).gives(&[
        "revoke pay#1",
        "step.cancelled pay#1",
        "workflow.cancelled not today in 5s",
    ]);
    let story = booked()
        .at("5s", rollback("not today"))
        .gives(&["revoke pay#1", "step.cancelled pay#1", "undo of cancelled: flight, hotel after flight"])
        .is(Status::Compensating);
    assert_eq!(story.view().reason.as_deref(), Some("not today"));
    // Another one changes nothing about it.
    let story = story.at("6s", cancel("now")).gives_nothing().at("7s", rollback("now")).gives_nothing();
    let story = story.at("8s", undone(&["flight", "hotel"])).gives(&["workflow.rolled_back not today in 8s"]);
    assert_eq!(story.view().reason.as_deref(), Some("not today"));
}

#[test]
fn a_cancel_that_cleans_up_undoes_after_that() {
    let both = |cleanup| match rollback("enough") {
        Input::Cancel(cancel) => Input::Cancel(sagaline_events::input::Cancel { cleanup, ..cancel }),
        _ => unreachable!(),
    };
    workflow(TRIP)
        .start()
        .at("1s", began("hotel", 1))
        .at("2s", both(true))
        .gives(&["workflow.cancelling enough until 32s", "stop hotel#1"])
        .at("3s", claimed("hotel", 1, json!({"id": 1})))
        .gives(&["step.completed hotel#1 in 3s", "undo of cancelled: hotel"])
        .at("4s", undone(&["hotel"]))
        .gives(&["workflow.rolled_back enough in 4s"]);
}

#[test]
fn who_is_stuck_is_shown_with_what_went_wrong_until_it_goes_on() {
    let error = StepError::new("Gone", "no such booking");
    let stuck = SagaNews { stuck: vec![(path("flight"), error)], ..news(Some(SagaStatus::Stuck)) };
    let story = failing()
        .at("6s", Input::SagaNews(stuck.clone()))
        .gives(&["workflow.stuck flight Gone"])
        .is(Status::Stuck)
        .at("7s", Input::SagaNews(stuck))
        .gives_nothing();
    let why = &story.why()[0];
    assert_eq!((why.state.as_str(), why.command.as_str()), ("stuck", "sagaline sagas retry e"));
    assert!(why.cause.contains("no such booking") && why.cause.contains("Declined"), "{}", why.cause);
    story
        .at("8s", Input::SagaNews(news(Some(SagaStatus::Running))))
        .is(Status::Compensating)
        .at("9s", undone(&["flight", "hotel"]))
        .is(Status::RolledBack);
}

#[test]
fn what_is_resolved_by_hand_is_over_as_well() {
    let resolved = SagaNews {
        compensated: vec![path("flight")],
        by: Some("ann".to_owned()),
        why: Some("called them".to_owned()),
        ..news(Some(SagaStatus::Resolved))
    };
    let story = failing()
        .at("6s", Input::SagaNews(resolved))
        .gives(&["workflow.rolled_back Declined by pay in 6s"])
        .step("flight", StepStatus::Compensated)
        .step("hotel", StepStatus::Completed);
    assert!(story.why()[0].cause.contains("ann said that nothing is left to undo: called them"));
}

#[test]
fn of_what_nothing_is_heard_is_asked_ever_more_rarely_and_asked_for_again() {
    failing()
        .timer()
        .gives(&["ask saga"])
        .timer_is_due("3m5s")
        .timer()
        .gives(&["ask saga"])
        .at("4m", Input::SagaNews(news(None)))
        .gives(&["undo again of failed: flight, hotel after flight"])
        .at("5m", Input::SagaNews(news(Some(SagaStatus::Running))))
        .timer_is_due("6m")
        .at("5m30s", Input::Timer(TimerName::of_execution(TimerKind::SagaLook)))
        .gives_nothing()
        .at("6m", undone(&["flight", "hotel"]))
        .is(Status::RolledBack);
}

#[test]
fn who_is_stuck_for_long_and_says_so_each_time_is_asked_ever_more_rarely() {
    let error = StepError::new("Closed", "at night");
    let stuck =
        || Input::SagaNews(SagaNews { stuck: vec![(path("flight"), error.clone())], ..news(Some(SagaStatus::Stuck)) });
    failing()
        .at("6s", stuck())
        .timer_is_due("1m6s")
        .timer()
        .gives(&["ask saga"])
        .at("1m7s", stuck())
        .timer_is_due("3m6s")
        .timer()
        .gives(&["ask saga"])
        .at("3m7s", stuck())
        .timer_is_due("7m6s")
        .at("4m", Input::SagaNews(news(Some(SagaStatus::Running))))
        .timer_is_due("5m");
}

#[test]
fn what_handles_the_end_begins_when_all_is_undone_and_is_told_of_it() {
    let handled = format!("{TRIP}on_failure: {{ activity: tell }}\non_cancel: {{ activity: tell }}\n");
    let booked = || {
        workflow(&handled)
            .start()
            .at("1s", began("hotel", 1))
            .at("2s", claimed("hotel", 1, json!({"id": 1})))
            .at("3s", began("flight", 1))
    };
    let story = booked()
        .at("4s", failed("flight", 1, "Full"))
        .gives(&["step.failed flight#1 Full", "undo of failed: hotel"])
        .at("5s", undone(&["hotel"]))
        .gives(&["step.started on_failure#1", "task on_failure#1"])
        .is(Status::Running)
        .step("hotel", StepStatus::Compensated);
    let told = story.task("on_failure").input;
    assert_eq!(
        told["saga"],
        json!({"status": "completed", "compensated": ["hotel"], "skipped": [], "by": null, "why": null})
    );
    assert_eq!(
        (&told["status"], &told["step"], &told["error"]["type"]),
        (&json!("failed"), &json!("flight"), &json!("Full"))
    );
    story
        .at("6s", succeeded("on_failure", 1))
        .gives_also("workflow.rolled_back Full by flight in 6s")
        .is(Status::RolledBack);
    let story = booked().at("4s", rollback("enough")).at("5s", failed("flight", 1, "Stopped"));
    let story = story.gives(&["undo of cancelled: hotel"]).at("6s", undone(&["hotel"]));
    assert_eq!(story.task("on_cancel").input["saga"]["compensated"], json!(["hotel"]));
}

#[test]
fn what_begins_anew_is_undone_when_no_round_is_left() {
    let rounds = format!("retry_workflow: {{ attempts: 2, initial: 1s, jitter: false }}{TRIP}");
    workflow(&rounds)
        .start()
        .at("1s", began("hotel", 1))
        .at("2s", claimed("hotel", 1, json!({"id": 1})))
        .at("3s", began("flight", 1))
        .at("4s", failed("flight", 1, "Full"))
        .gives_also("workflow.retried #1 Full, again at 5s")
        .timer()
        .gives_also("task hotel#2")
        // Not even begun this time: what it did the last time is undone.
        .at("6s", failed("hotel", 2, "Full"))
        .gives(&["step.failed hotel#2 Full", "undo of failed: hotel"]);
}

#[test]
fn nothing_is_left_of_it_to_go_on_from() {
    let story = workflow(&format!("dead_letter: {{}}{TRIP}"))
        .start()
        .at("1s", began("hotel", 1))
        .at("2s", claimed("hotel", 1, json!({"id": 1})))
        .at("3s", failed("flight", 1, "Full"))
        .at("4s", undone(&["hotel"]));
    story.gives(&["workflow.rolled_back Full by flight in 4s"]);
}

#[test]
fn what_is_too_large_is_undone_all_the_same() {
    let large = json!({"text": "x".repeat(400_000)});
    let story = workflow(TRIP)
        .start()
        .at("1s", began("hotel", 1))
        .at("2s", claimed("hotel", 1, json!({"id": 1})))
        .at("3s", began("flight", 1))
        .at("4s", claimed("flight", 1, large))
        .at("5s", returned("pay", 1, json!({"more": "y".repeat(500_000)})));
    story
        .gives_also("undo of failed: flight, hotel after flight")
        .is(Status::Compensating)
        .at("6s", undone(&["flight", "hotel"]))
        .gives(&["workflow.rolled_back TooLarge in 6s"]);
}
