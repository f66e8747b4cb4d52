//! Lists of executions: of owners that a test plays, and of what lies in `results`.

use std::collections::BTreeMap;

use sagaline_events::{
    ask::{Answer, Ask, Page},
    record::{ExecutionView, Status},
};
use sagaline_model::{ExecutionId, Moment, partition_of};
use sagaline_sdk::client::{Client, Cursor, ListFilter, Listed};

use crate::common::{Owner, client, id, name, store_result, view};

/// An owner of these, which gives two a page, as it was asked or not.
async fn owner_of(client: &Client, open: Vec<ExecutionView>) -> Owner {
    let partitions = client.partitions();
    Owner::play_each(client, &[0, 1], move |partition, ask| {
        let Ask::List { after, status, paged, limit, .. } = ask else { return Answer::Unknown };
        let wanted =
            |view: &ExecutionView| status.is_empty() || status.iter().any(|status| status == view.status.as_str());
        let mut mine: Vec<_> = open
            .iter()
            .filter(|view| partition_of(view.execution.as_str(), partitions) == partition && wanted(view))
            .filter(|view| after.as_ref().is_none_or(|after| *after < view.execution))
            .cloned()
            .collect();
        assert!(*paged && 0 < *limit);
        mine.sort_by(|a, b| a.execution.cmp(&b.execution));
        let next = mine.get(1).filter(|_| 2 < mine.len()).map(|view| view.execution.clone());
        mine.truncate(2);
        Answer::Page(Page { executions: mine, next })
    })
    .await
}

fn ids(listed: &[Listed]) -> Vec<&str> {
    listed.iter().map(|listed| listed.view.execution.as_str()).collect()
}

async fn all(client: &Client, filter: ListFilter) -> Vec<Listed> {
    client.list(filter, None).next(usize::MAX).await.expect("a list")
}

/// Both partitions have some of them, so that the order is that of all and not of one.
#[tokio::test]
async fn open_ones_come_by_id_and_then_ended_ones_the_last_to_end_first() {
    let client = client().await;
    for (execution, status, started) in
        [("e1", Status::Completed, 10), ("e2", Status::Failed, 30), ("a-ended", Status::Completed, 50)]
    {
        store_result(client.connection(), &view(execution, status, started)).await;
    }
    let open: Vec<_> = (0..9).map(|number| view(&format!("o{number}"), Status::Waiting, number)).collect();
    // `e2` ended while it was listed: its owner still had it as running.
    let _owner = owner_of(&client, [open, vec![view("e2", Status::Running, 30)]].concat()).await;

    let whole = all(&client, ListFilter::default()).await;
    assert_eq!(ids(&whole), ["e2", "o0", "o1", "o2", "o3", "o4", "o5", "o6", "o7", "o8", "a-ended", "e1"]);
    let filter = || ListFilter { status: vec![Status::Completed], ..ListFilter::default() };
    assert_eq!(ids(&all(&client, filter()).await), ["a-ended", "e1"]);

    // From behind any of them, the rest is the same; a fresh list does not know what another one listed as open.
    for (index, listed) in whole.iter().enumerate() {
        let mut rest = client.list(ListFilter::default(), Some(listed.cursor.clone()));
        let rest = rest.next(usize::MAX).await.expect("a list");
        let rest = ids(&rest).into_iter().filter(|id| *id != "e2").collect::<Vec<_>>();
        assert_eq!(rest, ids(&whole[index + 1..]), "behind {}", listed.cursor);
    }
    let mut listing = client.list(ListFilter::default(), None);
    let pages = [listing.next(5).await, listing.next(6).await, listing.next(5).await, listing.next(5).await];
    assert_eq!(pages.map(|page| page.expect("a page").len()), [5, 6, 1, 0]);
}

