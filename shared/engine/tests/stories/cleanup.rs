//! Cancels that let those at work tidy up.

use sagaline_events::{
    Input, TimerKind, TimerName,
    input::{Cancel, Pause, Resume},
    record::{Status, StepStatus},
};
use sagaline_model::Span;
use serde_json::json;

use crate::{
    inputs::{
        approved, awaits, began, cancel, expanded, failed, returned, signal, skipped, snoozed, succeeded, update,
        workflow_timeout,
    },
    story::{Story, story, workflow},
};

fn gently(reason: &str) -> Input {
    Input::Cancel(Cancel { reason: Some(reason.to_owned()), cleanup: true, grace: None, rollback: false })
}

fn within(grace: &str) -> Input {
    Input::Cancel(Cancel { reason: None, cleanup: true, grace: Some(grace.parse::<Span>().unwrap()), rollback: false })
}

const HANDLED: &str = "
timeout: 1m
steps:
  a: { activity: one, retry: 3 }
  b: { activity: two, retry: 3 }
  c: { after: a, activity: three }
on_cancel: { activity: clean, input: ['${ ctx }', '${ outcome.reason }', '${ steps.b.status }'] }
on_step_error: { activity: note }
";

fn handled() -> Story {
    workflow(HANDLED).start().at("1s", gently("not today"))
}

#[test]
fn all_answer_before_the_handler_begins_and_it_reads_what_they_gave() {
    handled()
        .gives(&["workflow.cancelling not today until 31s", "stop a#1", "stop b#1"])
        .is(Status::Running)
        .timer_is_due("31s")
        .at("2s", returned("a", 1, json!({"left": 3})))
        .gives(&["step.completed a#1 in 2s"])
        .step("a", StepStatus::Completed)
        .at("3s", failed("b", 1, "Stopped"))
        .gives(&["step.failed b#1 Stopped", "step.started on_cancel#1", "task on_cancel#1"])
        .gives_task_with("on_cancel", json!([{"left": 3}, "not today", "failed"]))
        .has_no_timer()
        .at("4s", succeeded("on_cancel", 1))
        .gives(&["step.completed on_cancel#1 in 1s", "workflow.cancelled not today in 4s"])
        .is(Status::Cancelled)
        .step("c", StepStatus::Pending);
}

#[test]
fn who_does_not_answer_in_time_is_given_up() {
    handled()
        .at("2s", succeeded("a", 1))
        .timer()
        .gives(&["revoke b#1", "step.cancelled b#1", "step.started on_cancel#1", "task on_cancel#1"])
        .at("40s", succeeded("b", 1))
        .gives_nothing()
        .at("41s", succeeded("on_cancel", 1))
        .is(Status::Cancelled);
    // A timer that comes too early is none.
    handled().at("2s", Input::Timer(TimerName::of_execution(TimerKind::Cleanup))).gives_nothing();
    story("a: { activity: one }").start().at("1s", within("5s")).timer_is_due("6s").timer().gives(&[
        "revoke a#1",
        "step.cancelled a#1",
        "workflow.cancelled in 6s",
    ]);
}

#[test]
fn a_second_cancel_waits_for_nobody_and_changes_no_reason() {
    for second in [cancel("now"), gently("now")] {
        handled()
            .at("2s", second)
            .gives(&[
                "revoke a#1",
                "step.cancelled a#1",
                "revoke b#1",
                "step.cancelled b#1",
                "step.started on_cancel#1",
                "task on_cancel#1",
            ])
            .gives_task_with("on_cancel", json!([{}, "not today", "cancelled"]));
    }
}

#[test]
fn the_timeout_of_the_workflow_does_not_count_any_more() {
    workflow(HANDLED)
        .start()
        .at("59s", gently("not today"))
        .timer_is_due("1m29s")
        .at("1m", workflow_timeout())
        .gives_nothing()
        .timer()
        .at("90s", succeeded("on_cancel", 1))
        .is(Status::Cancelled);
}

#[test]
fn what_waits_or_was_not_begun_is_taken_back_at_once() {
    workflow(
        "step_concurrency: 3
steps:
  a: { activity: one }
  begun: { activity: one, timeout: 5s }
  queued: { activity: one, timeout: 5s }
  slot: { activity: one }
  time: { wait: 1h }
  sign: { await: go }
  ask: { await: { approval: {} } }
  kid: { child: other }
  in: { steps: { later: { wait: 1h } } }",
    )
    .start()
    .at("1s", began("begun", 1))
    .at("2s", gently("not today"))
    .gives(&[
        "workflow.cancelling not today until 32s",
        "step.cancelled ask#0",
        "step.cancelled in/later#0",
        "cancel e-kid-6c0640dfc3080060: its parent does not wait for it any more",
        "step.cancelled kid#0",
        "revoke queued#1",
        "step.cancelled queued#1",
        "step.cancelled sign#0",
        "step.cancelled slot#0",
        "step.cancelled time#0",
        "stop a#1",
        "stop begun#1",
    ])
    .at("3s", began("queued", 1))
    .gives_nothing()
    .at("3s", succeeded("begun", 1))
    .gives(&["step.completed begun#1 in 3s"])
    .at("4s", succeeded("a", 1))
    .gives(&["step.completed a#1 in 4s", "step.cancelled in#0", "workflow.cancelled not today in 4s"]);
}

