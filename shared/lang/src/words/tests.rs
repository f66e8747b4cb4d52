//! Whoever writes a definition finds every key on the page.

use super::*;

const PAGE: &str = include_str!("../../../../docs/workflows.md");

/// The page up to the tables that set our words beside those of others.
fn page() -> &'static str {
    PAGE.split_once("## What others call it").expect("the page has such a section").0
}

/// Where the rows of tables begin that tell of keys: `` | `key` | `` or `` | `key`, `other` | ``.
fn keys_in_tables() -> Vec<&'static str> {
    let cells = page().lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect()
}

#[test]
fn every_key_has_a_row_on_the_page() {
    // What a step is has a section instead.
    let has_section =
        |key: &str| page().lines().any(|line| line.starts_with("### ") && line.contains(&format!("`{key}`")));
    let rows = keys_in_tables();
    let all = [WORKFLOW, STEP, AWAIT, APPROVAL, CHILD, EMIT, FOR_EACH, EXPAND, RETRY, EVENT, UPDATE];
    let known = all.iter().flat_map(|words| words.known);
    let missing: Vec<&str> = known.copied().filter(|key| !rows.contains(key) && !has_section(key)).collect();
    assert_eq!(missing, [] as [&str; 0], "they are in no table of docs/workflows.md");
}
