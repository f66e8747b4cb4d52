//! Children: what they did is undone with what their parent did, and one that runs still rolls back by itself.

use sagaline_engine::Effect;
use sagaline_events::{
    Input, Parent, Start, UndoStep,
    input::{ChildEnded, ChildUnknown, ParentAsks, ParentGone},
    record::Status,
    saga::UndoAction,
};
use sagaline_model::{Compensation, ExecutionId, StepError};
use serde_json::{Value, json};

use super::{TRIP, request};
use crate::{
    inputs::{began, cancel, claimed, failed, rollback, succeeded, undone, unversioned},
    story::{Story, path, workflow},
};

const FAMILY: &str = "
steps:
  first: { activity: one, compensate: un }
  trip: { after: first, child: trip }
  last: { after: trip, activity: three }
";

fn child() -> ExecutionId {
    ExecutionId::new("e").unwrap().of_child("trip")
}

fn ended(status: Status, undo: Vec<UndoStep>) -> Input {
    let error = (status != Status::Completed).then(|| StepError::new("Declined", "no"));
    let output = Value::Null;
    Input::ChildEnded(ChildEnded { path: path("trip"), child: child(), status, output, error, reason: None, undo })
}

pub(super) fn undo(step: &str, after: &[u32]) -> UndoStep {
    let action = UndoAction {
        activity: "un".parse().unwrap(),
        queue: "default".parse().unwrap(),
        input: json!(1),
        timeout: None,
        retry: Compensation::patience(),
        allow_skip: false,
        metadata: Value::Null,
        fault: None,
        default_input: false,
    };
    let (after, outcome) = (after.to_vec(), Default::default());
    UndoStep { path: path(step), execution: None, after, outcome, actions: vec![action] }
}

fn family() -> Story {
    workflow(FAMILY).start().at("1s", began("first", 1)).at("2s", claimed("first", 1, json!(1)))
}

#[test]
fn what_a_child_did_is_undone_below_the_step_that_started_it() {
    let story = family()
        .at("3s", ended(Status::Completed, vec![undo("flight", &[]), undo("hotel", &[0])]))
        .at("4s", failed("last", 1, "Busy"));
    let id = child();
    let expected =
        format!("undo of failed: trip/flight of {id}, trip/hotel of {id} after trip/flight, first after trip/hotel");
    let story = story.gives_also(&expected);
    assert_eq!(request(&story).steps[0].execution, Some(child()));
    let story = story.at("5s", undone(&["trip/flight", "trip/hotel", "first"]));
    let view = story.step_view("trip");
    assert_eq!(view.status, sagaline_events::record::StepStatus::Compensated);
}

#[test]
fn a_child_that_failed_has_rolled_back_by_itself() {
    let story = family().at("3s", ended(Status::RolledBack, vec![]));
    story.gives_also("undo of failed: first").gives_also("step.failed trip#0 ChildFailed");
}

#[test]
fn a_child_that_runs_still_is_rolled_back_and_waited_for() {
    let gone = |story: &Story| {
        let found = story.effects().iter().find_map(|effect| match effect {
            Effect::CancelChild { rollback, .. } => Some(*rollback),
            _ => None,
        });
        found.expect("the child is told")
    };
    let story = family().at("3s", cancel("plainly"));
    assert!(!gone(&story));
    story.is(Status::Cancelled);
    let story = family().at("3s", rollback("enough"));
    assert!(gone(&story));
    let story = story
        .is(Status::Compensating)
        .timer_is_due("1m2s")
        .timer()
        .gives(&[&format!("ask {}", child())])
        .timer_is_due("3m2s");
    assert_eq!(story.why()[0].command, format!("sagaline why {}", child()));
    // It has undone what it did.
    story.at("4m", ended(Status::RolledBack, vec![])).gives(&["undo of cancelled: first"]);
    // It completed before it heard of it.
    let story = family().at("3s", rollback("enough")).at("4s", ended(Status::Completed, vec![undo("hotel", &[])]));
    story.gives(&[&format!("undo of cancelled: trip/hotel of {}, first after trip/hotel", child())]);
    // Its start was lost.
    let unknown = Input::ChildUnknown(ChildUnknown { path: path("trip"), child: child() });
    family().at("3s", rollback("enough")).at("4s", unknown).gives(&["undo of cancelled: first"]);
}

#[test]
fn with_nothing_of_its_own_a_parent_waits_for_its_children_if_it_is_to_be_undone() {
    let only = || workflow("steps:\n  trip: { child: trip }\n").start();
    only()
        .at("3s", rollback("enough"))
        .is(Status::Compensating)
        .at("4s", ended(Status::RolledBack, vec![]))
        .gives(&["workflow.cancelled enough in 4s"]);
    only().at("3s", cancel("enough")).is(Status::Cancelled);
}

fn parent() -> Parent {
    Parent { execution: ExecutionId::new("p").unwrap(), path: path("trip"), waits: true }
}

fn as_child() -> Story {
    let start = Start { version: Some(1), parent: Some(parent()), ..unversioned() };
    workflow(TRIP)
        .at("0s", Input::Start(start))
        .at("1s", began("hotel", 1))
        .at("2s", claimed("hotel", 1, json!({"id": 1})))
}

#[test]
fn a_child_that_completes_hands_over_what_can_be_undone_and_says_so_again() {
    let story = as_child()
        .at("3s", began("flight", 1))
        .at("4s", claimed("flight", 1, json!({"id": 2})))
        .at("5s", succeeded("pay", 1));
    let told = |story: &Story| {
        let found = story.effects().iter().find_map(|effect| match effect {
            Effect::TellParent { ended, .. } => Some(ended.clone()),
            _ => None,
        });
        found.expect("the parent is told")
    };
    let first = told(&story);
    let paths: Vec<&str> = first.undo.iter().map(|step| step.path.as_str()).collect();
    assert_eq!((first.status, paths), (Status::Completed, vec!["flight", "hotel"]));
    assert_eq!(sagaline_engine::recalled(&story.view(), &parent()), first);
    let story = story.at("6s", Input::ParentAsks(ParentAsks { parent: parent() }));
    assert_eq!(told(&story), first);
}

#[test]
fn a_child_that_is_rolled_back_tells_its_parent_when_it_is() {
    let gone = |rollback| Input::ParentGone(ParentGone { parent: parent(), reason: Some("over".to_owned()), rollback });
    as_child().at("3s", gone(false)).gives_also("workflow.cancelled over in 3s");
    as_child()
        .at("3s", gone(true))
        .gives(&["revoke flight#1", "step.cancelled flight#1", "undo of cancelled: hotel"])
        .at("4s", gone(true))
        .gives_nothing()
        .at("5s", undone(&["hotel"]))
        .gives(&["workflow.rolled_back over in 5s", "tell p trip rolled_back over"]);
}
