//! Whatever a file contains, reading it ends with an answer, and soon.

#[path = "measured/growth.rs"]
mod growth;

use growth::repeated;
use proptest::{prelude::*, test_runner::RngSeed};
use sagaline_lang::{LARGEST_FILE, read, read_all};

const GOOD: &str = include_str!("../../../examples/order.yaml");

/// Pieces that YAML, definitions and expressions are made of, so that random files get far.
const PIECES: [&str; 48] = [
    "\n",
    "\n  ",
    "\n    ",
    "\n- ",
    " ",
    "\t",
    ": ",
    ":",
    ", ",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "'",
    "|\n",
    ">-\n ",
    "#",
    "&a ",
    "*a",
    "<<",
    "!!str ",
    "!x ",
    "---\n",
    "...\n",
    "%YAML 1.2\n",
    "? ",
    "- ",
    "~",
    "\u{feff}",
    "é",
    "\\",
    "\\u00",
    "workflow: w\n",
    "steps:\n",
    "steps",
    "a",
    "b",
    "activity: noop",
    "after: ",
    "wait: ",
    "await: ",
    "retry: ",
    "${",
    "${ steps.a.output }",
    "workflow.input",
    " + ",
    "5m",
];

/// Reads, shows every fault, and checks what must hold of any answer.
fn survives(source: &str) {
    let _alone = growth::alone();
    if let Err(faults) = read_all(source, "any.yaml") {
        assert!(!faults.0.is_empty());
        for fault in &faults.0 {
            assert!(fault.line >= 1 && fault.column >= 1 && fault.width >= 1 && !fault.message.is_empty(), "{fault:?}");
        }
        assert!(!faults.render(source).is_empty());
    }
    if let Ok(definition) = read(source, "any.yaml") {
        let json = serde_json::to_string(&definition.plan).expect("a plan");
        assert_eq!(
            serde_json::from_str::<sagaline_model::Plan>(&json).expect("the same plan").hash(),
            definition.plan.hash()
        );
    }
}

proptest! {
    // The same every day: who is told of a failure shall find it again.
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(1),
        ..ProptestConfig::default()
    })]

    #[test]
    fn random_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        survives(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn random_yaml_is_survived(pieces in proptest::collection::vec(proptest::sample::select(&PIECES[..]), 0..60)) {
        survives(&pieces.concat());
        survives(&format!("workflow: w\nsteps:\n  a: {}", pieces.concat()));
    }

    #[test]
    fn a_good_file_with_changes_is_survived(
        changes in proptest::collection::vec((0..GOOD.len(), 0..12_usize, proptest::sample::select(&PIECES[..])), 1..6),
    ) {
        let mut source: Vec<char> = GOOD.chars().collect();
        for (at, dropped, piece) in changes {
            let at = at.min(source.len());
            let end = (at + dropped).min(source.len());
            source.splice(at..end, piece.chars());
        }
        survives(&source.into_iter().collect::<String>());
    }
}

#[track_caller]
fn grows_with_its_size(what: &str, large: usize, source_of: impl Fn(usize) -> String) {
    growth::grows_with_its_size(what, large, source_of, |source| drop(read(source, "large.yaml")));
}

const HEAD: &str = "workflow: w\nsteps:\n";

#[test]
fn a_chain_of_steps_that_read_the_first_is_read_in_linear_time() {
    // Expressions are compiled one by one; a quarter of the largest file is enough of them.
    grows_with_its_size("chain", LARGEST_FILE / 4, |size| {
        let line = |i: usize| match i.checked_sub(1) {
            None => "  s0: { activity: noop }\n".to_owned(),
            Some(before) => {
                format!("  s{i}: {{ activity: echo, after: s{before}, input: \"${{ steps.s0.output }}\" }}\n")
            }
        };
        repeated(size, HEAD, line, "")
    });
}

#[test]
fn many_steps_are_read_in_linear_time() {
    grows_with_its_size("steps", LARGEST_FILE, |size| {
        let line = |i: usize| format!("  s{i}: {{ activity: noop, after: [s{}, s{}] }}\n", i + 1, i + 2);
        repeated(size, HEAD, line, "")
    });
}

