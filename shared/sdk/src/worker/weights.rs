//! What the queues of a worker weigh: as its operator says, from the moment on at which it is said.

use std::{sync::Arc, time::Duration};

use futures::{StreamExt, stream};
use sagaline_broker::{
    names::Names,
    nats::{Connection, worker::Link},
    ports::Bucket,
};
use sagaline_model::{Name, QueueSettings};
use tokio::time::timeout;

/// A change is heard at once. What was not heard, because the connection was lost, is seen by then.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// A queue of which the worker itself says what it weighs is left at that.
pub(super) async fn follow(connection: Connection, link: Arc<Link>, queues: Vec<(Name, Option<u32>)>) {
    for (queue, weight) in &queues {
        link.weigh(queue, weight.unwrap_or_else(|| QueueSettings::default_weight(queue)));
    }
    // One queue alone has everything, whatever it weighs.
    let several = 1 < queues.len();
    let asked: Vec<Name> =
        queues.into_iter().filter(|(_, own)| several && own.is_none()).map(|(name, _)| name).collect();
    if asked.is_empty() {
        return;
    }
    let changes = connection.names().key(Bucket::Settings, &Names::queue_settings_key("*"));
    let mut changes = match connection.client().subscribe(changes).await {
        Ok(changes) => changes.boxed(),
        Err(error) => {
            tracing::debug!(%error, "changes of weights are heard late");
            stream::pending().boxed()
        }
    };
    loop {
        for queue in &asked {
            match connection.queue_settings(queue).await {
                Ok(QueueSettings { weight, .. }) => {
                    link.weigh(queue, weight.unwrap_or_else(|| QueueSettings::default_weight(queue)));
                }
                Err(failure) => tracing::debug!(%queue, %failure, "what the queue weighs is not known"),
            }
        }
        // Whichever it was: all are looked at.
        if let Ok(None) = timeout(LOOK_AGAIN, changes.next()).await {
            changes = stream::pending().boxed();
        }
    }
}
