//! The keeper of one partition: waits for its lease, owns it while the lease holds, and starts anew whenever the owner lets go.
//!
//! Each partition has a thread, a runtime and a connection of its own, so that partitions use as many cores as there are and a busy
//! one delays no other. Leases are renewed elsewhere: a busy owner must not lose its lease by being busy.

use std::time::Duration;

use sagaline_broker::{
    nats::{self, Connection, Hold, Lease, NatsPorts},
    owner::{Halt, Owner, Settings as OwnerSettings},
};
use sagaline_telemetry::health::Part;
use tokio::{sync::oneshot, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::{Error, Settings, machine::Executions, watch::Watch};

/// How often it is looked whether a lease is free.
const LEASE_POLL: Duration = Duration::from_millis(200);
/// How often a lease is renewed: three tries fit into it.
const RENEW_EVERY: Duration = Duration::from_secs(1);
/// The pause after an owner failed, before the next one recovers.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(500);

pub struct Keeper {
    pub settings: Settings,
    pub partition: u32,
    pub partitions: u32,
    /// Who we are, in leases.
    pub owner: String,
    /// The connection over which leases are taken and renewed.
    pub leases: Connection,
    pub health: Part,
    pub shutdown: CancellationToken,
}

/// A keeper at work.
pub struct Started {
    finished: oneshot::Receiver<()>,
}

impl Started {
    /// Waits until its partition is handed over.
    pub async fn finished(self) {
        // The sender goes when the thread ends, also when it panics: either way there is nothing more to wait for.
        if self.finished.await.is_err() {
            tracing::error!("the thread of a partition ended without handing over");
        }
    }
}

/// The thread in which an owner works, from the side that holds the lease.
struct Works {
    stop: CancellationToken,
    halted: oneshot::Receiver<Halt>,
}

impl Keeper {
    pub fn start(self) -> Result<Started, Error> {
        let (sender, finished) = oneshot::channel();
        tokio::spawn(async move {
            self.keep().await;
            if sender.send(()).is_err() {
                tracing::debug!("nobody waits for the partition to be handed over");
            }
        });
        Ok(Started { finished })
    }

    async fn keep(self) {
        let partition = self.partition;
        while !self.shutdown.is_cancelled() {
            let Some(lease) = self.lease().await else { return };
            tracing::info!(partition, "owns the partition");
            let hold = lease.hold();
            match self.works(hold) {
                Ok(works) => self.hold(lease, works).await,
                Err(error) => {
                    tracing::error!(partition, %error, "cannot work");
                    release(lease, partition).await;
                    sleep(PAUSE_AFTER_FAILURE).await;
                }
            }
        }
    }

    /// Waits for the lease; nothing if told to stop meanwhile.
    async fn lease(&self) -> Option<Lease> {
        loop {
            match Lease::acquire(&self.leases, self.partition, &self.owner).await {
                Ok(Some(lease)) => return Some(lease),
                // Somebody else works on it: that is as good as ready.
                Ok(None) => self.health.ready(),
                Err(error) => self.health.not_ready(format!("partition {}: {error}", self.partition)),
            }
            tokio::select! {
                () = self.shutdown.cancelled() => return None,
                () = sleep(LEASE_POLL) => {}
            }
        }
    }

    /// Renews the lease while the owner works; lets go of it when the owner does.
    async fn hold(&self, mut lease: Lease, works: Works) {
        let Works { stop, mut halted } = works;
        let partition = self.partition;
        let mut shutdown_seen = false;
        let halt = loop {
            tokio::select! {
                halt = &mut halted => break halt.unwrap_or_else(|_| Halt::Restart("its thread ended".to_owned())),
                () = self.shutdown.cancelled(), if !shutdown_seen => {
                    shutdown_seen = true;
                    stop.cancel();
                }
                () = sleep(RENEW_EVERY) => match lease.renew().await {
                    Ok(true) => {}
                    // The owner sees it by itself, before it does anything more.
                    Ok(false) => tracing::warn!(partition, "the lease is somebody else's now"),
                    Err(error) => tracing::warn!(partition, %error, "the lease was not renewed"),
                },
            }
        };
        match &halt {
            Halt::Stopped => tracing::info!(partition, "handed over"),
            Halt::Fenced | Halt::LeaseLost => tracing::warn!(partition, %halt, "let go of the partition"),
            Halt::Restart(_) | Halt::Failed(_) => {
                tracing::warn!(partition, %halt, "starts anew");
                self.health.not_ready(format!("partition {partition}: {halt}"));
            }
        }
        release(lease, partition).await;
        if !matches!(halt, Halt::Stopped) {
            sleep(PAUSE_AFTER_FAILURE).await;
        }
    }

    /// Starts the thread in which the partition is owned.
    fn works(&self, hold: Hold) -> Result<Works, Error> {
        let stop = CancellationToken::new();
        let (sender, halted) = oneshot::channel();
        let partition = self.partition;
        let owning = Owning {
            settings: self.settings.clone(),
            partition,
            partitions: self.partitions,
            hold,
            stop: stop.clone(),
            health: self.health.clone(),
        };
        let thread = std::thread::Builder::new().name(format!("partition-{partition}"));
        let body = move || {
            let halt = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime.block_on(owning.own()),
                Err(error) => Halt::Restart(format!("no runtime: {error}")),
            };
            if sender.send(halt).is_err() {
                tracing::debug!("nobody waits for the owner to let go");
            }
        };
        thread.spawn(body).map_err(|source| Error::Thread { partition, source })?;
        Ok(Works { stop, halted })
    }
}

async fn release(lease: Lease, partition: u32) {
    if let Err(error) = lease.release().await {
        tracing::warn!(partition, %error, "the lease was not released; it expires by itself");
    }
}

/// What moves into the thread of a partition.
struct Owning {
    settings: Settings,
    partition: u32,
    partitions: u32,
    hold: Hold,
    stop: CancellationToken,
    health: Part,
}

impl Owning {
    async fn own(self) -> Halt {
        let name = format!("sagaline-orchestrator-{}", self.partition);
        let connection = match nats::connect(&self.settings.nats_url, &self.settings.namespace, &name).await {
            Ok(connection) => connection,
            Err(error) => return Halt::Restart(error.to_string()),
        };
        let names = connection.names().clone();
        let ports = match NatsPorts::open(connection, self.partition, self.hold, self.stop).await {
            Ok(ports) => ports,
            Err(failure) => return Halt::Failed(failure),
        };
        let mut settings = OwnerSettings::new(self.partition, names.clone());
        settings.look_again_after = self.settings.look_again_after;
        settings.history = self.settings.history;
        let machine = Executions::new(names, self.partition, self.partitions);
        Owner::new(ports, machine, Watch::new(self.partition, self.health), settings).run().await
    }
}
