//! Sagas: of a compensator that a test plays, and of what lies in `results`.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use futures::StreamExt;
use sagaline_broker::{
    names::LogKind,
    ports::{Bucket, Message, Outcome},
};
use sagaline_events::{
    ask::{Answer, Ask, PartitionView},
    record::Status,
    saga::{
        Intervention, InterventionKind, SagaCause, SagaPage, SagaResolve, SagaRetry, SagaStatus, SagaView,
        UndoneStatus, UndoneView,
    },
};
use sagaline_model::{ActivityName, Moment, StepError, partition_of};
use sagaline_sdk::client::{Class, Client, Error, ListFilter, SagaFilter};

use crate::common::{Owner, client, id, name, store_result, view as execution_view};

fn view(execution: &str, status: SagaStatus, step: UndoneStatus) -> SagaView {
    SagaView {
        execution: id(execution),
        workflow: name("order"),
        version: 1,
        status,
        cause: SagaCause { status: Status::Failed, error: None, step: None, reason: None },
        started_at: Moment::from_millis(1),
        began: Moment::from_millis(0),
        ended_at: status.is_over().then(|| Moment::from_millis(2)),
        steps: vec![UndoneView {
            step: "pay".to_owned().try_into().expect("a path"),
            execution: None,
            status: step,
            activity: ActivityName::new("payments.refund").expect("a name"),
            attempt: 20,
            error: Some(StepError::new("BankAway", "no answer")),
            next_at: None,
        }],
        interventions: vec![],
    }
}