#[tokio::test]
async fn everything_that_is_asked_for_must_hold() {
    let client = client().await;
    let tagged = |execution, status, started, tags: &[(&str, &str)]| {
        let tags = tags.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        ExecutionView { tags: BTreeMap::from_iter(tags), ..view(execution, status, started) }
    };
    for view in [
        tagged("e1", Status::Completed, 10, &[("team", "blue")]),
        tagged("e2", Status::Failed, 30, &[("team", "blue"), ("urgent", "")]),
        tagged("e3", Status::Failed, 50, &[("team", "red")]),
    ] {
        store_result(client.connection(), &view).await;
    }
    let _owner = owner_of(&client, vec![tagged("o1", Status::Waiting, 40, &[("team", "blue")])]).await;
    let tag = |name: &str, value: Option<&str>| (name.to_owned(), value.map(str::to_owned));
    for (filter, expected) in [
        (ListFilter { tags: vec![tag("team", Some("blue"))], ..ListFilter::default() }, vec!["o1", "e2", "e1"]),
        (ListFilter { tags: vec![tag("urgent", None)], ..ListFilter::default() }, vec!["e2"]),
        (
            ListFilter { tags: vec![tag("team", Some("blue")), tag("team", Some("red"))], ..ListFilter::default() },
            vec![],
        ),
        (ListFilter { since: Some(Moment::from_millis(40)), ..ListFilter::default() }, vec!["o1", "e3"]),
        (ListFilter { status: vec![Status::Failed, Status::Waiting], ..ListFilter::default() }, vec!["o1", "e3", "e2"]),
        (ListFilter { workflow: Some(name("refund")), ..ListFilter::default() }, vec![]),
    ] {
        assert_eq!(ids(&all(&client, filter.clone()).await), expected, "{filter:?}");
    }
}

/// The stream of results is walked in windows, and what expired leaves holes.
#[tokio::test]
async fn many_ended_ones_are_walked_back_over_holes_to_the_first() {
    let client = client().await;
    let records = 700;
    for number in 0..records {
        // Each second one is written over by the next of its kind, which leaves a hole.
        let execution = if number % 2 == 0 && number < 600 { "again".to_owned() } else { format!("e{number}") };
        store_result(client.connection(), &view(&execution, Status::Completed, number)).await;
    }
    let _owner = owner_of(&client, vec![]).await;
    let whole = all(&client, ListFilter::default()).await;
    let numbers = (0..records).rev().filter(|number| number % 2 == 1 || 600 <= *number || *number == 598);
    let expected: Vec<_> =
        numbers.map(|number| if number == 598 { "again".into() } else { format!("e{number}") }).collect();
    assert_eq!(ids(&whole), expected);
    let mut listing = client.list(ListFilter::default(), Some(Cursor::Ended(3)));
    assert_eq!(ids(&listing.next(10).await.expect("a page")), ["e1"]);
}

#[tokio::test]
async fn a_list_says_of_which_partitions_nobody_answered() {
    let client = client().await;
    store_result(client.connection(), &view("e1", Status::Completed, 10)).await;
    let _owner = Owner::play_for(&client, &[0], |_| Answer::Page(Page::default())).await;
    let mut listing = client.list(ListFilter::default(), None);
    assert_eq!(listing.next(10).await.expect("a list").len(), 1);
    assert_eq!(listing.silent().collect::<Vec<_>>(), [1]);
    assert_eq!(client.silent_partitions().await.expect("an answer"), [1]);
    // What has ended no orchestrator need be asked for.
    let mut ended = client.list(ListFilter { status: vec![Status::Completed], ..ListFilter::default() }, None);
    assert_eq!((ended.next(10).await.expect("a list").len(), ended.silent().count()), (1, 0));
}

/// An owner of before there were pages answers with a list; a full one has more behind it.
#[tokio::test]
async fn an_owner_that_knows_no_pages_is_understood() {
    let client = client().await;
    let known: Vec<ExecutionId> = (0..50).map(|number| id(&format!("o{number:02}"))).collect();
    let _owner = Owner::play_for(&client, &[0, 1], move |ask| {
        let Ask::List { after, limit, .. } = ask else { return Answer::Unknown };
        let behind = known.iter().filter(|id| after.as_ref().is_none_or(|after| after < id));
        Answer::Executions(behind.take(*limit).map(|id| view(id.as_str(), Status::Waiting, 1)).collect())
    })
    .await;
    // Both partitions say the same here, which no real ones do.
    let listed = client.list(ListFilter::default(), None).next(40).await.expect("a list");
    assert_eq!((listed.len(), ids(&listed)[39]), (40, "o19"));
    assert_eq!(all(&client, ListFilter::default()).await.len(), 100);
}
