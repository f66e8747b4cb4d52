//! Children that were told to end while their parent went on: one that completed before it heard of that is undone with its parent,
//! wherever its frame has gone.

use sagaline_events::{
    FramePath, Input, UndoStep,
    input::{ChildEnded, ChildUnknown},
    record::Status,
};
use sagaline_model::{ExecutionId, StepError};
use serde_json::{Value, json};

use super::children::undo;
use crate::{
    inputs::{began, cancel, claimed, expanded, failed, rollback, succeeded},
    story::{Story, path, story, workflow},
};

fn child(place: &str) -> ExecutionId {
    ExecutionId::new("e").unwrap().of_child(place)
}

/// The child of this place ended; `round`: as the id of those of a round has it.
fn ended_of(step: &str, round: &str, status: Status, undo: Vec<UndoStep>) -> Input {
    let (error, child) =
        ((status != Status::Completed).then(|| StepError::new("Declined", "no")), child(&format!("{step}{round}")));
    let (path, output, reason): (FramePath, _, _) = (path(step), Value::Null, None);
    Input::ChildEnded(ChildEnded { path, child, status, output, error, reason, undo })
}

fn ended(step: &str, status: Status, undo: Vec<UndoStep>) -> Input {
    ended_of(step, "", status, undo)
}

fn hotel() -> Vec<UndoStep> {
    vec![undo("hotel", &[])]
}

const RACE: &str = "
first: { activity: one, compensate: un }
r: { after: first, race: { trip: { child: trip }, quick: { activity: two } } }
last: { after: r, activity: three }
";

fn raced() -> Story {
    story(RACE)
        .start()
        .at("1s", began("first", 1))
        .at("2s", claimed("first", 1, json!(1)))
        .at("3s", succeeded("r/quick", 1))
        .gives_also(&format!("cancel {}: its parent does not wait for it any more", child("r/trip")))
}

#[test]
fn one_that_lost_a_race_and_completed_all_the_same_is_undone_with_its_parent() {
    let undone = format!("undo of failed: r/trip/hotel of {}, first after r/trip/hotel", child("r/trip"));
    let completed = || ended("r/trip", Status::Completed, hotel());
    // It says so while its parent goes on; twice,
    raced().at("4s", completed()).at("5s", completed()).at("6s", failed("last", 1, "Busy")).gives_also(&undone);
    // or when that has failed: it is waited for, and asked.
    let waiting = || raced().at("6s", failed("last", 1, "Busy")).is(Status::Compensating);
    assert_eq!(waiting().why()[0].command, format!("sagaline why {}", child("r/trip")));
    waiting().at("7s", completed()).gives(&[&undone]);
    waiting()
        .timer_is_due("1m2s")
        .timer()
        .gives(&[&format!("ask {}", child("r/trip"))])
        .at("2m", completed())
        .gives(&[&undone]);
    // What it did it may have undone by itself, or nobody knows of it.
    let only = "undo of failed: first";
    waiting().at("7s", ended("r/trip", Status::RolledBack, vec![])).gives(&[only]);
    let unknown = Input::ChildUnknown(ChildUnknown { path: path("r/trip"), child: child("r/trip") });
    waiting().at("7s", unknown).gives(&[only]);
    raced()
        .at("4s", ended("r/trip", Status::RolledBack, vec![]))
        .at("6s", failed("last", 1, "Busy"))
        .gives_also(only)
        // What comes again after the saga was asked for changes nothing about it.
        .at("7s", completed())
        .gives_nothing();
}

#[test]
fn one_that_was_left_is_not_waited_for_by_who_is_not_undone() {
    raced()
        .at("4s", succeeded("last", 1))
        .is(Status::Completed)
        .at("5s", ended("r/trip", Status::Completed, hotel()))
        .gives_nothing();
    raced().at("4s", cancel("plainly")).is(Status::Cancelled);
    let told = raced().at("4s", rollback("enough")).is(Status::Compensating);
    told.at("5s", ended("r/trip", Status::Completed, hotel()))
        .gives_also(&format!("undo of cancelled: r/trip/hotel of {}, first after r/trip/hotel", child("r/trip")));
}

