//! Schedules on a real nats-server: a scheduler, and whoever reads its starts in the place of an orchestrator.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod site;

use std::{collections::BTreeSet, time::Duration};

use sagaline_events::{
    Input, ScheduleInput,
    ask::{Answer, Ask},
    schedule::{
        ScheduleBackfill, ScheduleDelete, SchedulePause, ScheduleResume, ScheduleSet, ScheduleTrigger, ScheduledUnknown,
    },
    schedule_view::NoRoom,
};
use sagaline_model::{ExecutionId, Overlap, ScheduleSpec, Span, When};
use sagaline_testkit::site::eventually;
use serde_json::json;

use self::site::{Site, name, never, now, secondly};

#[tokio::test(flavor = "multi_thread")]
async fn each_tick_starts_one_execution_under_its_name() {
    let site = Site::start().await;
    site.set("a", ScheduleSpec { limit: Some(3), input: json!({"n": 1}), ..secondly(Overlap::Allow) }).await;
    site.tells("a", "changed", "finished").await;
    let started = site.started("a").await;
    assert_eq!(started.iter().collect::<BTreeSet<_>>().len(), 3, "{started:?}");
    let told = site.told("a").await;
    let fired: Vec<_> = told.iter().filter(|told| told.what == "fired").collect();
    assert_eq!(fired.iter().map(|told| told.about.clone()).collect::<Vec<_>>(), started, "in the order of the ticks");
    assert_eq!(fired[0].subject, "sagaline.lifecycle.schedule.fired.report");
    let (_, Input::Start(start)) = &site.inputs("a-").await[0] else { panic!("it starts") };
    let scheduled = start.schedule.as_deref().expect("it says by whom");
    assert_eq!((&start.workflow, &start.input), (&name("report"), &json!({"n": 1})));
    assert_eq!((&scheduled.by, scheduled.tell, start.again), (&name("a"), false, false));
    assert_eq!(fired[0].data["tick"], json!(scheduled.tick));
    let view = site.view("a").await.expect("it stays for a while");
    assert_eq!((view.finished, view.fired, view.left, view.next.len()), (true, 3, Some(0), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tick_is_left_out_while_an_execution_runs() {
    let site = Site::start().await;
    site.set("b", secondly(Overlap::Skip)).await;
    let first = site.starts("b", 1).await.remove(0);
    let skipped = site.tells("b", "skipped", "overlap").await;
    assert_eq!(skipped.about, "b");
    assert_eq!(site.view("b").await.unwrap().running, [ExecutionId::new(first.clone()).unwrap()]);
    let (_, Input::Start(start)) = &site.inputs(&first).await[0] else { panic!("it starts") };
    assert!(start.schedule.as_ref().unwrap().tell, "the end of it matters");
    site.ended("b", &first).await;
    assert_eq!(site.starts("b", 2).await[0], first);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_waits_and_the_newest_takes_the_place_of_what_runs() {
    let site = Site::start().await;
    site.set("c", secondly(Overlap::QueueOne)).await;
    let first = site.starts("c", 1).await.remove(0);
    eventually("the second tick waits", async || site.view("c").await.is_some_and(|view| view.waiting.is_some())).await;
    let waits = site.view("c").await.unwrap().waiting.unwrap();
    site.ended("c", &first).await;
    let second = site.starts("c", 2).await.remove(1);
    let (_, Input::Start(start)) = &site.inputs(&second).await[0] else { panic!("it starts") };
    assert_eq!(start.schedule.as_ref().unwrap().tick, waits);

    site.set("d", secondly(Overlap::CancelRunning)).await;
    let first = site.starts("d", 1).await.remove(0);
    eventually("what runs is told to end", async || {
        let inputs = site.inputs(&first).await;
        inputs.iter().any(|(_, input)| matches!(input, Input::Cancel(cancel) if cancel.reason.is_some()))
    })
    .await;
    assert_eq!(site.started("d").await, std::slice::from_ref(&first), "the next one begins when that has ended");
    site.ended("d", &first).await;
    site.starts("d", 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_pause_resume_trigger_backfill_and_delete() {
    let site = Site::start().await;
    site.set("e", secondly(Overlap::Allow)).await;
    site.starts("e", 1).await;
    let pause = SchedulePause { id: None, note: Some("a holiday".into()), by: Some("ann".into()) };
    site.say("e", ScheduleInput::Pause(pause)).await;
    let told = site.tells("e", "paused", "").await;
    assert_eq!((&told.data["note"], &told.data["by"]), (&json!("a holiday"), &json!("ann")));
    let before = site.started("e").await.len();
    // Also while it is paused, and under the id of the request.
    let trigger = ScheduleTrigger { id: Some("r1".into()), ..ScheduleTrigger::default() };
    for _ in 0..2 {
        site.say("e", ScheduleInput::Trigger(trigger.clone())).await;
    }
    let started = site.starts("e", before + 1).await;
    assert!(started.contains(&"e-now_r1".to_owned()), "{started:?}");
    // A pause of a second and a half has at least one tick in it.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    site.say("e", ScheduleInput::Resume(ScheduleResume::default())).await;
    site.tells("e", "skipped", "paused").await;
    let view = site.view("e").await.unwrap();
    assert!(view.paused.is_none() && 0 < view.skipped && view.next.len() == 5, "{view:?}");
    site.say("e", ScheduleInput::Delete(ScheduleDelete::default())).await;
    site.tells("e", "changed", "deleted").await;
    assert_eq!(site.view("e").await, None);

    site.set("f", ScheduleSpec { limit: None, ..secondly(Overlap::Allow) }).await;
    site.say("f", ScheduleInput::Pause(SchedulePause::default())).await;
    let to = now();
    let from = sagaline_model::Moment::from_nanos(to.as_nanos() - 100_000_000_000);
    let backfill = ScheduleBackfill { id: None, from, to, overlap: None, by: None };
    for _ in 0..2 {
        site.say("f", ScheduleInput::Backfill(backfill.clone())).await;
    }
    let started = site.starts("f", 100).await;
    assert!((100..=101).contains(&started.len()), "each once: {}", started.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_due_while_nothing_ran_fires_late_or_is_recorded_as_missed() {
    let mut site = Site::asleep().await;
    site.set("late", ScheduleSpec { limit: Some(3), ..secondly(Overlap::Allow) }).await;
    let strict = ScheduleSpec { catch_up: Some(Span::from_millis(900)), ..secondly(Overlap::Allow) };
    site.set("strict", strict).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    site.wake();
    site.tells("late", "changed", "finished").await;
    assert_eq!(site.started("late").await.len(), 3);
    let missed = site.tells("strict", "skipped", "missed").await;
    assert!(missed.data["count"].as_u64().is_some_and(|count| 2 <= count), "{missed:?}");
    site.starts("strict", 1).await;
}

/// Whoever takes over goes on where the one before ended: no tick twice, none left out.
#[tokio::test(flavor = "multi_thread")]
async fn another_scheduler_goes_on_where_one_ended() {
    let mut site = Site::start().await;
    for number in 0..10 {
        site.set(&format!("g{number}"), ScheduleSpec { limit: Some(6), ..secondly(Overlap::Allow) }).await;
    }
    for count in [1, 2, 4] {
        site.starts("g0", count).await;
        site.sleeps().await;
        site.wake();
    }
    for number in 0..10 {
        let schedule = format!("g{number}");
        site.tells(&schedule, "changed", "finished").await;
        let fired: Vec<_> = site.told(&schedule).await.into_iter().filter(|told| told.what == "fired").collect();
        let ticks: BTreeSet<_> = fired.iter().map(|told| told.data["tick"].to_string()).collect();
        assert_eq!((ticks.len(), site.started(&schedule).await.len()), (6, 6), "{schedule}");
        let ticks: Vec<sagaline_model::Moment> = ticks.iter().map(|tick| serde_json::from_str(tick).unwrap()).collect();
        assert!(ticks.windows(2).all(|two| two[1].since(two[0]) == Span::from_secs(1)), "{ticks:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_was_lost_is_made_again_and_says_so() {
    let site = Site::start().await;
    site.set("h", secondly(Overlap::Skip)).await;
    let first = site.starts("h", 1).await.remove(0);
    let stream = site.connection.jetstream().get_stream("RUNS_0").await.unwrap();
    let other = site.connection.jetstream().get_stream("RUNS_1").await.unwrap();
    for stream in [stream, other] {
        stream.purge().await.unwrap();
    }
    let execution = ExecutionId::new(first.clone()).unwrap();
    site.say("h", ScheduleInput::Unknown(ScheduledUnknown { execution })).await;
    let mut again = None;
    eventually("it is started again", async || {
        let stream = site.connection.jetstream().get_stream("RUNS_0").await.unwrap();
        let other = site.connection.jetstream().get_stream("RUNS_1").await.unwrap();
        let subject = site.connection.names().start(&first, 2);
        for stream in [stream, other] {
            if let Ok(message) = stream.get_last_raw_message_by_subject(&subject).await {
                again = Input::read("sagaline.input.start.v1", &message.payload).ok();
            }
        }
        again.is_some()
    })
    .await;
    let Some(Input::Start(start)) = again else { panic!("a start") };
    assert!(start.again, "its record is looked for first");
}

#[tokio::test(flavor = "multi_thread")]
async fn schedules_are_listed_page_by_page_also_those_that_rest() {
    let site = Site::start().await;
    for number in 0..30 {
        site.set(&format!("i{number:02}"), never(Overlap::Allow)).await;
    }
    site.say("i07", ScheduleInput::Pause(SchedulePause::default())).await;
    let mut seen = vec![];
    eventually("all are listed", async || {
        seen.clear();
        for partition in ["i00", "i01"] {
            let mut after = None;
            loop {
                let question = Ask::Schedules { workflow: Some(name("report")), paused: false, after, limit: 4 };
                let Answer::Schedules(page) = site.ask(&question, partition).await else { panic!("no list") };
                seen.extend(page.schedules.into_iter().map(|view| view.name.to_string()));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        seen.sort();
        seen.dedup();
        seen.len() == 30
    })
    .await;
    eventually("they rest, and answer all the same", async || {
        let Answer::Partition(view) = site.ask(&Ask::Partition, "i07").await else { return false };
        view.loaded < view.open
    })
    .await;
    let view = site.view("i07").await.unwrap();
    assert!(view.paused.is_some() && view.next.is_empty());
    assert_eq!(site.view("i08").await.unwrap().next.len(), 5);
    let question = Ask::Schedules { workflow: None, paused: true, after: None, limit: 10 };
    let Answer::Schedules(page) = site.ask(&question, "i07").await else { panic!("no list") };
    assert_eq!(page.schedules.iter().map(|view| view.name.as_str()).collect::<Vec<_>>(), ["i07"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_set_aside_with_the_reason() {
    let site = Site::start().await;
    site.set("m", ScheduleSpec { input: json!("x".repeat(600 * 1024)), ..never(Overlap::Allow) }).await;
    assert!(site.rejected("invalid_schedule").await.contains("KiB"));
    let when = When { cron: vec!["0 25 * * *".to_owned()], ..When::default() };
    site.set("j", ScheduleSpec::of(name("report"), when)).await;
    eventually("the column is told", async || {
        site.all_rejected().await.iter().any(|why| why.contains("hour") && why.contains("column"))
    })
    .await;
    site.say("nobody", ScheduleInput::Resume(ScheduleResume::default())).await;
    site.rejected("unknown_schedule").await;
    let set = ScheduleInput::Set(Box::new(ScheduleSet::of(never(Overlap::Allow))));
    let home = sagaline_model::partition_of("j", 2);
    site.store(format!("sagaline.schedule.{}.j", 1 - home), set.kind(), set.data().into()).await;
    site.rejected("wrong_partition").await;
    site.store(format!("sagaline.schedule.{home}.j"), "sagaline.input.start.v1", "{}".into()).await;
    site.rejected("bad_input").await;
    // The others go on.
    site.set("k", ScheduleSpec { limit: Some(1), ..secondly(Overlap::Allow) }).await;
    site.starts("k", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_nats_does_not_take_is_told() {
    let site = Site::start().await;
    for partition in 0..2 {
        let log = site.connection.jetstream().get_stream(format!("RUNS_{partition}")).await.unwrap();
        let config =
            async_nats::jetstream::stream::Config { max_message_size: 2000, ..log.cached_info().config.clone() };
        site.connection.jetstream().update_stream(config).await.unwrap();
    }
    let input = json!("x".repeat(3000));
    let when = When { at: vec![now() + Span::from_secs(1)], ..When::default() };
    site.set("l", ScheduleSpec { input, overlap: Overlap::Skip, ..ScheduleSpec::of(name("report"), when) }).await;
    let told = site.tells("l", "skipped", "refused").await;
    assert!(told.data["execution"].as_str().is_some_and(|id| id.starts_with("l-")), "{told:?}");
    assert_eq!(site.view("l").await.unwrap().running, []);
}

/// Starts are held up before results are: a tick is a start.
#[tokio::test(flavor = "multi_thread")]
async fn ticks_wait_while_there_is_no_room_and_start_when_there_is() {
    let mut site = Site::asleep().await;
    site.tells_room(&json!({ "RUNS_1": 90 })).await;
    site.set("full", secondly(Overlap::Allow)).await;
    site.wake();
    let ago = Span::from_secs(2);
    eventually("two ticks are due and wait", async || {
        let view = site.view("full").await;
        view.is_some_and(|view| view.next.first().is_some_and(|next| *next + ago < now()))
    })
    .await;
    assert_eq!(site.started("full").await, [""; 0]);
    let seen = site.view("full").await.unwrap();
    let first = seen.next[0];
    assert_eq!(seen.no_room, Some(NoRoom { stream: "RUNS_1".to_owned(), percent: 90 }), "whoever looks is told");
    let all = Ask::Schedules { workflow: None, paused: false, after: None, limit: 10 };
    let Answer::Schedules(page) = site.ask(&all, "full").await else { panic!("a list") };
    assert_eq!(page.schedules[0].no_room, seen.no_room, "and in a list");
    site.tells_room(&json!({})).await;
    let started = site.starts("full", 3).await;
    let (_, Input::Start(start)) = &site.inputs(&started[0]).await[0] else { panic!("it starts") };
    assert_eq!(start.schedule.as_ref().unwrap().tick, first, "none was left out");
    let seen = site.view("full").await.unwrap();
    assert_eq!((seen.skipped, seen.no_room), (0, None));
}
