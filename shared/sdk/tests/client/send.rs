//! Signals, cancels, events, and the history in which they are found.

use sagaline_events::Envelope;
use sagaline_sdk::client::StartOptions;
use serde_json::{Value, json};

use crate::common::{client, id, name, order};

#[tokio::test]
async fn a_history_has_everything_that_was_sent_in_order() {
    let client = client().await;
    let execution = id("o-1");
    // Early: before its start.
    client.signal(&execution, &name("approved"), json!({"by": "ann"})).await.expect("sent");
    client.apply(&order("one"), None).await.expect("applied");
    let options = StartOptions { id: Some(execution.clone()), ..StartOptions::default() };
    client.start(&name("order"), Value::Null, options).await.expect("started");
    client.signal(&id("o-2"), &name("approved"), Value::Null).await.expect("sent to another");
    let sent = client.cancel(&execution, Some("enough".into())).await.expect("sent");

    let history = client.history(&execution, 0, 100).await.expect("a history");
    let kinds: Vec<_> = history.entries.iter().map(|entry| entry.kind.as_str()).collect();
    assert_eq!(kinds, ["sagaline.input.signal.v1", "sagaline.input.start.v1", "sagaline.input.cancel.v1"]);
    assert_eq!(history.entries[0].data, json!({"name": "approved", "data": {"by": "ann"}}));
    assert_eq!(history.entries[2].sequence, sent.sequence);
    assert!(!history.more && history.entries.is_sorted_by_key(|entry| (entry.sequence, entry.time)));

    let first = client.history(&execution, 0, 2).await.expect("a part");
    assert!(first.more && first.entries == history.entries[..2]);
    let rest = client.history(&execution, first.entries[1].sequence, 2).await.expect("the rest");
    assert!(!rest.more && rest.entries == history.entries[2..]);
    assert!(client.history(&id("nobody"), 0, 10).await.expect("an answer").entries.is_empty());
}

#[tokio::test]
async fn the_log_of_a_partition_is_read_from_where_it_was() {
    let client = client().await;
    let (execution, signal) = (id("o-1"), name("go"));
    let partition = sagaline_model::partition_of("o-1", client.partitions());
    client.signal(&execution, &signal, json!(0)).await.expect("sent");
    let head = client.log_head(partition).await.expect("a head");
    for number in 1..=3 {
        client.signal(&execution, &signal, json!(number)).await.expect("sent");
    }
    let mut read = vec![];
    let note = |execution: &str, entry: sagaline_sdk::client::HistoryEntry| {
        read.push((execution.to_owned(), entry.data["data"].clone()));
    };
    client.read_log(partition, head, note).await.expect("the log");
    let expected: Vec<_> = (1..=3).map(|number| ("o-1".to_owned(), json!(number))).collect();
    assert_eq!(read, expected);
}

#[tokio::test]
async fn an_event_is_stored_once_for_its_source_and_id() {
    let client = client().await;
    let event = |id: &str| Envelope::new(id, "/shop", "order.created", r#"{"total":1}"#);
    let first = client.publish_event(&event("1")).await.expect("stored");
    assert_eq!(client.publish_event(&event("1")).await.expect("known"), first);
    assert_ne!(client.publish_event(&event("2")).await.expect("stored"), first);
}
