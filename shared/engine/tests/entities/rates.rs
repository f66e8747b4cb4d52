//! Rates: who may begin when, and that never more do than the rule says.

use sagaline_events::{EntityInput, Says, entity::Turn};
use sagaline_model::{Moment, RateRule, Span};

use crate::tale::{BEGIN, acquire, rate, ticket, turn};

fn evenly(limit: u32, per: u64) -> RateRule {
    RateRule { limit, per: Span::from_secs(per), burst: None }
}

#[test]
fn turns_come_evenly_and_a_line_is_a_moment() {
    let rule = evenly(2, 10);
    rate()
        .at("1s", &turn("a1", rule))
        .says(&["a1: at 1s"])
        .at("1s", &turn("b1", rule))
        .says(&["b1: at 6s500ms"])
        .at("2s", &turn("c2", rule))
        .says(&["c2: at 12s"])
        // What was not used is gone.
        .at("1m", &turn("d60", rule))
        .says(&["d60: at 1m"])
        .at("1m1s", &turn("e61", rule))
        .says(&["e61: at 1m5s500ms"])
        .blank_after("10m");
}

#[test]
fn a_burst_may_come_at_once_and_is_paid_for_afterwards() {
    let rule = RateRule { burst: Some(3), ..evenly(1, 10) };
    rate()
        .at("1s", &turn("a1", rule))
        .says(&["a1: at 1s"])
        .at("1s", &turn("b1", rule))
        .says(&["b1: at 1s"])
        .at("1s", &turn("c1", rule))
        .says(&["c1: at 1s"])
        .at("1s", &turn("d1", rule))
        .says(&["d1: at 12s"])
        .at("12s", &turn("e12", rule))
        .says(&["e12: at 23s"]);
}

#[test]
fn who_asks_again_has_the_same_turn() {
    let rule = evenly(1, 10);
    rate()
        .at("1s", &turn("a1", rule))
        .at("2s", &turn("b2", rule))
        .says(&["b2: at 12s"])
        .at("30s", &turn("b2", rule))
        .says(&["b2: at 12s"])
        .at("30s", &turn("c30", rule))
        .says(&["c30: at 30s"]);
}

#[test]
fn the_rule_is_what_the_newest_says() {
    rate()
        .at("1s", &turn("a1", evenly(1, 10)))
        .at("5s", &turn("c5", evenly(1, 1)))
        .says(&["c5: at 12s"])
        // An older one does not know better.
        .at("6s", &turn("b2", evenly(1, 60)))
        .says(&["b2: at 13s100ms"])
        .at("6s", &turn("d6", evenly(1, 60)))
        .says(&["d6: at 14s200ms"])
        .at("7s", &turn("e7", evenly(1, 60)))
        .says(&["e7: at 1m15s200ms"]);
}

#[test]
fn what_is_meant_for_another_kind_is_set_aside() {
    rate().at("1s", &acquire("a1", 1)).says(&["reject wrong_entity"]);
}

/// In no time of `per` begin more than the limit, and the burst but one, wherever in its grace each of them begins: with a third of a
/// second that nobody can write, with messages that come twice, and when what it knew is restored in between.
#[test]
fn no_window_holds_more_than_the_rule_says() {
    for (limit, burst) in [(3, None), (3, Some(1)), (7, Some(4)), (300, None)] {
        let rule = RateRule { limit, per: Span::from_secs(1), burst };
        let mut entity = rate().entity;
        let mut begins: Vec<Moment> = vec![];
        for number in 0..2000_u64 {
            // Quiet times, and times of many.
            let at = BEGIN + Span::from_millis(if number % 500 < 300 { number / 10 } else { number * 7 });
            let at = at.max(entity.now);
            let ticket = sagaline_events::Ticket { since: at, ..ticket(&format!("e{number}")) };
            let ask = EntityInput::Turn(Turn { ticket, rule });
            let mut turn = None;
            for _ in 0..=number % 3 / 2 {
                for effect in entity.apply(&ask, at) {
                    let sagaline_engine::entity::EntityEffect::Tell { word, .. } = effect else { panic!("{effect:?}") };
                    let Says::Reserved { at } = word.says else { panic!("{word:?}") };
                    assert_eq!(*turn.get_or_insert(at), at, "who asks again has the same turn");
                }
            }
            // Some at once, some at the last moment, some in between.
            let late = rule.grace().as_nanos() / 4 * (number * 7 % 5);
            begins.push(turn.expect("an answer") + Span::from_nanos(late));
            entity = sagaline_engine::Entity::from_snapshot(&entity.to_snapshot()).unwrap();
        }
        begins.sort();
        let most = (limit + burst.unwrap_or(1) - 1) as usize;
        let within =
            |first: usize| begins[first..].iter().take_while(|begin| begin.since(begins[first]) < rule.per).count();
        let found = (0..begins.len()).map(within).max().unwrap_or_default();
        assert!(found <= most, "{found} begin within a second, of {limit} and a burst of {burst:?}");
        assert!(10 * (found + 1) >= 9 * most, "{found} begin within a second, and {limit} may");
    }
}

/// One owner forgot it when it held nothing, another one did not: who asks once more is told the same by both.
#[test]
fn what_could_be_forgotten_says_nothing_any_more() {
    let rule = RateRule { limit: 1, per: Span::from_secs(10), burst: None };
    let older = RateRule { limit: 1, per: Span::from_secs(1), burst: None };
    let asked = || rate().at("5s", &turn("a5", rule)).says(&["a5: at 5s"]);
    asked().at("290s", &turn("a5", rule)).says(&["a5: at 5s"]);
    // A question that is older than the rule that was said last, and that one once more.
    let both = |tale: crate::tale::Tale| {
        tale.at("400s", &turn("a1", older))
            .says(&["a1: at 6m40s"])
            .at("400s", &turn("a5", older))
            .says(&["a5: at 6m41s100ms"])
    };
    both(asked().blank_after("306s"));
    both(rate());
}
