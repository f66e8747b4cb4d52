//! Executions of other workflows: who starts them, waits for them, and lets go of them.

use sagaline_engine::{Effect, recalled};
use sagaline_events::{
    Input, Parent, Start,
    input::{ChildEnded, ChildUnknown, ParentAsks, ParentGone, Recalled},
    record::{Status, StepStatus},
};
use sagaline_model::{ExecutionId, StepError};
use serde_json::{Value, json};

use crate::{
    inputs::{cancel, failed_finally, returned, succeeded, unversioned, workflow_timeout},
    story::{Story, path, story, workflow},
};

const SHIP: &str = "e-ship-24d58c35da590b44";

fn id(text: &str) -> ExecutionId {
    ExecutionId::new(text).unwrap()
}

fn ended(step: &str, child: &str, status: Status) -> ChildEnded {
    ChildEnded {
        path: path(step),
        child: id(child),
        status,
        output: Value::Null,
        error: None,
        reason: None,
        undo: vec![],
    }
}

fn completed(step: &str, child: &str, output: Value) -> Input {
    Input::ChildEnded(ChildEnded { output, ..ended(step, child, Status::Completed) })
}

fn parent(waits: bool) -> Parent {
    Parent { execution: id("p"), path: path("a/b"), waits }
}

fn born_of(parent: Parent) -> Input {
    Input::Start(Start { version: Some(1), parent: Some(parent), ..unversioned() })
}

fn asks(parent: Parent) -> Input {
    Input::ParentAsks(ParentAsks { parent })
}

fn gone(parent: Parent) -> Input {
    Input::ParentGone(ParentGone { parent, reason: Some("nobody waits".to_owned()), rollback: false })
}

/// The start of a child that the last input gave.
fn started(story: &Story, child: &str) -> Start {
    let mut starts = story.effects().iter().filter_map(|effect| match effect {
        Effect::StartChild { child: id, start } if id.as_str() == child => Some(start.clone()),
        _ => None,
    });
    starts.next_back().expect("it is started")
}

#[test]
fn a_child_does_the_work_of_a_step() {
    let story = story(
        "a: { activity: one }
ship: { after: a, child: { workflow: shipping, input: { box: '${ ctx.box }' }, queue: trucks } }
b: { after: ship, activity: two, input: '${ steps.ship.output.n + ctx.n }' }",
    )
    .start()
    .at("1s", returned("a", 1, json!({"box": 7})))
    .gives(&[
        "step.completed a#1 in 1s",
        &format!("start {SHIP} of shipping"),
        &format!("step.waiting ship for execution {SHIP}"),
    ]);
    let start = started(&story, SHIP);
    assert_eq!((start.input.clone(), start.version), (json!({"box": 7}), None));
    assert_eq!(start.parent, Some(Parent { execution: id("e"), path: path("ship"), waits: true }));
    assert_eq!(start.queue.as_ref().map(|queue| queue.as_str()), Some("trucks"));
    assert_eq!(story.step_view("ship").child, Some(id(SHIP)));
    story
        .is(Status::Running)
        .at("2s", completed("ship", "another", json!({"n": 9})))
        .gives_nothing()
        .at("3s", completed("ship", SHIP, json!({"n": 3})))
        .gives(&["step.resumed ship", "step.completed ship#0 in 2s", "step.started b#1", "task b#1"])
        .gives_task_with("b", json!(6))
        .at("4s", completed("ship", SHIP, json!({"n": 4})))
        .gives_nothing()
        .at("5s", succeeded("b", 1))
        .ends_with(json!({"box": 7, "n": 3}));
}

#[test]
fn how_a_child_ends_is_how_its_step_fails() {
    let waiting = || story("ship: { child: shipping }").start();
    for (status, kind) in [
        (Status::Failed, StepError::CHILD_FAILED),
        (Status::Cancelled, StepError::CHILD_CANCELLED),
        (Status::TimedOut, StepError::CHILD_TIMED_OUT),
    ] {
        let error = (status == Status::Failed).then(|| StepError::new("NoTrucks", "all are out"));
        let told = ChildEnded { error, ..ended("ship", SHIP, status) };
        waiting().at("1s", Input::ChildEnded(told)).fails_by("ship", kind);
    }
    let error = Some(StepError::new("NoTrucks", "all are out"));
    let told = Input::ChildEnded(ChildEnded { error, ..ended("ship", SHIP, Status::Failed) });
    let view = waiting().at("1s", told.clone()).view();
    let error = view.error.expect("it failed");
    assert_eq!(error.message, format!("the execution `{SHIP}` failed: NoTrucks: all are out"));
    assert_eq!(error.details.expect("more")["error"]["type"], "NoTrucks");
    story("ship: { child: shipping, on_error: continue }\nb: { after: ship, activity: two }")
        .start()
        .at("1s", told)
        .gives_also("task b#1")
        .step("ship", StepStatus::Failed);
}

