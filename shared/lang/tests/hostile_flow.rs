//! Whatever a .flow file contains, reading and formatting it ends with an answer, and soon.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

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

/// One measurement at a time: the tests of a file run at once.
static MEASURING: Mutex<()> = Mutex::new(());

/// Four times the file may take four times as long, and somewhat more; sixteen times would be quadratic. The best of a few counts.
#[track_caller]
fn grows_with_its_size(what: &str, large: usize, source_of: impl Fn(usize) -> String) {
    let sources = [large / 4, large / 2, large].map(source_of);
    let _alone = MEASURING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut best = [Duration::MAX; 3];
    for _ in 0..5 {
        for (source, best) in sources.iter().zip(&mut best) {
            assert!(source.len() <= LARGEST_FILE, "{}", source.len());
            let start = Instant::now();
            drop(read(source, "large.flow"));
            drop(format(source, "large.flow"));
            *best = start.elapsed().min(*best);
        }
        if best[2] < best[0] * 7 {
            return;
        }
    }
    panic!("{what}: a quarter of the file, half of it and all of it took {best:?}");
}

fn repeated(size: usize, head: &str, line: impl Fn(usize) -> String, tail: &str) -> String {
    let mut source = head.to_owned();
    for index in 0.. {
        let line = line(index);
        if source.len() + line.len() + tail.len() > size {
            break;
        }
        source.push_str(&line);
    }
    source + tail
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
