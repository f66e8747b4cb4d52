//! Values that expressions read as `config`: from the workflow itself, and from the worker that brings it.

use sagaline_sdk::{
    worker::{ActivityContext, Worker},
    workflow::{Surroundings, Workflow, activity},
};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

fn report() -> Workflow {
    Workflow::new("report")
        .step("write", activity("reports.write").when("${ ctx.total >= config.least_total }"))
        .step("send", activity("mail.send").after("write").input(json!({ "to": "${ config.mail.to }" })))
}

const YAML: &str = r#"
workflow: report
steps:
  write: { activity: reports.write, when: "${ ctx.total >= config.least_total }" }
  send: { after: write, activity: mail.send, input: { to: "${ config.mail.to }" } }
"#;

fn map(values: Value) -> Map<String, Value> {
    match values {
        Value::Object(map) => map,
        other => panic!("{other} is no map"),
    }
}

#[test]
fn values_of_a_workflow_give_the_plan_that_those_of_a_project_give() {
    let values = json!({ "least_total": 10, "mail": { "to": "ann@example.com" }, "unread": true });
    let built = report().config(values.clone()).build().expect("it can be built");
    let within = Surroundings { config: Some(map(values)), ..Surroundings::default() };
    let read = sagaline_lang::read_all_within(YAML, "report.yaml", &within).expect("it is read");
    assert_eq!(built.plan(), &read[0].plan);
    assert_eq!(built.plan().hash(), read[0].plan.hash());
    assert_eq!(built.plan().config, map(json!({ "least_total": 10, "mail": { "to": "ann@example.com" } })));
    assert!(!built.source().contains("ann@"), "the text stays without them");
}

#[test]
fn values_of_its_own_go_before_others() {
    let within = Surroundings {
        config: Some(map(json!({ "least_total": 10, "mail": { "to": "ann@example.com" } }))),
        ..Surroundings::default()
    };
    let built = report().config(json!({ "least_total": 20 })).build_within(&within).expect("it can be built");
    assert_eq!(built.plan().config, map(json!({ "least_total": 20, "mail": { "to": "ann@example.com" } })));
}

#[test]
fn a_value_that_is_nowhere_is_told_with_its_step() {
    let error = report().build().expect_err("there are no values").to_string();
    assert_eq!(
        error,
        "the workflow `report` cannot be built:
  step `write`: there is no value `config.least_total` (give it one with `Workflow::config`, or with `Worker::config` for all that a worker brings)
  step `send`, `input`: there is no value `config.mail` (give it one with `Workflow::config`, or with `Worker::config` for all that a worker brings)"
    );
    let error = report().config(json!({ "least_totl": 10, "mail": {} })).build().expect_err("it is called otherwise");
    assert_eq!(error.faults[0].hint.as_deref(), Some("did you mean `config.least_totl`?"));
    let error = report().config(json!([1])).build().expect_err("no map").to_string();
    assert!(error.contains("`config`: what is read as `config` is a map of values"), "{error}");
}

/// What is wrong with a worker is told before it connects.
fn told(worker: Worker) -> String {
    let echo = |_: ActivityContext, input: Value| async move { Ok(input) };
    let running = worker.activity("echo", echo).run(CancellationToken::new());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(running).expect_err("it cannot run").to_string()
}

#[test]
fn a_worker_has_values_for_all_its_workflows() {
    let worker = || Worker::new("nats://127.0.0.1:1").workflow(report());
    let error = told(worker().config(json!({ "least_total": 10 })));
    assert!(error.contains("`config.mail`") && !error.contains("`config.least_total`"), "{error}");
    let error = told(worker().config(json!("ann")));
    assert!(error.contains("its config is no map of values"), "{error}");
    // Nothing but the server is missing now.
    let all = json!({ "least_total": 10, "mail": { "to": "ann@example.com" } });
    let error = told(worker().config(all).queue("no good"));
    assert!(!error.contains("config"), "{error}");
}
