//! Asking what became of executions, of owners and of the bucket `results`.

use sagaline_events::{
    ask::{Answer, Ask, Why},
    record::Status,
};
use sagaline_model::{Moment, partition_of};
use sagaline_sdk::client::{Class, Error, Explanation, ListFilter};

use crate::common::{Owner, client, id, name, store_result, view};

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
async fn a_list_has_open_and_ended_ones_newest_first() {
    let client = client().await;
    for (execution, status, started) in
        [("e1", Status::Completed, 10), ("e2", Status::Failed, 30), ("e3", Status::Completed, 50)]
    {
        store_result(client.connection(), &view(execution, status, started)).await;
    }
    // `e2` ended while it was asked for: the owner still has it as running.
    let open = [view("e2", Status::Running, 30), view("o1", Status::Running, 40)];
    let _owner = Owner::play(&client, move |ask| {
        let Ask::List { status, after, .. } = ask else { return Answer::Unknown };
        let wanted = |status_of: Status| status.is_empty() || status.iter().any(|status| status == status_of.as_str());
        let views = open.iter().filter(|view| wanted(view.status) && after.is_none());
        Answer::Executions(views.cloned().collect())
    })
    .await;

    let list = |filter: ListFilter| {
        let client = client.clone();
        async move { client.list(&filter).await.expect("a list") }
    };
    let ids = |listed: &sagaline_sdk::client::Listed| {
        listed.executions.iter().map(|view| view.execution.to_string()).collect::<Vec<_>>()
    };
    let all = list(ListFilter { limit: 10, ..ListFilter::default() }).await;
    assert_eq!(ids(&all), ["e3", "o1", "e2", "e1"]);
    assert_eq!(all.executions[2].status, Status::Failed, "how it ended is newer than that it ran");
    assert!(!all.more && all.silent.is_empty());

    let two = list(ListFilter { limit: 2, ..ListFilter::default() }).await;
    assert_eq!((ids(&two), two.more), (vec!["e3".to_owned(), "o1".to_owned()], true));
    let completed = list(ListFilter { status: vec![Status::Completed], limit: 10, ..ListFilter::default() }).await;
    assert_eq!(ids(&completed), ["e3", "e1"]);
    let late = list(ListFilter { since: Some(Moment::from_millis(40)), limit: 10, ..ListFilter::default() }).await;
    assert_eq!(ids(&late), ["e3", "o1"]);
    let other = list(ListFilter { workflow: Some(name("refund")), limit: 10, ..ListFilter::default() }).await;
    assert!(ids(&other).is_empty());
}

#[tokio::test]
async fn a_list_says_of_which_partitions_nobody_answered() {
    let client = client().await;
    store_result(client.connection(), &view("e1", Status::Completed, 10)).await;
    let _owner = Owner::play_for(&client, &[0], |_| Answer::Executions(vec![])).await;
    let listed = client.list(&ListFilter { limit: 10, ..ListFilter::default() }).await.expect("a list");
    assert_eq!((listed.executions.len(), listed.silent), (1, vec![1]));
}

#[tokio::test]
async fn a_question_that_is_refused_says_why() {
    let client = client().await;
    let refused = || Answer::Refused(sagaline_model::StepError::new("Unreadable", "a newer question"));
    let _owner = Owner::play(&client, move |_| refused()).await;
    let error = client.get(&id("a")).await.expect_err("a refusal");
    assert!(matches!(&error, Error::QuestionRefused { why, .. } if why == "a newer question"), "{error}");
}