#[test]
fn a_child_is_let_go_of_when_nobody_waits_any_more() {
    let keys = |how: &str| format!("timeout: 1h\nsteps:\n  ship: {{ child: {{ workflow: shipping{how} }} }}");
    let let_go = format!("cancel {SHIP}: its parent does not wait for it any more");
    workflow(&keys("")).start().at("1s", cancel("enough")).gives_also(&let_go).is(Status::Cancelled);
    workflow(&keys("")).start().at("1h", workflow_timeout()).gives_also(&let_go).is(Status::TimedOut);
    let abandoned = workflow(&keys(", on_parent_end: abandon")).start().at("1s", cancel("enough"));
    abandoned.gives(&["step.cancelled ship#0", "workflow.cancelled enough in 1s"]);
}

#[test]
fn patience_with_a_child_ends() {
    story(
        "ship: { child: { workflow: shipping, timeout: 30s }, on_error: continue }\nb: { after: ship, activity: two }",
    )
    .start()
    .timer_is_due("30s")
    .timer()
    .gives_also(&format!("cancel {SHIP}: its parent waited for as long as it was to"))
    .gives_also("step.timed_out ship#0")
    .gives_also("task b#1")
    .step("ship", StepStatus::TimedOut);
}

#[test]
fn a_child_of_which_nothing_is_heard_is_asked_ever_more_rarely() {
    let ask = format!("ask {SHIP}");
    story("ship: { child: { workflow: shipping, timeout: 10m } }")
        .start()
        .timer_is_due("1m")
        .timer()
        .gives(&[&ask])
        .timer_is_due("3m")
        .timer()
        .gives(&[&ask])
        .timer_is_due("7m")
        .timer()
        .gives(&[&ask])
        .timer_is_due("10m")
        .at("8m", Input::ChildUnknown(ChildUnknown { path: path("ship"), child: id(SHIP) }))
        .gives(&[&format!("start {SHIP} of shipping")])
        .at("9m", completed("ship", SHIP, Value::Null))
        .is(Status::Completed);
}

#[test]
fn a_child_that_nobody_waits_for() {
    let story = story("ship: { child: { workflow: shipping, wait: false } }\nb: { after: ship, activity: two, input: '${ steps.ship.output }' }")
        .start()
        .gives(&[
            "workflow.started",
            &format!("start {SHIP} of shipping"),
            "step.completed ship#0 in 0ms",
            "step.started b#1",
            "task b#1",
        ])
        .gives_task_with("b", json!(SHIP));
    story.at("1s", completed("ship", SHIP, json!(1))).gives_nothing().at("2s", succeeded("b", 1)).gives(&[
        "step.completed b#1 in 2s",
        &format!("cancel {SHIP}: its parent is over"),
        "workflow.completed in 2s",
    ]);
    let abandoned = "ship: { child: { workflow: shipping, wait: false, on_parent_end: abandon } }";
    crate::story::story(abandoned).start().gives(&[
        "workflow.started",
        &format!("start {SHIP} of shipping"),
        "step.completed ship#0 in 0ms",
        "workflow.completed in 0ms",
    ]);
}

#[test]
fn each_item_of_a_loop_has_a_child_of_its_own() {
    let children =
        story("each: { for_each: { items: [1, 2, 3], concurrency: 2 }, child: { workflow: one, input: '${ item }' } }")
            .start();
    let ids: Vec<String> =
        ["each/item", "each/item:2", "each/item:3"].iter().map(|at| id("e").of_child(at).to_string()).collect();
    assert_eq!(started(&children, &ids[1]).input, json!(2));
    children
        .gives_also(&format!("start {} of one", ids[0]))
        .at("1s", completed("each/item:2", &ids[1], json!("b")))
        .gives_also(&format!("start {} of one", ids[2]))
        .at("2s", completed("each/item", &ids[0], json!("a")))
        .at("3s", completed("each/item:3", &ids[2], json!("c")))
        .is(Status::Completed);
}

