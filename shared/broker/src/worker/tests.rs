//! The decisions of the task protocol, one by one, in virtual time.

mod claim;
mod fake;
mod late;

use std::{sync::Arc, time::Duration};

use fake::{ACK_WAIT, Did, SINCE, Script, Scripted, World, delivery, locked, task};
use sagaline_events::{Input, Task, ask::Answer};
use sagaline_model::{Moment, StepError};
use serde_json::{Value, json};
use tokio::{task::yield_now, time::advance};

use super::{Acknowledgement, CAUSE_WITHIN, Delivery, Ended, PayloadFault, Served, Stop, TaskPorts, serve};
use crate::ports::Outcome;

/// Makes something else of a delivery.
type Cast = fn(&mut Delivery);

const STORED: Outcome = Outcome::Stored { sequence: 1, duplicate: false };

fn ends(ended: Ended) -> Script {
    Script::Ends(ended, Duration::ZERO)
}

fn succeeds() -> Script {
    ends(Ended::Succeeded(json!({ "receipt": 1 })))
}

async fn serve_one(world: &Arc<World>, script: Script, delivery: &Delivery) -> Served {
    serve(&**world, &Scripted { world: world.clone(), script }, &Stop::default(), delivery).await
}

fn serving(world: &Arc<World>, script: Script, delivery: Delivery, stop: &Stop) -> tokio::task::JoinHandle<Served> {
    let (world, stop) = (world.clone(), stop.clone());
    tokio::spawn(async move {
        let host = Scripted { world: world.clone(), script };
        serve(&*world, &host, &stop, &delivery).await
    })
}

fn done(reply: &str) -> Did {
    Did::Told(Acknowledgement::Done, reply.into())
}

fn published(what: &str) -> Did {
    Did::Published("sagaline.run.0.order-1.in".into(), format!("sagaline.input.{what}.v1"))
}

#[tokio::test(start_paused = true)]
async fn the_only_copy_runs_unasked_and_is_acknowledged_after_its_result() {
    let world = World::new();
    assert_eq!(serve_one(&world, succeeds(), &delivery(&world, &task())).await, Served::Answered);
    assert_eq!(world.did(), [Did::Ran(json!(7)), published("step_succeeded"), done("ack.1")]);
    let [Input::StepSucceeded(result)] = &world.inputs()[..] else { panic!("one result") };
    assert_eq!((&result.output, result.worker.as_deref()), (&json!({ "receipt": 1 }), Some("worker-1")));
    let headers = &world.messages()[0].headers;
    assert!(headers.contains(&("ce-traceparent", "00-a-b-01".into())), "{headers:?}");
}

#[tokio::test(start_paused = true)]
async fn whatever_may_be_a_copy_is_asked_about() {
    let recent = task().cause;
    let doubts: [(&str, Moment, Cast); 6] = [
        ("delivered before", recent, |delivery| delivery.delivered = 2),
        ("marked", recent, |delivery| delivery.repeat = true),
        ("stored late", recent, |delivery| delivery.stored = delivery.stored + CAUSE_WITHIN),
        ("of an earlier session", recent, |delivery| delivery.session = 0),
        ("caused as the session began", SINCE, |_| ()),
        ("caused before the session", Moment::from_millis(1), |_| ()),
    ];
    for (doubt, cause, cast) in doubts {
        let world = World::new();
        world.owner_says([Some(Answer::Wanted(false))]);
        let mut delivery = delivery(&world, &Task { cause, ..task() });
        cast(&mut delivery);
        assert_eq!(serve_one(&world, succeeds(), &delivery).await, Served::Unwanted, "{doubt}");
        assert_eq!(world.did(), [Did::Asked, done("ack.1")], "{doubt}");
    }
}

#[tokio::test(start_paused = true)]
async fn while_it_is_not_known_when_the_session_began_everything_is_asked_about() {
    let world = World::new();
    let mut delivery = delivery(&world, &task());
    world.lose_connection();
    delivery.session = world.session().number;
    world.owner_says([Some(Answer::Wanted(true))]);
    assert_eq!(serve_one(&world, succeeds(), &delivery).await, Served::Answered);
    assert_eq!(world.did()[0], Did::Asked);
}

