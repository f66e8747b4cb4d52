//! Snapshots of entities are recorded, so their JSON is a promise. `SAGALINE_BLESS=1` writes the files.

use std::{env, fs, path::PathBuf};

use sagaline_engine::Entity;
use sagaline_model::{OnLimit::CancelOld, RateRule, Span};
use serde_json::Value;

use crate::{
    events, gathering,
    tale::{Tale, acquire, asks, breaker, claim, outcome, permit, places, rate, release, rule, turn, unique},
};

fn is_recorded(name: &str, tale: &Tale) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden/entities").join(format!("{name}.json"));
    let now: Value = serde_json::from_slice(&tale.entity.to_snapshot()).unwrap();
    if env::var_os("SAGALINE_BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("{}\n", serde_json::to_string_pretty(&now).unwrap())).unwrap();
    }
    let recorded = fs::read(&path).unwrap_or_else(|fault| panic!("`{}`: {fault}", path.display()));
    assert_eq!(serde_json::from_slice::<Value>(&recorded).unwrap(), now, "`{name}` is not what was recorded");
    assert_eq!(Entity::from_snapshot(&recorded).unwrap(), tale.entity);
}

#[test]
fn places_are_recorded_as_ever() {
    let tale = places()
        .at("1s", &acquire("a1", 2))
        .at("2s", &acquire("b2", 2))
        .at("3s", &acquire("c3", 2))
        .timer()
        .at("2m", &release("a1"))
        .at("3m", &asks("d4", 2, CancelOld));
    is_recorded("places", &tale);
}

#[test]
fn breakers_are_recorded_as_ever() {
    let rule = rule(2, 2);
    let failed = breaker().at("1s", &permit("a1", &rule)).at("2s", &outcome("a1", Some(false)));
    is_recorded("breaker_closed", &failed);
    let open = failed.at("3s", &outcome("b3", Some(false)));
    is_recorded("breaker_open", &open);
    let trying =
        open.at("40s", &permit("c5", &rule)).at("41s", &permit("d6", &rule)).at("42s", &outcome("c5", Some(true)));
    is_recorded("breaker_half_open", &trying);
}

#[test]
fn events_are_recorded_as_ever() {
    is_recorded("events", &events::one_has_it_another_waits());
}

#[test]
fn rates_are_recorded_as_ever() {
    let rule = RateRule { limit: 3, per: Span::from_secs(1), burst: Some(2) };
    let tale = rate().at("1s", &turn("a1", rule)).at("2s", &turn("b2", rule)).at("2s", &turn("c2", rule));
    is_recorded("rate", &tale);
}

#[test]
fn unique_keys_are_recorded_as_ever() {
    let tale = unique().at("1s", &claim("a1")).at("2s", &release("a1")).at("3s", &claim("b3")).at("4s", &claim("c4"));
    is_recorded("unique", &tale);
}

#[test]
fn what_is_gathered_is_recorded_as_ever() {
    is_recorded("gathering", &gathering::some_are_gathered());
}
