//! What is where a container's own would be: a port of this machine for each of its ports, a folder for each of its volumes.
//!
//! Texts (variables, arguments, configuration) are taken as they stand; only addresses and paths in them are changed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    sync::Mutex,
};

use regex::{Captures, Regex};

use crate::compose::Service;

/// Ports that systems do not give to outgoing connections: a client that tries to reconnect must not meet itself there.
const PORTS: std::ops::Range<u16> = 16_000..32_000;

/// The places of one system.
pub struct Places {
    /// The folder of the compose file.
    root: PathBuf,
    /// Where everything of this run is kept.
    folder: PathBuf,
    hosts: BTreeSet<String>,
    ports: Mutex<BTreeMap<(String, u16), u16>>,
    address: Regex,
}

impl Places {
    /// For services that reach each other by the names `hosts`.
    pub fn new(root: &Path, folder: &Path, hosts: impl IntoIterator<Item = String>) -> Self {
        Self {
            root: root.to_owned(),
            folder: folder.to_owned(),
            hosts: hosts.into_iter().collect(),
            ports: Mutex::default(),
            address: Regex::new(r"([A-Za-z0-9][A-Za-z0-9.-]*):(\d{2,5})\b").expect("a pattern"),
        }
    }

    /// The port of this machine that stands for a port of `host`: always the same.
    pub fn port(&self, host: &str, port: u16) -> u16 {
        let mut ports = self.ports.lock().expect("nobody panics while looking for a port");
        let taken: BTreeSet<u16> = ports.values().copied().collect();
        *ports.entry((host.to_owned(), port)).or_insert_with(|| free_port(&taken))
    }

    /// A text with the addresses of this machine, as the instance `own` means it.
    pub fn addresses(&self, own: &str, text: &str) -> String {
        let whose = |host: &str| match host {
            "0.0.0.0" | "127.0.0.1" | "localhost" => Some(own.to_owned()),
            host => self.hosts.get(host).cloned(),
        };
        let replaced = self.address.replace_all(text, |found: &Captures<'_>| match whose(&found[1]) {
            Some(host) => format!("127.0.0.1:{}", self.port(&host, found[2].parse().expect("a port"))),
            None => found[0].to_owned(),
        });
        replaced.into_owned()
    }

    /// What stands for which path inside the container. Configuration files are copied and told this machine's addresses; for a
    /// volume there is a folder; a folder of the repository is itself.
    pub fn mounts(&self, own: &str, service: &Service) -> Mounts {
        let of = |volume: &String| {
            let mut parts = volume.split(':').map(str::to_owned);
            let (source, target) = (parts.next().expect("a source"), parts.next().expect("a target"));
            let there = source.starts_with('.').then(|| self.root.join(&source));
            let within = self.folder.join(own).join(target.trim_start_matches('/'));
            let here = there.clone().filter(|path| path.is_dir()).unwrap_or(within);
            (target, there, here)
        };
        let volumes: Vec<_> = service.volumes.iter().map(of).collect();
        let mounts = Mounts(volumes.iter().map(|(target, _, here)| (target.clone(), here.clone())).collect());
        for (_, there, here) in &volumes {
            match there {
                None => fs::create_dir_all(here).expect("a folder for a volume"),
                Some(there) if there.is_dir() => {}
                Some(there) => self.copy(own, there, here, &mounts),
            }
        }
        mounts
    }

    fn copy(&self, own: &str, source: &Path, target: &Path, mounts: &Mounts) {
        let text = fs::read_to_string(source);
        let text = text.unwrap_or_else(|error| panic!("`{}` is mounted: {error}", source.display()));
        fs::create_dir_all(target.parent().expect("it is in a folder")).expect("a folder");
        fs::write(target, mounts.paths(&self.addresses(own, &text))).expect("a copy");
    }
}

/// Paths inside a container, and what stands for them.
pub struct Mounts(Vec<(String, PathBuf)>);

impl Mounts {
    /// A text with the paths of this machine.
    pub fn paths(&self, text: &str) -> String {
        let replace = |text: String, (target, here): &(String, PathBuf)| {
            let pattern =
                Regex::new(&format!(r#"(^|[\s"'=:])({})([/\s"']|$)"#, regex::escape(target))).expect("a pattern");
            let here = here.display().to_string().replace('$', "$$");
            pattern.replace_all(&text, format!("${{1}}{here}${{3}}")).into_owned()
        };
        self.0.iter().fold(text.to_owned(), replace)
    }
}

/// A port on which nobody listens. The search begins anywhere, so that processes that search at once do not meet.
fn free_port(taken: &BTreeSet<u16>) -> u16 {
    let count = PORTS.end - PORTS.start;
    let first = u16::try_from(u64::from(std::process::id()) * 7919 % u64::from(count)).expect("less than the count");
    let mut candidates = (0..count).map(|step| PORTS.start + (first + step) % count);
    let free = |port: &u16| !taken.contains(port) && TcpListener::bind(("127.0.0.1", *port)).is_ok();
    candidates.find(free).expect("some port is free")
}
