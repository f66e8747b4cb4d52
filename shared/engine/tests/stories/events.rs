//! Waits for events. Where they meet is told in the tales of entities; here is what an execution does.

use sagaline_engine::Effect;
use sagaline_events::{
    EntityInput, EntityWord, Input, Says, TimerKind,
    entity::Awaited,
    input::{Cancel, Parent, ParentGone},
    record::{Status, StepStatus},
};
use sagaline_model::{EventRule, ExecutionId, Plan};
use serde_json::{Value, json};

use crate::{
    inputs::{cancel, failed, succeeded, timer, unversioned},
    story::{BEGIN, Story, plan, story, workflow},
};

const PAID: &str = "p: { await: { event: order.paid, match: { id: '${ workflow.input.id }' } } }\nb: { activity: one, after: p, input: '${ steps.p.output.data }' }";

/// Where the waits for `order.paid` with the id `A-1` meet.
fn site(key: &str) -> String {
    let rule =
        EventRule { kind: "order.paid".to_owned(), key: json!({ "id": "${ trigger.data[\"id\"] }" }), when: None };
    sagaline_events::EntityKey::event(&rule, key).to_string()
}

/// The last wait that the story has told of, as the entity answers it.
fn asked(story: &Story) -> (sagaline_events::EntityKey, Awaited) {
    let asked = story.effects().iter().find_map(|effect| match effect {
        Effect::Entity { entity, input: EntityInput::Await(ask) } => Some((entity.clone(), ask.clone())),
        _ => None,
    });
    asked.expect("it waits for an event")
}

fn paid() -> Value {
    json!({ "id": "e-1", "source": "/bank", "type": "order.paid", "data": { "id": "A-1", "sum": 3 } })
}

/// What the entity says to the wait that the story tells of.
fn said(story: &Story, says: Says) -> Input {
    let (entity, ask) = asked(story);
    Input::Entity(EntityWord::new(entity, &ask.ticket, says))
}

fn came(story: &Story) -> Input {
    said(story, Says::Came { event: paid() })
}

fn begun(steps: &str) -> Story {
    story(steps).start_with(json!({ "id": "A-1" }))
}

#[test]
fn a_step_waits_until_the_event_comes_and_gives_it() {
    let story = begun(PAID);
    let (entity, _) = asked(&story);
    assert_eq!(entity.as_str(), site("id=A-1"));
    let wait = format!("{entity} await p");
    let event = came(&story);
    let story = story.gives(&["workflow.started", "step.waiting p for event order.paid", &wait]).is(Status::Waiting);
    assert_eq!(story.step_view("p").status, StepStatus::Waiting);
    let story = story.at("3s", event.clone());
    let story = story.gives(&[
        &format!("{entity} release"),
        "step.resumed p",
        "step.completed p#0 in 3s",
        "step.started b#1",
        "task b#1",
    ]);
    // It joins nothing that others read by the names of its attributes.
    let story = story.gives_task_with("b", json!({ "id": "A-1", "sum": 3 }));
    // What was told twice is not for anybody.
    let story = story.at("4s", event).gives(&[&format!("{entity} release")]);
    story.at("5s", succeeded("b", 1)).ends_with(json!({}));
}

#[test]
fn the_event_is_put_under_a_key_where_one_is_named() {
    let story =
        begun("p: { await: { event: order.paid, match: { id: '${ workflow.input.id }' } }, context_key: paid }");
    let event = came(&story);
    story.at("1s", event).ends_with(json!({ "paid": paid() }));
}

#[test]
fn only_those_wait_together_who_wait_for_the_same() {
    let key = |steps: &str| asked(&begun(steps)).0;
    let one = key("a: { await: { event: order.paid, match: { id: '${ workflow.input.id }' } } }");
    let two = key("b: { await: { event: order.paid, keep: 1h, timeout: 1d, match: { id: A-1 } } }");
    assert_eq!(one, two);
    for other in [
        "a: { await: { event: order.paid, match: { id: A-2 } } }",
        "a: { await: { event: order.sent, match: { id: A-1 } } }",
        "a: { await: { event: order.paid, when: '${ trigger.data.sum > 2 }', match: { id: A-1 } } }",
        "a: { await: { event: order.paid, correlate: { event: '${ trigger.subject }', with: A-1 } } }",
        "a: { await: { event: order.paid } }",
    ] {
        assert_ne!(one, key(other), "{other}");
    }
}

