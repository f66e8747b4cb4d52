//! Schedules: what is asked of them, what they hear, and what they tell.

use std::collections::BTreeSet;

use sagaline_events::{
    ScheduleHappening, ScheduleInput, ScheduleNews, SchedulePage, ScheduleView,
    ask::{Answer, Ask},
    schedule::{
        SCHEDULE_INPUT_TYPES, ScheduleBackfill, ScheduleChange, ScheduleDelete, SchedulePause, ScheduleRefused,
        ScheduleResume, ScheduleSet, ScheduleTimer, ScheduleTrigger, ScheduledEnded, ScheduledUnknown, SkipReason,
    },
    schedule_view::{Backfilled, Fired, NoRoom, Paused},
};
use sagaline_model::{Every, Overlap, ScheduleSpec, Span, When};
use serde_json::{Value, json};

use crate::file::{at, id, is_promised, is_recorded, name};

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn spec() -> ScheduleSpec {
    let when = When {
        cron: vec!["0 6 * * *".to_owned(), "@weekly".to_owned()],
        every: Some(Every {
            period: Span::from_secs(3600),
            anchor: Some(at("2026-01-01T00:07:00Z")),
            offset: Some(Span::from_secs(60)),
        }),
        at: vec![at("2026-12-25T00:00:00Z")],
        after: Some(Span::from_secs(1800)),
        start_at: Some(at("2026-01-01T00:00:00Z")),
        end_at: Some(at("2027-01-01T00:00:00Z")),
        timezone: some("Europe/Berlin"),
        jitter: Some(Span::from_secs(30)),
    };
    ScheduleSpec {
        version: Some(3),
        input: json!({"kind": "full"}),
        tags: [("team".to_owned(), "books".to_owned())].into(),
        overlap: Overlap::QueueOne,
        catch_up: Some(Span::from_secs(600)),
        limit: Some(10),
        ..ScheduleSpec::of(name("report"), when)
    }
}

fn every_input() -> Vec<ScheduleInput> {
    let (execution, request) = (id("nightly-20260101T060000Z"), some("01J9"));
    let (from, to) = (at("2026-01-01T00:00:00Z"), at("2026-01-02T00:00:00Z"));
    vec![
        ScheduleInput::Set(Box::new(ScheduleSet { id: request.clone(), ..ScheduleSet::of(spec()) })),
        ScheduleInput::Timer(ScheduleTimer {}),
        ScheduleInput::Ended(ScheduledEnded { execution: execution.clone() }),
        ScheduleInput::Unknown(ScheduledUnknown { execution }),
        ScheduleInput::Pause(SchedulePause { id: request.clone(), note: some("a holiday"), by: some("ann") }),
        ScheduleInput::Resume(ScheduleResume { id: request.clone(), note: some("back again"), by: some("ann") }),
        ScheduleInput::Trigger(ScheduleTrigger { id: request.clone(), overlap: Some(Overlap::Allow), by: some("ann") }),
        ScheduleInput::Backfill(ScheduleBackfill {
            id: request.clone(),
            from,
            to,
            overlap: Some(Overlap::CancelRunning),
            by: some("ann"),
        }),
        ScheduleInput::Delete(ScheduleDelete { id: request, by: some("ann"), definition: None }),
        ScheduleInput::Refused(ScheduleRefused {
            execution: id("nightly-20260101T060000Z"),
            tick: at("2026-01-01T06:00:00Z"),
        }),
    ]
}

#[test]
fn every_input_of_a_schedule_is_written_and_read_as_recorded() {
    let mut kinds = BTreeSet::new();
    for input in every_input() {
        let data: Value = serde_json::from_slice(&input.data()).unwrap();
        let short = input.kind().trim_start_matches("sagaline.input.schedule_").trim_end_matches(".v1");
        is_promised(&format!("schedules/{short}"), &data);
        assert_eq!(ScheduleInput::read(input.kind(), &input.data()).unwrap(), input);
        kinds.insert(input.kind());
    }
    assert_eq!(kinds, SCHEDULE_INPUT_TYPES.iter().copied().collect(), "every kind has its file");
}

/// What a definition says came later, and who asks for one that must be new.
#[test]
fn a_definition_may_speak_of_schedules() {
    let when = When { every: Some(Every::of(Span::from_secs(3600))), ..When::default() };
    let set = ScheduleSet { definition: Some(3), ..ScheduleSet::of(ScheduleSpec::of(name("report"), when)) };
    is_promised("schedules/set_of_a_definition", &set);
    is_promised("schedules/set_new", &ScheduleSet { new: true, by: some("ann"), definition: None, ..set });
    is_promised(
        "schedules/delete_of_a_definition",
        &ScheduleDelete { definition: Some(4), ..ScheduleDelete::default() },
    );
}

