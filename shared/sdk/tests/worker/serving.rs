//! What becomes of tasks while all is well.

use std::time::Duration;

use futures::StreamExt;
use sagaline_broker::ports::Bucket;
use sagaline_events::{Input, ask::Answer, input::OnLate, progress::Progress};
use sagaline_model::Span;
use sagaline_sdk::worker::{ActivityContext, ActivityError, Outcome, Task, WaitForApproval};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::common::{Notes, Site, Working, eventually, old_task, task};

#[derive(Deserialize)]
struct ChargeInput {
    amount: u64,
}

#[derive(Serialize)]
struct ChargeOutput {
    receipt: String,
}

async fn charge(context: ActivityContext, input: ChargeInput) -> Result<Outcome<ChargeOutput>, ActivityError> {
    match input.amount {
        0 => Ok(Outcome::Skip("there is nothing to charge".into())),
        7 => Ok(Outcome::snooze(Duration::from_secs(90), "the bank is closed")),
        8 => Ok(Outcome::wait_for_approval(WaitForApproval::by(["ann"]).within(Duration::from_secs(60)).or_skip())),
        13 => panic!("thirteen"),
        99 => Err(ActivityError::new("CardDeclined", "no funds").not_retryable()),
        amount => Ok(Outcome::Output(ChargeOutput { receipt: format!("{}:{amount}", context.idempotency_key()) })),
    }
}

#[tokio::test]
async fn each_way_to_end_is_answered_and_acknowledged() {
    let site = Site::start().await;
    let _working = Working::begin(site.worker().activity("payments.charge", charge));
    for (execution, input) in [
        ("paid", json!({"amount": 5})),
        ("free", json!({"amount": 0})),
        ("early", json!({"amount": 7})),
        ("dear", json!({"amount": 8})),
        ("panic", json!({"amount": 13})),
        ("broke", json!({"amount": 99})),
        ("bad", json!({"sum": 1})),
    ] {
        site.put(&Task { input, ..task("payments.charge", execution) }).await;
    }
    let inputs = site.eventually_inputs(7).await;
    site.eventually_queued(0).await;
    let failed = |kind: &str| {
        inputs.iter().find_map(|input| match input {
            Input::StepFailed(failed) if failed.error.kind == kind => Some(failed.error.clone()),
            _ => None,
        })
    };
    let paid = inputs.iter().find_map(|input| match input {
        Input::StepSucceeded(paid) => Some((paid.output.clone(), paid.worker.clone())),
        _ => None,
    });
    assert_eq!(paid, Some((json!({"receipt": "paid/charge:5"}), Some("worker-1".into()))));
    let skipped =
        |input: &Input| matches!(input, Input::StepSkipped(free) if free.reason == "there is nothing to charge");
    assert!(inputs.iter().any(skipped), "{inputs:?}");
    let early = |input: &Input| matches!(input, Input::StepSnoozed(early) if early.delay == Span::from_secs(90) && early.reason == "the bank is closed");
    assert!(inputs.iter().any(early), "{inputs:?}");
    let dear = |input: &Input| matches!(input, Input::StepAwaits(dear) if dear.approvers == ["ann"] && dear.timeout == Some(Span::from_secs(60)) && dear.on_timeout == OnLate::Skip);
    assert!(inputs.iter().any(dear), "{inputs:?}");
    assert!(failed("Panic").is_some_and(|error| error.message.ends_with("thirteen") && error.retryable), "{inputs:?}");
    assert!(failed("CardDeclined").is_some_and(|error| !error.retryable), "{inputs:?}");
    assert!(failed("BadInput").is_some_and(|error| error.message.contains("amount") && !error.retryable), "{inputs:?}");
}

#[tokio::test]
async fn what_may_be_a_copy_is_asked_about_and_dropped_if_nobody_wants_it() {
    let site = Site::start().await;
    let owner = site.owner(|| Answer::Wanted(false)).await;
    let ran = Notes::default();
    let noted = ran.clone();
    let note = move |context: ActivityContext, _: Value| {
        noted.note(context.execution());
        async { Ok(()) }
    };
    let _working = Working::begin(site.worker().activity("note", note));
    site.put_repeat(&task("note", "marked")).await;
    site.put(&old_task("note", "old")).await;
    site.eventually_queued(0).await;
    assert_eq!(owner.asked(), 2);
    site.put(&task("note", "fresh")).await;
    site.eventually_queued(0).await;
    assert_eq!((owner.asked(), ran.all()), (2, vec!["fresh".to_owned()]));
    assert_eq!(site.inputs().await.len(), 1);
}

