//! Making the reader's consumer, also while nodes of a cluster are away.
//!
//! It has one copy, in memory: it is gone in a moment, and made anew in a moment. But where nodes have died the server may give it
//! to a dead one, or the one that decides may be dead itself; either way nobody answers. So a try that takes long is left to
//! itself, and another is made beside it, under another name. The first that succeeds is taken.

use std::time::Duration;

use futures::{StreamExt, stream::FuturesUnordered};
use serde::Deserialize;
use serde_json::json;
use tokio::time::{Instant, sleep, sleep_until};

use super::super::{
    Connection,
    api::{ApiError, TEMPORARILY_UNAVAILABLE, nanos},
};
use crate::ports::Sequence;

/// The server removes the consumer when nobody has asked for so long. So it does with those that were made and not taken.
const INACTIVE_THRESHOLD: Duration = Duration::from_secs(30);
/// A cluster of which one of three nodes is dead gives it to that one a third of the time. One that is well answers within 50 ms.
const TRY_BESIDE_AFTER: Duration = Duration::from_millis(150);
/// After so many tries at that pace bad luck is not the reason: an election takes seconds, and so does a server under load.
const HASTY_TRIES: u32 = 6;
const TRY_BESIDE_LATER_AFTER: Duration = Duration::from_secs(1);
/// A server that says that it cannot now is asked again so much later.
const PAUSE: Duration = Duration::from_millis(100);
/// Elections take a cluster nine seconds at most.
const GIVE_UP_AFTER: Duration = Duration::from_secs(12);

#[derive(Deserialize)]
struct Created {}

/// The name of a consumer whose first delivery is `from` or later. `unique` is what nobody else's names have in them.
pub(super) async fn make(
    connection: &Connection,
    stream: &str,
    from: Sequence,
    unique: &str,
) -> Result<String, ApiError> {
    let deadline = Instant::now() + GIVE_UP_AFTER;
    let mut tries = FuturesUnordered::new();
    for number in 0_u32.. {
        tries.push(try_once(connection, stream, from, format!("owner-{unique}-{number}")));
        let pause = if number < HASTY_TRIES { TRY_BESIDE_AFTER } else { TRY_BESIDE_LATER_AFTER };
        let beside = sleep_until(Instant::now() + pause);
        tokio::pin!(beside);
        loop {
            tokio::select! {
                Some(made) = tries.next() => match made {
                    Err(error) if passes(&error) => {}
                    made => return made,
                },
                () = &mut beside => break,
            }
        }
        if deadline <= Instant::now() {
            break;
        }
    }
    Err(ApiError::NoAnswer)
}

async fn try_once(connection: &Connection, stream: &str, from: Sequence, name: String) -> Result<String, ApiError> {
    let request = json!({
        "stream_name": stream,
        "action": "create",
        "config": {
            "name": name,
            "deliver_policy": "by_start_sequence",
            "opt_start_seq": from.max(1),
            "ack_policy": "none",
            "replay_policy": "instant",
            "num_replicas": 1,
            "mem_storage": true,
            "inactive_threshold": nanos(INACTIVE_THRESHOLD),
        },
    });
    loop {
        match connection.api(&format!("CONSUMER.CREATE.{stream}.{name}"), &request).await {
            Ok(Created {}) => return Ok(name),
            Err(error) if passes(&error) && !matches!(error, ApiError::NoAnswer) => sleep(PAUSE).await,
            Err(error) => return Err(error),
        }
    }
}

/// Whether waiting may help.
fn passes(error: &ApiError) -> bool {
    match error {
        ApiError::NoAnswer | ApiError::NobodyThere => true,
        ApiError::Refused { code, .. } => *code == TEMPORARILY_UNAVAILABLE,
        ApiError::Unreadable(_) => false,
    }
}
