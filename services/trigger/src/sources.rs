//! What the operator maps in: each source is taken from while it is set, and let go of when it is not any more.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use sagaline_broker::nats::Connection;
use sagaline_model::{EventSource, Moment, Name};
use tokio::{
    sync::watch,
    task::{JoinHandle, JoinSet},
};
use tokio_util::sync::CancellationToken;

use crate::{consumer::Durable, handler::Handler, incoming::Incoming, intake::Intake, origin::Origin};

/// Follows the settings until told to stop.
pub(crate) struct Sources {
    connection: Connection,
    handler: Arc<Handler>,
    in_flight: usize,
    incoming: watch::Receiver<Arc<Incoming>>,
    taken: BTreeMap<Name, Taken>,
    /// Those that were let go of, until their last events are handled.
    ending: JoinSet<()>,
}

/// A source that is taken from.
struct Taken {
    set: (EventSource, Moment),
    origin: Arc<Origin>,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

impl Sources {
    pub(crate) fn new(
        connection: Connection,
        handler: Arc<Handler>,
        in_flight: usize,
        incoming: watch::Receiver<Arc<Incoming>>,
    ) -> Self {
        Self { connection, handler, in_flight, incoming, taken: BTreeMap::new(), ending: JoinSet::new() }
    }

    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        loop {
            let set = self.incoming.borrow_and_update().sources.clone();
            self.follow(&set, &shutdown);
            tokio::select! {
                () = shutdown.cancelled() => break,
                changed = self.incoming.changed() => if changed.is_err() { break },
                Some(ended) = self.ending.join_next() => {
                    if let Err(error) = ended {
                        tracing::error!(%error, "letting go of a source ended in a bug");
                    }
                }
            }
        }
        for (_, taken) in std::mem::take(&mut self.taken) {
            taken.stop.cancel();
            self.ending.spawn(async move { drop(taken.running.await) });
        }
        while self.ending.join_next().await.is_some() {}
    }

    fn follow(&mut self, set: &BTreeMap<Name, (EventSource, Moment)>, shutdown: &CancellationToken) {
        let known: BTreeSet<Name> = self.taken.keys().cloned().collect();
        for name in known {
            let same = self.taken.get(&name).is_some_and(|taken| set.get(&name) == Some(&taken.set));
            if same {
                continue;
            }
            if let Some(taken) = self.taken.remove(&name) {
                self.let_go(&name, taken, set.contains_key(&name));
            }
        }
        for (name, (source, since)) in set {
            if self.taken.contains_key(name) {
                continue;
            }
            match Origin::mapped(self.connection.names(), name, source, *since) {
                Ok(origin) => {
                    let taken = self.take(name, origin, (source.clone(), *since), shutdown);
                    self.taken.insert(name.clone(), taken);
                }
                Err(why) => {
                    tracing::error!(source = %name, why, "a source of events cannot be taken from; set it again")
                }
            }
        }
    }

    fn take(
        &self,
        name: &Name,
        origin: Arc<Origin>,
        set: (EventSource, Moment),
        shutdown: &CancellationToken,
    ) -> Taken {
        tracing::info!(source = %name, stream = origin.stream, filter = origin.filter, "taking events from a source");
        let stop = shutdown.child_token();
        let intake = Intake::new(self.connection.clone(), self.handler.clone(), origin.clone(), self.in_flight, None);
        let running = tokio::spawn(intake.run(stop.clone()));
        Taken { set, origin, stop, running }
    }

    /// The consumer goes too, by whichever replica: the last that hears of it makes sure. One that is set anew may have it still.
    fn let_go(&mut self, name: &Name, taken: Taken, goes_on: bool) {
        tracing::info!(source = %name, stream = taken.origin.stream, goes_on, "a source of events is not what it was");
        taken.stop.cancel();
        let durable = Durable::new(self.connection.clone(), taken.origin);
        self.ending.spawn(async move {
            drop(taken.running.await);
            if !goes_on && let Err(trouble) = durable.remove().await {
                tracing::warn!(%trouble, "the consumer of a source that is gone stays");
            }
        });
    }
}