#[tokio::test]
async fn a_copy_that_is_wanted_runs_once_there_is_an_owner() {
    let site = Site::start().await;
    let echo = |_: ActivityContext, input: Value| async { Ok(input) };
    let _working = Working::begin(site.worker().activity("echo", echo));
    site.put(&Task { input: json!([1, 2]), ..old_task("echo", "old") }).await;
    site.put(&Task { input: json!(3), ..task("echo", "fresh") }).await;
    assert!(matches!(&site.eventually_inputs(1).await[..], [Input::StepSucceeded(fresh)] if fresh.output == json!(3)));
    let owner = site.owner(|| Answer::Wanted(true)).await;
    assert!(matches!(&site.eventually_inputs(2).await[1], Input::StepSucceeded(old) if old.output == json!([1, 2])));
    assert_eq!(owner.asked(), 1);
}

#[tokio::test]
async fn a_limited_attempt_reports_its_start_and_is_broken_off_in_time() {
    let site = Site::start().await;
    let notes = Notes::default();
    let noted = notes.clone();
    let stall = move |context: ActivityContext, _: Value| {
        let noted = noted.clone();
        async move {
            let left = context.deadline().expect("it is limited") - tokio::time::Instant::now();
            assert!(left <= Duration::from_millis(300), "{left:?}");
            context.cancellation().cancelled().await;
            noted.note("told");
            std::future::pending::<Result<(), ActivityError>>().await
        }
    };
    let _working = Working::begin(site.worker().activity("stall", stall));
    site.put(&Task { timeout: Some(Span::from_millis(300)), ..task("stall", "slow") }).await;
    let inputs = site.eventually_inputs(2).await;
    let [Input::StepStarted(started), Input::StepFailed(failed)] = &inputs[..] else { panic!("{inputs:?}") };
    assert_eq!((started.attempt, failed.error.kind.as_str()), (1, "Timeout"));
    assert_eq!(notes.all(), ["told"]);
    site.eventually_queued(0).await;
}

#[tokio::test]
async fn an_attempt_that_hangs_is_broken_off_and_one_that_gives_signs_of_life_is_not() {
    let site = Site::start().await;
    let work = |context: ActivityContext, hangs: bool| async move {
        if hangs {
            std::future::pending::<()>().await;
        }
        for part in 0..6_u32 {
            tokio::time::sleep(Duration::from_millis(250)).await;
            context.heartbeat(part).await;
        }
        Ok(())
    };
    let _working = Working::begin(site.worker().activity("work", work));
    let heartbeat = Some(Span::from_secs(1));
    site.put(&Task { heartbeat, input: json!(true), ..task("work", "hangs") }).await;
    site.put(&Task { heartbeat, input: json!(false), ..task("work", "lives") }).await;
    let inputs = site.eventually_inputs(2).await;
    site.eventually_queued(0).await;
    let hung = |input: &Input| matches!(input, Input::StepFailed(hung) if hung.error.kind == "HeartbeatTimeout");
    assert!(inputs.iter().any(hung), "{inputs:?}");
    assert!(inputs.iter().any(|input| matches!(input, Input::StepSucceeded(_))), "{inputs:?}");
}

#[tokio::test]
async fn a_notice_cancels_the_attempt_that_it_names() {
    let site = Site::start().await;
    let notes = Notes::default();
    let noted = notes.clone();
    let wait = move |context: ActivityContext, _: Value| {
        let noted = noted.clone();
        async move {
            noted.note("began");
            context.cancellation().cancelled().await;
            noted.note(if context.is_cancelled() { "cancelled" } else { "not" });
            Ok(())
        }
    };
    let _working = Working::begin(site.worker().activity("wait", wait));
    site.put(&task("wait", "order-1")).await;
    notes.eventually(1).await;
    site.tell("order-2", json!({"revoked": {"path": "charge", "attempt": 1}})).await;
    site.tell("order-1", json!({"revoked": {"path": "charge", "attempt": 2}})).await;
    site.tell("order-1", json!({"revoked": {"path": "charge", "attempt": 1}})).await;
    assert_eq!(notes.eventually(2).await, ["began", "cancelled"]);
    site.eventually_queued(0).await;
    assert_eq!(site.inputs().await, [], "nobody waits for its result");
}

#[tokio::test]
async fn what_is_no_task_is_set_aside_with_the_reason() {
    let site = Site::start().await;
    let echo = |_: ActivityContext, input: Value| async { Ok(input) };
    let _working = Working::begin(site.worker().activity("echo", echo));
    site.put_raw(&task("echo", "order-1"), vec![], b"hello".to_vec()).await;
    site.eventually_queued(0).await;
    let rejected = site.stored("REJECTED").await;
    assert_eq!(rejected, [("sagaline.rejected.v1".to_owned(), b"hello".to_vec())]);
    site.put(&task("echo", "order-2")).await;
    site.eventually_inputs(1).await;
}

