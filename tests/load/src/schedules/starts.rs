//! What was started, as the logs of executions have it.

use std::{collections::BTreeMap, time::Duration};

use async_nats::jetstream::consumer::{DeliverPolicy, pull::OrderedConfig};
use futures::StreamExt;
use sagaline_model::Moment;
use sagaline_sdk::client::Client;
use tokio::time::timeout;

use super::phases::Phases;
use crate::floor::Failure;

const NEXT_WITHIN: Duration = Duration::from_secs(10);

/// One tick, and when its start was stored.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    tick: Moment,
    stored: Moment,
}

#[derive(Debug, Default)]
pub(super) struct Starts {
    /// Each tick once.
    all: Vec<Start>,
    pub(super) doubled: u64,
}

impl Starts {
    /// Those of the ticks of a time, of which the end does not belong to it.
    pub(super) fn between(&self, from: Moment, to: Moment) -> Vec<Start> {
        self.all.iter().copied().filter(|start| from <= start.tick && start.tick < to).collect()
    }

    /// How late each of them was, in nanoseconds.
    pub(super) fn lateness(&self, from: Moment, to: Moment) -> Vec<u64> {
        self.between(from, to).iter().map(|start| start.stored.since(start.tick).as_nanos()).collect()
    }

    pub(super) fn first_stored_after(&self, moment: Moment) -> Option<Moment> {
        self.all.iter().map(|start| start.stored).filter(|stored| moment <= *stored).min()
    }

    /// When the last tick was stored that was due before `moment`.
    pub(super) fn last_stored_of_before(&self, moment: Moment) -> Option<Moment> {
        self.all.iter().filter(|start| start.tick < moment).map(|start| start.stored).max()
    }
}

/// Everything that the logs hold.
pub(super) async fn read_starts(client: &Client, phases: Phases) -> Result<Starts, Failure> {
    let names = client.connection().names();
    let mut ticks: BTreeMap<(u32, Moment), Moment> = BTreeMap::new();
    let mut doubled = 0;
    for partition in 0..client.partitions() {
        let log = client.connection().jetstream().get_stream(names.runs(partition)).await?;
        let config = OrderedConfig {
            filter_subject: names.run_all(partition).replace(".>", ".*.start"),
            deliver_policy: DeliverPolicy::All,
            headers_only: true,
            ..OrderedConfig::default()
        };
        let consumer = log.create_consumer(config).await?;
        let mut left = consumer.cached_info().num_pending;
        let mut messages = consumer.messages().await?;
        while 0 < left {
            let next = timeout(NEXT_WITHIN, messages.next()).await.map_err(|_| "the log is not read any further")?;
            let message = next.ok_or("the log ended early")??;
            left -= 1;
            let Some((_, execution, _)) = names.parse_run(&message.subject) else { continue };
            let Some(tick) = phases.tick_of(execution) else { continue };
            let stored = message.info()?.published.unix_timestamp_nanos();
            let stored = Moment::from_nanos(i64::try_from(stored)?);
            doubled += u64::from(ticks.insert(tick, stored).is_some());
        }
    }
    let all = ticks.into_iter().map(|((_, tick), stored)| Start { tick, stored }).collect();
    Ok(Starts { all, doubled })
}
