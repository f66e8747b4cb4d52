//! Approvals: who may, what tells them, and what becomes of the step.

use sagaline_engine::Execution;
use sagaline_events::{
    Input,
    ask::Reply,
    input::{Approval, OnLate, Resume},
    record::{Status, StepStatus},
};
use serde_json::{Value, json};

use crate::{
    inputs::{approved, awaits, cancel, failed, failed_finally, rejected, returned, start, succeeded, verdict},
    story::story,
};

const PLAIN: &str = "ok: { await: { approval: { approvers: [ann, bob] }, timeout: 1h } }\nb: { after: ok, activity: two, input: '${ ctx.approver }' }";

fn resume(context: Value) -> Input {
    Input::Resume(Resume { context: context.as_object().cloned().unwrap_or_default() })
}

#[test]
fn an_approver_approves_and_it_goes_on() {
    story(PLAIN)
        .start()
        .gives(&["workflow.started", "step.waiting ok for approval until 1h"])
        .is(Status::Waiting)
        .step("ok", StepStatus::Waiting)
        .timer_is_due("1h")
        .at("1s", approved("ok", "bob", json!({"limit": 5, "approver": "eve"})))
        .gives(&["step.resumed ok", "step.completed ok#0 in 1s", "step.started b#1", "task b#1"])
        .gives_task_with("b", json!("bob"))
        .at("2s", succeeded("b", 1))
        .ends_with(json!({"approved": true, "approver": "bob", "limit": 5}));
}

#[test]
fn who_rejects_fails_the_step() {
    let story = story(PLAIN)
        .start()
        .at("1s", Input::Approval(Approval { data: json!({"why": "too dear"}), ..verdict("ok", "ann") }))
        .gives(&["step.resumed ok", "step.failed ok#0 Rejected", "workflow.failed Rejected by ok in 1s"])
        .fails_by("ok", "Rejected");
    let error = story.view().error.unwrap();
    assert_eq!(error.message, "`ann` rejected it");
    assert_eq!(error.details, Some(json!({"approver": "ann", "data": {"why": "too dear"}})));
    assert!(!error.retryable);
}

#[test]
fn who_is_no_approver_changes_nothing() {
    let named = |by: &str| Input::Approval(Approval { id: Some(format!("by-{by}")), ..verdict("ok", by) });
    let story = story(PLAIN)
        .start()
        .at("1s", named("eve"))
        .gives(&["reject not_an_approver"])
        .at("2s", approved("ok", "", json!(null)))
        .gives(&["reject not_an_approver"])
        .is(Status::Waiting);
    let Reply::Refused(error) = story.execution.reply("by-eve") else { panic!("it was refused") };
    assert_eq!(error.kind, "NotAnApprover");
    assert_eq!(error.message, "`eve` is none of those who may approve `ok`: `ann`, `bob`");
    assert_eq!(story.execution.reply("by-nobody"), Reply::Unknown);
}

#[test]
fn the_same_one_again_has_the_same_reply_and_a_later_one_hears_that_it_is_late() {
    let by =
        |id: &str, by: &str| Input::Approval(Approval { approved: true, id: Some(id.to_owned()), ..verdict("ok", by) });
    let story = story(PLAIN)
        .start()
        .at("1s", by("1", "ann"))
        .at("2s", by("1", "ann"))
        .gives_nothing()
        .at("3s", by("2", "bob"))
        .gives_nothing()
        .at("4s", by("3", "bob"));
    assert_eq!(story.execution.reply("1"), Reply::Taken(Value::Null));
    let Reply::Refused(error) = story.execution.reply("2") else { panic!("it came too late") };
    assert_eq!(error.message, "`ok` does not wait for an approval: it is completed");
    story.at("5s", rejected("nowhere", "ann")).gives(&["reject not_waiting"]);
}

