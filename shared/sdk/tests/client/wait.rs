//! Waiting for the end of an execution.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use sagaline_events::{ask::Answer, record::Status};
use sagaline_sdk::client::Error;
use sagaline_testkit::site::Nats;

use crate::common::{Owner, client, client_at, eventually, id, soon, tell, view};

/// An owner of one execution that runs until the switch is thrown.
async fn owner(client: &sagaline_sdk::client::Client, over: &Arc<AtomicBool>) -> Owner {
    let over = Arc::clone(over);
    Owner::play(client, move |_| {
        let status = if over.load(Ordering::SeqCst) { Status::Completed } else { Status::Running };
        Answer::Execution(Box::new(view("o-1", status, 1)))
    })
    .await
}

#[tokio::test]
async fn an_end_is_heard_and_what_comes_before_it_is_not_taken_for_one() {
    let client = client().await;
    let over = Arc::new(AtomicBool::new(false));
    let owner = owner(&client, &over).await;
    let waiting = client.clone();
    let waited = tokio::spawn(async move { waiting.wait(&id("o-1")).await });
    eventually("it looked once", || owner.asked().len() == 1).await;
    tell(client.connection(), "workflow", "started", "o-1", "{}").await;
    tell(client.connection(), "step", "completed", "o-1", "{}").await;
    tell(client.connection(), "workflow", "completed", "o-2", "{}").await;
    over.store(true, Ordering::SeqCst);
    tell(client.connection(), "workflow", "completed", "o-1", "{}").await;
    let view = soon(waited).await.expect("no panic").expect("an end");
    assert_eq!((view.status, owner.asked().len()), (Status::Completed, 2), "it asked at the beginning and at the end");
}

#[tokio::test]
async fn what_is_over_already_or_not_there_is_not_waited_for() {
    let client = client().await;
    let over = Arc::new(AtomicBool::new(true));
    let owner = owner(&client, &over).await;
    assert_eq!(soon(client.wait(&id("o-1"))).await.expect("an end").status, Status::Completed);
    drop(owner);
    let _owner = Owner::play(&client, |_| Answer::Unknown).await;
    let error = soon(client.wait(&id("nobody"))).await.expect_err("not there");
    assert!(matches!(error, Error::NotFound(_)), "{error}");
}

/// The end comes while the server is down: nothing tells of it, and it is found all the same.
#[tokio::test]
async fn an_end_that_nobody_could_hear_is_found_after_the_server_is_back() {
    let mut server = Nats::start("client").await;
    let client = client_at(&server.url(), server.installation()).await;
    let over = Arc::new(AtomicBool::new(false));
    let owner = owner(&client, &over).await;
    let waiting = client.clone();
    let waited = tokio::spawn(async move { waiting.wait(&id("o-1")).await });
    eventually("it looked once", || owner.asked().len() == 1).await;
    server.kill().await;
    over.store(true, Ordering::SeqCst);
    server.restart().await;
    let view = soon(waited).await.expect("no panic").expect("an end");
    assert_eq!(view.status, Status::Completed);
}
