//! The services of a compose file as processes of this machine, with exactly the environment that the file declares.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use futures::future::join_all;
use sagaline_crash::Programs;
use sagaline_server::{Binary, Finder};
use tokio::time::sleep;

use crate::{
    compose::{Compose, Service},
    page::fetch,
    places::Places,
    process::{Plan, Process, tail},
};

/// Programs of the dev profile on a machine with much else to do are not held to the times of the file.
const HEALTHY_WITHIN: Duration = Duration::from_secs(120);
/// A leader or an owner that has just gone is succeeded within seconds.
const REACHED_WITHIN: Duration = Duration::from_secs(30);
/// The exit code for that.
const UNREACHABLE: i32 = 69;
const POLL: Duration = Duration::from_millis(50);

/// What `docker compose up` would start.
pub struct System {
    pub compose: Compose,
    pub folder: PathBuf,
    places: Places,
    binary: Binary,
    programs: Programs,
    instances: BTreeMap<String, Instance>,
}

/// One process of a service.
struct Instance {
    service: String,
    plan: Plan,
    process: Process,
}

impl System {
    /// Starts everything, each service when those that it depends on are healthy, and waits until all are.
    pub async fn up(file: &Path, folder: &Path) -> Self {
        let compose = Compose::read(file);
        fs::create_dir_all(folder).expect("a folder for the run");
        let root = file.parent().expect("a file is in a folder");
        let hosts: Vec<String> = compose.started().map(|(name, _)| name.to_owned()).collect();
        let binary = tokio::task::spawn_blocking(|| Finder::from_env().find_or_install(|_| ())).await;
        let mut system = Self {
            places: Places::new(root, folder, hosts.clone()),
            folder: folder.to_owned(),
            compose,
            binary: binary.expect("the search does not panic").expect("a nats-server"),
            programs: Programs::built(),
            instances: BTreeMap::new(),
        };
        let mut waiting = hosts;
        while !waiting.is_empty() {
            let (now, later): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|name| system.may_start(name));
            assert!(!now.is_empty(), "services that wait for each other: {later:?}");
            for name in &now {
                system.start(name);
            }
            system.healthy().await;
            waiting = later;
        }
        system
    }

    /// All that the service waits for is there; what was started before is healthy.
    fn may_start(&self, name: &str) -> bool {
        let started = |other: &String| self.instances.values().any(|instance| instance.service == *other);
        self.compose.services[name].depends_on.keys().all(started)
    }

    fn start(&mut self, name: &str) {
        let service = self.compose.services[name].clone();
        for number in 1..=service.deploy.replicas {
            let own = if service.deploy.replicas == 1 { name.to_owned() } else { format!("{name}-{number}") };
            let plan = self.plan(&own, &service);
            let process = plan.start();
            self.instances.insert(own, Instance { service: name.to_owned(), plan, process });
        }
    }

    /// How an instance of a service runs here.
    fn plan(&self, own: &str, service: &Service) -> Plan {
        let mounts = self.places.mounts(own, service);
        let here = |text: &str| mounts.paths(&self.places.addresses(own, text));
        let program = match service.program() {
            "nats-server" => self.binary.path().to_owned(),
            ours => self.programs.path(ours),
        };
        Plan {
            program,
            arguments: service.line()[1..].iter().map(|argument| here(argument)).collect(),
            environment: service.environment().into_iter().map(|(name, value)| (name, here(&value))).collect(),
            log: self.folder.join(format!("{own}.log")),
        }
    }

    /// The instances of the service, or of every service whose program is this.
    pub fn instances(&self, service: &str) -> Vec<String> {
        let of_it = |instance: &&String| self.instances[*instance].service == service;
        self.instances.keys().filter(of_it).cloned().collect()
    }

    pub fn all(&self) -> Vec<String> {
        self.instances.keys().cloned().collect()
    }

    /// Waits until the health checks of all that runs say so.
    pub async fn healthy(&mut self) {
        let deadline = Instant::now() + HEALTHY_WITHIN;
        for name in self.all() {
            while !self.is_healthy(&name).await {
                let instance = self.instances.get_mut(&name).expect("it was started");
                let ended = instance.process.ended();
                let said =
                    || format!("`{name}`; the end of {}:\n{}", instance.plan.log.display(), tail(&instance.plan.log));
                assert!(ended.is_none(), "{ended:?} before it was healthy: {}", said());
                assert!(Instant::now() < deadline, "not healthy within {HEALTHY_WITHIN:?}: {}", said());
                sleep(POLL).await;
            }
        }
    }

    async fn is_healthy(&self, name: &str) -> bool {
        let service = &self.compose.services[&self.instances[name].service];
        let Some(check) = &service.healthcheck else { return true };
        let answer = fetch(&self.places.addresses(name, check.url()), check.timeout.into()).await;
        answer.is_some_and(|(status, _)| status == 200)
    }

    /// A page of an instance, at the port and host of its health check.
    pub async fn page(&self, name: &str, path: &str) -> (u16, String) {
        let service = &self.compose.services[&self.instances[name].service];
        let url = self.places.addresses(name, service.healthcheck.as_ref().expect("it has a health check").url());
        let (address, _) = url.rsplit_once('/').expect("a page has a path");
        let answer = fetch(&format!("{address}/{path}"), Duration::from_secs(10)).await;
        answer.unwrap_or_else(|| {
            panic!("`{name}` does not answer; its log is {}", self.instances[name].plan.log.display())
        })
    }

    /// All that an instance has said.
    pub fn log(&self, name: &str) -> String {
        fs::read_to_string(&self.instances[name].plan.log).expect("a log is text")
    }

    /// Ends an instance as an engine would, and starts another in its place. How long the end took, and how long until it was
    /// healthy again.
    pub async fn replace(&mut self, name: &str) -> (Duration, Duration) {
        let ended = self.stop(&[name.to_owned()]).await;
        let instance = self.instances.get_mut(name).expect("it was started");
        let since = Instant::now();
        instance.process = instance.plan.start();
        self.healthy().await;
        (ended[0], since.elapsed())
    }

    /// Asks all of these to end; they do, cleanly and within their grace. How long each took.
    async fn stop(&mut self, names: &[String]) -> Vec<Duration> {
        let graces: Vec<_> =
            names.iter().map(|name| self.compose.services[&self.instances[name].service].grace()).collect();
        let mut stopping: Vec<_> = self.instances.iter_mut().filter(|(name, _)| names.contains(name)).collect();
        stopping.sort_by_key(|(name, _)| names.iter().position(|it| it == *name));
        let endings = stopping.into_iter().zip(graces).map(async |((name, instance), grace)| {
            instance.process.terminate();
            let ended = instance.process.end(grace).await;
            let said =
                || format!("`{name}`; the end of {}:\n{}", instance.plan.log.display(), tail(&instance.plan.log));
            let (status, took) = ended.unwrap_or_else(|| panic!("not within its grace of {grace:?}: {}", said()));
            assert!(status.success(), "ended with {status}: {}", said());
            took
        });
        join_all(endings).await
    }

    /// Ends everything, those first that others do not depend on.
    pub async fn down(mut self) {
        let mut left: Vec<String> = self.compose.started().map(|(name, _)| name.to_owned()).collect();
        while !left.is_empty() {
            let needed =
                |name: &String| left.iter().any(|other| self.compose.services[other].depends_on.contains_key(name));
            let (later, now): (Vec<_>, Vec<_>) = left.iter().cloned().partition(needed);
            let names: Vec<_> = now.iter().flat_map(|service| self.instances(service)).collect();
            self.stop(&names).await;
            left = later;
        }
        self.instances.clear();
        fs::remove_dir_all(&self.folder).expect("the folder can be removed");
    }

    /// Runs `sagaline` with what the file tells it, to its end: what it printed. Like a person, it tries again for a while when
    /// it is told that NATS or an orchestrator cannot be reached.
    pub async fn sagaline(&self, arguments: &[&str]) -> String {
        let service = &self.compose.services["sagaline"];
        let plan = self.plan("sagaline", service);
        let mounts = self.places.mounts("sagaline", service);
        let mut command = tokio::process::Command::new(&plan.program);
        command.args(&plan.arguments).args(arguments.iter().map(|argument| mounts.paths(argument)));
        command.env_clear().envs(plan.environment).kill_on_drop(true);
        let deadline = Instant::now() + REACHED_WITHIN;
        loop {
            let output = command.output().await.expect("sagaline runs");
            if output.status.success() {
                return String::from_utf8(output.stdout).expect("text");
            }
            let said = String::from_utf8_lossy(&output.stderr);
            let again = output.status.code() == Some(UNREACHABLE) && Instant::now() < deadline;
            assert!(again, "`sagaline {}`: {}: {said}", arguments.join(" "), output.status);
            sleep(POLL).await;
        }
    }

    /// Where a client of this machine finds NATS.
    pub fn nats_url(&self) -> String {
        let url = &self.compose.services["sagaline"].environment()["SAGALINE_NATS_URL"];
        self.places.addresses("sagaline", url)
    }
}