#[test]
fn replies_outlive_the_end_and_the_oldest_make_room() {
    let by = |id: usize| Input::Approval(Approval { approved: true, id: Some(id.to_string()), ..verdict("ok", "eve") });
    let mut story = story("ok: { await: { approval: { approvers: ann } } }").start();
    let now = story.execution.now;
    for id in 0..101 {
        let plan = &story.definitions[&1];
        sagaline_engine::apply(&mut story.execution, Some(plan), &by(id), now);
    }
    let known = |execution: &Execution, id: &str| execution.reply(id) != Reply::Unknown;
    assert_eq!((known(&story.execution, "0"), known(&story.execution, "1")), (false, true));
    let last = Input::Approval(Approval { approved: true, id: Some("last".into()), ..verdict("ok", "ann") });
    let plan = &story.definitions[&1];
    sagaline_engine::apply(&mut story.execution, Some(plan), &last, now);
    assert!(story.execution.is_over());
    assert_eq!(story.execution.reply("last"), Reply::Taken(Value::Null));
}

#[test]
fn nobody_in_time_is_what_the_definition_says() {
    let late = |on_timeout: &str| {
        story(&format!("ok: {{ await: {{ approval: {{}}, timeout: 1h, on_timeout: {on_timeout} }} }}")).start().timer()
    };
    late("fail").gives(&["step.timed_out ok#0", "workflow.failed Timeout by ok in 1h"]);
    late("skip").gives(&["step.skipped ok: nobody approved or rejected it in time", "workflow.completed in 1h"]);
    late("{ steps: { x: { set: { approved: false } } } }").ends_with(json!({"approved": false}));
}

const TOLD: &str = "ok: { await: { approval: { approvers: \"${ workflow.input.who }\", notify: { activity: mail, retry: 2 } }, timeout: 1h } }";

#[test]
fn the_approvers_are_told_and_nothing_waits_for_that() {
    let told = |who: Value| story(TOLD).at("0s", start(json!({"who": who})));
    told(json!(["ann"]))
        .gives(&[
            "workflow.started",
            "step.waiting ok for approval until 1h",
            "step.started ok/notify#1",
            "task ok/notify#1",
        ])
        .gives_task_with(
            "ok/notify",
            json!({"step": "ok", "approvers": ["ann"], "until": "2026-01-01T01:00:00.000000000Z"}),
        )
        .at("1s", returned("ok/notify", 1, json!({"mail": 1})))
        .gives(&["step.completed ok/notify#1 in 1s"])
        .is(Status::Waiting)
        .at("2s", approved("ok", "ann", json!(null)))
        .ends_with(json!({"approved": true, "approver": "ann"}));
    told(json!("ann"))
        .at("1s", failed("ok/notify", 1, "Busy"))
        .gives_also("step.failed ok/notify#1 Busy, again at 2s")
        .at("2s", approved("ok", "ann", json!(null)))
        .gives_also("step.cancelled ok/notify#1")
        .is(Status::Completed);
    told(json!("ann"))
        .at("1s", failed_finally("ok/notify", 1, "Bounced"))
        .gives(&["step.failed ok/notify#1 Bounced"])
        .step("ok/notify", StepStatus::Failed)
        .is(Status::Waiting)
        .at("2s", approved("ok", "ann", json!(null)))
        .step("ok/notify", StepStatus::Failed)
        .is(Status::Completed);
    told(json!("ann")).at("1s", rejected("ok", "ann")).gives_also("revoke ok/notify#1").fails_by("ok", "Rejected");
    told(json!(7)).fails_by("ok", "ExpressionError");
    told(json!([])).fails_by("ok", "ExpressionError");
    told(json!(null)).at("1s", approved("ok", "", json!(3))).ends_with(json!({"approved": true, "data": 3}));
    told(json!("ann")).at("1s", cancel("no")).gives_also("revoke ok/notify#1").is(Status::Cancelled);
}

#[test]
fn to_resume_answers_the_one_approval_that_is_pending() {
    let one = "ok: { await: { approval: { approvers: ann } } }";
    story(one)
        .start()
        .at("1s", resume(json!({"approved": true, "approver": "ann", "note": "fine"})))
        .ends_with(json!({"approved": true, "approver": "ann", "note": "fine"}));
    story(one).start().at("1s", resume(json!({"approved": false, "approver": "ann"}))).fails_by("ok", "Rejected");
    story(one).start().at("1s", resume(json!({"approved": true}))).gives(&["reject not_an_approver"]);
    story("a: { await: { approval: {} } }\nb: { await: { approval: {} } }")
        .start()
        .at("1s", resume(json!({"approved": true})))
        .gives_nothing()
        .is(Status::Waiting);
}