#[test]
fn steps_that_all_wait_for_each_other_are_read_in_linear_time() {
    grows_with_its_size("circles", LARGEST_FILE, |size| {
        repeated(size, HEAD, |i| format!("  s{i}: {{ activity: noop, after: [s{}, s{}] }}\n", i + 1, i / 2), "")
    });
}

#[test]
fn very_many_faults_are_found_in_linear_time() {
    grows_with_its_size("faults", LARGEST_FILE, |size| {
        repeated(size, HEAD, |i| format!("  s{i}: {{ activty: noop, after: t{i}, when: 5 }}\n"), "")
    });
}

#[test]
fn one_long_line_of_json_is_read_in_linear_time() {
    grows_with_its_size("json", LARGEST_FILE, |size| {
        let head = r#"{"workflow":"w","steps":{"a":{"activity":"echo","input":["#;
        repeated(size, head, |i| format!(r#"{{"key":"value {i}","n":{i}}},"#), r#"0]}}}"#)
    });
}

#[test]
fn one_long_text_is_read_in_linear_time() {
    grows_with_its_size("text", LARGEST_FILE, |size| {
        let head = "workflow: w\nsteps:\n  a:\n    activity: echo\n    input: |\n";
        repeated(size, head, |i| format!("      line {i} with ü\n"), "")
    });
}

#[test]
fn one_line_with_very_many_wrong_expressions_is_read_in_linear_time() {
    grows_with_its_size("expressions", LARGEST_FILE / 8, |size| {
        let line = |i: usize| format!("ünknown ${{ a{i} + steps.b{i}.output }}");
        repeated(size, "workflow: w\nsteps: { a: { wait: 5m } }\noutput: !!str \"", line, "\"\n")
    });
}

#[test]
fn one_line_with_very_many_doubtful_expressions_is_read_in_linear_time() {
    grows_with_its_size("doubts", LARGEST_FILE / 8, |size| {
        let line = |i: usize| format!("ünknown ${{ 'a' + {i} }}");
        repeated(size, "workflow: w\nsteps: { a: { wait: 5m } }\noutput: !!str \"", line, "\"\n")
    });
}

#[test]
fn a_file_with_very_many_expressions_is_refused_before_they_are_compiled() {
    let _alone = growth::alone();
    let source =
        repeated(LARGEST_FILE, "workflow: w\noutput: \"", |i| format!("${{a{i}}}"), "\"\nsteps: { a: { wait: 5m } }\n");
    let faults = read(&source, "large.yaml").expect_err("too many expressions");
    let expected = "large.yaml:2:9: the file has more than 20000 expressions\n  hint: split the workflow into several";
    assert_eq!(faults.to_string(), expected);
}

#[test]
fn aliases_are_read_in_linear_time() {
    grows_with_its_size("aliases", LARGEST_FILE, |size| {
        repeated(size, "workflow: w\ntags: [&a x", |_| ", *a".to_owned(), "]\nsteps: { a: { activity: noop } }\n")
    });
}

#[test]
fn many_steps_are_written_back_in_linear_time() {
    let plan_of = |size: usize| {
        let line =
            |i: usize| format!("  s{i}: {{ activity: a{}, after: s{1}, timeout: {1}s, retry: 3 }}\n", i % 7, i + 1);
        let source = repeated(size, HEAD, line, "  last: { wait: 1s }\n");
        let last = source.matches("\n  s").count();
        let source = source.replace("  last:", &format!("  s{last}:"));
        read(&source, "large.yaml").unwrap_or_else(|faults| panic!("{}", faults.0[0])).plan
    };
    let plans = [LARGEST_FILE / 32, LARGEST_FILE / 2].map(plan_of);
    growth::takes_linear_time("a plan", &plans, |plan| {
        drop(sagaline_lang::to_yaml(plan).expect("it can be written"));
    });
}
