//! Every service in this process, each as its own process would run it.

use std::{path::PathBuf, time::Duration};

use sagaline_telemetry::Health;
use tokio::{task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::failure::{Exit, Failure, chain};

/// Whoever ends this waits at the keyboard: a step that runs longer is left, and runs again next time.
const DRAINED_WITHIN: Duration = Duration::from_secs(3);
/// What a service may take to finish what it has.
const STOPPED_WITHIN: Duration = Duration::from_secs(10);

pub(super) struct Services {
    shutdown: CancellationToken,
    tasks: JoinSet<Ended>,
}

struct Ended {
    service: &'static str,
    how: Result<(), String>,
}

impl Services {
    pub(super) fn start(
        url: &str,
        monitors: &[String],
        namespace: &str,
        witness: Option<PathBuf>,
        twice: bool,
        health: &Health,
    ) -> Self {
        let mut services = Self { shutdown: CancellationToken::new(), tasks: JoinSet::new() };
        let orchestrator = sagaline_orchestrator::Settings {
            nats_monitor: monitors.to_vec(),
            ..sagaline_orchestrator::Settings::new(url, namespace)
        };
        services.spawn("orchestrator", health, |health, stop| sagaline_orchestrator::run(orchestrator, health, stop));
        let compensator = sagaline_compensator::Settings {
            nats_monitor: monitors.to_vec(),
            ..sagaline_compensator::Settings::new(url, namespace)
        };
        services.spawn("compensator", health, |health, stop| sagaline_compensator::run(compensator, health, stop));
        let scheduler = sagaline_scheduler::Settings {
            nats_monitor: monitors.to_vec(),
            ..sagaline_scheduler::Settings::new(url, namespace)
        };
        services.spawn("scheduler", health, |health, stop| sagaline_scheduler::run(scheduler, health, stop));
        let executor = sagaline_executor::Settings {
            drain: DRAINED_WITHIN,
            witness,
            twice,
            nats_monitor: monitors.to_vec(),
            ..sagaline_executor::Settings::new(url, namespace)
        };
        services.spawn("executor", health, |health, stop| sagaline_executor::run(executor, health, stop));
        let trigger = sagaline_trigger::Settings {
            nats_monitor: monitors.to_vec(),
            ..sagaline_trigger::Settings::new(url, namespace)
        };
        services.spawn("trigger", health, |health, stop| sagaline_trigger::run(trigger, health, stop));
        services
    }

    fn spawn<E, F>(&mut self, service: &'static str, health: &Health, run: impl FnOnce(Health, CancellationToken) -> F)
    where
        E: std::error::Error,
        F: Future<Output = Result<(), E>> + Send + 'static,
    {
        let running = run(health.within(service), self.shutdown.clone());
        self.tasks.spawn(async move { Ended { service, how: running.await.map_err(|error| chain(&error)) } });
    }

    /// Resolves when one ends that was not asked to.
    pub(super) async fn failed(&mut self) -> Failure {
        match self.tasks.join_next().await {
            Some(Ok(Ended { service, how: Err(why) })) => {
                Failure::new(Exit::Unreachable, format!("the {service} cannot go on: {why}"))
            }
            Some(Ok(Ended { service, how: Ok(()) })) => Failure::bug(format!("the {service} ended by itself")),
            Some(Err(error)) => Failure::bug(format!("a service broke off: {error}")),
            None => std::future::pending().await,
        }
    }

    /// Lets each finish what it has.
    pub(super) async fn stop(&mut self) {
        self.shutdown.cancel();
        let finished = async { while self.tasks.join_next().await.is_some() {} };
        if timeout(STOPPED_WITHIN, finished).await.is_err() {
            tracing::warn!("a service did not stop within {STOPPED_WITHIN:?}, and is left where it is");
        }
    }
}
