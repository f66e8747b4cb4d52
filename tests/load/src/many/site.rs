//! One nats-server and one orchestrator, as processes, and what the owners of its partitions say of themselves.

use std::{path::PathBuf, time::Duration};

use sagaline_sdk::client::Client;
use sagaline_server::{Finder, Server, ServerOptions};
use serde_json::Value;
use tokio::process::Command;

use super::Settings;
use crate::{
    floor::Failure,
    owners::owners_have,
    processes::{Service, resident_kib, run_to_end},
};

pub(super) struct Site {
    settings: Settings,
    folder: PathBuf,
    server: Server,
    orchestrator: Option<Service>,
}

impl Site {
    pub(super) async fn start(settings: &Settings, progress: &mut impl FnMut(&str)) -> Result<Self, Failure> {
        let folder = std::env::temp_dir().join(format!("sagaline-many-{}", std::process::id()));
        let binary = Finder::from_env().find_or_install(&mut *progress)?;
        let server = Server::start(ServerOptions::new(binary, folder.join("nats"))).await?;
        let mut site = Self { settings: settings.clone(), folder, server, orchestrator: None };
        site.start_orchestrator().await?;
        Ok(site)
    }

    pub(super) fn url(&self) -> String {
        self.server.url()
    }

    fn program(&self, name: &str) -> Command {
        Command::new(self.settings.programs.join(name))
    }

    pub(super) async fn start_orchestrator(&mut self) -> Result<(), Failure> {
        let mut command = self.program("sagaline-orchestrator");
        command.args(["--partitions", &self.settings.partitions.to_string()]);
        self.orchestrator = Some(Service::start("sagaline-orchestrator", command, &self.url()).await?);
        Ok(())
    }

    pub(super) async fn stop(&mut self, kill: bool) -> Result<(), Failure> {
        match self.orchestrator.take() {
            // Dropped, it is killed.
            Some(service) if kill => drop(service),
            Some(service) => service.stop().await?,
            None => {}
        }
        Ok(())
    }

    pub(super) async fn apply(&self, name: &str, definition: &str) -> Result<(), Failure> {
        let file = self.folder.join(format!("{name}.yaml"));
        std::fs::write(&file, definition)?;
        let mut apply = self.program("sagaline");
        apply.arg("apply").arg(&file).args(["--nats-url", &self.url()]);
        run_to_end(apply).await?;
        Ok(())
    }

    /// Asks every owner again and again until `enough`.
    pub(super) async fn wait_for(
        &self,
        client: &Client,
        within: Duration,
        enough: impl Fn(&[Value]) -> bool,
    ) -> Result<(), Failure> {
        let names = client.connection().names();
        let subjects: Vec<_> = (0..self.settings.partitions).map(|partition| names.ask(partition)).collect();
        owners_have(client, &subjects, within, enough).await
    }

    pub(super) fn orchestrator_kib(&self) -> Result<u64, Failure> {
        self.orchestrator.as_ref().ok_or("no orchestrator runs")?.resident_kib()
    }

    pub(super) fn nats_kib(&self) -> Result<u64, Failure> {
        resident_kib(self.server.pid())
    }

    pub(super) async fn end(mut self) -> Result<(), Failure> {
        self.stop(true).await?;
        self.server.stop().await;
        std::fs::remove_dir_all(&self.folder)?;
        Ok(())
    }
}