#[test]
fn where_nothing_is_at_work_it_ends_at_once() {
    story("a: { await: go }")
        .start()
        .at("1s", gently("not today"))
        .gives(&["step.cancelled a#0", "workflow.cancelled not today in 1s"]);
    story("a: { activity: one }")
        .at("0s", gently("not today"))
        .start()
        .gives(&["workflow.started", "workflow.cancelled not today in 0ms"]);
    // The next attempt is not begun.
    story("a: { activity: one, retry: 2 }")
        .start()
        .at("1s", failed("a", 1, "Busy"))
        .at("1s", gently("no"))
        .gives(&["step.cancelled a#1", "workflow.cancelled no in 1s"]);
}

#[test]
fn nothing_begins_meanwhile_whatever_is_answered() {
    let steps = json!([{"name": "x", "kind": {"step": {"activity": "two"}}}]);
    let plan = "
a: { activity: one, expand: { concurrency: 1 } }
b: { activity: one }
c: { activity: one }
d: { activity: one, timeout: 10s, retry: 2 }
e: { activity: one }
f: { after: [a, b, c, d], activity: two }";
    story(plan)
        .start()
        .at("1s", began("d", 1))
        .at("2s", gently("not today"))
        .at("3s", expanded("a", 1, steps))
        .gives(&["step.cancelled a#1"])
        .at("4s", snoozed("b", 1, "1s"))
        .gives(&["step.cancelled b#1"])
        .at("5s", awaits("c", 1, &[], sagaline_events::input::OnLate::Fail))
        .gives(&["step.cancelled c#1"])
        .at("6s", signal("go", json!(1)))
        .gives_nothing()
        .at("7s", approved("c", "ann", json!(null)))
        .gives_nothing()
        .timer()
        .gives(&["revoke d#1", "step.timed_out d#1"])
        .at("12s", skipped("e", 1))
        .gives(&["step.skipped e: nothing to do", "workflow.cancelled not today in 12s"])
        .step("f", StepStatus::Pending);
}

#[test]
fn the_items_of_a_loop_tidy_up_and_the_loop_is_not_gone_on_with() {
    story(
        "each: { for_each: { items: [1, 2, 3], concurrency: 2 }, activity: one }\nlast: { after: each, activity: two }",
    )
    .start()
    .at("1s", gently("not today"))
    .gives(&["workflow.cancelling not today until 31s", "stop each/item#1", "stop each/item:2#1"])
    .at("2s", succeeded("each/item:2", 1))
    .gives(&["step.completed each/item:2#1 in 2s"])
    .at("3s", failed("each/item", 1, "Stopped"))
    .gives(&["step.failed each/item#1 Stopped", "step.cancelled each#0", "workflow.cancelled not today in 3s"]);
}

#[test]
fn a_pause_is_over_and_another_changes_nothing() {
    story("a: { activity: one }\nb: { after: a, activity: two }\nc: { activity: three }")
        .start()
        .at("1s", Input::Pause(Pause { reason: None }))
        .at("2s", succeeded("a", 1))
        .at("3s", gently("not today"))
        .gives(&["workflow.resumed", "workflow.cancelling not today until 33s", "stop c#1"])
        .at("4s", Input::Pause(Pause { reason: None }))
        .gives_nothing()
        .at("5s", Input::Resume(Resume { context: Default::default() }))
        .gives_nothing()
        .at("6s", succeeded("c", 1))
        .gives_also("workflow.cancelled not today in 6s");
}

/// What a worker asks, and what is put into a queue once more: nobody is to begin, and those at work do not ask.
#[test]
fn no_task_is_wanted_meanwhile() {
    let told = story("a: { activity: one }").start().at("1s", gently("not today"));
    assert!(!told.execution.wants(&crate::story::path("a"), 1));
    assert!(told.execution.tasks(&told.definitions[&1]).is_empty());
}

#[test]
fn people_see_that_it_is_being_cancelled_and_until_when() {
    let told = handled();
    let view = told.view();
    assert_eq!((view.status, view.reason.as_deref()), (Status::Running, Some("not today")));
    let why = told.why();
    let whole = why.iter().find(|why| why.step.is_none()).unwrap();
    assert_eq!(
        (whole.state.as_str(), whole.cause.as_str()),
        ("cancelling", "it was cancelled (not today), and 2 at work were told to stop")
    );
    assert!(whole.ends.starts_with("all of them answer, or their time to tidy up is over at 2026-01-01T00:00:31"));
    assert!(whole.until.is_some());
}

#[test]
fn updates_are_refused_meanwhile() {
    let told = workflow("updates: { more: { set: { n: 1 } } }\nsteps: { a: { activity: one } }")
        .start()
        .at("1s", gently("not today"))
        .at("2s", update("more", "u-1", json!(null)))
        .gives_nothing()
        .at("3s", succeeded("a", 1));
    assert!(matches!(&told.view().replies["u-1"], sagaline_events::ask::Reply::Refused(_)));
}