#[test]
fn the_definition_may_name_its_child() {
    let named =
        |input| story("ship: { child: { workflow: shipping, id: 'ship-${ workflow.input.n }' } }").start_with(input);
    named(json!({"n": 7})).gives_also("start ship-7 of shipping");
    named(json!({"n": "a b"})).fails_by("ship", StepError::EXPRESSION);
    // What has the name already goes on untouched.
    let error = Some(StepError::new(StepError::ID_TAKEN, "there is another"));
    let told = Input::ChildEnded(ChildEnded { error, ..ended("ship", "ship-7", Status::Failed) });
    named(json!({"n": 7})).at("1s", told).fails_by("ship", StepError::CHILD_FAILED);
}

#[test]
fn a_child_tells_its_parent_how_it_ended() {
    let child = || story("a: { activity: one }").at("0s", born_of(parent(true)));
    child()
        .gives(&["workflow.started by p", "step.started a#1", "task a#1"])
        .at("1s", returned("a", 1, json!({"n": 1})))
        .gives(&["step.completed a#1 in 1s", "workflow.completed in 1s", "tell p a/b completed"])
        .at("2s", asks(parent(true)))
        .gives(&["tell p again a/b completed"]);
    child().at("1s", failed_finally("a", 1, "Broken")).gives_also("tell p a/b failed Broken");
    child().at("1s", cancel("enough")).gives_also("tell p a/b cancelled enough");
    let unwatched = story("a: { activity: one }").at("0s", born_of(parent(false))).at("1s", succeeded("a", 1));
    unwatched.gives(&["step.completed a#1 in 1s", "workflow.completed in 1s"]);
    assert_eq!(child().view().parent, Some(parent(true)));
}

#[test]
fn what_cannot_begin_tells_its_parent_too() {
    let schema = "input_schema: { type: object }\nsteps: { a: { activity: one } }";
    workflow(schema).at("0s", born_of(parent(true))).gives_also("tell p a/b failed InvalidInput");
    story("a: { activity: one }")
        .at("0s", Input::Start(Start { parent: Some(parent(true)), ..unversioned() }))
        .at("1s", crate::inputs::refused(StepError::UNKNOWN_WORKFLOW))
        .gives_also("tell p a/b failed UnknownWorkflow");
}

#[test]
fn who_is_no_parent_can_neither_wait_for_it_nor_end_it() {
    let other = || Parent { execution: id("q"), ..parent(true) };
    story("a: { activity: one }")
        .at("0s", born_of(parent(true)))
        .at("1s", asks(other()))
        .gives(&["tell q again a/b failed IdTaken"])
        .at("2s", asks(parent(true)))
        .gives_nothing()
        .at("3s", gone(other()))
        .gives_nothing()
        .at("4s", gone(parent(true)))
        .gives_also("workflow.cancelled nobody waits in 4s")
        .gives_also("tell p a/b cancelled nobody waits")
        .at("5s", asks(other()))
        .gives(&["tell q again a/b failed IdTaken"]);
    story("a: { activity: one }").start().at("1s", asks(parent(true))).gives(&["tell p again a/b failed IdTaken"]);
}

#[test]
fn an_end_that_comes_again_cuts_no_handler_short() {
    workflow("steps: { a: { activity: one } }\non_cancel: { activity: clean }")
        .at("0s", born_of(parent(true)))
        .at("1s", gone(parent(true)))
        .gives_also("task on_cancel#1")
        .at("2s", gone(parent(true)))
        .gives_nothing()
        .at("3s", succeeded("on_cancel", 1))
        .is(Status::Cancelled);
}

#[test]
fn what_a_parent_says_before_the_start_is_kept_for_it() {
    story("a: { activity: one }").at("0s", gone(parent(true))).gives_nothing().at("1s", born_of(parent(true))).gives(
        &["workflow.started by p", "workflow.cancelled nobody waits in 0ms", "tell p a/b cancelled nobody waits"],
    );
    story("a: { activity: one }")
        .at("0s", gone(Parent { execution: id("q"), ..parent(true) }))
        .at("1s", born_of(parent(true)))
        .is(Status::Running);
    story("a: { activity: one }").at("0s", gone(parent(true))).at("11m", born_of(parent(true))).is(Status::Running);
}

