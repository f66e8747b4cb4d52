//! What is said to that which executions share, and what it may answer.

use sagaline_events::{
    EntityInput, Says, Ticket,
    entity::{
        Acquire, Awaited, Came, Claim, ENTITY_INPUT_TYPES, EntityTimer, Gathered, Leave, Outcome, Permit, Release, Turn,
    },
};
use sagaline_model::{BreakerRule, Debounce, Gather, OnLimit, RateRule, Span};
use serde_json::{Value, json};

use crate::file::{at, frame, id, is_promised, is_recorded, name, names_of};

fn every_input() -> Vec<EntityInput> {
    let since = at("2026-01-01T00:00:02.000000001Z");
    let of_execution = || Ticket { since, execution: id("A-100"), path: None, attempt: 0 };
    let of_attempt = || Ticket { path: Some(frame("pay/charge")), attempt: 2, ..of_execution() };
    let rule = BreakerRule { threshold: 5, window: Some(Span::from_secs(60)), reset: Span::from_secs(30), probes: 1 };
    vec![
        EntityInput::Acquire(Acquire { ticket: of_execution(), limit: 5, on_limit: OnLimit::CancelOld }),
        EntityInput::Release(Release { ticket: of_execution() }),
        EntityInput::Permit(Permit { ticket: of_attempt(), rule }),
        EntityInput::Outcome(Outcome { ticket: of_attempt(), ok: Some(false) }),
        EntityInput::Timer(EntityTimer {}),
        EntityInput::Await(Awaited { ticket: of_attempt(), keep: Span::from_secs(600) }),
        EntityInput::Leave(Leave { ticket: of_attempt() }),
        EntityInput::Event(Came {
            source: "/shop".into(),
            id: "e-1".into(),
            at: since,
            keep: Span::from_secs(600),
            event: event(),
        }),
        EntityInput::Turn(Turn {
            ticket: of_attempt(),
            rule: RateRule { limit: 10, per: Span::from_secs(1), burst: Some(5) },
        }),
        EntityInput::Claim(Claim { ticket: of_execution(), ttl: Span::from_secs(3600), origin: Some(id("A-99")) }),
        EntityInput::Gather(Box::new(Gathered {
            workflow: name("order"),
            rule: Gather::Debounce(Debounce {
                quiet: Span::from_secs(5),
                key: Some("${ trigger.subject }".into()),
                max: Some(Span::from_secs(60)),
            }),
            source: "/shop".into(),
            id: "e-1".into(),
            at: since,
            event: event(),
            input: json!({ "order": "A-100" }),
        })),
    ]
}

fn event() -> Value {
    json!({ "specversion": "1.0", "id": "e-1", "source": "/shop", "type": "order.paid", "data": { "order": "A-100" } })
}

#[test]
fn every_input_of_an_entity_is_written_and_read_as_recorded() {
    let inputs = every_input();
    let kinds: Vec<_> = inputs.iter().map(EntityInput::kind).collect();
    assert_eq!(kinds, ENTITY_INPUT_TYPES, "every type of input has a golden file");
    for input in &inputs {
        let data: Value = serde_json::from_slice(&input.data()).unwrap();
        let recorded = is_recorded(&format!("entities/{}", input.kind()), &json!({"type": input.kind(), "data": data}));
        let (kind, data) = (recorded["type"].as_str().unwrap(), recorded["data"].to_string());
        assert_eq!(&EntityInput::read(kind, data.as_bytes()).unwrap(), input);
    }
    let mut expected: Vec<_> = ENTITY_INPUT_TYPES.iter().map(|kind| (*kind).to_owned()).collect();
    expected.sort();
    assert_eq!(names_of("entities"), expected, "a type that was recorded once is read for ever");
}

#[test]
fn every_answer_is_written_and_read_as_recorded() {
    let says = vec![
        Says::Granted,
        Says::Refused { limit: 5 },
        Says::GiveUp { to: id("A-101") },
        Says::StillThere,
        Says::Permitted,
        Says::Delayed { until: at("2026-01-01T00:00:32.000000001Z") },
        Says::Reserved { at: at("2026-01-01T00:00:02.1Z") },
        Says::Claimed { until: at("2026-01-01T01:00:02.1Z") },
        Says::Taken { by: id("A-101"), until: at("2026-01-01T01:00:02.1Z") },
    ];
    is_promised("entity_says", &says);
    is_promised("entity_says_came", &Says::Came { event: event() });
}

#[test]
fn an_outcome_that_says_nothing_may_be_left_out() {
    let json = br#"{"since":"2026-01-01T00:00:02Z","execution":"a","path":"b","attempt":1}"#;
    let read = EntityInput::read("sagaline.entity.outcome.v1", json).unwrap();
    assert!(matches!(read, EntityInput::Outcome(Outcome { ok: None, .. })), "{read:?}");
}
