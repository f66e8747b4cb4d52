//! What a project gives, which expressions read as `config`: it is a part of the plan.

use sagaline_lang::{Surroundings, read_all_within};
use sagaline_model::Plan;
use serde_json::{Value, json};

use crate::{
    inputs::expanded,
    story::{Story, of},
};

fn plan(keys: &str, config: &Value) -> Plan {
    let source = format!("workflow: w\n{keys}");
    let within = Surroundings { config: config.as_object().cloned(), ..Surroundings::default() };
    let mut read = read_all_within(&source, "story.yaml", &within).unwrap_or_else(|faults| panic!("{faults}"));
    read.remove(0).plan
}

fn story(steps: &str, config: &Value) -> Story {
    let steps: String = steps.lines().map(|line| format!("  {line}\n")).collect();
    of(plan(&format!("steps:\n{steps}"), config))
}

#[test]
fn values_of_the_project_are_read_by_their_names() {
    let config = json!({ "reports": { "to": ["ann", "bob"], "at": 6 }, "eu": { "rate": 1.2 }, "patience": "5s" });
    let input = "{ to: '${ config.reports.to }', rate: '${ config[\"eu\"].rate }', high: '${ config.eu.rate > 1 }' }";
    story(&format!("a: {{ activity: one, input: {input}, timeout: '${{ config.patience }}' }}"), &config)
        .start()
        .gives_task_with("a", json!({ "to": ["ann", "bob"], "rate": 1.2, "high": true }));
}

#[test]
fn a_value_may_be_chosen_by_what_is_known_when_it_runs() {
    let config = json!({ "desks": { "eu": { "mail": "eu@x" }, "us": { "mail": "us@x" } } });
    story("a: { activity: one, input: '${ config.desks[workflow.input.region].mail }' }", &config)
        .start_with(json!({ "region": "us" }))
        .gives_task_with("a", json!("us@x"));
}

#[test]
fn of_all_that_a_project_gives_the_plan_holds_what_is_read() {
    let config = json!({ "a": { "b": 1, "c": 2 }, "d": { "e": [1], "f": 2 }, "g": 3 });
    let steps = "a: { activity: one, input: ['${ config.a.b }', '${ config.d.e[0] + config.d.e.size() }'] }";
    let read = plan(&format!("steps: {{ {steps} }}"), &config);
    assert_eq!((Value::from(read.config), read.rules), (json!({ "a": { "b": 1 }, "d": { "e": [1] } }), 7));
    let other = plan("steps: { a: { activity: one } }", &config);
    assert!(other.config.is_empty() && other.rules == Plan::FIRST_RULES);
}

#[test]
fn an_item_of_that_name_hides_it() {
    let steps = "a: { for_each: { items: [7], as: config }, activity: one, input: '${ config }' }";
    let plan = plan(&format!("steps: {{ {steps} }}"), &json!({ "x": 1 }));
    assert!(plan.config.is_empty());
    of(plan).start().gives_task_with("a/item", json!(7));
}

#[test]
fn steps_that_a_step_returns_see_what_the_definition_reads() {
    let returned = json!([{ "name": "x", "kind": { "step": { "activity": "two", "input": "${ config.n }" } } }]);
    story("a: { activity: one, expand: true, input: '${ config.n }' }", &json!({ "n": 4, "m": 5 }))
        .start()
        .gives_task_with("a", json!(4))
        .at("1s", expanded("a", 1, returned))
        .gives_task_with("a/x", json!(4));
}
