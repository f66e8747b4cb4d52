//! A log that was filled while nobody owned it.

use sagaline_broker::ports::Outcome;
use sagaline_sdk::client::Error;
use sagaline_testkit::site::eventually;
use serde_json::Value;

use crate::site::{Site, blob};

impl Site {
    /// Signals as often as it takes: a log without room refuses signals too.
    pub(crate) async fn signal_until_taken(&self, ids: &[String]) {
        let go = sagaline_model::Name::new("go").expect("a name");
        for id in ids {
            eventually(&format!("{id} is signalled"), async || {
                match self.client.signal(&crate::site::called(id), &go, Value::Null).await {
                    Ok(_) => true,
                    Err(Error::Full { .. }) => false,
                    Err(other) => panic!("{other}"),
                }
            })
            .await;
        }
    }
}

/// Nothing in it may be removed, so only an operator can help; then everything goes on by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_full_of_starts_goes_on_when_it_is_given_room() {
    let site = Site::new().await;
    let mut started = vec![];
    for bytes in [90_000, 9_000, 900, 90, 9] {
        for number in 0..100 {
            let id = format!("raw-{bytes}-{number}");
            match site.raw_start("held", &id, blob(bytes)).await {
                Outcome::Stored { .. } => started.push(id),
                Outcome::Full(_) => break,
                other => panic!("{other:?}"),
            }
        }
    }
    let refused = site.start("held", "late", Value::Null).await;
    assert!(matches!(refused, Err(Error::NoRoom { .. })), "without any orchestrator the client looks for itself");
    let _worker = site.worker("default");
    let (orchestrator, ()) = tokio::join!(site.orchestrator(), async {
        eventually("somebody tries to own it", async || site.word_or_none().await).await;
        site.set_max_bytes("RUNS_0", 8 << 20).await;
    });
    site.signal_until_taken(&started).await;
    site.all_complete(&started).await;
    site.starts_are_taken("held", "later").await;
    orchestrator.stop().await;
}

impl Site {
    async fn word_or_none(&self) -> bool {
        self.connection.admission().await.expect("an answer").is_some()
    }
}
