//! The log fills up.

use sagaline_broker::room::Fill;
use sagaline_sdk::client::{Class, Error};

use crate::site::{Site, blob};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn starts_are_refused_before_it_is_full_what_runs_ends_and_starts_are_taken_again() {
    let site = Site::new().await;
    let _orchestrator = site.orchestrator().await;
    let _worker = site.worker("default");
    let (started, refusal) = site.start_until_refused("held", 90_000).await;
    let Error::NoRoom { fill: Fill { ref stream, percent }, .. } = refusal else { panic!("{refusal}") };
    assert!(["RUNS_0", "KV_executions"].contains(&stream.as_str()) && (75..100).contains(&percent), "{refusal}");
    assert_eq!(refusal.class(), Class::Refused, "the command ends with 1");
    assert_eq!(
        refusal.to_string(),
        format!("NATS has no room for new executions: stream `{stream}` is {percent} % full")
    );
    let hint = refusal.hint().expect("what to do");
    assert!(hint.contains("nothing was started") && hint.contains(&format!("nats stream edit {stream}")), "{hint}");
    assert!(!site.word().await.is_open());

    // One that was started is no new one. The log has given up starts by now, the oldest first.
    let again = site.start("held", started.last().expect("some"), blob(90_000)).await.expect("it is there");
    assert!(again.existing);

    site.signal(&started).await;
    site.all_complete(&started).await;
    site.starts_are_taken("held", "later").await;
    site.signal(&["later".to_owned()]).await;
    site.all_complete(&["later".to_owned()]).await;
    assert!(site.word().await.is_open());
}

/// Whoever ignores the word takes the room that was left for results. Even then nothing is lost, and it goes on by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filled_to_its_last_byte_it_goes_on_when_there_is_room() {
    let site = Site::new().await;
    let orchestrator = site.orchestrator().await;
    let _worker = site.worker("default");
    let mut started = vec![];
    for (bytes, most) in [(90_000, 100), (9_000, 100), (900, 100), (90, 100)] {
        for number in 0..most {
            let id = format!("raw-{bytes}-{number}");
            match site.raw_start("held", &id, blob(bytes)).await {
                sagaline_broker::ports::Outcome::Stored { .. } => started.push(id),
                sagaline_broker::ports::Outcome::Full(_) => break,
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(site.percent("RUNS_0").await >= 99, "{}", site.percent("RUNS_0").await);
    site.starts_are_refused("RUNS_0").await;
    // The owner is replaced meanwhile: the next one finds no room for its own mark either.
    orchestrator.stop().await;
    let _orchestrator = site.orchestrator().await;
    site.signal_until_taken(&started).await;
    site.all_complete(&started).await;
    site.starts_are_taken("held", "later").await;
}
