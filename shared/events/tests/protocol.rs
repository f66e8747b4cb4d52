//! `docs/protocol.md` is true: its JSON is that of the golden files, which other tests read and write, and it leaves out nothing
//! of what travels.
//!
//! Each example says what it is after `json` in the first line of its fence: `input:signal`, `lifecycle:step.failed`, `task`. Those that
//! NATS itself reads (`api:…`) and that come from other crates are tested with those.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeSet, fs, path::PathBuf};

use sagaline_events::{
    EntityInput, FramePath, Holding, Input, SagaInput, ScheduleInput, Start, Task,
    ask::{Answer, Ask},
    entity::ENTITY_INPUT_TYPES,
    input::{INPUT_TYPES, StepSnoozed, StepSucceeded, TimerKind},
    record::{Definition, ExecutionView, Latest},
    saga::SAGA_INPUT_TYPES,
    schedule::SCHEDULE_INPUT_TYPES,
    task::{REPEAT_HEADER, TASK_TYPE},
};
use sagaline_model::{Moment, id::fnv1a, partition_of};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

struct Example {
    /// What it claims to be.
    claim: String,
    json: Value,
}

fn here(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn page() -> String {
    fs::read_to_string(here("../../docs/protocol.md")).unwrap()
}

fn examples() -> Vec<Example> {
    let page = page();
    let mut fences = page.split("\n```");
    let mut examples = vec![];
    // What stands before the first fence; then fence, text, fence, text.
    fences.next();
    while let Some(fence) = fences.next() {
        let (info, body) = fence.split_once('\n').unwrap();
        assert!(fences.next().is_some(), "the fence `{info}` is not closed");
        let Some(claim) = info.strip_prefix("json") else { continue };
        let json = serde_json::from_str(body).unwrap_or_else(|fault| panic!("`{info}` is no JSON: {fault}"));
        examples.push(Example { claim: claim.trim().to_owned(), json });
    }
    examples
}

fn golden(name: &str) -> Value {
    let file = here("golden").join(format!("{name}.json"));
    let text = fs::read_to_string(&file).unwrap_or_else(|fault| panic!("`{}`: {fault}", file.display()));
    serde_json::from_str(&text).unwrap()
}

fn golden_names(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(here("golden").join(folder)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter_map(|name| name.strip_suffix(".json").map(str::to_owned)).collect()
}

fn reads<T: DeserializeOwned>(claim: &str, json: &Value) {
    if let Err(fault) = serde_json::from_value::<T>(json.clone()) {
        panic!("`{claim}` is not read as what it claims to be: {fault}");
    }
}

#[test]
fn every_example_is_a_golden_file_and_is_what_it_claims() {
    for Example { claim, json } in examples() {
        let (kind, name) = claim.split_once(':').unwrap_or((&claim, ""));
        let expected = match kind {
            "input" => {
                let kind = format!("sagaline.input.{name}.v1");
                Input::read(&kind, json.to_string().as_bytes()).unwrap_or_else(|fault| panic!("`{claim}`: {fault}"));
                golden(&format!("inputs/{kind}"))["data"].clone()
            }
            "entity" => {
                let kind = format!("sagaline.entity.{name}.v1");
                EntityInput::read(&kind, json.to_string().as_bytes())
                    .unwrap_or_else(|fault| panic!("`{claim}`: {fault}"));
                golden(&format!("entities/{kind}"))["data"].clone()
            }
            "saga" => {
                let kind = format!("sagaline.input.saga_{name}.v1");
                SagaInput::read(&kind, json.to_string().as_bytes())
                    .unwrap_or_else(|fault| panic!("`{claim}`: {fault}"));
                golden(&format!("sagas/saga_{name}"))
            }
            "schedule" => {
                let kind = format!("sagaline.input.schedule_{name}.v1");
                ScheduleInput::read(&kind, json.to_string().as_bytes())
                    .unwrap_or_else(|fault| panic!("`{claim}`: {fault}"));
                golden(&format!("schedules/{name}"))
            }
            "lifecycle" => golden(&format!("lifecycle/{name}"))["data"].clone(),
            "ask" => {
                reads::<Ask>(&claim, &json);
                golden(&format!("ask/{name}"))
            }
            "answer" => {
                reads::<Answer>(&claim, &json);
                golden(&format!("answer/{name}"))
            }
            "task" => {
                reads::<Task>(&claim, &json);
                golden("task")
            }
            "task_claim" => {
                reads::<Task>(&claim, &json);
                golden("task_claim")
            }
            "task_rated" => {
                reads::<Task>(&claim, &json);
                golden("task_rated")
            }
            "late" => {
                reads::<StepSnoozed>(&claim, &json);
                golden("late")
            }
            "claimed" => {
                reads::<StepSucceeded>(&claim, &json);
                golden("sagas/claimed")
            }
            "start" => {
                reads::<Start>(&claim, &json);
                golden("start_of_a_job")
            }
            "progress" => {
                reads::<sagaline_events::progress::Progress>(&claim, &json);
                golden("progress")
            }
            "definition" => {
                reads::<Definition>(&claim, &json);
                golden("definition")
            }
            "dead_letter" => {
                reads::<sagaline_events::DeadLetter>(&claim, &json);
                golden("dead_letter")
            }
            "latest" => {
                reads::<Latest>(&claim, &json);
                golden("latest")
            }
            "saved" => {
                reads::<Saved>(&claim, &json);
                let saved = serde_json::json!({"applied": 23, "time": "2026-01-01T00:00:02.000000001Z"});
                let mut saved = saved.as_object().unwrap().clone();
                saved.insert("state".to_owned(), golden("record"));
                saved.into()
            }
            "notice" => {
                reads::<Notice>(&claim, &json);
                continue;
            }
            "holding" => {
                let holding: Holding = serde_json::from_value(json.clone()).unwrap();
                serde_json::to_value(holding).unwrap()
            }
            // Shown to a real server by the tests of `sagaline-wire`.
            "api" | "puback" | "reference" => continue,
            // Read as what it is by the tests of `sagaline-room`.
            "admission" => continue,
            _ => panic!("nobody knows what `{claim}` is"),
        };
        assert_eq!(json, expected, "`{claim}` is not as it is recorded");
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only whether it can be read matters")]
struct Saved {
    applied: u64,
    time: Moment,
    state: ExecutionView,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only whether it can be read matters")]
#[serde(rename_all = "snake_case")]
enum Notice {
    Revoked(Named),
    Cleanup(Named),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only whether it can be read matters")]
struct Named {
    path: FramePath,
    attempt: u32,
}

/// The row of a table whose first cell is this.
fn row<'a>(page: &'a str, cell: &str) -> &'a str {
    let start = format!("| `{cell}` |");
    page.lines().find(|line| line.starts_with(&start)).unwrap_or_else(|| panic!("no table has a row `{cell}`"))
}

fn fields(of: &Value) -> BTreeSet<String> {
    of.as_object().unwrap().keys().cloned().collect()
}

fn names_all(row: &str, fields: &BTreeSet<String>) {
    for field in fields {
        assert!(row.contains(&format!("`{field}`")), "`{field}` is not in the row {row}");
    }
}

#[test]
fn every_type_of_input_is_there_with_every_field_and_an_example() {
    let (page, examples) = (page(), examples());
    for kind in INPUT_TYPES {
        names_all(row(&page, kind), &fields(&golden(&format!("inputs/{kind}"))["data"]));
        let claim = format!("input:{}", kind.strip_prefix("sagaline.input.").unwrap().strip_suffix(".v1").unwrap());
        assert!(examples.iter().any(|example| example.claim == claim), "there is no example `{claim}`");
    }
    for kind in [
        TimerKind::WorkflowTimeout,
        TimerKind::StepTimeout,
        TimerKind::Retry,
        TimerKind::Wait,
        TimerKind::AwaitTimeout,
        TimerKind::ScheduleTimeout,
        TimerKind::TotalTimeout,
        TimerKind::Snooze,
        TimerKind::ChildTimeout,
        TimerKind::ChildLook,
        TimerKind::WorkflowRetry,
        TimerKind::AskAgain,
        TimerKind::Cleanup,
        TimerKind::Settle,
        TimerKind::SagaLook,
        TimerKind::Forget,
        TimerKind::Begin,
    ] {
        let kind = serde_json::to_value(kind).unwrap();
        assert!(page.contains(&format!("`{}`", kind.as_str().unwrap())), "the timer {kind} is not there");
    }
}

#[test]
fn every_input_of_an_entity_is_there_with_every_field_and_an_example() {
    let (page, examples) = (page(), examples());
    for kind in ENTITY_INPUT_TYPES {
        names_all(row(&page, kind), &fields(&golden(&format!("entities/{kind}"))["data"]));
        let claim = format!("entity:{}", kind.strip_prefix("sagaline.entity.").unwrap().strip_suffix(".v1").unwrap());
        assert!(examples.iter().any(|example| example.claim == claim), "there is no example `{claim}`");
    }
    for says in golden("entity_says").as_array().unwrap() {
        let word = says.as_str().or_else(|| says.as_object()?.keys().next().map(String::as_str)).unwrap();
        assert!(page.contains(&format!("| `{word}` |")), "the answer `{word}` is not there");
    }
}

#[test]
fn every_input_of_a_saga_is_there_with_every_field_and_an_example() {
    let (page, examples) = (page(), examples());
    for kind in SAGA_INPUT_TYPES {
        let name = kind.strip_prefix("sagaline.input.saga_").unwrap().strip_suffix(".v1").unwrap();
        names_all(row(&page, kind), &fields(&golden(&format!("sagas/saga_{name}"))));
        let claim = format!("saga:{name}");
        assert!(examples.iter().any(|example| example.claim == claim), "there is no example `{claim}`");
    }
}

#[test]
fn every_input_of_a_schedule_is_there_with_every_field_and_an_example() {
    let (page, examples) = (page(), examples());
    for kind in SCHEDULE_INPUT_TYPES {
        let name = kind.strip_prefix("sagaline.input.schedule_").unwrap().strip_suffix(".v1").unwrap();
        names_all(row(&page, kind), &fields(&golden(&format!("schedules/{name}"))));
        let claim = format!("schedule:{name}");
        assert!(examples.iter().any(|example| example.claim == claim), "there is no example `{claim}`");
    }
    for (kind, more) in [("set", "set_of_a_definition"), ("set", "set_new"), ("delete", "delete_of_a_definition")] {
        let row = row(&page, &format!("sagaline.input.schedule_{kind}.v1"));
        names_all(row, &fields(&golden(&format!("schedules/{more}"))));
    }
    let of_all: BTreeSet<String> = ["schedule", "workflow", "at"].map(str::to_owned).into();
    for event in golden_names("schedules/news") {
        let kind = event.split('_').next().unwrap();
        let told = &fields(&golden(&format!("schedules/news/{event}"))) - &of_all;
        names_all(row(&page, &format!("schedule.{kind}")), &told);
    }
}

/// Fields that only some of an input's kind have, which their first golden file therefore leaves out.
#[test]
fn what_inputs_of_executions_say_about_sagas_is_there() {
    let page = page();
    for (kind, golden_file) in [
        ("cancel", "cancel"),
        ("step_succeeded", "claimed"),
        ("parent_gone", "parent_gone"),
        ("child_ended", "child_ended"),
    ] {
        names_all(row(&page, &format!("sagaline.input.{kind}.v1")), &fields(&golden(&format!("sagas/{golden_file}"))));
    }
}

#[test]
fn every_lifecycle_event_is_there_with_every_field() {
    let page = page();
    let of_all: BTreeSet<String> = ["workflow", "version", "execution", "at"].map(str::to_owned).into();
    names_all(page.lines().find(|line| line.starts_with("Every event has ")).unwrap(), &of_all);
    for event in golden_names("lifecycle") {
        let recorded = golden(&format!("lifecycle/{event}"));
        assert_eq!(recorded["type"], format!("sagaline.{event}.v1"), "the page says how the type is built");
        names_all(row(&page, &event), &(&fields(&recorded["data"]) - &of_all));
    }
}

#[test]
fn every_question_and_every_answer_has_an_example() {
    let claims: BTreeSet<String> = examples().into_iter().map(|example| example.claim).collect();
    for folder in ["ask", "answer"] {
        for name in golden_names(folder) {
            assert!(claims.contains(&format!("{folder}:{name}")), "there is no example `{folder}:{name}`");
        }
    }
}

#[test]
fn a_task_and_a_record_are_explained_field_by_field() {
    let page = page();
    let explained = |field: &String| {
        let cell = format!("`{field}`");
        page.lines()
            .any(|line| line.starts_with('|') && line.split('|').nth(1).is_some_and(|first| first.contains(&cell)))
    };
    for golden in [golden("task"), golden("task_limits"), golden("task_claim"), golden("record")] {
        for field in fields(&golden) {
            assert!(explained(&field), "no table explains `{field}`");
        }
    }
    for status in ["statuses", "step_statuses"] {
        for status in golden(status).as_array().unwrap() {
            assert!(page.contains(&format!("`{}`", status.as_str().unwrap())), "the status {status} is not there");
        }
    }
    assert!(page.contains(TASK_TYPE) && page.contains(REPEAT_HEADER));
}

#[test]
fn the_golden_hashes_and_partitions_are_right() {
    let page = page();
    let hashes: Vec<Vec<&str>> = cells(&page, "| text | FNV-1a |");
    assert_eq!(hashes.len(), 3);
    for cells in hashes {
        let text = cells[0].trim_matches('`');
        let text = if text.contains("empty") { "" } else { text };
        assert_eq!(cells[1], format!("`{:#010x}`", fnv1a(text.as_bytes())), "{text}");
    }
    let partitions = cells(&page, "| id | P = 2 | P = 16 |");
    assert_eq!(partitions.len(), 3);
    for cells in partitions {
        let id = cells[0].trim_matches('`');
        let of = |partitions| partition_of(id, partitions).to_string();
        assert_eq!((cells[1], cells[2]), (&*of(2), &*of(16)), "{id}");
    }
}

/// The cells of a table's rows.
fn cells<'a>(page: &'a str, head: &str) -> Vec<Vec<&'a str>> {
    let lines = page.lines().skip_while(|line| *line != head).skip(2).take_while(|line| line.starts_with('|'));
    lines.map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}
