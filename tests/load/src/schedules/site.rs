//! One nats-server, one orchestrator and one scheduler, as processes.

use std::{path::PathBuf, time::Duration};

use sagaline_broker::names::LogKind;
use sagaline_sdk::client::Client;
use sagaline_server::{Finder, Server, ServerOptions};
use serde_json::Value;
use tokio::process::Command;

use super::{Settings, phases::WORKFLOW};
use crate::{
    floor::Failure,
    owners::owners_have,
    processes::{Service, resident_kib, run_to_end},
};

const NOTHING_TO_DO: &str = "steps:\n  done: { set: { at: \"${ trigger.data.scheduled_at }\" } }\n";

pub(super) struct Site {
    settings: Settings,
    folder: PathBuf,
    server: Server,
    orchestrator: Option<Service>,
    scheduler: Option<Service>,
}

impl Site {
    pub(super) async fn start(settings: &Settings, progress: &mut impl FnMut(&str)) -> Result<Self, Failure> {
        let folder = std::env::temp_dir().join(format!("sagaline-schedules-{}", std::process::id()));
        let binary = Finder::from_env().find_or_install(&mut *progress)?;
        let server = Server::start(ServerOptions::new(binary, folder.join("nats"))).await?;
        let mut site = Self { settings: settings.clone(), folder, server, orchestrator: None, scheduler: None };
        let mut orchestrator = site.program("sagaline-orchestrator");
        orchestrator.args(["--partitions", &settings.partitions.to_string()]);
        site.orchestrator = Some(Service::start("sagaline-orchestrator", orchestrator, &site.url()).await?);
        site.apply().await?;
        site.start_scheduler().await?;
        Ok(site)
    }

    pub(super) fn url(&self) -> String {
        self.server.url()
    }

    fn program(&self, name: &str) -> Command {
        Command::new(self.settings.programs.join(name))
    }

    async fn apply(&self) -> Result<(), Failure> {
        let file = self.folder.join("tick.yaml");
        std::fs::write(&file, format!("workflow: {WORKFLOW}\n{NOTHING_TO_DO}"))?;
        let mut apply = self.program("sagaline");
        apply.arg("apply").arg(&file).args(["--nats-url", &self.url()]);
        run_to_end(apply).await?;
        Ok(())
    }

    pub(super) async fn start_scheduler(&mut self) -> Result<(), Failure> {
        let scheduler = self.program("sagaline-scheduler");
        self.scheduler = Some(Service::start("sagaline-scheduler", scheduler, &self.url()).await?);
        Ok(())
    }

    /// Dropped, it is killed.
    pub(super) fn kill_scheduler(&mut self) {
        self.scheduler = None;
    }

    /// Waits until the owners of the schedules have come `far_enough`.
    pub(super) async fn schedulers_have(
        &self,
        client: &Client,
        within: Duration,
        far_enough: impl Fn(&[Value]) -> bool,
    ) -> Result<(), Failure> {
        let names = client.connection().names();
        let partitions = 0..self.settings.partitions;
        let subjects: Vec<_> = partitions.map(|partition| names.ask_of(LogKind::Schedules, partition)).collect();
        owners_have(client, &subjects, within, far_enough).await
    }

    pub(super) fn scheduler(&self) -> Result<&Service, Failure> {
        self.scheduler.as_ref().ok_or_else(|| "no scheduler runs".into())
    }

    pub(super) fn orchestrator(&self) -> Result<&Service, Failure> {
        self.orchestrator.as_ref().ok_or_else(|| "no orchestrator runs".into())
    }

    pub(super) fn nats_kib(&self) -> Result<u64, Failure> {
        resident_kib(self.server.pid())
    }

    pub(super) async fn end(mut self) -> Result<(), Failure> {
        (self.scheduler, self.orchestrator) = (None, None);
        self.server.stop().await;
        std::fs::remove_dir_all(&self.folder)?;
        Ok(())
    }
}
