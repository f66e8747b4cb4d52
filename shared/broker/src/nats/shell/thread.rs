//! The thread in which a partition is owned: a runtime and a connection of its own, so that partitions use as many cores as there
//! are and a busy one delays no other.

use std::{sync::Arc, time::Duration};

use tokio::{sync::oneshot, time::interval};
use tokio_util::sync::CancellationToken;

use super::{
    super::{ConnectError, Hold, NatsPorts, connect},
    Service,
};
use crate::{
    names::Names,
    owner::{Halt, Owner, Settings},
    ports::Failure,
};

/// How often a thread that is not stuck shows it.
const SIGN_EVERY: Duration = Duration::from_millis(250);

/// The thread, from the side that holds the lease.
pub(super) struct Works {
    pub(super) stop: CancellationToken,
    /// Nothing comes if the thread ended in a panic.
    pub(super) halted: oneshot::Receiver<Halt>,
}

/// What moves into the thread.
pub(super) struct Owning<S> {
    pub(super) service: Arc<S>,
    pub(super) nats_url: String,
    pub(super) names: Names,
    pub(super) partition: u32,
    pub(super) hold: Hold,
}

impl<S: Service> Owning<S> {
    pub(super) fn start(self) -> Works {
        let thread = std::thread::Builder::new().name(format!("partition-{}", self.partition));
        let (sender, halted) = oneshot::channel();
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let body = move || {
            let halt = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime.block_on(self.own(stopped)),
                Err(error) => Halt::Restart(format!("no runtime: {error}")),
            };
            if sender.send(halt).is_err() {
                tracing::debug!("nobody waits for the owner to let go");
            }
        };
        // Without a thread the sender is gone, which says enough.
        if let Err(error) = thread.spawn(body) {
            tracing::error!(%error, "the thread of a partition cannot be started");
        }
        Works { stop, halted }
    }

    async fn own(self, stop: CancellationToken) -> Halt {
        let Self { service, nats_url, names, partition, hold } = self;
        let signs = tokio::spawn(show_signs(hold.clone()));
        let name = format!("sagaline-{}-{partition}", S::LOG.service());
        let connection = match connect(&nats_url, names.namespace(), &name).await {
            Ok(connection) => connection,
            Err(error @ (ConnectError::Unreachable { .. } | ConnectError::JetStreamUnavailable { .. })) => {
                return Halt::Failed(Failure::NoAnswer(format!("connect: {error}")));
            }
            Err(error) => return Halt::Restart(error.to_string()),
        };
        let ports = match NatsPorts::open_log(connection, S::LOG, partition, hold, stop).await {
            Ok(ports) => ports,
            Err(failure) => return Halt::Failed(failure),
        };
        let mut settings = Settings { log: S::LOG, ..Settings::new(partition, names.clone()) };
        service.tune(&mut settings);
        let (machine, watcher) = (service.machine(names, partition), service.watcher(partition));
        let halt = Owner::new(ports, machine, watcher, settings).run().await;
        signs.abort();
        halt
    }
}

async fn show_signs(hold: Hold) {
    let mut due = interval(SIGN_EVERY);
    loop {
        due.tick().await;
        hold.show_sign();
    }
}
