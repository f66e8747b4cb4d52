//! Events that are gathered: one execution for several, each event once.

use sagaline_engine::entity::EntityEffect;
use sagaline_events::{
    EntityInput, EntityKey,
    entity::{EntityTimer, Gathered},
};
use sagaline_model::{Batch, Debounce, EventTrigger, Gather, Span};
use serde_json::{Value, json};

use crate::tale::{BEGIN, Tale, acquire, name, tale};

fn gathering() -> Tale {
    tale(EntityKey::gather(&name("order"), &EventTrigger::of("order.changed"), "A-1"))
}

fn debounce(max: Option<&str>) -> Gather {
    let max = max.map(|max| max.parse().unwrap());
    Gather::Debounce(Debounce { quiet: Span::from_secs(5), key: None, max })
}

fn batch(size: u32) -> Gather {
    Gather::Batch(Batch { size, within: Span::from_secs(10), key: None })
}

/// An event that was published in this second.
fn event(rule: &Gather, id: &str, second: u64) -> EntityInput {
    EntityInput::Gather(Box::new(gathered(rule, id, second)))
}

fn gathered(rule: &Gather, id: &str, second: u64) -> Gathered {
    Gathered {
        workflow: name("order"),
        rule: rule.clone(),
        source: "/shop".to_owned(),
        id: id.to_owned(),
        at: BEGIN + Span::from_secs(second),
        event: json!({ "id": id, "source": "/shop", "type": "order.changed", "data": { "id": id } }),
        input: json!(id),
    }
}

#[test]
fn the_last_one_starts_it_when_none_has_come_for_a_while() {
    let rule = debounce(None);
    gathering()
        .at("1s", &event(&rule, "a", 1))
        .says(&[])
        .at("4s", &event(&rule, "b", 4))
        .says(&[])
        // A timer that was on its way since before.
        .at("6s", &EntityInput::Timer(EntityTimer {}))
        .says(&[])
        // It was published earlier.
        .at("7s", &event(&rule, "c", 3))
        .timer()
        .says(&["start order with \"b\""])
        .blank_after("20m");
}

#[test]
fn it_starts_in_any_case_after_a_time() {
    let rule = debounce(Some("12s"));
    let mut tale = gathering();
    for second in [1, 5, 9] {
        tale = tale.at(&format!("{second}s"), &event(&rule, &second.to_string(), second)).says(&[]);
    }
    tale.at("12s", &event(&rule, "12", 12))
        .timer()
        .says(&["start order with \"12\""])
        .at("14s", &event(&rule, "14", 14))
        .says(&[])
        .timer()
        .says(&["start order with \"14\""]);
}

#[test]
fn so_many_start_it_together_and_those_that_are_left_after_a_time() {
    let rule = batch(3);
    gathering()
        .at("1s", &event(&rule, "a", 1))
        .at("2s", &event(&rule, "c", 3))
        .at("3s", &event(&rule, "b", 2))
        .says(&["start order with [\"a\",\"b\",\"c\"]"])
        .at("4s", &event(&rule, "d", 4))
        .says(&[])
        .timer()
        .says(&["start order with [\"d\"]"])
        .blank_after("20m");
}

#[test]
fn the_event_that_starts_a_batch_has_all_of_them() {
    let rule = batch(2);
    let mut tale = gathering().at("1s", &event(&rule, "a", 1));
    let effects = tale.entity.apply(&event(&rule, "b", 2), BEGIN + Span::from_secs(2));
    let [EntityEffect::Start { execution, start }] = &effects[..] else { panic!("{effects:?}") };
    let trigger = start.trigger.as_ref().unwrap();
    assert_eq!((&trigger["type"], &trigger["id"]), (&json!("order.changed"), &json!(execution)));
    let ids: Vec<&Value> = trigger["data"].as_array().unwrap().iter().map(|event| &event["data"]["id"]).collect();
    assert_eq!(ids, [&json!("a"), &json!("b")]);
}

#[test]
fn what_a_batch_starts_is_as_far_down_a_chain_as_the_farthest_of_its_events() {
    let rule = batch(2);
    let of_chain = |id: &str, hops: &str| {
        let mut came = gathered(&rule, id, 1);
        came.event["sagalinehops"] = hops.into();
        EntityInput::Gather(Box::new(came))
    };
    let mut tale = gathering().at("1s", &of_chain("a", "7"));
    let effects = tale.entity.apply(&of_chain("b", "3"), BEGIN + Span::from_secs(2));
    assert!(matches!(&effects[..], [EntityEffect::Start { start, .. }] if start.hops == 7), "{effects:?}");
}

#[test]
fn an_event_counts_once_also_after_it_has_started_something() {
    let rule = batch(2);
    gathering()
        .at("1s", &event(&rule, "a", 1))
        .at("1s", &event(&rule, "a", 1))
        .says(&[])
        .at("2s", &event(&rule, "b", 2))
        .says(&["start order with [\"a\",\"b\"]"])
        .at("5m", &event(&rule, "a", 1))
        .says(&[])
        .blank_after("20m");
}

#[test]
fn whoever_comes_when_its_time_is_over_begins_the_next() {
    let rule = debounce(None);
    gathering()
        .at("1s", &event(&rule, "a", 1))
        .at("7s", &event(&rule, "b", 7))
        .says(&["start order with \"a\""])
        .timer()
        .says(&["start order with \"b\""]);
}

#[test]
fn each_that_is_started_has_an_id_of_its_own_that_is_always_the_same() {
    let rule = batch(1);
    let id = |second: u64| {
        let mut tale = gathering();
        match &tale.entity.apply(&event(&rule, "a", 1), BEGIN + Span::from_secs(second))[..] {
            [EntityEffect::Start { execution, .. }] => execution.clone(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(id(1), id(1));
    assert_ne!(id(1), id(2));
}

#[test]
fn a_batch_closes_before_it_is_too_heavy_for_a_message() {
    let rule = batch(1000);
    let heavy = |id: &str| {
        let input = Value::from("x".repeat(150 * 1024));
        EntityInput::Gather(Box::new(Gathered { input, ..gathered(&rule, id, 1) }))
    };
    let mut tale = gathering().at("1s", &heavy("a")).at("2s", &heavy("b"));
    let effects = tale.entity.apply(&heavy("c"), BEGIN + Span::from_secs(3));
    let [EntityEffect::Start { start, .. }] = &effects[..] else { panic!("it did not close") };
    assert_eq!(start.input.as_array().map(Vec::len), Some(2));
    tale.timer();
}

#[test]
fn what_is_meant_for_another_kind_is_set_aside() {
    gathering().at("1s", &acquire("a1", 1)).says(&["reject wrong_entity"]).blank_after("1s");
}

/// Some that are gathered, and what is known of others.
pub(crate) fn some_are_gathered() -> Tale {
    let rule = batch(2);
    gathering().at("1s", &event(&rule, "a", 1)).at("2s", &event(&rule, "b", 2)).at("3s", &event(&rule, "c", 3))
}