#[test]
fn an_activity_may_ask_for_an_approval() {
    let step = "a: { activity: one, retry: 3 }\nb: { after: a, activity: two, input: '${ steps.a.output }' }";
    story(step)
        .start()
        .at("1s", awaits("a", 1, &["ann"], OnLate::Fail))
        .gives(&["step.waiting a for approval until 10m1s"])
        .is(Status::Waiting)
        .at("2s", awaits("a", 1, &["eve"], OnLate::Fail))
        .gives_nothing()
        .at("3s", succeeded("a", 1))
        .gives_nothing()
        .at("4s", approved("a", "ann", json!({"n": 1})))
        .gives(&["step.resumed a", "step.completed a#1 in 4s", "step.started b#1", "task b#1"])
        .gives_task_with("b", json!({"approved": true, "approver": "ann", "n": 1}));
    story(step)
        .start()
        .at("1s", awaits("a", 1, &[], OnLate::Fail))
        .at("2s", rejected("a", "eve"))
        .fails_by("a", "Rejected");
    story(step).start().at("1s", awaits("a", 1, &[], OnLate::Fail)).timer().fails_by("a", "Timeout");
    story(step).start().at("1s", awaits("a", 1, &[], OnLate::Skip)).timer().gives(&[
        "step.skipped a: nobody approved or rejected it in time",
        "step.started b#1",
        "task b#1",
    ]);
    story("a: { activity: one, total_timeout: 1m }")
        .start()
        .at("1s", awaits("a", 1, &[], OnLate::Fail))
        .timer_is_due("1m");
}

#[test]
fn approvals_of_a_loop_are_told_apart_by_their_place() {
    story("each: { for_each: [1, 2], await: { approval: { notify: { activity: mail } } } }")
        .start()
        .at("1s", approved("each", "ann", json!(null)))
        .gives(&["reject not_waiting"])
        .at("2s", approved("each/item:2", "ann", json!(null)))
        .gives_also("revoke each/item:2/notify#1")
        .at("3s", approved("each/item", "bob", json!(null)))
        .is(Status::Completed);
}

#[test]
fn a_step_inside_of_another_may_be_called_by_its_name() {
    story("outer: { steps: { ok: { await: { approval: {} } } } }")
        .start()
        .at("1s", approved("ok", "ann", json!(null)))
        .ends_with(json!({"approved": true, "approver": "ann"}));
}

#[test]
fn an_event_tells_those_who_may_approve() {
    let told =
        story("a: { await: { approval: { approvers: [ann], notify: { event: approval.wanted } }, timeout: 1h } }")
            .start();
    let told = told.gives(&[
        "workflow.started",
        "step.waiting a for approval until 1h",
        "emit approval.wanted as e/a/notify",
        "step.completed a/notify#0 in 0ms",
    ]);
    let emitted = told.effects().iter().find_map(|effect| match effect {
        sagaline_engine::Effect::Emit { data, .. } => Some(data.clone()),
        _ => None,
    });
    let until = "2026-01-01T01:00:00.000000000Z";
    assert_eq!(emitted, Some(json!({"step": "a", "approvers": ["ann"], "until": until})));
    told.at("1s", approved("a", "ann", json!(null))).ends_with(json!({"approved": true, "approver": "ann"}));
}

#[test]
fn what_an_event_for_approvers_says_may_be_written_and_its_failure_changes_nothing() {
    let notify =
        |data: &str| format!("a: {{ await: {{ approval: {{ notify: {{ event: wanted, data: {data} }} }} }} }}");
    let told = story(&notify("{ n: '${ workflow.input.n }' }")).start_with(json!({"n": 7}));
    assert!(
        told.effects()
            .iter()
            .any(|effect| matches!(effect, sagaline_engine::Effect::Emit { data, .. } if *data == json!({"n": 7})))
    );
    story(&notify("'${ 1 / 0 }'"))
        .start()
        .gives(&["workflow.started", "step.waiting a for approval", "step.failed a/notify#0 ExpressionError"])
        .at("1s", approved("a", "ann", json!(null)))
        .ends_with(json!({"approved": true, "approver": "ann"}));
}