#[test]
fn who_asks_about_schedules_is_answered_as_recorded() {
    let view = ScheduleView {
        name: name("nightly"),
        spec: spec(),
        created_at: at("2026-01-01T00:00:00Z"),
        definition: Some(3),
        next: vec![at("2026-01-03T05:00:00Z"), at("2026-01-04T05:00:00Z")],
        last: Some(Fired {
            tick: at("2026-01-02T05:00:00Z"),
            at: at("2026-01-02T05:00:00.004Z"),
            execution: id("nightly-20260102T050000Z"),
        }),
        running: vec![id("nightly-20260102T050000Z")],
        waiting: Some(at("2026-01-02T06:00:00Z")),
        paused: Some(Paused { at: at("2026-01-02T07:00:00Z"), note: some("a holiday"), by: some("ann") }),
        left: Some(8),
        fired: 2,
        skipped: 1,
        finished: false,
        backfilled: None,
        no_room: None,
    };
    is_promised("answer/schedule", &Answer::Schedule(Box::new(view.clone())));
    let when = When { every: Some(Every::of(Span::from_secs(3600))), ..When::default() };
    let filled = ScheduleView {
        spec: ScheduleSpec::of(name("report"), when),
        definition: None,
        next: vec![],
        last: None,
        running: vec![],
        waiting: None,
        paused: None,
        left: None,
        fired: 5,
        backfilled: Some(Backfilled { id: some("01J9"), started: 3, skipped: 1, ticks: 5 }),
        ..view.clone()
    };
    is_promised("answer/schedule_backfilled", &Answer::Schedule(Box::new(filled.clone())));
    let no_room = Some(NoRoom { stream: "RUNS_1".to_owned(), percent: 88 });
    let held = ScheduleView { backfilled: None, next: vec![at("2026-01-03T05:00:00Z")], no_room, ..filled.clone() };
    is_promised("answer/schedule_held", &Answer::Schedule(Box::new(held)));
    let page = SchedulePage { schedules: vec![view], next: Some(name("nightly")) };
    is_promised("answer/schedules", &Answer::Schedules(page));
    is_promised("ask/schedule", &Ask::Schedule { schedule: name("nightly") });
    let (workflow, after) = (Some(name("report")), Some(name("hourly")));
    is_promised("ask/schedules", &Ask::Schedules { workflow, paused: true, after, limit: 50 });
}

#[test]
fn an_input_of_a_schedule_needs_no_more_than_what_it_is_about() {
    let read = |short: &str, data: Value| {
        let kind = format!("sagaline.input.schedule_{short}.v1");
        ScheduleInput::read(&kind, data.to_string().as_bytes()).unwrap()
    };
    assert_eq!(read("pause", json!({})), ScheduleInput::Pause(SchedulePause::default()));
    assert_eq!(read("resume", json!({})), ScheduleInput::Resume(ScheduleResume::default()));
    assert_eq!(read("trigger", json!({})), ScheduleInput::Trigger(ScheduleTrigger::default()));
    assert_eq!(read("delete", json!({})), ScheduleInput::Delete(ScheduleDelete::default()));
    let spec = json!({"workflow": "report", "when": {"every": {"period": "1h"}}});
    let when = When { every: Some(Every::of(Span::from_secs(3600))), ..When::default() };
    let plain = ScheduleSet::of(ScheduleSpec::of(name("report"), when));
    assert_eq!(read("set", json!({ "spec": spec })), ScheduleInput::Set(Box::new(plain)));
    assert!(ScheduleInput::read("sagaline.input.start.v1", b"{}").is_err());
}

#[test]
fn what_a_schedule_tells_is_written_as_recorded() {
    let tick = at("2026-01-01T06:00:00Z");
    let (note, by) = (some("a holiday"), some("ann"));
    let all = [
        ("fired", ScheduleHappening::Fired { tick, execution: id("nightly-20260101T060000Z") }),
        (
            "skipped",
            ScheduleHappening::Skipped {
                tick,
                last: None,
                count: 1,
                more: false,
                why: SkipReason::Overlap,
                asked: None,
            },
        ),
        (
            "skipped_many",
            ScheduleHappening::Skipped {
                tick,
                last: Some(at("2026-03-01T06:00:00Z")),
                count: 10_000,
                more: true,
                why: SkipReason::Missed,
                asked: None,
            },
        ),
        (
            "skipped_asked",
            ScheduleHappening::Skipped {
                tick,
                last: None,
                count: 1,
                more: false,
                why: SkipReason::Overlap,
                asked: Some(id("nightly-now_01J9")),
            },
        ),
        ("paused", ScheduleHappening::Paused { note: note.clone(), by: by.clone() }),
        ("resumed", ScheduleHappening::Resumed { note, by: by.clone() }),
        ("changed", ScheduleHappening::Changed { what: ScheduleChange::Deleted, by }),
    ];
    for (file, happening) in all {
        let what = happening.name().1;
        assert_eq!(happening.kind(), format!("sagaline.schedule.{what}.v1"));
        assert!(file.starts_with(what));
        let news = ScheduleNews {
            schedule: name("nightly"),
            workflow: name("report"),
            at: at("2026-01-01T06:00:00.012Z"),
            happening,
        };
        is_recorded(&format!("schedules/news/{file}"), &serde_json::from_slice(&news.data()).unwrap());
    }
}