fn copy(world: &World) -> Delivery {
    Delivery { delivered: 2, ..delivery(world, &task()) }
}

#[tokio::test(start_paused = true)]
async fn an_execution_that_the_owner_does_not_know_wants_nothing() {
    let world = World::new();
    world.owner_says([Some(Answer::Unknown)]);
    assert_eq!(serve_one(&world, succeeds(), &copy(&world)).await, Served::Unwanted);
    assert!(!world.ran());
}

#[tokio::test(start_paused = true)]
async fn without_an_owner_the_task_is_kept_until_there_is_one() {
    let world = World::new();
    world.owner_says(vec![None; 10]);
    world.owner_says([Some(Answer::Wanted(true))]);
    assert_eq!(serve_one(&world, succeeds(), &copy(&world)).await, Served::Answered);
    assert_eq!(world.did().iter().filter(|did| **did == Did::Asked).count(), 11);
    assert_eq!(world.progress_at(), [1000, 2000, 3000, 4000, 5000, 6000, 7000]);
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_does_not_understand_is_asked_again() {
    let world = World::new();
    let refused = Answer::Refused(StepError::new("BadQuestion", "what?"));
    world.owner_says([Some(refused), Some(Answer::Wanted(true))]);
    assert_eq!(serve_one(&world, succeeds(), &copy(&world)).await, Served::Answered);
}

#[tokio::test(start_paused = true)]
async fn a_task_asked_about_on_a_lost_connection_is_dropped() {
    let world = World::new();
    let served = serving(&world, succeeds(), copy(&world), &Stop::default());
    yield_now().await;
    world.lose_connection();
    assert_eq!(served.await.expect("it ends"), Served::Dropped);
    assert!(!world.ran());
    assert!(!world.did().iter().any(|did| matches!(did, Did::Told(..))), "somebody else has it");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_comes_after_the_connection_was_lost_starts_nothing() {
    let world = World::new();
    world.owner_says([Some(Answer::Wanted(true))]);
    let served = serving(&world, succeeds(), copy(&world), &Stop::default());
    yield_now().await;
    world.lose_connection();
    assert_eq!(served.await.expect("it ends"), Served::Dropped);
    assert!(!world.ran());
}

#[tokio::test(start_paused = true)]
async fn what_lay_about_for_an_ack_wait_is_dropped() {
    let world = World::new();
    let delivery = delivery(&world, &task());
    advance(ACK_WAIT).await;
    assert_eq!(serve_one(&world, succeeds(), &delivery).await, Served::Dropped);
    assert_eq!(world.did(), []);
}

#[tokio::test(start_paused = true)]
async fn a_long_activity_gives_signs_of_life() {
    let world = World::new();
    let script = Script::Ends(Ended::Succeeded(Value::Null), ACK_WAIT * 2 + Duration::from_millis(500));
    assert_eq!(serve_one(&world, script, &delivery(&world, &task())).await, Served::Answered);
    assert_eq!(world.progress_at(), [1000, 2000, 3000, 4000, 5000, 6000]);
}

#[tokio::test(start_paused = true)]
async fn many_short_waits_are_no_excuse_for_silence() {
    let world = World::new();
    world.stream_says(vec![Outcome::Unknown("no answer".into()); 8]);
    let mut bad = delivery(&world, &task());
    bad.content = Err("it is no CloudEvent".into());
    assert_eq!(serve_one(&world, succeeds(), &bad).await, Served::Rejected);
    assert_eq!(world.progress_at(), [1000, 2000, 3000, 4000, 5000, 6000, 7000]);
}

#[tokio::test(start_paused = true)]
async fn what_has_begun_goes_on_when_the_connection_is_lost() {
    let world = World::new();
    let script = Script::Ends(Ended::Succeeded(Value::Null), ACK_WAIT * 3);
    let served = serving(&world, script, delivery(&world, &task()), &Stop::default());
    yield_now().await;
    world.lose_connection();
    assert_eq!(served.await.expect("it ends"), Served::Answered);
    assert_eq!(world.inputs().len(), 1);
}

fn limited(timeout: Duration) -> Task {
    Task { timeout: Some(timeout.into()), ..task() }
}

#[tokio::test(start_paused = true)]
async fn a_limited_attempt_begins_once_its_report_is_stored() {
    let world = World::new();
    world.stream_says([Outcome::Unknown("no answer".into()), Outcome::Full("no room".into()), STORED]);
    let delivery = delivery(&world, &limited(Duration::from_secs(5)));
    assert_eq!(serve_one(&world, succeeds(), &delivery).await, Served::Answered);
    let expected = [published("step_started"), Did::Ran(json!(7)), published("step_succeeded"), done("ack.1")];
    assert_eq!(world.did(), expected);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_whose_report_is_not_stored_before_the_connection_is_lost_does_not_begin() {
    let world = World::new();
    world.stream_says(vec![Outcome::Unknown("no answer".into()); 100]);
    let delivery = delivery(&world, &limited(Duration::from_secs(5)));
    let served = serving(&world, succeeds(), delivery, &Stop::default());
    tokio::time::sleep(Duration::from_millis(100)).await;
    world.lose_connection();
    assert_eq!(served.await.expect("it ends"), Served::Dropped);
    assert!(!world.ran());
    assert_eq!(world.running().count(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_runs_too_long_is_broken_off_and_fails() {
    for script in [Script::Ignores, Script::Heeds] {
        let world = World::new();
        let delivery = delivery(&world, &limited(Duration::from_millis(2500)));
        assert_eq!(serve_one(&world, script, &delivery).await, Served::Answered);
        let inputs = world.inputs();
        let [Input::StepStarted(_), Input::StepFailed(failed)] = &inputs[..] else { panic!("{inputs:?}") };
        assert_eq!((failed.error.kind.as_str(), failed.error.retryable), (StepError::TIMEOUT, true));
        assert!(failed.error.message.contains("2s500ms"), "{}", failed.error.message);
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_may_be_asked_to_report_without_a_limit() {
    let world = World::new();
    let delivery = delivery(&world, &Task { report: true, ..task() });
    assert_eq!(serve_one(&world, succeeds(), &delivery).await, Served::Answered);
    let expected = [published("step_started"), Did::Ran(json!(7)), published("step_succeeded"), done("ack.1")];
    assert_eq!(world.did(), expected);
}

fn must_beat(every: Duration) -> Task {
    Task { heartbeat: Some(every.into()), ..task() }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_gives_no_sign_of_life_is_broken_off_and_fails() {
    for script in [Script::Ignores, Script::Heeds] {
        let world = World::new();
        let delivery = delivery(&world, &must_beat(Duration::from_secs(2)));
        assert_eq!(serve_one(&world, script, &delivery).await, Served::Answered);
        let inputs = world.inputs();
        let [Input::StepFailed(failed)] = &inputs[..] else { panic!("{inputs:?}") };
        assert_eq!((failed.error.kind.as_str(), failed.error.retryable), (StepError::HEARTBEAT_TIMEOUT, true));
        assert!(failed.error.message.ends_with("its heartbeat of 2s"), "{}", failed.error.message);
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_may_run_for_as_long_as_it_gives_signs_of_life() {
    let world = World::new();
    let script = Script::Beats(Duration::from_millis(1900), 10, Ended::Succeeded(Value::Null));
    let begun = world.boot();
    assert_eq!(
        serve_one(&world, script, &delivery(&world, &must_beat(Duration::from_secs(2)))).await,
        Served::Answered
    );
    assert!(matches!(world.inputs()[..], [Input::StepSucceeded(_)]), "{:?}", world.inputs());
    assert!(Duration::from_secs(19) <= world.boot() - begun);
}

#[tokio::test(start_paused = true)]
async fn signs_of_life_lengthen_no_timeout() {
    let world = World::new();
    let script = Script::Beats(Duration::from_millis(100), 1000, Ended::Succeeded(Value::Null));
    let timeout = Some(Duration::from_secs(5).into());
    let task = Task { timeout, ..must_beat(Duration::from_secs(2)) };
    assert_eq!(serve_one(&world, script, &delivery(&world, &task)).await, Served::Answered);
    let inputs = world.inputs();
    let [Input::StepStarted(_), Input::StepFailed(failed)] = &inputs[..] else { panic!("{inputs:?}") };
    assert_eq!(failed.error.kind, StepError::TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_is_too_early_says_when_to_come_again() {
    let world = World::new();
    let delay = Duration::from_secs(300).into();
    // Too large to travel, were it not shortened.
    let early = Ended::Snoozed { delay, reason: "not\nyet ".repeat(60_000) };
    assert_eq!(serve_one(&world, ends(early), &delivery(&world, &task())).await, Served::Answered);
    let inputs = world.inputs();
    let [Input::StepSnoozed(snoozed)] = &inputs[..] else { panic!("one answer") };
    assert_eq!((snoozed.attempt, snoozed.delay), (1, delay));
    assert!(snoozed.reason.starts_with("not yet ") && snoozed.reason.len() < 2000, "{}", snoozed.reason.len());
}

#[tokio::test(start_paused = true)]
async fn a_result_is_tried_again_until_it_is_stored() {
    let world = World::new();
    let (unknown, full) = (Outcome::Unknown("no answer".into()), Outcome::Full("no room".into()));
    world.stream_says([vec![unknown; 10], vec![full; 10], vec![Outcome::Contended, STORED]].concat());
    assert_eq!(serve_one(&world, succeeds(), &delivery(&world, &task())).await, Served::Answered);
    let did = world.did();
    assert_eq!(did.iter().filter(|did| **did == Did::Ran(json!(7))).count(), 1);
    assert_eq!(did[did.len() - 2..], [published("step_succeeded"), done("ack.1")]);
    assert!(10 < world.progress_at().len(), "the task is kept all the while");
}

#[tokio::test(start_paused = true)]
async fn a_result_that_is_refused_becomes_a_failure_that_is_not() {
    let world = World::new();
    world.stream_says([Outcome::Refused("too\nlarge".into())]);
    assert_eq!(serve_one(&world, succeeds(), &delivery(&world, &task())).await, Served::Answered);
    let inputs = world.inputs();
    let [Input::StepFailed(failed)] = &inputs[..] else { panic!("{inputs:?}") };
    assert_eq!((failed.error.kind.as_str(), failed.error.retryable), ("ResultRefused", false));
    assert_eq!(failed.error.message, "the result could not be stored: too large");
}

#[tokio::test(start_paused = true)]
async fn a_task_that_cannot_be_answered_at_all_is_set_aside() {
    let world = World::new();
    world.stream_says(vec![Outcome::Refused("no".into()); 2]);
    assert_eq!(serve_one(&world, succeeds(), &delivery(&world, &task())).await, Served::Answered);
    let rejected = Did::Published("sagaline.rejected.bad_task".into(), "sagaline.rejected.v1".into());
    assert_eq!(world.did()[1..], [rejected, done("ack.1")]);
}

#[tokio::test(start_paused = true)]
async fn a_task_whose_answer_no_stream_takes_is_set_aside_after_two_minutes() {
    let no_stream = || Outcome::Unknown("no stream takes it".into());
    let world = World::new();
    *locked(&world.is_taken) = Some(false);
    world.stream_says(vec![no_stream(); 70]);
    assert_eq!(serve_one(&world, succeeds(), &delivery(&world, &task())).await, Served::Answered);
    assert!((120..140).contains(&world.boot().as_secs()), "{:?}", world.boot());
    let rejected = Did::Published("sagaline.rejected.bad_task".into(), "sagaline.rejected.v1".into());
    let did = world.did();
    assert_eq!(did[did.len() - 2..], [rejected, done("ack.1")]);
    let message = world.messages().pop().expect("it is set aside");
    let why = message.headers.iter().find(|(name, _)| *name == "Sagaline-Reason").expect("a reason");
    assert!(why.1.contains("no stream takes `sagaline.run.0.order-1.in`"), "{}", why.1);
}

/// A stream without a leader, or of which nothing can be learnt, will take it in the end.
#[tokio::test(start_paused = true)]
async fn an_answer_whose_stream_only_has_no_leader_is_tried_until_it_is_stored() {
    for is_taken in [Some(true), None] {
        let world = World::new();
        *locked(&world.is_taken) = is_taken;
        world.stream_says(vec![Outcome::Unknown("no leader".into()); 400]);
        assert_eq!(serve_one(&world, succeeds(), &delivery(&world, &task())).await, Served::Answered);
        assert!(600 < world.boot().as_secs(), "{:?}", world.boot());
        assert_eq!(world.did().last(), Some(&done("ack.1")));
        assert!(matches!(world.inputs()[..], [Input::StepSucceeded(_)]));
    }
}

#[tokio::test(start_paused = true)]
async fn a_large_output_travels_as_a_reference() {
    let world = World::new();
    *locked(&world.payload) = Ok(json!({ "$ref": {} }));
    let large = Ended::Succeeded("x".repeat(300 * 1024).into());
    assert_eq!(serve_one(&world, ends(large), &delivery(&world, &task())).await, Served::Answered);
    let inputs = world.inputs();
    let [Input::StepSucceeded(result)] = &inputs[..] else { panic!("one result") };
    assert_eq!(result.output, json!({ "$ref": {} }));
}

#[tokio::test(start_paused = true)]
async fn an_output_too_large_for_any_store_fails_the_step() {
    let world = World::new();
    *locked(&world.payload) = Err(PayloadFault::Never("it is 70 MiB".into()));
    let large = Ended::Succeeded("x".repeat(300 * 1024).into());
    assert_eq!(serve_one(&world, ends(large), &delivery(&world, &task())).await, Served::Answered);
    let inputs = world.inputs();
    let [Input::StepFailed(failed)] = &inputs[..] else { panic!("{inputs:?}") };
    assert_eq!((failed.error.kind.as_str(), failed.error.retryable), ("ResultTooLarge", false));
    assert!(failed.error.message.contains("70 MiB"));
}

#[tokio::test(start_paused = true)]
async fn an_error_too_large_to_travel_is_shortened() {
    let world = World::new();
    let details = Some("x".repeat(300 * 1024).into());
    let error = StepError { details, ..StepError::new("CardDeclined", "no funds") };
    serve_one(&world, ends(Ended::Failed(error)), &delivery(&world, &task())).await;
    let inputs = world.inputs();
    let [Input::StepFailed(failed)] = &inputs[..] else { panic!("{inputs:?}") };
    assert_eq!((failed.error.kind.as_str(), &failed.error.details), ("CardDeclined", &None));
    assert!(failed.error.message.starts_with("no funds (shortened"), "{}", failed.error.message);
}

fn referring() -> Task {
    Task { input: json!({ "order": { "$ref": {} } }), ..task() }
}

#[tokio::test(start_paused = true)]
async fn an_activity_sees_what_its_input_refers_to() {
    let world = World::new();
    *locked(&world.payload) = Ok(json!({ "order": "large" }));
    serve_one(&world, succeeds(), &delivery(&world, &referring())).await;
    assert_eq!(world.did()[0], Did::Ran(json!({ "order": "large" })));
}

#[tokio::test(start_paused = true)]
async fn an_input_that_is_gone_fails_the_step_for_good() {
    let world = World::new();
    *locked(&world.payload) = Err(PayloadFault::Never("it expired".into()));
    assert_eq!(serve_one(&world, succeeds(), &delivery(&world, &referring())).await, Served::Answered);
    let inputs = world.inputs();
    let [Input::StepFailed(failed)] = &inputs[..] else { panic!("{inputs:?}") };
    assert_eq!((failed.error.kind.as_str(), failed.error.retryable), ("BadInput", false));
    assert!(!world.ran());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_is_waited_for() {
    let world = World::new();
    *locked(&world.payload) = Err(PayloadFault::Later("no answer".into()));
    let served = serving(&world, succeeds(), delivery(&world, &referring()), &Stop::default());
    tokio::time::sleep(ACK_WAIT * 3).await;
    assert!(!world.ran());
    *locked(&world.payload) = Ok(json!(8));
    assert_eq!(served.await.expect("it ends"), Served::Answered);
    assert!(world.did().contains(&Did::Ran(json!(8))));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_task_is_set_aside_with_the_reason() {
    let task_of_another_type: Cast = |delivery| {
        delivery.content.as_mut().expect("content").kind = "order.created".into();
    };
    let bad_reply: Cast = |delivery| {
        let task = Task { reply: "a b".into(), ..task() };
        delivery.content.as_mut().expect("content").data = serde_json::to_vec(&task).expect("JSON").into();
    };
    let spoils: [(&str, Cast); 4] = [
        ("no CloudEvent", |delivery| delivery.content = Err("it is no CloudEvent".into())),
        ("order.created", task_of_another_type),
        ("its data is no task", |delivery| delivery.content.as_mut().expect("content").data = "{}".into()),
        ("`a b`", bad_reply),
    ];
    for (reason, spoil) in spoils {
        let world = World::new();
        world.stream_says([Outcome::Unknown("no answer".into()), STORED]);
        let mut delivery = delivery(&world, &task());
        spoil(&mut delivery);
        assert_eq!(serve_one(&world, succeeds(), &delivery).await, Served::Rejected, "{reason}");
        let rejected = Did::Published("sagaline.rejected.bad_task".into(), "sagaline.rejected.v1".into());
        assert_eq!(world.did(), [rejected, done("ack.1")], "{reason}");
        let message = &world.messages()[0];
        let why = message.headers.iter().find(|(name, _)| *name == "Sagaline-Reason").map(|(_, why)| why.as_str());
        assert!(why.is_some_and(|why| why.contains(reason)), "{why:?}");
        assert_eq!((&message.payload, message.msg_id.is_some()), (&delivery.payload, true));
    }
}

#[tokio::test(start_paused = true)]
async fn a_revoked_attempt_is_cancelled_and_its_result_concerns_nobody() {
    let world = World::new();
    let served = serving(&world, Script::Heeds, delivery(&world, &task()), &Stop::default());
    tokio::time::sleep(Duration::from_millis(10)).await;
    world.running().notice("order-2", br#"{"revoked":{"path":"charge","attempt":1}}"#);
    world.running().notice("order-1", br#"{"revoked":{"path":"charge","attempt":2}}"#);
    world.running().notice("order-1", b"not a notice");
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert!(!served.is_finished(), "none of these named it");
    world.running().notice("order-1", br#"{"revoked":{"path":"charge","attempt":1}}"#);
    assert_eq!(served.await.expect("it ends"), Served::Revoked);
    assert_eq!(world.did(), [Did::Ran(json!(7)), done("ack.1")]);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_is_to_tidy_up_is_cancelled_and_its_result_is_told() {
    let world = World::new();
    let served = serving(&world, Script::Heeds, delivery(&world, &task()), &Stop::default());
    tokio::time::sleep(Duration::from_millis(10)).await;
    world.running().notice("order-1", br#"{"cleanup":{"path":"charge","attempt":1}}"#);
    assert_eq!(served.await.expect("it ends"), Served::Answered);
    assert_eq!(world.did().last(), Some(&done("ack.1")));
    assert_eq!(world.did().len(), 3, "it ran, it answered, and it was acknowledged: {:?}", world.did());
    // Whoever does not wait for it after all has the last word.
    let served = serving(&world, Script::Heeds, delivery(&world, &task()), &Stop::default());
    tokio::time::sleep(Duration::from_millis(10)).await;
    world.running().notice("order-1", br#"{"revoked":{"path":"charge","attempt":1}}"#);
    world.running().notice("order-1", br#"{"cleanup":{"path":"charge","attempt":1}}"#);
    assert_eq!(served.await.expect("it ends"), Served::Revoked);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_runs_here_already_is_not_run_again() {
    let world = World::new();
    let script = Script::Ends(Ended::Succeeded(Value::Null), Duration::from_millis(500));
    let first = serving(&world, script.clone(), delivery(&world, &task()), &Stop::default());
    yield_now().await;
    world.owner_says([Some(Answer::Wanted(true))]);
    let second = Delivery { delivered: 2, reply: "ack.2".into(), ..delivery(&world, &task()) };
    assert_eq!(serve_one(&world, script, &second).await, Served::Joined);
    assert_eq!(first.await.expect("it ends"), Served::Answered);
    let did = world.did();
    assert_eq!(did, [Did::Ran(json!(7)), Did::Asked, published("step_succeeded"), done("ack.2")]);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_drains_begins_nothing_and_finishes_what_runs() {
    let world = World::new();
    let stop = Stop::default();
    let script = Script::Ends(Ended::Succeeded(Value::Null), Duration::from_millis(500));
    let running = serving(&world, script, delivery(&world, &task()), &stop);
    let asking = serving(&world, succeeds(), Delivery { reply: "ack.2".into(), ..copy(&world) }, &stop);
    yield_now().await;
    stop.drain.cancel();
    let late = serving(&world, succeeds(), Delivery { reply: "ack.3".into(), ..delivery(&world, &task()) }, &stop);
    assert_eq!(asking.await.expect("it ends"), Served::Released);
    assert_eq!(late.await.expect("it ends"), Served::Released);
    assert_eq!(running.await.expect("it ends"), Served::Answered);
    for reply in ["ack.2", "ack.3"] {
        assert!(world.did().contains(&Did::Told(Acknowledgement::Again, reply.into())), "{reply}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_broken_off_goes_back_to_the_queue() {
    let world = World::new();
    let stop = Stop::default();
    let served = serving(&world, Script::Ignores, delivery(&world, &task()), &stop);
    yield_now().await;
    stop.drain.cancel();
    stop.release.cancel();
    assert_eq!(served.await.expect("it ends"), Served::Released);
    assert_eq!(world.did(), [Did::Ran(json!(7)), Did::Told(Acknowledgement::Again, "ack.1".into())]);
    assert_eq!(world.running().count(), 0);
}

#[tokio::test(start_paused = true)]
async fn steps_that_are_too_many_for_a_message_are_a_failure_that_says_so() {
    for (kibibytes, kind) in [(400, "step_expanded"), (600, "step_failed")] {
        let world = World::new();
        let steps = json!([{"name": "a", "kind": {"step": {"activity": "a", "input": "x".repeat(kibibytes * 1024)}}}]);
        serve_one(&world, ends(Ended::Expanded(steps)), &delivery(&world, &task())).await;
        assert!(world.did().contains(&published(kind)), "{kibibytes} KiB");
        if let [Input::StepFailed(failed)] = &world.inputs()[..] {
            assert_eq!((failed.error.kind.as_str(), failed.error.retryable), (StepError::BAD_EXPANSION, false));
            assert!(failed.error.message.contains("more than the 512 KiB"), "{}", failed.error.message);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_way_to_end_has_its_input() {
    let error = StepError::new("CardDeclined", "no funds");
    for (ended, kind) in [
        (Ended::Succeeded(Value::Null), "step_succeeded"),
        (Ended::Skipped("nothing to do".into()), "step_skipped"),
        (Ended::Snoozed { delay: Duration::from_secs(1).into(), reason: String::new() }, "step_snoozed"),
        (Ended::Failed(error), "step_failed"),
        (Ended::Expanded(json!([])), "step_expanded"),
        (Ended::Late, "step_snoozed"),
        (Ended::Awaits { approvers: vec![], timeout: None, on_timeout: Default::default() }, "step_awaits"),
    ] {
        let world = World::new();
        serve_one(&world, ends(ended), &delivery(&world, &task())).await;
        assert!(world.did().contains(&published(kind)), "{kind}");
    }
}
