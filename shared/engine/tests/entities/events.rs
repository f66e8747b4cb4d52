//! Events and those who wait for them: whichever comes first, everybody gets each of them once.

use sagaline_events::{
    EntityInput, EntityKey, FramePath, Ticket,
    entity::{Awaited, Came, Leave, Release},
};
use sagaline_model::{EventRule, Name, Span};
use serde_json::json;

use crate::tale::{BEGIN, Tale, tale, ticket};

const KEEP: Span = Span::from_secs(600);

fn events() -> Tale {
    let rule = EventRule { kind: "order.paid".to_owned(), key: json!("${ trigger.subject }"), when: None };
    tale(EntityKey::event(&rule, "A-1"))
}

/// The ticket of the step `wait` of this execution.
fn of(execution: &str) -> Ticket {
    Ticket { path: Some(FramePath::root(&Name::new("wait").unwrap())), ..ticket(execution) }
}

/// The ticket of an item of a loop, that waits since this second.
fn item(execution: &str, visit: u32, since: u64) -> Ticket {
    let name = |text: &str| Name::new(text).unwrap();
    let path = FramePath::root(&name("each")).child_visit(&name("item"), visit);
    Ticket { path: Some(path), since: BEGIN + Span::from_secs(since), ..ticket(execution) }
}

fn waits(ticket: Ticket) -> EntityInput {
    EntityInput::Await(Awaited { ticket, keep: KEEP })
}

fn has_it(ticket: Ticket) -> EntityInput {
    EntityInput::Release(Release { ticket })
}

fn leaves(ticket: Ticket) -> EntityInput {
    EntityInput::Leave(Leave { ticket })
}

/// An event that was published in this second.
fn came(id: &str, second: u64) -> EntityInput {
    let at = BEGIN + Span::from_secs(second);
    let event = json!({ "id": id, "source": "/shop", "type": "order.paid" });
    EntityInput::Event(Came { source: "/shop".to_owned(), id: id.to_owned(), at, keep: KEEP, event })
}

/// An event that one was told of, and another who waits for the next.
pub(crate) fn one_has_it_another_waits() -> Tale {
    events()
        .at("1s", &waits(item("a0", 1, 1)))
        .at("2s", &came("x", 2))
        .at("3s", &waits(item("a0", 2, 3)))
        .at("4s", &leaves(of("b4")))
        .timer()
}

#[test]
fn one_who_waits_gets_the_event_when_it_comes() {
    events()
        .at("1s", &waits(of("a1")))
        .says(&[])
        .at("2s", &came("x", 2))
        .says(&["a1: x"])
        .at("3s", &has_it(of("a1")))
        .says(&[])
        .blank_after("20m");
}

#[test]
fn an_event_that_came_before_is_kept_for_a_while() {
    events()
        .at("1s", &came("x", 1))
        .says(&[])
        .at("9m", &waits(of("a500")))
        .says(&["a500: x"])
        .at("11m", &waits(of("b660")))
        .says(&[])
        .at("12m", &came("y", 720))
        .says(&["b660: y"]);
    events().at("1s", &came("x", 1)).blank_after("11m");
}

#[test]
fn everybody_gets_an_event_once_and_in_the_order_in_which_they_were_published() {
    events()
        .at("1s", &waits(of("a1")))
        .at("1s", &waits(of("b1")))
        .at("3s", &came("x", 3))
        .says(&["a1: x", "b1: x"])
        .at("4s", &came("x", 3))
        .says(&[])
        .at("5s", &waits(of("c2")))
        .says(&["c2: x"])
        // What was published earlier came later.
        .at("6s", &came("w", 2))
        .says(&[])
        .at("7s", &waits(of("d3")))
        .says(&["d3: w"]);
}

#[test]
fn the_next_item_of_a_loop_gets_the_next_event() {
    let looped = events().at("1s", &waits(item("a0", 1, 1))).at("2s", &came("x", 2)).says(&["a0: x"]);
    looped
        .at("3s", &waits(item("a0", 2, 3)))
        .says(&[])
        .at("4s", &has_it(item("a0", 1, 1)))
        .says(&[])
        .at("5s", &came("y", 5))
        .says(&["a0: y"])
        .at("6s", &has_it(item("a0", 2, 3)))
        // Also where all of them came before.
        .at("7s", &waits(of("b7")))
        .says(&["b7: x"]);
    // Two that wait at once: the first gets the first.
    events()
        .at("1s", &waits(item("a0", 1, 1)))
        .at("1s", &waits(item("a0", 2, 1)))
        .at("2s", &came("x", 2))
        .says(&["a0: x"])
        .at("3s", &came("y", 3))
        .says(&["a0: y"]);
}