#[test]
fn what_it_has_in_common_must_be_there() {
    story(PAID).start().fails_by("p", "ExpressionError");
}

#[test]
fn a_wait_that_is_over_withdraws() {
    let late = "p: { await: { event: order.paid, match: { id: A-1 }, timeout: 10s, on_timeout: skip } }";
    let leave = format!("{} leave p", site("id=A-1"));
    let story = begun(late).timer();
    let story = story.gives(&[
        &leave,
        "step.skipped p: no event `order.paid` with `id=A-1` came in time",
        "workflow.completed in 10s",
    ]);
    // The event was on its way.
    let event = said(&begun(late), Says::Came { event: paid() });
    story.at("11s", event).gives(&[&format!("{} release", site("id=A-1"))]);
    begun("p: { await: { event: order.paid, match: { id: A-1 }, timeout: 10s } }").timer().fails_by("p", "Timeout");
    begun("p: { await: { event: order.paid, match: { id: A-1 }, timeout: 10s, on_timeout: { steps: { x: { activity: one } } } } }")
        .timer()
        .gives(&[&leave, "step.resumed p", "step.started p#0", "step.started p/x#1", "task p/x#1"]);
}

#[test]
fn a_cancel_withdraws_it() {
    let leave = format!("{} leave p", site("id=A-1"));
    begun(PAID).at("1s", cancel("no")).gives_also(&leave).is(Status::Cancelled);
    let gently = Input::Cancel(Cancel { reason: None, cleanup: true, grace: None, rollback: false });
    let both = "p: { await: { event: order.paid, match: { id: A-1 } } }\nq: { activity: one }";
    begun(both).at("1s", gently).gives_also(&leave);
    begun("q: { activity: one }\np: { await: { event: order.paid, match: { id: A-1 } } }")
        .at("1s", failed("q", 1, "Broken"))
        .gives_also(&leave);
}

#[test]
fn a_child_whose_parent_is_gone_withdraws() {
    let parent = Parent { execution: ExecutionId::new("p").unwrap(), path: crate::story::path("c"), waits: true };
    let story = story("p: { await: { event: order.paid, match: { id: A-1 } } }");
    let begin = sagaline_events::Start { parent: Some(parent.clone()), version: Some(1), ..unversioned() };
    let story = story.at("0s", Input::Start(begin));
    story
        .at("1s", Input::ParentGone(ParentGone { parent, reason: None, rollback: false }))
        .gives_also(&format!("{} leave p", site("id=A-1")))
        .is(Status::Cancelled);
}

#[test]
fn in_a_race_with_a_timer_the_first_wins() {
    let race = "r: { race: { p: { await: { event: order.paid, match: { id: A-1 } } }, t: { wait: 5s } } }";
    begun(race).timer().gives_also(&format!("{} leave r/p", site("id=A-1"))).is(Status::Completed);
    let event = came(&begun(race));
    begun(race).at("1s", event).gives_also("step.cancelled r/t#0").ends_with(json!({}));
}

#[test]
fn each_item_of_a_loop_waits_by_itself() {
    let each = "l: { for_each: { items: [1, 2], concurrency: 1 }, await: { event: order.paid, match: { id: A-1 } } }";
    let story = begun(each);
    let (first, event) = (asked(&story).1, came(&story));
    let story = story.at("1s", event);
    let (second, event) = (asked(&story).1, came(&story));
    assert_ne!(first.ticket, second.ticket);
    let story = story.at("2s", event).is(Status::Completed);
    assert_eq!(story.view().output, json!({}));
}

