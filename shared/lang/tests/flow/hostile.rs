//! Large and strange files: no panic, and time that grows with their size.
#![expect(clippy::print_stdout, reason = "with `--nocapture` it tells how long large files take")]

use std::time::{Duration, Instant};

use proptest::{prelude::*, test_runner::RngSeed};
use sagaline_lang::{LARGEST_FILE, format, read_all};

/// Reads and formats whatever it is, and checks what must hold of any answer.
fn survives(source: &str) {
    if let Err(faults) = read_all(source, "any.flow") {
        assert!(!faults.0.is_empty());
        for fault in &faults.0 {
            assert!(fault.line >= 1 && fault.column >= 1 && fault.width >= 1 && !fault.message.is_empty(), "{fault:?}");
        }
        assert!(!faults.render(source).is_empty());
    }
    if let Ok(formatted) = format(source, "any.flow") {
        assert_eq!(format(&formatted, "any.flow").as_ref(), Ok(&formatted), "{source}");
    }
}

const PIECES: [&str; 34] = [
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    ":",
    ",",
    "\n",
    " ",
    "workflow w",
    "job j {",
    "steps {",
    "a {",
    "activity x",
    "if",
    "\"",
    "'",
    "\"\"\"",
    "\\u12",
    "${",
    "trigger event",
    "retry 3 times",
    "call",
    "send email(",
    "on_fail:",
    "check a > b",
    "//",
    "/*",
    "\u{feff}",
    "\r",
    "é",
    "\u{1F600}",
    "-",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        survives(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn random_pieces_are_survived(pieces in proptest::collection::vec(proptest::sample::select(&PIECES[..]), 0..60)) {
        survives(&pieces.concat());
        survives(&format!("workflow w {{ steps {{ a {{ {}", pieces.concat()));
    }
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

/// Four times the file may take four times as long, and somewhat more for a larger memory; sixteen times would be quadratic.
#[track_caller]
fn grows_with_its_size(what: &str, large: usize, source_of: impl Fn(usize) -> String) {
    let sources = [large / 4, large].map(source_of);
    let mut best = [Duration::MAX; 2];
    for _ in 0..5 {
        for (source, best) in sources.iter().zip(&mut best) {
            let start = Instant::now();
            drop(read_all(source, "large.flow"));
            drop(format(source, "large.flow"));
            *best = start.elapsed().min(*best);
        }
        if best[1] < best[0] * 7 {
            println!("{what}: {} bytes in {:?}", sources[1].len(), best[1]);
            return;
        }
    }
    panic!("{what}: a quarter of the file and all of it took {best:?}");
}

#[test]
fn large_files_are_read_and_formatted_in_linear_time() {
    const HEAD: &str = "workflow w {\n  steps {\n";
    let steps = |i: usize| format!("    s{i} {{ activity noop, input {{ n: {i}, text: \"value {i}\" }} }} // {i}\n");
    grows_with_its_size("steps", LARGEST_FILE / 8, |size| repeated(size, HEAD, steps, "  }\n}\n"));
    let faulty = |i: usize| format!("    s{i} {{ activty noop, after t{i}, if: }}\n");
    grows_with_its_size("faults", LARGEST_FILE / 8, |size| repeated(size, HEAD, faulty, "  }\n}\n"));
    grows_with_its_size("comments", LARGEST_FILE / 8, |size| {
        repeated(size, HEAD, |i| format!("// {i}\n"), "a { wait 1s } } }")
    });
    grows_with_its_size("open", LARGEST_FILE / 8, |size| repeated(size, HEAD, |i| format!("a{i} {{ "), ""));
    grows_with_its_size("one line", LARGEST_FILE / 8, |size| {
        repeated(size, "workflow w { steps { a { activity x input [", |i| format!("{{ k: \"ü {i}\" }} {i} "), "] } } }")
    });
    grows_with_its_size("a phrase", LARGEST_FILE / 16, |size| {
        repeated(size, "workflow w { steps { a { activity x if a", |i| format!(" + b{i}.c"), " } } }")
    });
    grows_with_its_size("groups", LARGEST_FILE / 8, |size| {
        let group = |i: usize| format!("parallel {{ a{i} {{ wait 1s }} b{i} {{ wait 1s }} }}\n");
        repeated(size, HEAD, group, "} }")
    });
}

#[test]
fn groups_that_wait_for_one_another_in_millions_of_pairs_are_refused() {
    let group = |name: &str| (0..5_000).map(|i| format!("{name}{i} {{ wait 1s }} ")).collect::<String>();
    let source = format!("workflow w {{ steps {{ parallel {{ {} }} parallel {{ {} }} }} }}", group("a"), group("b"));
    let faults = read_all(&source, "x.flow").expect_err("25 million pairs");
    assert!(faults.0[0].message.contains("more than 200000 pairs of steps wait for each other"), "{}", faults.0[0]);
}
