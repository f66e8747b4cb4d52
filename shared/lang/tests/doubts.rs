//! What is probably not meant, and is told as a warning; in both forms.

use sagaline_lang::{Severity, Surroundings, read_all, read_all_within, read_project};
use serde_json::json;

/// Every warning, without its hint.
#[track_caller]
fn told(text: &str) -> Vec<String> {
    told_in(text, "w.yaml")
}

#[track_caller]
fn told_in(text: &str, file: &str) -> Vec<String> {
    let read = read_all(text, file).unwrap_or_else(|faults| panic!("{}", faults.render(text)));
    let warnings = read.into_iter().flat_map(|definition| definition.warnings);
    warnings
        .map(|warning| {
            assert_eq!((warning.severity, warning.hint.is_some()), (Severity::Warning, true), "{warning}");
            format!("{}:{}: {}", warning.line, warning.column, warning.message)
        })
        .collect()
}

#[test]
fn secrets_in_plain_text_are_told() {
    let text = r#"workflow: w
input_schema: { type: object, properties: { password: { type: string } } }
steps:
  a: { activity: http, input: { url: "https://shop:hunter2@example.com", password: hunter2, api_key: "${ config.key }" } }
  b: { activity: mail, input: { headers: { Authorization: abc }, token: "env:MAIL_TOKEN", max_tokens: 5 }, metadata: { k: AKIAIOSFODNN7EXAMPLE } }
"#;
    let expected = [
        "4:38: this looks like an address with a password, in plain text",
        "4:84: `password` looks like a secret, in plain text",
        "5:59: `Authorization` looks like a secret, in plain text",
        "5:123: this looks like a key of AWS, in plain text",
    ];
    assert_eq!(told(text), expected);
    let (_, warnings) =
        read_project("[config]\nsmtp = { user = 'ann', password = 'x' }\n", "p.toml").expect("a project");
    assert_eq!((warnings.len(), warnings[0].column), (1, 35), "{warnings:?}");
}

#[test]
fn steps_and_cases_that_never_run_are_told() {
    let text = r#"workflow: w
steps:
  a: { activity: echo, when: false }
  b: { raise: Nope }
  c: { after: [a, b], activity: echo }
  d: { raise: { type: Maybe }, when: "${ workflow.input.x }" }
  e: { after: d, activity: echo }
  f: { raise: Nope, on_error: continue }
  g: { after: f, activity: echo }
  h:
    switch:
      - { when: "workflow.input.n > 1", steps: { i: { activity: echo } } }
      - { when: "workflow.input.n > 1", steps: { j: { activity: echo } } }
      - { when: true, steps: { k: { raise: Nope }, l: { after: k, activity: echo } } }
      - { steps: { m: { activity: echo } } }
"#;
    let expected = [
        "3:3: `a` never runs: its condition never holds",
        "5:3: `c` never runs: `b` always fails before it",
        "10:3: case 2 of `h` never runs: case 1 has the same condition",
        "10:3: case 4 of `h` never runs: case 3 always applies",
        "14:52: `l` never runs: `k` always fails before it",
    ];
    assert_eq!(told(text), expected);
}

#[test]
fn values_that_nothing_reads_are_told_if_the_output_is_said() {
    let steps = r#"steps:
  a: { set: { read: 1, lost: 2 } }
  b: { activity: echo, context_key: kept }
  c: { activity: echo, context_key: dropped }
  d: { set: { given: 1 } }
  e: { for_each: { items: [1], as: photo }, activity: echo, input: "${ index }" }
  f: { for_each: { items: [1], as: image }, activity: echo, input: "${ image }" }
  g: { after: [a, b, d], activity: echo, input: ["${ ctx.read }", "${ ctx.kept }", "${ steps.d.output }"] }
"#;
    let loops = "7:3: nothing in `e` reads its item, `photo`";
    let all = told(&format!("workflow: w\n{steps}"));
    assert_eq!(all, [loops], "all of it is the output");
    let some = told(&format!("workflow: w\n{steps}output: '${{ steps.g.output }}'\n"));
    assert_eq!(
        some,
        ["3:3: nothing reads `ctx.lost`, which `a` sets", "5:3: nothing reads `ctx.dropped`, which `c` sets", loops]
    );
    let whole = told(&format!("workflow: w\n{steps}output: '${{ ctx }}'\n"));
    assert_eq!(whole, [loops], "something reads all of it");
}

