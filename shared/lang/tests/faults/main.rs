//! What people are told about a definition that has faults: the whole text of it, for every kind of fault.

use sagaline_lang::{Severity, read};

mod called;
mod children;
mod conduct;
mod config;
mod control;
mod defaults;
mod events;
mod expand;
mod expressions;
mod gates;
mod people;
mod schema;
mod steps;
mod undoing;
mod values;
mod words;
mod yaml;

/// Reads a definition with faults and compares everything that is told about it.
#[track_caller]
fn told(source: &str, expected: &str) {
    let faults = read(source, "order.yaml").expect_err("a definition with faults");
    let told = faults.render(source);
    assert!(told == expected, "told:\n{told}\n\nexpected:\n{expected}");
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let source = "#".repeat(sagaline_lang::LARGEST_FILE + 1);
    let faults = read(&source, "order.yaml").expect_err("too large");
    let expected = "order.yaml:1:1: the file has 1048577 bytes; at most 1048576 are read\n  \
                    hint: split the workflow into several, or move data out of it";
    assert_eq!(faults.to_string(), expected);
}

#[test]
fn faults_are_written_without_the_source_too_and_as_json() {
    let faults = read("workflow: w\nstep: {}\n", "order.yaml").expect_err("faults");
    let text = "order.yaml:1:1: the workflow has no `steps`\n  hint: a workflow needs at least one step\n\
                order.yaml:2:1: unknown key `step` in the workflow\n  hint: did you mean `steps`?";
    assert_eq!(faults.to_string(), text);
    let json = serde_json::json!([
        {
            "file": "order.yaml", "line": 1, "column": 1, "width": 1, "severity": "error",
            "message": "the workflow has no `steps`", "hint": "a workflow needs at least one step"
        },
        {
            "file": "order.yaml", "line": 2, "column": 1, "width": 4, "severity": "error",
            "message": "unknown key `step` in the workflow", "hint": "did you mean `steps`?"
        },
    ]);
    assert_eq!(serde_json::to_value(&faults).expect("faults are plain data"), json);
}

#[test]
fn a_definition_cannot_write_to_the_terminal() {
    let source = "workflow: w\nsteps: { a: { activity: noop, \"\\e[31mred\": 1 } } # \u{9b}31m\n";
    let told = read(source, "order.yaml").expect_err("an unknown key").render(source);
    assert!(told.contains("unknown key ` [31mred` in step `a`"), "{told}");
    assert!(!told.contains(|c: char| c.is_control() && c != '\n'), "{told:?}");
}

#[test]
fn of_very_many_faults_the_first_are_told_and_the_rest_counted() {
    let source = format!("workflow: w\nsteps: {{ a: {{ activity: noop }} }}\n{}", "x: 1\n".repeat(700));
    let faults = read(&source, "order.yaml").expect_err("faults").0;
    assert_eq!(faults.len(), 501);
    let last = faults.last().expect("the count");
    // 700 unknown keys, 699 of them given a second time.
    assert_eq!(last.message, "the file has 899 faults more than the 500 told here");
    assert!(faults.iter().all(|fault| fault.severity == Severity::Error));
}
