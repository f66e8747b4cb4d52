//! The builder of sagas: what it builds is what a file gives.

use std::time::Duration;

use sagaline_sdk::saga::{Plan, Saga, Undo};
use serde_json::json;

fn of_yaml(text: &str) -> Plan {
    sagaline_lang::read(text, "order.yaml").unwrap_or_else(|faults| panic!("{faults}")).plan
}

#[test]
fn a_chain_with_compensations_is_the_plan_of_its_file() {
    let saga = Saga::new("order")
        .timeout(Duration::from_secs(30 * 60))
        .metadata("order_type", "express")
        .step("reserve", "stock.reserve")
        .input(json!({ "order": "${ workflow.input.order_id }" }))
        .compensate("stock.release")
        .step("charge", "payments.charge")
        .input(json!({ "amount": "${ workflow.input.total }" }))
        .queue("payments")
        .timeout(Duration::from_secs(60))
        .attempts(3)
        .when("workflow.input.total > 0")
        .metadata("psp", "first")
        .compensate(Undo::by("payments.refund").input(json!({ "payment": "${ output.id }" })).attempts(50))
        .compensate(Undo::by("mail.sorry").queue("mail").timeout(Duration::from_secs(5)).allow_skip().metadata("n", 1))
        .compensate_even_if_it_failed()
        .step("notify", "mail.send")
        .non_critical()
        .build()
        .unwrap();
    let file = of_yaml(
        "
workflow: order
timeout: 30m
metadata: { order_type: express }
steps:
  reserve:
    activity: stock.reserve
    input: { order: \"${ workflow.input.order_id }\" }
    compensate: stock.release
  charge:
    after: reserve
    activity: payments.charge
    input: { amount: \"${ workflow.input.total }\" }
    queue: payments
    timeout: 1m
    retry: { attempts: 3 }
    when: workflow.input.total > 0
    metadata: { psp: first }
    compensate:
      on: attempted
      actions:
        - { activity: payments.refund, input: { payment: \"${ output.id }\" }, retry: { attempts: 50 } }
        - { activity: mail.sorry, queue: mail, timeout: 5s, allow_skip: true, metadata: { n: 1 } }
  notify: { after: charge, activity: mail.send, on_error: continue }
",
    );
    assert_eq!(saga, file);
    assert_eq!((saga.hash(), saga.rules), (file.hash(), Plan::RULES_OF_SAGAS));
}

#[test]
fn branches_begin_at_once_and_are_waited_for() {
    let saga = Saga::new("travel")
        .step("begin", "trip.open")
        .parallel(|trip| {
            trip.step("flight", "flights.book")
                .compensate("flights.cancel")
                .then("seat", "flights.seat")
                .step("hotel", "hotels.book")
                .compensate("hotels.cancel")
        })
        // Nothing is no stage.
        .parallel(|nothing| nothing)
        .step("confirm", "trip.confirm")
        .build()
        .unwrap();
    let file = of_yaml(
        "
workflow: travel
steps:
  begin: { activity: trip.open }
  flight: { after: begin, activity: flights.book, compensate: flights.cancel }
  seat: { after: flight, activity: flights.seat }
  hotel: { after: begin, activity: hotels.book, compensate: hotels.cancel }
  confirm: { after: [seat, hotel], activity: trip.confirm }
",
    );
    assert_eq!((&saga, saga.hash()), (&file, file.hash()));
}

#[test]
fn a_saga_may_begin_with_branches_and_say_what_else_a_definition_says() {
    let saga = Saga::new("both")
        .with("on", json!({ "event": "order.created" }))
        .parallel(|both| both.step("z", "echo").with("heartbeat", "5s").step("a", "echo"));
    let file = of_yaml(
        "workflow: both\non: { event: order.created }\nsteps: { z: { activity: echo, heartbeat: 5s }, a: { activity: echo } }\n",
    );
    assert_eq!(saga.build().unwrap().hash(), file.hash(), "the steps stay in their order");
    assert_eq!(of_yaml(&saga.source()), file, "its source is a definition, too");
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let saga = Saga::new("order")
        .step("reserve", "stock.reserve")
        .input("${ steps.reserved.output }")
        .compensate("no good")
        .step("reserve", "stock.reserve")
        .with("timeout", 30);
    let error = saga.build().unwrap_err().to_string();
    for part in ["the saga cannot be built", "`reserved`", "no good", "`reserve` is given twice", "30"] {
        assert!(error.contains(part), "{part}: {error}");
    }
}
