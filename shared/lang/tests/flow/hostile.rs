//! Large files: time that grows with their size. Strange ones are in `hostile_flow.rs`.
#![expect(clippy::print_stdout, reason = "with `--nocapture` it tells how long large files take")]

use std::time::{Duration, Instant};

use sagaline_lang::{LARGEST_FILE, format, read_all};

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
