//! Values of the project: what people are told about those that are not there.

use sagaline_lang::{Surroundings, read, read_all, read_all_within};
use serde_json::json;

fn within() -> Surroundings {
    let config = json!({ "reports": { "recipients": ["ann"], "at": "6:00" }, "mail-from": "x@y", "region": "eu" });
    Surroundings { config: config.as_object().cloned(), ..Surroundings::default() }
}

#[test]
fn a_value_that_is_not_there_is_told_with_its_place_and_what_is_near() {
    let source = r#"workflow: w
on: { event: paid, when: "${ trigger.data.n > config.regoin }" }
steps:
  a: { activity: echo, input: ["${ config.reports.recipents }", "${ config.other }", "${ config.mail-from }"] }
  b: { wait: "${ config.reports.at.first }" }
  c: { activity: echo, when: "config != null", input: "${ config.reports.other }" }
"#;
    let faults = read_all_within(source, "order.yaml", &within()).expect_err("faults");
    let expected = r#"order.yaml:2:54: there is no value `config.regoin`
  |
2 | on: { event: paid, when: "${ trigger.data.n > config.regoin }" }
  |                                                      ^^^^^^
  hint: did you mean `config.region`?

order.yaml:4:51: there is no value `config.reports.recipents`
  |
4 |   a: { activity: echo, input: ["${ config.reports.recipents }", "${ config.other }", "${ config.mail-from }"] }
  |                                                   ^^^^^^^^^
  hint: did you mean `config.reports.recipients`?

order.yaml:4:76: there is no value `config.other`
  |
4 |   a: { activity: echo, input: ["${ config.reports.recipents }", "${ config.other }", "${ config.mail-from }"] }
  |                                                                            ^^^^^
  hint: `config` has `mail-from`, `region`, `reports`
"#;
    let told = faults.render(source);
    assert!(told.starts_with(expected), "{told}");
    for part in [
        "there is no value `config.mail`",
        "hint: a `-` in an expression subtracts; write `config[\"mail-from\"]`",
        "order.yaml:5:36: `config.reports.at` is text, and has no `first`",
        "`config` alone cannot be read",
        "hint: name a value: `config.reports.recipients`",
        "there is no value `config.reports.other`",
        "hint: `config.reports` has `at`, `recipients`",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[test]
fn without_a_project_there_is_no_value_at_all() {
    let source = "workflow: w\nsteps: { a: { activity: echo, input: '${ config.x }' } }\n";
    let none = Surroundings { config: Some(Default::default()), ..Surroundings::default() };
    let told = read_all_within(source, "order.yaml", &none).expect_err("a fault").to_string();
    let expected = "order.yaml:2:49: there is no value `config.x`\n  \
                    hint: give it one under `[config]` in `sagaline.toml`, the file of the project";
    assert_eq!(told, expected);
}

#[test]
fn who_does_not_know_the_project_takes_every_name() {
    let source = "workflow: w\nsteps: { a: { activity: echo, input: '${ config.x.y }' } }\n";
    let plan = read_all(source, "order.yaml").expect("a definition").remove(0).plan;
    assert_eq!((plan.config.len(), plan.rules), (0, 7));
}

#[test]
fn what_is_said_about_an_event_that_is_waited_for_reads_none() {
    let source = "workflow: w\nsteps: { a: { await: { event: paid, when: '${ trigger.data.n > config.x }' } } }\n";
    let told = read(source, "order.yaml").expect_err("a fault").to_string();
    assert!(told.contains("`config` cannot be read in what is said about the event"), "{told}");
}
