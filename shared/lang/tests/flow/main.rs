//! The .flow language: what its words mean, told by the same in YAML.

use sagaline_lang::{Definition, read, read_all};
use sagaline_model::Plan;

mod meaning;

/// The plan of a .flow text.
#[track_caller]
fn flow(source: &str) -> Plan {
    definition(source).plan
}

#[track_caller]
fn definition(source: &str) -> Definition {
    read(source, "test.flow").unwrap_or_else(|faults| panic!("{}", faults.render(source)))
}

#[track_caller]
fn yaml(source: &str) -> Plan {
    read(source, "test.yaml").unwrap_or_else(|faults| panic!("{}", faults.render(source))).plan
}

/// Both say the same.
#[track_caller]
fn means(in_flow: &str, in_yaml: &str) {
    let (flow, yaml) = (flow(in_flow), yaml(in_yaml));
    let pretty = |plan: &Plan| serde_json::to_string_pretty(plan).expect("a plan");
    assert!(flow == yaml, "{}\n\nexpected\n{}", pretty(&flow), pretty(&yaml));
    assert_eq!(flow.hash(), yaml.hash());
}

/// The body of a step in both.
#[track_caller]
fn step_means(in_flow: &str, in_yaml: &str) {
    means(
        &format!("workflow w {{ steps {{ a {{ {in_flow} }} }} }}"),
        &format!("workflow: w\nsteps:\n  a: {in_yaml}\n"),
    );
}

#[test]
fn several_definitions_stand_in_one_file() {
    let source =
        "workflow a { steps { x { activity noop } } }\njob b { task noop }\nworkflow c { steps { x { wait 1s } } }";
    let names: Vec<String> =
        read_all(source, "x.flow").expect("three").iter().map(|one| one.plan.workflow.to_string()).collect();
    assert_eq!(names, ["a", "b", "c"]);
}
mod converting;
mod formatting;