#[test]
fn comparisons_that_never_hold_are_told() {
    let text = r#"workflow: w
input_schema:
  type: object
  properties: { n: { type: integer }, size: { type: string, enum: [small, large] }, any: {} }
steps:
  a: { activity: echo, on_error: continue }
  b: { after: a, activity: echo, when: "${ steps.a.status == 'complete' }" }
  c: { activity: echo, when: "workflow.input.n > '3' && workflow.input.size != \"medium\"" }
  d: { activity: echo, when: "${ 1 == '1' || workflow.input.any == 1 || workflow.input.n == null }" }
  e: { after: a, activity: echo, when: "steps.a.status == 'skipped' && workflow.input.size == 'small'" }
  f: { for_each: [1, 2], activity: echo, input: "${ item }", retry: { attempts: 2, backoff: "${ attempt == 'x' ? 1 : 2 }" } }
on_failure: { activity: echo, when: "outcome.status == 'timeout'" }
"#;
    let expected = [
        "7:62: `steps.a.status` is never `complete`",
        "8:50: this cannot be compared: `workflow.input.n` is a number, and `\"3\"` is text",
        "8:80: `workflow.input.size` is never `medium`",
        "9:39: this never holds: `1` is a number, and `\"1\"` is text",
        "11:108: this never holds: `attempt` is a number, and `\"x\"` is text",
        "12:56: `outcome.status` is never `timeout`",
    ];
    assert_eq!(told(text), expected);
}

#[test]
fn operations_that_always_fail_are_told_wherever_they_stand() {
    let text = r#"workflow: w
input_schema:
  type: object
  properties: { n: { type: integer }, name: { type: string }, tags: { type: array } }
timeout: "${ workflow.input.tags }"
steps:
  a: { activity: echo, input: { greeting: "hello ${ workflow.input.name + 1 }, again ${ -workflow.input.name }" } }
  b: { activity: echo, input: "${ workflow.input.name.first }", deadline: "${ workflow.input.n }" }
  c: { activity: echo, when: "${ workflow.input.tags.contains('x') }", retry: { attempts: 2, backoff: "${ attempt > 1 }" } }
  d: { activity: echo, when: "size(workflow.input.tags)" }
  e: { for_each: "${ workflow.input.name }", activity: echo, input: "${ item }" }
  f: { wait: "${ duration('5 minutes') }" }
  g: { for_each: { items: [1], concurrency: "${ workflow.input.name }" }, activity: echo, input: "${ timestamp(item) + 5 }" }
output: { sum: "${ size(workflow.input.n) }" }
"#;
    let expected = [
        "5:14: a duration is needed here, and this is a list",
        "7:73: `+` cannot be applied here: `workflow.input.name` is text, and `1` is a number",
        "7:89: `-` cannot be applied here: `workflow.input.name` is text",
        "8:35: `workflow.input.name` is text, and has no `first` inside",
        "8:79: a time is needed here, and this is a number",
        "9:54: `contains` cannot be applied here: `workflow.input.tags` is a list, and `\"x\"` is text",
        "9:107: a duration is needed here, and this is true or false",
        "10:31: a condition holds if it is true, and this is a number",
        "11:22: a loop goes through a list, and this is text",
        "12:18: `duration` cannot read `5 minutes`",
        "13:49: a whole number is needed here, and this is text",
        "13:118: `+` cannot be applied here: `timestamp(…)` is a time, and `5` is a number",
        "14:20: `size` cannot be applied here: `workflow.input.n` is a number",
    ];
    let told = told(text);
    assert_eq!(told.iter().map(String::as_str).collect::<Vec<_>>(), expected, "{told:#?}");
}

