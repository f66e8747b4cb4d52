//! The tables of `docs/workflows.md` that set our words beside others': each row names a test that there is, or says that there is none.

use std::{fs, path::Path};

use crate::site::examples;

const PAGE: &str = include_str!("../../../../docs/workflows.md");
const HEAD: &str = "| Elsewhere called | Here | Shown by |";
const NONE: &str = "not yet";

/// The rows below each head: what it is called elsewhere, how here, and what shows it.
fn rows(page: &str) -> Vec<[&str; 3]> {
    let mut rows = vec![];
    let mut lines = page.lines();
    while lines.any(|line| line == HEAD) {
        let of_this = lines.by_ref().skip(1).take_while(|line| line.starts_with('|'));
        rows.extend(of_this.map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let [elsewhere, here, shown] = cells[..] else { panic!("`{line}` has not three cells") };
            [elsewhere, here, shown]
        }));
    }
    rows
}

/// The tests of a cell, each with its file: ``[`test`](../file.rs)``.
fn tests(cell: &str) -> Vec<(&str, &str)> {
    let links = cell.split(", ").map(|link| {
        let inner = link.strip_prefix("[`").and_then(|rest| rest.strip_suffix(')'));
        inner.and_then(|inner| inner.split_once("`](../"))
    });
    links.map(|link| link.unwrap_or_else(|| panic!("`{cell}` names no test"))).collect()
}

#[test]
fn every_row_names_a_test_that_there_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let rows = rows(PAGE);
    let mut found = 0;
    for [elsewhere, here, shown] in &rows {
        if *shown == NONE {
            continue;
        }
        assert!(!here.is_empty(), "`{elsewhere}` is shown, and nothing says how");
        for (test, file) in tests(shown) {
            let text = fs::read_to_string(root.join(file)).unwrap_or_else(|error| panic!("`{file}`: {error}"));
            assert!(text.contains(&format!("fn {test}(")), "`{file}` has no test `{test}`, which shows `{elsewhere}`");
            found += 1;
        }
    }
    assert!(rows.len() > 40 && found > 40, "{} rows with {found} tests are not all of them", rows.len());
}

/// What others say of a workflow, of a step, of what a step returns, and of what is done with an execution.
const ELSEWHERE: &[&str] = &[
    "name",
    "timeout",
    "max_retries",
    "retry_delay",
    "retry_backoff",
    "step_timeout",
    "step_max_retries",
    "step_retry_delay",
    "on_failure",
    "on_success",
    "on_cancel",
    "on_step_error",
    "dead_letter",
    "dead_letter_ttl",
    "tags",
    "metadata",
    "step_concurrency",
    "schedule",
    "cron",
    "every",
    "at",
    "in",
    "start_at",
    "end_at",
    "on_event",
    "__error__",
    "__error_step__",
    "__attempts__",
    "__stacktrace__",
    "after: a",
    "after: [a, b]",
    "after_any",
    "after_group",
    "after_graft",
    "group",
    "graft",
    "when",
    "retry_max_delay",
    "retry_jitter",
    "retry_on",
    "no_retry_on",
    "on_error: :fail",
    "on_error: :skip",
    "on_error: :continue",
    "rollback",
    "await_approval",
    "notify",
    "cancellable",
    "context_key",
    "circuit_breaker",
    "circuit_breaker_opts",
    "failure_threshold",
    "reset_timeout",
    "parallel",
    "fan_out",
    "fan_in",
    "branch",
    "workflow",
    "add_workflow",
    "basic",
    "collection",
    "composite",
    "router",
    "aggregate",
    "signal",
    "wait",
    "{:ok, map}",
    ":ok",
    "{:error, reason}",
    "{:skip, reason}",
    "{:await, opts}",
    "{:expand, steps}",
    "{:snooze, duration}",
    "Workflow.start",
    "schedule_execution",
    "get_state",
    "list_running",
    "pause",
    "resume",
    "cancel",
    "cleanup: true",
    "rollback: true",
    "cancel_all",
    "cancelled?",
    "register",
    "build!",
    "list_all",
    "report",
    "summary",
    "to_mermaid",
    "to_dot",
    "to_table",
];

#[test]
fn every_word_that_others_have_is_in_a_row() {
    let rows = rows(PAGE);
    let has =
        |word: &str| rows.iter().any(|[elsewhere, ..]| elsewhere.split('`').skip(1).step_by(2).any(|it| it == word));
    let missing: Vec<&str> = ELSEWHERE.iter().copied().filter(|word| !has(word)).collect();
    assert_eq!(missing, [] as [&str; 0], "they are in no row of the tables");
}

#[test]
fn every_example_is_on_the_page() {
    for file in examples().keys() {
        assert!(PAGE.contains(&format!("(../examples/{file})")), "`{file}` is not on the page");
    }
}
