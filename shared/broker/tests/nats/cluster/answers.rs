//! What a cluster answers to writes that meet each other. A single node never says so.

use sagaline_broker::ports::{Message, Outcome, Ports};

use crate::common::{Site, input, message, outcomes, publish_all};

const TASK: &str = "sagaline.queue.default.pay.order-1.charge.1";

fn count(outcomes: &[Outcome], is: impl Fn(&Outcome) -> bool) -> usize {
    outcomes.iter().filter(|outcome| is(outcome)).count()
}

/// Writes that meet do so by chance: a burst whose every write found the one before it settled shows nothing, and is tried anew.
const BURSTS: u64 = 30;

fn is_first(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Stored { duplicate: false, .. })
}

fn is_contended(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Contended)
}

/// 10164: the server does not know yet which of them it will take.
#[tokio::test]
async fn of_many_first_writes_at_once_one_is_stored_and_the_others_are_told_to_try_again() {
    let (site, _connection) = Site::cluster().await;
    let mut ports = site.ports().await;
    for number in 1..=BURSTS {
        let first = Message { expected: Some(0), ..input(number) };
        let sent = publish_all(&mut ports, vec![first.clone(); 200]);
        let outcomes = outcomes(&mut ports, sent).await;
        assert_eq!(count(&outcomes, is_first), 1, "{outcomes:?}");
        let contended = count(&outcomes, is_contended);
        let lost = count(&outcomes, |it| matches!(it, Outcome::Conflict { .. }));
        assert_eq!(contended + lost, 199, "{outcomes:?}");
        // Once it is settled the answer is clear: 10071.
        assert!(matches!(ports.publish_and_wait(first).await, Outcome::Conflict { .. }));
        if 0 < contended {
            return;
        }
    }
    panic!("in {BURSTS} bursts no two were in flight at once");
}

/// 10158: the first of the same name is stored in a moment.
#[tokio::test]
async fn a_duplicate_of_what_is_in_flight_is_told_to_try_again_and_then_that_it_is_stored() {
    let (site, _connection) = Site::cluster().await;
    let mut ports = site.ports().await;
    for number in 1..=BURSTS {
        let task = Message { msg_id: Some(format!("t-{number}")), ..message(TASK, "{}") };
        let sent = publish_all(&mut ports, vec![task.clone(); 100]);
        let outcomes = outcomes(&mut ports, sent).await;
        assert_eq!(count(&outcomes, is_first), 1, "{outcomes:?}");
        let contended = count(&outcomes, is_contended);
        let known = count(&outcomes, |it| matches!(it, Outcome::Stored { duplicate: true, .. }));
        assert_eq!(contended + known, 99, "{outcomes:?}");
        let again = ports.publish_and_wait(task).await;
        assert!(matches!(again, Outcome::Stored { duplicate: true, .. }), "{again:?}");
        if 0 < contended {
            return;
        }
    }
    panic!("in {BURSTS} bursts no two were in flight at once");
}

/// What an owner sends for one task: its name and "only if it is not queued".
#[tokio::test]
async fn a_task_that_is_sent_again_is_queued_once_whatever_the_first_answer_was() {
    let (site, connection) = Site::cluster().await;
    let mut ports = site.ports().await;
    let task = Message { msg_id: Some("t-1".into()), expected: Some(0), ..message(TASK, "{}") };
    let sent = publish_all(&mut ports, vec![task.clone(); 50]);
    for outcome in outcomes(&mut ports, sent).await {
        assert!(
            matches!(outcome, Outcome::Stored { sequence: 1, .. } | Outcome::Conflict { .. } | Outcome::Contended),
            "{outcome:?}"
        );
    }
    let again = ports.publish_and_wait(task).await;
    assert!(matches!(again, Outcome::Stored { duplicate: true, .. } | Outcome::Conflict { .. }), "{again:?}");
    assert_eq!(connection.jetstream().get_stream("QUEUE_default").await.unwrap().cached_info().state.messages, 1);
}

/// Distinct subjects do not meet, however many are in flight.
#[tokio::test]
async fn first_writes_of_many_subjects_at_once_are_all_stored() {
    let (site, _connection) = Site::cluster().await;
    let mut ports = site.ports().await;
    let sent = publish_all(&mut ports, (0..5000).map(|number| Message { expected: Some(0), ..input(number) }));
    let outcomes = outcomes(&mut ports, sent).await;
    assert_eq!(count(&outcomes, |it| matches!(it, Outcome::Stored { duplicate: false, .. })), 5000);
}
