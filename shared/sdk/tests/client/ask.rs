//! Asking what became of executions, of owners and of the bucket `results`.

use sagaline_events::{
    ask::{Answer, Ask, Why},
    record::Status,
};
use sagaline_model::{Moment, partition_of};
use sagaline_sdk::client::{Class, Error, Explanation};

use crate::common::{Owner, client, id, store_result, view};

fn knows_running(ask: &Ask) -> Answer {
    match ask {
        Ask::Get { execution } if execution.as_str() == "runs" => {
            Answer::Execution(Box::new(view("runs", Status::Running, 1)))
        }
        Ask::Why { execution } if execution.as_str() == "runs" => Answer::Why(vec![Why {
            step: None,
            state: "waiting".into(),
            cause: "nobody has sent the signal `go` yet".into(),
            since: Moment::from_millis(1),
            ends: "the signal comes".into(),
            until: None,
            command: "sagaline signal runs go".into(),
            worker_of: None,
        }]),
        _ => Answer::Unknown,
    }
}

#[tokio::test]
async fn the_owner_knows_what_runs_and_the_results_what_ended() {
    let client = client().await;
    let _owner = Owner::play(&client, knows_running).await;
    let ended = view("ended", Status::Failed, 1);
    store_result(client.connection(), &ended).await;

    let get = |execution| {
        let client = client.clone();
        async move { client.get(&id(execution)).await.expect("an answer") }
    };
    assert_eq!(get("runs").await.map(|view| view.status), Some(Status::Running));
    assert_eq!(get("ended").await, Some(ended.clone()));
    assert_eq!(get("nobody").await, None);

    let why = |execution| {
        let client = client.clone();
        async move { client.why(&id(execution)).await.expect("an answer") }
    };
    assert!(matches!(why("runs").await, Some(Explanation::Open(reasons)) if reasons[0].command.contains("signal")));
    assert_eq!(why("ended").await, Some(Explanation::Over(Box::new(ended))));
    assert_eq!(why("nobody").await, None);
}

#[tokio::test]
async fn without_an_owner_what_ended_is_found_and_nothing_else_is_said_to_be_absent() {
    let client = client().await;
    store_result(client.connection(), &view("ended", Status::Completed, 1)).await;
    let found = client.get(&id("ended")).await.expect("an answer");
    assert_eq!(found.map(|view| view.status), Some(Status::Completed));

    let error = client.get(&id("nobody")).await.expect_err("nobody can say");
    let partition = partition_of("nobody", client.partitions());
    assert_eq!(error.to_string(), format!("no orchestrator answers for partition {partition}"));
    assert_eq!(error.class(), Class::Unreachable);
    assert!(error.hint().expect("a hint").contains("sagaline-orchestrator"));
}

#[tokio::test]
async fn an_owner_that_comes_while_somebody_asks_is_heard() {
    let client = client().await;
    let (asking, execution) = (client.clone(), id("runs"));
    let asked = tokio::spawn(async move { asking.get(&execution).await });
    let owner = Owner::play(&client, knows_running).await;
    let view = asked.await.expect("no panic").expect("an answer").expect("an execution");
    assert_eq!((view.status, owner.asked().len()), (Status::Running, 1));
}

#[tokio::test]
async fn a_question_that_is_refused_says_why() {
    let client = client().await;
    let refused = || Answer::Refused(sagaline_model::StepError::new("Unreadable", "a newer question"));
    let _owner = Owner::play(&client, move |_| refused()).await;
    let error = client.get(&id("a")).await.expect_err("a refusal");
    assert!(matches!(&error, Error::QuestionRefused { why, .. } if why == "a newer question"), "{error}");
}