#[test]
fn an_event_that_was_on_its_way_to_one_who_left_goes_to_the_next_item() {
    events()
        .at("1s", &waits(item("a0", 1, 1)))
        .at("2s", &waits(item("a0", 2, 2)))
        .at("3s", &came("x", 3))
        .says(&["a0: x"])
        .at("4s", &leaves(item("a0", 1, 1)))
        .says(&["a0: x"])
        .at("5s", &has_it(item("a0", 2, 2)))
        .says(&[]);
    // What it says of the event when it hears of that may overtake that it left.
    events()
        .at("1s", &waits(item("a0", 1, 1)))
        .at("3s", &came("x", 3))
        .at("4s", &has_it(item("a0", 1, 1)))
        .at("5s", &leaves(item("a0", 1, 1)))
        .says(&[])
        .at("6s", &waits(item("a0", 2, 6)))
        .says(&["a0: x"]);
}

#[test]
fn an_execution_that_begins_anew_waits_anew() {
    let again = Ticket { attempt: 1, since: BEGIN + Span::from_secs(5), ..of("a1") };
    events()
        .at("1s", &waits(of("a1")))
        .at("2s", &came("x", 2))
        .at("3s", &has_it(of("a1")))
        .at("5s", &waits(again))
        .says(&["a1: x"]);
}

#[test]
fn what_comes_twice_is_answered_in_the_same_way() {
    events()
        .at("1s", &waits(of("a1")))
        .at("1s", &waits(of("a1")))
        .says(&[])
        .at("2s", &came("x", 2))
        .says(&["a1: x"])
        .at("3s", &waits(of("a1")))
        .says(&["a1: x"])
        .at("4s", &has_it(of("a1")))
        .at("5s", &waits(of("a1")))
        .says(&[])
        .at("5s", &has_it(of("a1")))
        .says(&[]);
}

#[test]
fn a_leave_that_overtakes_its_wait_leaves_nothing_behind() {
    events().at("1s", &leaves(of("a1"))).says(&[]).at("2s", &waits(of("a1"))).says(&[]).blank_after("10m");
}

#[test]
fn what_was_told_is_told_again_until_it_is_there_and_who_waits_for_long_is_asked() {
    let told = events().at("1s", &waits(of("a1"))).timer().says(&["a1: still there?"]).at("2m", &came("x", 120));
    told.says(&["a1: x"])
        .timer()
        .says(&["a1: x"])
        .timer()
        .says(&["a1: x"])
        // As long as it is on its way it is not forgotten.
        .at("5h", &came("y", 17900))
        .says(&[])
        .timer()
        .says(&["a1: x"])
        .at("10h", &has_it(of("a1")))
        .blank_after("20h");
}

#[test]
fn one_who_waited_before_gets_an_event_however_late_it_comes_and_one_who_came_after_does_not() {
    events()
        .at("1s", &waits(of("a1")))
        .at("2h", &waits(of("b7200")))
        .at("3h", &came("x", 60))
        .says(&["a1: x"])
        // For those who were on their way as well.
        .at("3h10s", &waits(of("c30")))
        .says(&["c30: x"]);
}

#[test]
fn the_oldest_make_room() {
    let mut full = events();
    for number in 0..1100 {
        full.entity.apply(&came(&format!("e{number}"), 1), BEGIN);
    }
    full.at("2s", &waits(of("a2"))).says(&["a2: e100"]);
    let mut heavy = events();
    for number in 0..4 {
        let EntityInput::Event(mut event) = came(&format!("e{number}"), 1) else { unreachable!() };
        event.event["data"] = "x".repeat(200 * 1024).into();
        heavy = heavy.at("1s", &EntityInput::Event(event));
    }
    let heavy = heavy.at("2s", &waits(of("a2"))).says(&["a2: e2"]);
    assert!(heavy.entity.to_snapshot().len() < 900 * 1024);
}

#[test]
fn so_many_wait_and_no_more() {
    let mut crowd = events();
    for number in 0..1000 {
        crowd.entity.apply(&waits(Ticket { attempt: number, ..of("a1") }), BEGIN);
    }
    crowd
        .at("2s", &waits(of("b2")))
        .says(&["b2: refused, limit 1000"])
        .at("3s", &leaves(of("a1")))
        .at("4s", &waits(of("b2")))
        .says(&[]);
}