#[test]
fn what_is_written_down_and_compared_with_itself_is_told() {
    let text = r#"workflow: w
steps:
  a: { activity: echo, when: "'workflow.input.total' == 'large'" }
  b: { after: a, activity: echo, when: "1 < 2 && steps.a.status in ['completed', 'skiped']" }
"#;
    let expected = [
        "3:57: this never holds: neither of its sides reads anything",
        "4:45: this always holds: neither of its sides reads anything",
        "4:82: `steps.a.status` is never `skiped`",
    ];
    assert_eq!(told(text), expected);
}

#[test]
fn values_of_the_project_have_types_too() {
    let config = json!({ "least": 10, "open": true });
    let within = Surroundings { config: config.as_object().cloned(), ..Surroundings::default() };
    let text = "workflow: w\nsteps: { a: { activity: echo, when: \"config.least < 'x' || config.open == true\" } }\n";
    let read = read_all_within(text, "w.yaml", &within).expect("a definition");
    let messages: Vec<&str> = read[0].warnings.iter().map(|warning| warning.message.as_str()).collect();
    assert_eq!(messages, ["this cannot be compared: `config.least` is a number, and `\"x\"` is text"]);
}

#[test]
fn while_there_are_faults_nothing_else_is_told() {
    let text = "workflow: w\nsteps:\n  a: { activity: echo, when: false, inptu: 1 }\n";
    let faults = read_all(text, "w.yaml").expect_err("a fault");
    assert_eq!(faults.0.len(), 1, "{faults}");
}

#[test]
fn the_other_form_is_looked_at_alike() {
    let text = "workflow w {\n\tsteps {\n\t\ta {\n\t\t\tactivity: echo\n\t\t\tif: false\n\t\t\tinput: { password: \"hunter2\" }\n\t\t}\n\t}\n}\n";
    match read_all(text, "w.flow") {
        Ok(_) => {
            let told = told_in(text, "w.flow");
            assert!(told.iter().any(|told| told.contains("`password` looks like a secret")), "{told:?}");
            assert!(told.iter().any(|told| told.contains("`a` never runs")), "{told:?}");
        }
        Err(faults) => panic!("{}", faults.render(text)),
    }
}

/// A duration or a pattern that is none is told wherever it may stand.
#[test]
fn bad_durations_and_patterns_are_told_in_every_place() {
    let text = r#"workflow: w
on: [{ cron: "61 * * * *" }, { every: soon }, { event: e, debounce: { for: soon } }]
timeout: soon
step_timeout: soon
retry: { initial: soon }
retry_workflow: { attempts: 2, max: soon }
dead_letter: { ttl: soon }
steps:
  a: { activity: x, timeout: soon, heartbeat: soon, schedule_timeout: soon, total_timeout: soon, deadline: soon }
  b: { activity: x, compensate: { activity: y, timeout: soon, retry: { max: soon } } }
  c: { activity: x, expand: true, rate_limit: { limit: 1, per: soon }, breaker: { name: n, reset: soon } }
  d: { wait: soon }
  e: { await: { signal: s, timeout: soon, on_timeout: { steps: { f: { wait: soon } } } } }
  g: { await: { event: e, keep: soon } }
  h: { child: { workflow: o, timeout: soon } }
  i: { for_each: [1], activity: x, timeout: soon }
  j: { try: { k: { wait: soon } }, catch: { steps: { l: { wait: soon } } } }
  m: { await: { approval: { notify: { activity: x, timeout: soon } } } }
on_failure: { steps: { n: { activity: x, timeout: soon } } }
on_step_error: { activity: x, timeout: soon }
"#;
    let faults = read_all(text, "w.yaml").expect_err("faults").0;
    let soon = text.matches("soon").count();
    let told = faults.iter().filter(|fault| fault.message.contains("`soon`")).count();
    assert_eq!(told, soon, "{faults:#?}");
}
