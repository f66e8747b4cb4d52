//! One definition in several forms: YAML with all its ways, JSON, several in a file.

use sagaline_lang::{read, read_all};
use sagaline_model::{Kind, Plan};
use serde_json::json;

use crate::{name, without_warnings};

#[test]
fn the_same_definition_as_json_has_the_same_hash() {
    let yaml = r#"
workflow: w
on: manual
tags: [one]
steps:
  b:
    input: { z: 1, a: [1.5, ~, true, "ä\n\"x\" \\ / ${ workflow.input.x }"] }
    activity: echo
  a:
    after: [b]
    wait: 5m
"#;
    let json = r#"{
	"workflow": "w", "on": ["manual"], "tags": "one",
	"steps": {
		"b": {
			"activity": "echo",
			"input": { "a": [1.5, null, true, "\u00e4\n\"x\" \\ \/ ${ workflow.input.x }"], "z": 1 }
		},
		"a": { "wait": "5m", "after": "b" }
	}
}"#;
    let hash = without_warnings(yaml).hash();
    assert_eq!(without_warnings(json).hash(), hash);
    let compact: String = json.replace("\n", "").replace("\t", "").replace("\": ", "\":").replace(", \"", ",\"");
    assert_eq!(without_warnings(&compact).hash(), hash);
    assert_eq!(without_warnings(&format!("\u{feff}{}", yaml.replace('\n', "\r\n"))).hash(), hash);
    assert_ne!(without_warnings(&json.replace("5m", "6m")).hash(), hash);
}

#[test]
fn yes_and_no_are_text_as_in_yaml_1_2() {
    let plan = without_warnings("workflow: on\nsteps: { off: { activity: echo, input: [yes, no, on, true, 0o17] } }\n");
    let Kind::Step(step) = &plan.root.nodes[0].kind else { panic!("a step") };
    assert_eq!(step.input, json!(["yes", "no", "on", true, 15]));
    assert_eq!(plan.root.nodes[0].name, name("off"));
}

#[test]
fn anchors_aliases_and_merge_keys_repeat_what_they_name() {
    let plan = without_warnings(
        "workflow: w\nsteps:\n  a: &base { activity: echo, queue: slow, input: &in { x: 1 } }\n  b: { <<: *base, queue: fast, after: a }\n  c: { activity: echo, input: { \"<<\": *in, list: [*in] } }\n",
    );
    let input = |at: usize| match &plan.root.nodes[at].kind {
        Kind::Step(step) => (step.queue.as_str(), step.input.clone()),
        other => panic!("{other:?}"),
    };
    assert_eq!(input(1), ("fast", json!({ "x": 1 })));
    assert_eq!(input(2), ("default", json!({ "<<": { "x": 1 }, "list": [{ "x": 1 }] })));
}

#[test]
fn a_file_may_hold_several_workflows() {
    let source = "workflow: a\nsteps: { s: { activity: noop } }\n---\n# b\nworkflow: b\nsteps:\n  s: { activity: noop }\n  t: { activity: echo, input: \"${ steps.s.output }\" }\n---\n";
    let definitions = read_all(source, "two.yaml").expect("two workflows");
    let names: Vec<&str> = definitions.iter().map(|definition| definition.plan.workflow.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(definitions[0].warnings, []);
    assert_eq!(definitions[1].warnings.len(), 1);
    let twice = read_all(&source.replace("workflow: b", "workflow: a"), "two.yaml").expect_err("one name twice");
    let expected = "two.yaml:5:1: a second workflow is called `a`\n  hint: the first one starts on line 1";
    assert!(twice.to_string().contains(expected), "{twice}");
}

/// What is recorded must be readable again: JSON readers stop at 128 levels.
#[test]
fn the_deepest_plan_can_be_read_back() {
    let (mut open, mut close) = (String::new(), String::new());
    for level in 0..15 {
        open.push_str(&format!("{{ s{level}: {{ steps: "));
        close.push_str(" } }");
    }
    let deep = |lists: usize| {
        let (open_lists, close_lists) = ("[".repeat(lists), "]".repeat(lists));
        format!("workflow: w\nsteps: {open} {{ a: {{ activity: echo, input: {open_lists}{close_lists} }} }} {close}\n")
    };
    let lists = (1..60).take_while(|lists| read(&deep(*lists), "deep.yaml").is_ok()).last().expect("some depth");
    assert_eq!(lists, 15);
    let plan = without_warnings(&deep(lists));
    let json = serde_json::to_string(&plan).expect("a plan");
    assert_eq!(serde_json::from_str::<Plan>(&json).expect("not too deep"), plan);
}