#[test]
fn it_says_again_that_it_waits_ever_more_rarely() {
    let again = format!("{} await p", site("id=A-1"));
    let mut story = begun(PAID);
    let mut pauses = vec![];
    for _ in 0..3 {
        let before = story.execution.now.max(BEGIN);
        story = story.timer().gives(&[&again]);
        pauses.push(story.execution.now.since(before).to_string());
    }
    assert_eq!(pauses, ["1m", "2m", "4m"]);
    // It is the same wait.
    let event = came(&begun(PAID));
    story.at("8m", event).gives_also("task b#1");
}

#[test]
fn the_end_of_its_patience_counts_also_if_it_comes_before_that() {
    let patient = "p: { await: { event: order.paid, match: { id: A-1 }, timeout: 90s } }";
    begun(patient).timer().is(Status::Waiting).timer().fails_by("p", "Timeout");
    // A timer that is not armed.
    begun(patient).at("1s", timer(TimerKind::AwaitTimeout, "p", 0)).gives_nothing();
}

#[test]
fn whoever_is_asked_and_knows_nothing_of_it_says_so() {
    let ask = |says: Says| said(&begun(PAID), says);
    let release = format!("{} release", site("id=A-1"));
    begun(PAID).at("2m", ask(Says::StillThere)).gives_nothing();
    for says in [Says::StillThere, Says::Came { event: paid() }] {
        story(PAID).at("1s", ask(says.clone())).gives(&[&release]);
        begun(PAID).at("1s", cancel("no")).at("2s", ask(says.clone())).gives(&[&release]);
        story(PAID).at("0s", Input::Start(unversioned())).at("1s", ask(says)).gives(&[&release]);
    }
    // Whoever is set aside neither takes nor refuses it.
    begun(PAID)
        .forget_definition()
        .at("1s", succeeded("b", 1))
        .is(Status::Parked)
        .at("2s", ask(Says::StillThere))
        .gives_nothing();
}

#[test]
fn where_too_many_wait_it_fails_and_says_so() {
    let story = begun(PAID);
    let refused = said(&story, Says::Refused { limit: 1000 });
    let story = story.at("1s", refused).fails_by("p", "Refused");
    let error = story.view().error.unwrap().message;
    assert!(error.starts_with("1000 steps wait for the event `order.paid` with `id=A-1` already"), "{error}");
}

#[test]
fn an_execution_that_begins_anew_waits_in_another_round() {
    let story = workflow(
        "retry_workflow: { attempts: 2, initial: 1s }\nsteps:\n  p: { await: { event: order.paid, match: { id: A-1 } } }\n  b: { activity: one, after: p }\n",
    );
    let story = story.start();
    let (first, event) = (asked(&story).1, came(&story));
    let story = story.at("1s", event).at("2s", failed("b", 1, "Broken")).timer();
    let second = asked(&story).1;
    assert_eq!((first.ticket.attempt, second.ticket.attempt), (0, 1));
    let event = came(&story);
    story.at("9s", event).gives_also("task b#2");
}

#[test]
fn why_names_the_event_and_where_it_is_waited_for() {
    let story = begun("p: { await: { event: order.paid, match: { id: A-1 }, timeout: 1h } }");
    let why = story.why().remove(0);
    assert_eq!(why.cause, "no event `order.paid` with `id=A-1` has come yet");
    assert!(why.ends.contains(&site("id=A-1")) && why.until.is_some(), "{why:?}");
}

#[test]
fn such_a_plan_asks_for_the_rules_that_know_of_it_and_no_step_returns_one() {
    assert_eq!(plan(&format!("steps:\n  {}\n", PAID.replace('\n', "\n  "))).rules, Plan::RULES_OF_STARTS);
    let returned = json!([{ "name": "p", "kind": { "await_event": { "event": "order.paid" } } }]);
    let story = story("a: { activity: one, expand: {} }").start_with(Value::Null);
    let story = story.at("1s", crate::inputs::expanded("a", 1, returned)).fails_by("a", "BadExpansion");
    assert!(story.view().error.unwrap().message.contains("only a step of a definition can"));
}