#[test]
fn a_parent_that_asks_for_what_is_not_known_is_answered_from_the_record() {
    let unknown = story("a: { activity: one }").at("0s", asks(parent(true))).gives(&["recall"]);
    assert_eq!(unknown.execution.asked_by().collect::<Vec<_>>(), [&parent(true)]);
    // However often it asks, it is told once each time.
    let unknown = unknown.at("1m", asks(parent(true))).gives(&["recall"]);
    assert_eq!(unknown.execution.asked_by().collect::<Vec<_>>(), [&parent(true)]);
    let over =
        story("a: { activity: one }").at("0s", born_of(parent(true))).at("1s", returned("a", 1, json!({"n": 1})));
    let told = recalled(&over.view(), &parent(true));
    assert_eq!((told.status, told.output), (Status::Completed, json!({"n": 1})));
    let stranger = Parent { execution: id("q"), ..parent(true) };
    assert_eq!(recalled(&over.view(), &stranger).error.expect("not its").kind, StepError::ID_TAKEN);
}

#[test]
fn a_child_has_the_queue_that_its_parent_gives_it() {
    let queue = Some(sagaline_model::Name::new("trucks").unwrap());
    let begin = Input::Start(Start { version: Some(1), parent: Some(parent(true)), queue, ..unversioned() });
    let child = story("a: { activity: one }\nb: { activity: two, queue: own }\nc: { child: other }").at("0s", begin);
    assert_eq!(child.task("a").queue.as_str(), "trucks");
    assert_eq!(child.task("b").queue.as_str(), "own");
    let inner = id("e").of_child("c");
    assert_eq!(started(&child, inner.as_str()).queue.expect("handed on").as_str(), "trucks");
    assert_eq!(child.why()[0].worker_of.as_ref().expect("a task").queue.as_str(), "trucks");
}

#[test]
fn why_names_the_child() {
    let why = story("ship: { child: shipping }").start().why().remove(0);
    assert_eq!(why.cause, format!("it waits for the execution `{SHIP}` of the workflow `shipping`"));
    assert_eq!(why.command, format!("sagaline why {SHIP}"));
}

#[test]
fn events_are_told_to_the_world() {
    let emitting = story(
        "a: { emit: { type: order.shipped, subject: '${ workflow.input.id }', data: { n: '${ 1 + 1 }' } } }
each: { after: a, for_each: [1, 2], emit: item.shipped }",
    )
    .start_with(json!({"id": 7}));
    let emitted = emitting.effects().iter().find_map(|effect| match effect {
        Effect::Emit { id, kind, source: None, subject, data, hops: 1 } => {
            Some((id.clone(), kind.clone(), subject.clone(), data.clone()))
        }
        _ => None,
    });
    let expected = ("e/a".to_owned(), "order.shipped".to_owned(), Some("7".to_owned()), json!({"n": 2}));
    assert_eq!(emitted, Some(expected));
    emitting
        .gives_also("emit item.shipped as e/each/item")
        .gives_also("emit item.shipped as e/each/item:2")
        .ends_with(json!({}));
}

#[test]
fn a_start_that_may_be_a_second_one_looks_for_the_first() {
    let again = |parent| Input::Start(Start { version: Some(1), parent: Some(parent), again: true, ..unversioned() });
    let recalled = |ended| Input::Recalled(Recalled { ended, there: false });
    let begun = || story("a: { activity: one }").at("0s", again(parent(true))).gives(&["recall"]).is(Status::Pending);
    begun()
        .at("1s", recalled(None))
        .gives(&["bind w version 1"])
        .at("1s", crate::inputs::bound(1))
        .gives_also("task a#1")
        .at("2s", recalled(Some(ended("a/b", "e", Status::Completed))))
        .gives_nothing();
    let told = ChildEnded { output: json!(7), ..ended("a/b", "e", Status::Completed) };
    let told = begun().at("1s", recalled(Some(told))).gives(&["tell p again a/b completed"]);
    assert_eq!(told.execution.view(None), None, "nothing runs");
    // The first may still be there.
    story("a: { activity: one }")
        .at("0s", born_of(parent(true)))
        .at("1s", again(parent(true)))
        .gives_nothing()
        .at("2s", succeeded("a", 1))
        .at("3s", again(parent(true)))
        .gives(&["tell p again a/b completed"]);
}