async fn store_record(client: &Client, view: &SagaView) {
    let connection = client.connection();
    let state = serde_json::to_string(view).expect("JSON");
    let payload = format!(r#"{{"applied":1,"time":"{}","state":{state}}}"#, view.started_at).into();
    let subject = connection.names().key(Bucket::Results, &LogKind::Sagas.record_key(view.execution.as_str()));
    let message = Message { subject, expected: None, msg_id: None, ttl: None, headers: vec![], payload };
    assert!(matches!(connection.publish(&message).await, Outcome::Stored { .. }));
}

/// One whose saga of `stuck` is stuck, until something is stored on its log: that is taken, or comes too late.
async fn compensator(client: &Client, takes: bool) -> Owner {
    let stored = Arc::new(AtomicBool::new(false));
    let log = format!("{}.saga.>", client.connection().names().namespace());
    let mut heard = client.connection().client().subscribe(log).await.expect("a subscription");
    let (hears, partitions) = (Arc::clone(&stored), client.partitions());
    tokio::spawn(async move {
        while heard.next().await.is_some() {
            hears.store(true, Ordering::SeqCst);
        }
    });
    Owner::play_service(client, LogKind::Sagas, &[0, 1], move |partition, ask| match ask {
        Ask::Saga { execution } if execution.as_str() == "stuck" => {
            let mut saga = view("stuck", SagaStatus::Stuck, UndoneStatus::Stuck);
            if stored.load(Ordering::SeqCst) {
                (saga.status, saga.steps[0].status) = (SagaStatus::Running, UndoneStatus::Running);
                let (by, why) = (Some("ann".to_owned()), Some("it answers again".to_owned()));
                let retried =
                    Intervention { at: Moment::from_millis(9), what: InterventionKind::Retried, step: None, by, why };
                saga.interventions.extend(takes.then_some(retried));
            }
            Answer::Saga(Box::new(saga))
        }
        Ask::Partition => Answer::Partition(PartitionView {
            partition,
            epoch: 1,
            live: true,
            applied: u64::from(stored.load(Ordering::SeqCst)) * 1_000,
            applied_at: Moment::from_millis(1),
            checkpoint: 0,
            open: 1,
            loaded: 1,
            in_flight: 0,
        }),
        Ask::Sagas { after, limit, .. } => {
            let of_all =
                ["a", "b", "c", "d", "e", "f"].map(|execution| view(execution, SagaStatus::Stuck, UndoneStatus::Stuck));
            let mine = of_all.into_iter().filter(|saga| partition_of(saga.execution.as_str(), partitions) == partition);
            let mut mine: Vec<_> =
                mine.filter(|saga| after.as_ref().is_none_or(|after| *after < saga.execution)).collect();
            // It gives one a page, however many are asked for.
            assert!(1 < *limit);
            let next = mine.first().filter(|_| 1 < mine.len()).map(|saga| saga.execution.clone());
            mine.truncate(1);
            Answer::Sagas(SagaPage { sagas: mine, next })
        }
        _ => Answer::Unknown,
    })
    .await
}

fn retry() -> SagaRetry {
    SagaRetry { by: Some("ann".to_owned()), why: Some("it answers again".to_owned()), ..SagaRetry::default() }
}

#[tokio::test]
async fn the_compensator_knows_what_is_open_and_the_results_what_ended() {
    let client = client().await;
    let _compensator = compensator(&client, true).await;
    let ended = view("ended", SagaStatus::Completed, UndoneStatus::Compensated);
    store_record(&client, &ended).await;
    let saga = async |execution| client.saga(&id(execution)).await.expect("an answer");
    assert_eq!(saga("stuck").await.map(|saga| saga.status), Some(SagaStatus::Stuck));
    assert_eq!(saga("ended").await, Some(ended));
    assert_eq!(saga("nobody").await, None);
}

/// The record of a saga has the fields of an execution's, nearly.
#[tokio::test]
async fn a_saga_in_the_results_is_no_execution() {
    let client = client().await;
    store_record(&client, &view("ended", SagaStatus::Completed, UndoneStatus::Compensated)).await;
    store_result(client.connection(), &execution_view("other", Status::RolledBack, 1)).await;
    let filter = ListFilter { status: vec![Status::Completed, Status::RolledBack], ..ListFilter::default() };
    let listed = client.list(filter, None).next(10).await.expect("a list");
    assert_eq!(listed.iter().map(|listed| listed.view.execution.as_str()).collect::<Vec<_>>(), ["other"]);
}

#[tokio::test]
async fn sagas_are_listed_by_id_over_all_partitions() {
    let client = client().await;
    let _compensator = compensator(&client, true).await;
    let ids = |sagas: Vec<SagaView>| sagas.into_iter().map(|saga| saga.execution.to_string()).collect::<Vec<_>>();
    let mut listing = client.sagas(SagaFilter::default(), None);
    assert_eq!(ids(listing.next(4).await.expect("a list")), ["a", "b", "c", "d"]);
    assert_eq!(ids(listing.next(4).await.expect("a list")), ["e", "f"]);
    assert_eq!(ids(client.sagas(SagaFilter::default(), Some(id("d"))).next(9).await.expect("a list")), ["e", "f"]);
}

#[tokio::test]
async fn without_a_compensator_that_is_said() {
    let client = client().await;
    let mut listing = client.sagas(SagaFilter::default(), None);
    assert_eq!((listing.next(9).await.expect("a list"), listing.silent().collect::<Vec<_>>()), (vec![], vec![0, 1]));
    let error = client.saga(&id("a")).await.expect_err("nobody can say");
    assert!(matches!(error, Error::NoCompensator { .. }) && error.class() == Class::Unreachable, "{error}");
    assert!(error.hint().expect("a hint").contains("sagaline-compensator"));
}

#[tokio::test]
async fn what_somebody_does_is_told_once_it_was_done() {
    let client = client().await;
    let _compensator = compensator(&client, true).await;
    let saga = client.saga_retry(&id("stuck"), retry()).await.expect("it is tried again");
    assert_eq!((saga.status, saga.interventions[0].by.as_deref()), (SagaStatus::Running, Some("ann")));
}

#[tokio::test]
async fn what_changed_nothing_is_an_error_that_says_why() {
    let client = client().await;
    let _compensator = compensator(&client, false).await;
    // Somebody else was faster: it is stored, and it is stuck no more.
    let error = client.saga_retry(&id("stuck"), retry()).await.expect_err("it came too late");
    assert_eq!(error.to_string(), "the saga of `stuck` cannot be retried: nothing of it is stuck: it is at work");
    let error = client.saga_retry(&id("nobody"), retry()).await.expect_err("there is none");
    assert!(matches!(error, Error::NoSaga(_)) && error.class() == Class::Refused, "{error}");
    // Nothing is sent to what is over.
    store_record(&client, &view("ended", SagaStatus::Resolved, UndoneStatus::Stuck)).await;
    let resolve = SagaResolve { by: None, why: "once more".to_owned() };
    let error = client.saga_resolve(&id("ended"), resolve).await.expect_err("it is over");
    assert_eq!(error.to_string(), "the saga of `ended` cannot be resolved: it is over (resolved)");
}