#[test]
fn one_that_took_too_long_or_stood_beside_what_failed_is_undone_too() {
    let slow = "
first: { activity: one, compensate: un }
trip: { after: first, child: { workflow: trip, timeout: 30s }, on_error: continue }
last: { after: trip, activity: three }
";
    let begun = |story: Story| story.start().at("1s", began("first", 1)).at("2s", claimed("first", 1, json!(1)));
    begun(story(slow))
        .timer()
        .at("40s", ended("trip", Status::Completed, hotel()))
        .at("41s", failed("last", 1, "Busy"))
        .gives_also(&format!("undo of failed: trip/hotel of {}, first after trip/hotel", child("trip")));
    let tried = "
first: { activity: one, compensate: un }
t:
  after: first
  try: { trip: { child: trip }, bad: { activity: two } }
  catch: { steps: { mend: { activity: four, compensate: un } } }
last: { after: t, activity: three }
";
    begun(story(tried))
        .at("3s", failed("t/bad", 1, "Busy"))
        .at("4s", began("t/mend", 1))
        .at("5s", claimed("t/mend", 1, json!(1)))
        .at("6s", failed("last", 1, "Busy"))
        .at("7s", ended("t/trip", Status::Completed, hotel()))
        .gives(&[&format!(
            "undo of failed: t/mend, t/trip/hotel of {} after t/mend, (t) after t/mend+t/trip/hotel, first after t",
            child("t/trip")
        )]);
}

#[test]
fn one_of_an_item_or_an_expansion_that_is_forgotten_keeps_its_place() {
    let each = "
first: { activity: one, compensate: un }
all:
  after: first
  for_each: { items: [1, 2], concurrency: 1 }
  steps:
    r: { race: { trip: { child: trip }, quick: { activity: two } } }
    then: { after: r, activity: one, compensate: un }
last: { after: all, activity: three }
";
    let did = |story: Story, step: &str| story.then(began(step, 1)).then(claimed(step, 1, json!(1)));
    let begun = did(story(each).start(), "first").then(succeeded("all/item/r/quick", 1));
    let begun = did(begun, "all/item/then").then(succeeded("all/item:2/r/quick", 1));
    let begun = did(begun, "all/item:2/then");
    let place = "all/item/r/trip";
    begun
        .then(ended(place, Status::Completed, hotel()))
        .then(failed("last", 1, "Busy"))
        .is(Status::Compensating)
        .then(ended("all/item:2/r/trip", Status::RolledBack, vec![]))
        .gives(&[&format!(
            "undo of failed: all/item:2/then, all/item/then after all/item:2/then, {place}/hotel of {} after \
             all/item/then, (all/item/r) after all/item/then+{place}/hotel, first after all/item/r",
            child(place)
        )]);
    let plan = "
plan: { activity: one, expand: true, compensate: un }
last: { after: plan, activity: last }
";
    let un = json!({"actions": [{"activity": "un"}]});
    let race = json!({"nodes": [
        {"name": "trip", "kind": {"child": {"workflow": "trip"}}},
        {"name": "quick", "kind": {"step": {"activity": "two"}}},
    ]});
    let returned = json!([
        {"name": "r", "kind": {"race": race}},
        {"name": "s", "after": ["r"], "kind": {"step": {"activity": "s", "compensate": un}}},
    ]);
    let story = story(plan).start().then(began("plan", 1)).then(expanded("plan", 1, returned));
    let story = did(story.then(succeeded("plan/r/quick", 1)), "plan/s").then(failed("last", 1, "Busy"));
    let place = "plan/r/trip";
    story.then(ended(place, Status::Completed, hotel())).gives(&[&format!(
        "undo of failed: plan/s, {place}/hotel of {} after plan/s, (plan/r) after plan/s+{place}/hotel, plan after plan/r",
        child(place)
    )]);
}

#[test]
fn those_of_two_rounds_at_one_place_are_undone_both() {
    let plan = "
retry_workflow: { attempts: 2, initial: 1s, jitter: false }
steps:
  first: { activity: one, compensate: un }
  trip: { after: first, child: trip }
  bad: { after: first, activity: two }
";
    let did = |story: Story, attempt| story.then(began("first", attempt)).then(claimed("first", attempt, json!(1)));
    let again = || did(did(workflow(plan).start(), 1).then(failed("bad", 1, "Busy")).timer(), 2);
    let completed = |round| ended_of("trip", round, Status::Completed, hotel());
    let (one, two) = (child("trip"), child("trip::2"));
    let both = format!("trip/hotel of {two}, first after trip/hotel, trip:2/hotel of {one} after first");
    // Whichever says so first.
    let story = again().then(completed("")).then(completed("::2"));
    story.then(failed("bad", 2, "Busy")).gives_also(&format!("undo of failed: {both}"));
    let story = again().then(completed("::2")).then(completed(""));
    story.then(failed("bad", 2, "Busy")).gives_also(&format!("undo of failed: {both}"));
    // Both are waited for, one after the other.
    let waiting = || again().then(failed("bad", 2, "Busy")).is(Status::Compensating);
    let story = waiting().then(completed("")).is(Status::Compensating).then(ended_of(
        "trip",
        "::2",
        Status::RolledBack,
        vec![],
    ));
    story.gives(&[&format!("undo of failed: trip/hotel of {one}, first after trip/hotel")]);
}
