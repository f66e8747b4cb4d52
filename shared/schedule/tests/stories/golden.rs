//! Snapshots of schedules are recorded, so their JSON is a promise. `SAGALINE_BLESS=1` writes the files.

use std::{env, fs, path::PathBuf};

use sagaline_model::{Every, Overlap, ScheduleSpec, Span, When};
use sagaline_schedule::Schedule;
use serde_json::{Value, json};

use crate::tale::{Tale, after, every, hourly, spec, tale};

fn is_recorded(name: &str, tale: &Tale) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden").join(format!("{name}.json"));
    let now: Value = serde_json::from_slice(&tale.schedule.to_snapshot()).unwrap();
    if env::var_os("SAGALINE_BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("{}\n", serde_json::to_string_pretty(&now).unwrap())).unwrap();
    }
    let recorded = fs::read(&path).unwrap_or_else(|fault| panic!("`{}`: {fault}", path.display()));
    assert_eq!(serde_json::from_slice::<Value>(&recorded).unwrap(), now, "`{name}` is not what was recorded");
    assert_eq!(Schedule::from_snapshot(&recorded).unwrap(), tale.schedule);
}

#[test]
fn schedules_are_recorded_as_ever() {
    is_recorded("plain", &tale(spec(every("1h"))).due());
    let when = When {
        cron: vec!["0 6 * * *".into(), "@weekly".into()],
        every: Some(Every {
            anchor: Some(after("7m")),
            offset: Some(Span::from_secs(60)),
            ..Every::of(Span::from_secs(7200))
        }),
        at: vec![after("30m")],
        after: None,
        start_at: Some(after("1m")),
        end_at: Some(after("9999h")),
        timezone: Some("Europe/Berlin".into()),
        jitter: Some(Span::from_secs(5)),
    };
    let full = ScheduleSpec {
        version: Some(3),
        input: json!({"kind": "full"}),
        tags: [("team".to_owned(), "books".to_owned())].into(),
        overlap: Overlap::CancelRunning,
        catch_up: Some(Span::from_secs(86_400)),
        limit: Some(10),
        ..spec(when)
    };
    is_recorded("full", &tale(full).timer("3h").timer("7h").trigger("7h1m", None).pause("7h2m"));
    let waiting =
        tale(hourly(Overlap::QueueOne)).timer("1h").timer("2h").timer("3h").trigger("3h1m", Some(Overlap::Allow));
    is_recorded("waiting", &waiting);
    is_recorded("deleted", &waiting.delete("4h1m"));
}

#[test]
fn a_snapshot_that_makes_no_sense_is_not_read() {
    let json = String::from_utf8(tale(spec(every("1h"))).schedule.to_snapshot()).unwrap();
    let fault = Schedule::from_snapshot(json.replace("\"1h\"", "\"1ms\"").as_bytes()).unwrap_err();
    assert_eq!(fault.to_string(), "`every`: every 1ms is too often; write at least `1s`");
}
