//! Files of projects: what they say, and what people are told about those that have faults.

use sagaline_lang::{LARGEST_PROJECT, Project, Severity, read_all_within, read_project};
use sagaline_model::{Defaults, RetryDefaults, Span};
use serde_json::{Value, json};

const FILE: &str = r#"
definitions = ["workflows", "more/order.yaml"]
namespace = "shop"
nats_url = "nats://127.0.0.1:4222"

[config]
least = 10
share = 0.5
big = 0xff
open = true
since = 2026-01-01T06:00:00Z
text = """
two
lines"""

[config.reports]
recipients = ["ann@example.com", "bob@example.com"]
"first-of-all" = { at = "6:00" }

[defaults]
timeout = "2h"
retry = { attempts = 3, initial = "5s" }
"#;

#[test]
fn a_project_is_read_whole() {
    let (project, warnings) = read_project(FILE, "sagaline.toml").unwrap_or_else(|faults| panic!("{faults}"));
    assert!(warnings.is_empty());
    let config = json!({
        "least": 10, "share": 0.5, "big": 255, "open": true, "since": "2026-01-01T06:00:00Z", "text": "two\nlines",
        "reports": { "recipients": ["ann@example.com", "bob@example.com"], "first-of-all": { "at": "6:00" } },
    });
    assert_eq!(Value::from(project.config), config);
    assert_eq!(project.definitions, ["workflows", "more/order.yaml"]);
    assert_eq!(
        (project.namespace.as_deref(), project.nats_url.as_deref()),
        (Some("shop"), Some("nats://127.0.0.1:4222"))
    );
    let retry = RetryDefaults { attempts: Some(3), initial: Some(Span::from_secs(5)), ..RetryDefaults::default() };
    assert_eq!(project.defaults, Defaults { timeout: Some(Span::from_secs(7200)), retry, ..Defaults::default() });
}

#[test]
fn a_project_may_say_nothing() {
    let (project, _) = read_project("", "sagaline.toml").expect("a project");
    assert_eq!((&project, &*project.definitions), (&Project::default(), &["workflows".to_owned()][..]));
}

#[test]
fn what_a_definition_leaves_out_comes_from_the_project_before_the_installation() {
    let (project, _) = read_project(FILE, "sagaline.toml").expect("a project");
    let retry = RetryDefaults { attempts: Some(9), jitter: Some(true), ..RetryDefaults::default() };
    let day = Some(Span::from_secs(86_400));
    let installation = Defaults { timeout: day, step_timeout: day, retry, concurrency: None };
    let text = "workflow: w\nsteps: { a: { activity: echo, input: '${ config.least }' } }\n";
    let read = read_all_within(text, "w.yaml", &project.surroundings(&installation)).expect("a definition");
    let plan = serde_json::to_value(&read[0].plan).expect("JSON");
    let step = &plan["root"]["nodes"][0]["kind"]["step"];
    assert_eq!(
        (&plan["timeout"], &step["timeout"], &plan["config"]),
        (&json!("2h"), &json!("1d"), &json!({ "least": 10 }))
    );
    let retry = (&step["retry"]["attempts"], &step["retry"]["initial"], &step["retry"]["jitter"]);
    assert_eq!(retry, (&json!(3), &json!("5s"), &json!(true)));
}

#[track_caller]
fn told(text: &str, expected: &str) {
    let told = read_project(text, "sagaline.toml").expect_err("faults").render(text);
    assert!(told == expected, "told:\n{told}\n\nexpected:\n{expected}");
}

#[test]
fn what_a_project_cannot_say_is_told_with_its_place_and_a_hint() {
    told(
        r#"defintions = ["a"]
namespace = 3
nats_url = ""
config = [1]

[defaults]
step_timeout = 5
timeout = "${ 1 }"

[defaults.retry]
atempts = 3
"#,
        r#"sagaline.toml:1:1: unknown key `defintions` in the project
  |
1 | defintions = ["a"]
  | ^^^^^^^^^^
  hint: did you mean `definitions`?

sagaline.toml:2:13: `namespace` must be text, not a number
  |
2 | namespace = 3
  |             ^
  hint: put it in quotes: "3"

sagaline.toml:3:12: `nats_url` is empty
  |
3 | nats_url = ""
  |            ^^
  hint: remove it, or say what it is

sagaline.toml:4:10: `config` must be a map, not a list
  |
4 | config = [1]
  |          ^

sagaline.toml:7:16: `step_timeout` needs a unit
  |
7 | step_timeout = 5
  |                ^
  hint: say of what: `5s`, `5m`, `5h`

sagaline.toml:8:11: `timeout`: `${ 1 }` is not a duration
  |
8 | timeout = "${ 1 }"
  |           ^^^^^^^^
  hint: for example 250ms, 30s, 5m, 2h, 1d or 1h30m

sagaline.toml:11:1: unknown key `atempts` in `retry`
   |
11 | atempts = 3
   | ^^^^^^^
  hint: did you mean `attempts`?"#,
    );
}

#[test]
fn what_is_no_toml_is_told_all_at_once() {
    told(
        "namespace = shop\n\n[config]\na = 1\na = 2\nbig = 1e999\n",
        r#"sagaline.toml:1:13: not valid TOML: string values must be quoted, expected literal string
  |
1 | namespace = shop
  |             ^^^^

sagaline.toml:5:1: not valid TOML: duplicate key
  |
5 | a = 2
  | ^"#,
    );
    told(
        "[config]\nnever = nan\nhuge = 99999999999999999999\n",
        r#"sagaline.toml:2:9: `nan` is no number that JSON can hold
  |
2 | never = nan
  |         ^^^
  hint: put it in quotes if it is meant as text

sagaline.toml:3:8: `99999999999999999999` is no number that JSON can hold
  |
3 | huge = 99999999999999999999
  |        ^^^^^^^^^^^^^^^^^^^^
  hint: put it in quotes if it is meant as text"#,
    );
}

#[test]
fn names_and_values_in_other_scripts_keep_the_columns_right() {
    told(
        "[config]\n\"größe\" = { 'ß' = '日本' }\n[konfig]\nx = 1\n",
        r#"sagaline.toml:3:2: unknown key `konfig` in the project
  |
3 | [konfig]
  |  ^^^^^^
  hint: did you mean `config`?"#,
    );
}

#[test]
fn what_is_doubtful_is_a_warning() {
    let text = "[config]\nurl = ['https://${ host }/x']\n";
    let (project, warnings) = read_project(text, "sagaline.toml").expect("a project");
    assert_eq!(project.config["url"][0], "https://${ host }/x");
    assert_eq!((warnings.len(), warnings[0].severity, warnings[0].line), (1, Severity::Warning, 2));
    assert!(warnings[0].message.starts_with("a value is taken as it stands"), "{}", warnings[0]);
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let faults = read_project(&"#".repeat(LARGEST_PROJECT + 1), "sagaline.toml").expect_err("a fault");
    assert_eq!(faults.0.len(), 1);
    assert!(faults.0[0].message.contains("at most 65536 are read"), "{faults}");
}
