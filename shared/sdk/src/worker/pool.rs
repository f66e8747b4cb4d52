//! A worker that runs: a puller for each queue and activity, a task for each task, and the end of it all.

use std::{
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use sagaline_broker::{
    nats::{
        Connection,
        worker::{ConsumerSettings, Link, Puller, PullerState, Sharing, Slot},
    },
    worker::{Acknowledgement, Ended, Host, Run, Served, Stop, TaskPorts, serve},
};
use sagaline_model::{ActivityName, Name};
use tokio::{sync::watch, task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{Observer, WorkerError, activity::Activity, definitions, host::ActivityHost, weights};
use crate::workflow::Workflow;

/// How long it may take to give back what was broken off.
const GIVE_BACK_WITHIN: Duration = Duration::from_secs(5);

/// An activity on a queue.
pub(super) struct Line {
    pub(super) queue: Name,
    pub(super) name: ActivityName,
    pub(super) activity: Activity,
}

pub(super) struct Pool {
    pub(super) connection: Connection,
    pub(super) name: String,
    pub(super) lines: Vec<Line>,
    /// The queues, with what the worker itself says that they weigh.
    pub(super) weights: Vec<(Name, Option<u32>)>,
    pub(super) sharing: Sharing,
    pub(super) drain: Duration,
    /// Ends the drain.
    pub(super) hurry: CancellationToken,
    pub(super) consumer: ConsumerSettings,
    pub(super) observer: Arc<dyn Observer>,
    /// What is applied when it starts.
    pub(super) workflows: Vec<Workflow>,
    /// Whether every attempt runs twice.
    pub(super) twice: bool,
}

impl Pool {
    pub(super) async fn run(mut self, shutdown: CancellationToken) -> Result<(), WorkerError> {
        let link = Link::open(self.connection.clone(), self.name.clone(), self.sharing.clone()).await?;
        let stop = Stop::default();
        // Whatever runs ends with this future, even if it is dropped.
        let _released = stop.release.clone().drop_guard();
        let mut pullers = JoinSet::new();
        let mut watchers = JoinSet::new();
        let ready: Vec<_> = self.lines.iter().map(|line| self.puller(&link, line)).collect();
        for (puller, host) in ready {
            let (queue, activity) = (puller.queue().clone(), puller.activity().clone());
            watchers.spawn(watch_state(puller.state(), queue, activity, self.observer.clone()));
            pullers.spawn(pull(puller, host, stop.clone()));
        }
        let workflows = std::mem::take(&mut self.workflows);
        watchers.spawn(definitions::apply(self.connection.clone(), self.name.clone(), workflows));
        watchers.spawn(weights::follow(self.connection.clone(), link.clone(), self.weights.clone()));
        tracing::info!(worker = self.name, concurrency = self.sharing.concurrency, "taking tasks");
        if self.twice {
            tracing::warn!(worker = self.name, "every attempt runs twice, to see whether that does any harm");
        }

        shutdown.cancelled().await;
        stop.drain.cancel();
        while pullers.join_next().await.is_some() {}
        let running = link.running();
        tracing::info!(worker = self.name, running, "taking no more tasks; what runs may come to its end");
        let ended = timeout(self.drain, self.hurry.run_until_cancelled(link.idle())).await;
        if !matches!(ended, Ok(Some(()))) {
            tracing::warn!(
                worker = self.name,
                running = link.running(),
                "some tasks still run; they are broken off and go to others"
            );
            stop.release.cancel();
            if timeout(GIVE_BACK_WITHIN, link.idle()).await.is_err() {
                tracing::warn!(
                    worker = self.name,
                    "some tasks could not be given back; others get them in a few seconds"
                );
            }
        }
        // Without a server this would wait for ever.
        match timeout(GIVE_BACK_WITHIN, self.connection.client().flush()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "the connection ended before all was sent"),
            Err(_) => tracing::warn!("NATS is away; what it was not told it finds out by itself"),
        }
        Ok(())
    }

    fn puller(&self, link: &Arc<Link>, line: &Line) -> (Puller, Arc<ActivityHost>) {
        let host = ActivityHost {
            connection: self.connection.clone(),
            worker: self.name.as_str().into(),
            activity: line.activity.clone(),
            observer: self.observer.clone(),
            twice: self.twice,
        };
        (Puller::new(link.clone(), line.queue.clone(), line.name.clone(), self.consumer), Arc::new(host))
    }
}

async fn pull(mut puller: Puller, host: Arc<ActivityHost>, stop: Stop) {
    let mut drain = pin!(stop.drain.cancelled());
    loop {
        let pulled = tokio::select! {
            biased;
            () = &mut drain => break,
            pulled = puller.next() => pulled,
        };
        let (ports, host, stop) = (puller.ports().clone(), host.clone(), stop.clone());
        // In a box, because to spawn a future is to copy it, and this one is large.
        tokio::spawn(Box::pin(async move {
            let mut slot = pulled.slot;
            if !stop.drain.run_until_cancelled(slot.may_run()).await.unwrap_or(false) {
                return ports.acknowledge(&pulled.delivery.reply, Acknowledgement::Again).await;
            }
            let host = Freeing { host: &host, slot: Mutex::new(slot) };
            let served = serve(&*ports, &host, &stop, &pulled.delivery).await;
            if served != Served::Answered {
                tracing::debug!(task = pulled.delivery.subject, ?served, "a task was not run to its end here");
            }
        }));
    }
    puller.close().await;
}

/// Frees the slot of a task as soon as it has run: its result is stored while the next one runs.
struct Freeing<'h> {
    host: &'h ActivityHost,
    slot: Mutex<Slot>,
}

impl Host for Freeing<'_> {
    async fn run(&self, run: Run) -> Ended {
        let began = Instant::now();
        let ended = self.host.run(run).await;
        self.slot.lock().unwrap_or_else(PoisonError::into_inner).has_run(began.elapsed());
        ended
    }

    fn asked(&self, wanted: bool) {
        self.host.asked(wanted);
    }
}

async fn watch_state(
    mut state: watch::Receiver<PullerState>,
    queue: Name,
    activity: ActivityName,
    observer: Arc<dyn Observer>,
) {
    while state.changed().await.is_ok() {
        let now = state.borrow_and_update().clone();
        observer.pulling(&queue, &activity, &now);
    }
}
