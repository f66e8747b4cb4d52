//! Lines that cannot be used, and lines that ask for help.

use std::process::Stdio;

use crate::common::{ORDER, program, run};

#[test]
fn a_line_that_cannot_be_used_exits_with_64_and_says_what_is_wrong() {
    for (line, word) in [
        (vec!["start"], "<WORKFLOW>"),
        (vec!["frobnicate"], "frobnicate"),
        (vec!["list", "--status", "sleepy"], "running, waiting"),
        (vec!["list", "--since", "yesterday"], "5m"),
        (vec!["start", "order", "--tag", "blue"], "name=value"),
        (vec!["start", "a.b"], "a.b"),
        (vec!["cancel", "a", "--grace", "5s"], "--cleanup"),
        (vec!["bench", "--rate", "fast"], "number"),
        (vec!["sagas", "retry", "a", "--input", "1"], "--step"),
        (vec!["sagas", "skip", "a"], "<STEP>"),
        (vec!["sagas", "skip", "a", "b c"], "b c"),
        (vec!["sagas", "resolve", "a"], "--why"),
        (vec!["events", "publish", "order..created"], "order.created"),
        (vec!["dev", "--data-dir", "d", "--nats-url", "nats://127.0.0.1:1"], "--nats-url"),
    ] {
        let ran = run(&line).ends_with(64);
        assert!(ran.stdout.is_empty() && ran.stderr.contains(word), "{line:?}: {}", ran.stderr);
    }
    assert!(run(Vec::<&str>::new()).ends_with(64).stderr.contains("Usage"));
}

#[test]
fn help_goes_to_standard_output_and_shows_examples() {
    for line in [
        vec!["--help"],
        vec!["start", "--help"],
        vec!["bench", "--help"],
        vec!["events", "publish", "--help"],
        vec!["sagas", "resolve", "--help"],
    ] {
        let ran = run(&line).ends_with(0);
        assert!(ran.stderr.is_empty() && ran.stdout.contains("Examples:\n  sagaline "), "{line:?}");
    }
    assert!(run(["--version"]).ends_with(0).stdout.starts_with("sagaline "));
}

#[test]
fn data_that_is_not_json_exits_with_65_and_a_hint() {
    let ran = run(["start", "order", "--input", "{total: 1}"]).ends_with(65);
    assert!(ran.stderr.contains("error: the value of `--input` is not JSON") && ran.stderr.contains("hint: quote it"));
    let ran = run(["signal", "a", "go", "--data", "@/nowhere.json"]).ends_with(65);
    assert!(ran.stderr.contains("`/nowhere.json` cannot be read"), "{}", ran.stderr);
}

/// `sagaline parse … | head` and the like.
#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut child = program(["parse", ORDER]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    drop(child.stdout.take());
    let ended = child.wait_with_output().expect("it ends");
    assert_eq!((ended.status.code(), String::from_utf8_lossy(&ended.stderr).as_ref()), (Some(0), ""));
}
