//! Whatever a .flow file contains, reading and formatting it ends with an answer, and soon.

#[path = "measured/growth.rs"]
mod growth;

use growth::repeated;
use proptest::{prelude::*, test_runner::RngSeed};
use sagaline_lang::{LARGEST_FILE, format, read, read_all};

/// Pieces that .flow files are made of, so that random ones get far.
const PIECES: [&str; 49] = [
    "\n",
    " ",
    "\t",
    ":",
    ",",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "\"",
    "'",
    "\"\"\"",
    "\\",
    "\\u",
    "// x\n",
    "/*",
    "#",
    "é",
    "\u{feff}",
    "\r",
    "workflow w {",
    "job j {",
    "steps {",
    "parallel {",
    "a {",
    "b { activity noop }",
    "activity ",
    "after [a]",
    "trigger event ",
    "schedule \"@daily\" ",
    "if \"",
    "retry 3 times ",
    "on_fail: rollback ",
    "switch [",
    "for_each ",
    "input { x: ",
    "steps.a.output",
    "${",
    "30m",
    "-1",
    "null",
    "== 1",
    "call",
    "send email(",
    "check a > b",
    "+5",
    "\u{1F600}",
];

fn survives(text: &str) {
    let _alone = growth::alone();
    if let Err(faults) = read_all(text, "any.flow") {
        assert!(!faults.0.is_empty());
        for fault in &faults.0 {
            assert!(fault.line >= 1 && fault.column >= 1 && fault.width >= 1 && !fault.message.is_empty(), "{fault:?}");
        }
        assert!(!faults.render(text).is_empty());
    }
    if let Ok(once) = format(text, "any.flow") {
        assert_eq!(format(&once, "any.flow").as_ref(), Ok(&once), "formatted once more");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(5),
        ..ProptestConfig::default()
    })]

    #[test]
    fn random_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        survives(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn random_rubble_is_survived(pieces in proptest::collection::vec(proptest::sample::select(&PIECES[..]), 0..60)) {
        survives(&pieces.concat());
        survives(&format!("workflow w {{ steps {{ a {{ {}", pieces.concat()));
        survives(&format!("workflow w {{ steps {{ a {{ activity noop }} {} }} }}", pieces.concat()));
    }
}

/// Reading and formatting it.
#[track_caller]
fn grows_with_its_size(what: &str, large: usize, source_of: impl Fn(usize) -> String) {
    growth::grows_with_its_size(what, large, source_of, |source| {
        drop(read(source, "large.flow"));
        drop(format(source, "large.flow"));
    });
}

const HEAD: &str = "workflow w {\nsteps {\n";

#[test]
fn steps_that_follow_one_another_are_read_in_linear_time() {
    grows_with_its_size("steps", LARGEST_FILE, |size| {
        repeated(size, HEAD, |i| format!("s{i} {{ activity noop timeout {i}s }} // step {i}\n"), "}}")
    });
}

#[test]
fn groups_in_a_group_behind_a_large_one_are_read_in_linear_time() {
    grows_with_its_size("groups", LARGEST_FILE, |size| {
        let first = repeated(size / 2, "workflow w { steps { parallel {\n", |i| format!("a{i} {{ wait 1s }}\n"), "}\n");
        repeated(size, &(first + "parallel {\n"), |i| format!("parallel {{ b{i} {{ wait 1s }} }}\n"), "}}}")
    });
}

#[test]
fn blocks_that_are_never_closed_are_read_in_linear_time() {
    grows_with_its_size("blocks", LARGEST_FILE, |size| {
        repeated(size, "", |i| format!("workflow w{i} {{ steps {{ a {{ activity noop\n"), "")
    });
}

#[test]
fn blocks_without_end_are_read_in_linear_time() {
    grows_with_its_size("depth", LARGEST_FILE, |size| repeated(size, HEAD, |_| "a { steps {\n".to_owned(), ""));
}

#[test]
fn very_many_faults_are_found_in_linear_time() {
    grows_with_its_size("faults", LARGEST_FILE, |size| {
        repeated(size, HEAD, |i| format!("s{i} {{ activty noop, after t{i}, when 5 = }} \\ ;\n"), "}}")
    });
}

#[test]
fn one_line_of_everything_is_read_in_linear_time() {
    grows_with_its_size("line", LARGEST_FILE, |size| {
        let head = "workflow w { steps { a { activity echo input { list: [ ";
        repeated(size, head, |i| format!("{{ \"key\": \"steps. välue {i}\", n: {i} }}, "), "] } } } }")
    });
}

#[test]
fn comments_and_long_texts_are_read_in_linear_time() {
    grows_with_its_size("texts", LARGEST_FILE, |size| {
        let head = "workflow w { steps { a { activity echo input { text: \"\"\"\n";
        repeated(size / 2, head, |i| format!("    line {i} with ü\n"), "\"\"\" } } } }\n")
            + &repeated(size / 2, "", |i| format!("// comment {i}\n"), "")
    });
}

#[test]
fn quotes_that_are_never_closed_are_read_in_linear_time() {
    grows_with_its_size("quotes", LARGEST_FILE, |size| {
        repeated(size, HEAD, |i| format!("s{i} {{ activity \"noop }}\n"), "")
    });
}

#[test]
fn quotes_behind_backslashes_are_read_in_linear_time() {
    for line in ["a \\\" \\\"\n", " \\\"x\n", "a \"x \\\n", "a 'x \\\" \"\n"] {
        grows_with_its_size("escaped quotes", LARGEST_FILE, |size| repeated(size, HEAD, |_| line.to_owned(), "}}"));
    }
}

#[test]
fn curled_quotes_and_semicolons_on_one_line_are_read_in_linear_time() {
    grows_with_its_size("curled", LARGEST_FILE, |size| repeated(size, HEAD, |_| "“a” ;".to_owned(), "}}"));
}

#[test]
fn steps_that_are_right_are_read_and_formatted_in_linear_time() {
    let steps = |i: usize| format!("    s{i} {{ activity noop, input {{ n: {i}, text: \"value {i}\" }} }} // {i}\n");
    grows_with_its_size("steps", LARGEST_FILE, |size| repeated(size, HEAD, steps, "  }\n}\n"));
}

#[test]
fn an_expression_that_fills_the_file_is_read_in_linear_time() {
    grows_with_its_size("a phrase", LARGEST_FILE, |size| {
        repeated(size, "workflow w { steps { a { activity x if a", |i| format!(" + b{i}.c"), " } } }")
    });
}

#[test]
fn groups_that_wait_for_one_another_in_millions_of_pairs_are_refused() {
    let _alone = growth::alone();
    let group = |name: &str| (0..5_000).map(|i| format!("{name}{i} {{ wait 1s }} ")).collect::<String>();
    let source = format!("workflow w {{ steps {{ parallel {{ {} }} parallel {{ {} }} }} }}", group("a"), group("b"));
    let faults = read_all(&source, "x.flow").expect_err("25 million pairs");
    assert!(faults.0[0].message.contains("more than 200000 pairs of steps wait for each other"), "{}", faults.0[0]);
}