#[tokio::test]
async fn large_inputs_and_outputs_travel_as_references() {
    let site = Site::start().await;
    let double = |_: ActivityContext, input: String| async move { Ok(format!("{input}{input}")) };
    let _working = Working::begin(site.worker().activity("double", double));
    let payloads = sagaline_broker::nats::Payloads::open(&site.connection).await.expect("the store");
    let large = "x".repeat(400 * 1024);
    let of = sagaline_broker::nats::PayloadOf { partition: 0, execution: "order-1" };
    let input = payloads.offload(of, json!(large)).await.expect("stored");
    assert!(input.get("$ref").is_some());
    site.put(&Task { input, ..task("double", "order-1") }).await;
    let inputs = site.eventually_inputs(1).await;
    let [Input::StepSucceeded(result)] = &inputs[..] else { panic!("{inputs:?}") };
    assert!(result.output.get("$ref").is_some(), "800 KiB do not travel in a message");
    let output = payloads.resolve(result.output.clone()).await.expect("it is there");
    assert_eq!(output.as_str().map(str::len), Some(800 * 1024));
}

#[tokio::test]
async fn what_an_attempt_left_behind_is_there_for_the_next() {
    let site = Site::start().await;
    let upload = |context: ActivityContext, _: Value| async move {
        let before: Option<u32> = context.last_heartbeat().await;
        if context.attempt() == 1 {
            for part in 1..=7_u32 {
                context.heartbeat(part).await;
            }
            return Err(ActivityError::new("Cut", "the line is cut"));
        }
        Ok(before)
    };
    let _working = Working::begin(site.worker().activity("upload", upload));
    site.put(&task("upload", "order-1")).await;
    site.eventually_inputs(1).await;
    site.put(&Task { attempt: 2, ..task("upload", "order-1") }).await;
    let inputs = site.eventually_inputs(2).await;
    assert!(matches!(&inputs[1], Input::StepSucceeded(result) if result.output == json!(7)), "{inputs:?}");
}

#[tokio::test]
async fn progress_is_told_to_whoever_follows() {
    let site = Site::start().await;
    let subject = site.connection.names().lifecycle("step", "progress", "orders", "order-1");
    let mut told = site.connection.client().subscribe(subject).await.expect("subscribed");
    let upload = |context: ActivityContext, _: Value| async move {
        context.progress(0.5, "half of it").await;
        context.progress(0.6, "too soon to say").await;
        Ok(())
    };
    let _working = Working::begin(site.worker().activity("upload", upload));
    site.put(&task("upload", "order-1")).await;
    let event = told.next().await.expect("an event");
    let data: Value = serde_json::from_slice(&event.payload).expect("JSON");
    assert_eq!(
        (&data["fraction"], &data["message"], &data["step"]),
        (&json!(0.5), &json!("half of it"), &json!("charge"))
    );
    assert_eq!((&data["workflow"], &data["version"], &data["attempt"]), (&json!("orders"), &json!(3), &json!(1)));
    site.eventually_inputs(1).await;
    let stored = site.stored("LIFECYCLE").await;
    let kinds: Vec<_> = stored.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["sagaline.step.progress.v1"]);
    let kept = site.connection.value(Bucket::Heartbeats, "order-1.charge.progress").await.expect("an answer");
    let kept: Progress = serde_json::from_slice(&kept.expect("it is kept").1).expect("JSON");
    assert_eq!((kept.attempt, kept.fraction, kept.message.as_deref()), (1, Some(0.5), Some("half of it")));
}

#[tokio::test]
async fn a_worker_never_holds_more_than_it_has_slots() {
    let site = Site::start().await;
    let notes = Notes::default();
    let gate = tokio_util::sync::CancellationToken::new();
    let activity = |name: &'static str| {
        let (noted, open) = (notes.clone(), gate.clone());
        move |_: ActivityContext, _: Value| {
            let (noted, open) = (noted.clone(), open.clone());
            async move {
                noted.note(name);
                open.cancelled().await;
                Ok(())
            }
        }
    };
    for number in 0..10 {
        site.put(&task("a", &format!("a-{number}"))).await;
        site.put(&task("b", &format!("b-{number}"))).await;
    }
    let worker = site.worker().concurrency(4).activity("a", activity("a")).activity("b", activity("b"));
    let _working = Working::begin(worker);
    notes.eventually(4).await;
    let held = async || {
        let mut held = 0;
        let stream = site.connection.jetstream().get_stream("QUEUE_default").await.expect("the stream");
        for consumer in ["a", "b"] {
            held += stream.consumer_info(consumer).await.map_or(0, |info| info.num_ack_pending);
        }
        held
    };
    assert_eq!((held().await, notes.all().len()), (4, 4));
    gate.cancel();
    eventually("all are served", async || site.inputs().await.len() == 20 && site.queued().await == 0).await;
    assert_eq!(notes.all().len(), 20);
}
