//! Settings of a service: defaults, then a file, then `SAGALINE_*`, then flags; and every fault at once.
//!
//! One file may serve all services: what they share stands at its top, what only one of them knows in a section of its name.

use std::{fmt, net::SocketAddr, path::PathBuf, process::ExitCode, str::FromStr};

use clap::{Args, Parser};
use sagaline_model::Name;
use serde_json::{Map, Value};

use crate::{LogFormat, TelemetrySettings};

/// The exit code for a command line or settings that cannot be used.
pub const EXIT_USAGE: u8 = 64;
/// NATS cannot be reached, or is too old.
pub const EXIT_UNAVAILABLE: u8 = 69;

const SERVICES: [&str; 6] = ["trigger", "orchestrator", "executor", "scheduler", "compensator", "gateway"];
const NATS_URL: &str = "nats://127.0.0.1:4222";
const NAMESPACE: &str = "sagaline";

/// The flags that every service has. A service flattens them into its own.
#[derive(Clone, Debug, Default, Args)]
pub struct ServiceFlags {
    /// Where NATS is; several addresses are separated by commas [default: nats://127.0.0.1:4222]
    #[arg(long, env = "SAGALINE_NATS_URL", value_name = "URL", hide_env_values = true)]
    pub nats_url: Option<String>,
    /// The monitoring addresses of all NATS nodes, separated by commas, such as http://nats-1:8222; to say at the start what
    /// survives a power cut
    #[arg(long, env = "SAGALINE_NATS_MONITOR", value_name = "URL")]
    pub nats_monitor: Option<String>,
    /// The namespace of the installation [default: sagaline]
    #[arg(long, env = "SAGALINE_NAMESPACE", value_name = "NS")]
    pub namespace: Option<String>,
    /// Where `/healthz`, `/readyz` and `/metrics` are served, such as 0.0.0.0:9090; nowhere without it
    #[arg(long, env = "SAGALINE_HTTP", value_name = "ADDR")]
    pub http: Option<String>,
    /// A file of settings, TOML or YAML
    #[arg(long, env = "SAGALINE_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// How the log is written: text or json [default: text]
    #[arg(long, env = "SAGALINE_LOG_FORMAT", value_name = "FORMAT")]
    pub log_format: Option<String>,
    /// What is logged: `info`, or `info,sagaline_broker=debug` [default: info]
    #[arg(long, env = "SAGALINE_LOG", value_name = "FILTER")]
    pub log: Option<String>,
}

/// What every service is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceSettings {
    pub nats_url: String,
    /// Where the nodes of NATS say how they keep what they acknowledge; perhaps nowhere.
    pub nats_monitor: Vec<String>,
    pub namespace: String,
    pub http: Option<SocketAddr>,
    pub log_format: LogFormat,
    pub log_filter: Option<String>,
}

impl ServiceSettings {
    /// The same as a process of the service `name` says it to [`crate::Telemetry`].
    pub fn telemetry(&self, name: &str) -> TelemetrySettings {
        TelemetrySettings {
            namespace: self.namespace.clone(),
            log_format: self.log_format,
            log_filter: self.log_filter.clone(),
            http: self.http,
            ..TelemetrySettings::new(name)
        }
    }
}

/// Everything that is wrong with the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(Vec<String>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the settings cannot be used:")?;
        self.0.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

impl std::error::Error for Faults {}

/// The command line of this process; or the exit code, once what clap has to say is said.
pub fn parse<C: Parser>() -> Result<C, ExitCode> {
    C::try_parse().map_err(|error| {
        let code = if error.use_stderr() { ExitCode::from(EXIT_USAGE) } else { ExitCode::SUCCESS };
        // Without a terminal or a log there is nobody to tell that nobody could be told.
        error.print().map_or(ExitCode::from(EXIT_USAGE), |()| code)
    })
}

/// Settings being read. Each is asked for by its key, and what nobody asked for is a fault of the file.
#[derive(Debug)]
pub struct Reading {
    service: &'static str,
    common: Map<String, Value>,
    section: Map<String, Value>,
    file: String,
    faults: Vec<String>,
}

impl Reading {
    /// Reads the settings that all services share, for the service whose section is `service`.
    pub fn begin(service: &'static str, flags: ServiceFlags) -> (Self, ServiceSettings) {
        let mut reading =
            Self { service, common: Map::new(), section: Map::new(), file: String::new(), faults: vec![] };
        if let Some(file) = flags.config {
            reading.load(file);
        }
        let settings = ServiceSettings {
            nats_url: reading.common_or("nats_url", flags.nats_url, NATS_URL.to_owned()),
            nats_monitor: reading.monitors(flags.nats_monitor),
            namespace: reading.common_or("namespace", flags.namespace, NAMESPACE.to_owned()),
            http: reading.common("http", flags.http),
            log_format: reading.common_or("log_format", flags.log_format, LogFormat::default()),
            log_filter: reading.common("log", flags.log),
        };
        if let Err(error) = Name::new(settings.namespace.as_str()) {
            reading.fault("namespace", error);
        }
        (reading, settings)
    }

    /// One setting of the service: the text of a flag or variable, else what the file's section says, else `None`.
    pub fn one<T: FromStr<Err: fmt::Display>>(&mut self, key: &'static str, flag: Option<String>) -> Option<T> {
        let found = self.section.remove(key);
        self.parsed(key, flag, found)
    }

    /// A list: all that the flags say, else what the file's section says.
    pub fn many<T: FromStr<Err: fmt::Display>>(&mut self, key: &'static str, flags: Vec<String>) -> Vec<T> {
        let found = match self.section.remove(key) {
            Some(Value::Array(items)) => items,
            Some(one) => vec![one],
            None => vec![],
        };
        if flags.is_empty() {
            found.into_iter().filter_map(|item| self.parsed(key, None, Some(item))).collect()
        } else {
            flags.into_iter().filter_map(|flag| self.parsed(key, Some(flag), None)).collect()
        }
    }

    /// Something else is wrong with a setting.
    pub fn fault(&mut self, key: &str, why: impl fmt::Display) {
        self.faults.push(format!("{}: {why}", flag_of(key)));
    }

    /// All faults, if there are any.
    pub fn finish(mut self) -> Result<(), Faults> {
        let section = std::mem::take(&mut self.section);
        for key in section.keys() {
            self.faults.push(format!("`{key}` in section `{}` of `{}` is no setting", self.service, self.file));
        }
        for key in self.common.keys().filter(|key| !SERVICES.contains(&key.as_str())) {
            self.faults.push(format!("`{key}` in `{}` is no setting that all services have", self.file));
        }
        if self.faults.is_empty() { Ok(()) } else { Err(Faults(self.faults)) }
    }

    fn load(&mut self, file: PathBuf) {
        self.file = file.display().to_string();
        let read = config::Config::builder().add_source(config::File::from(file)).build();
        match read.and_then(config::Config::try_deserialize::<Map<String, Value>>) {
            Ok(settings) => self.common = settings,
            Err(error) => self.faults.push(format!("the file `{}`: {error}", self.file)),
        }
        match self.common.remove(self.service) {
            None | Some(Value::Null) => {}
            Some(Value::Object(section)) => self.section = section,
            Some(_) => self.faults.push(format!("`{}` in `{}` is no section of settings", self.service, self.file)),
        }
    }

    fn monitors(&mut self, flag: Option<String>) -> Vec<String> {
        let text: String = self.common_or("nats_monitor", flag, String::new());
        let addresses: Vec<String> = text.split(',').map(|address| address.trim().to_owned()).collect();
        let addresses: Vec<String> = addresses.into_iter().filter(|address| !address.is_empty()).collect();
        for address in addresses.iter().filter(|address| !address.starts_with("http://")) {
            self.fault("nats_monitor", format!("`{address}` is no address such as http://nats-1:8222"));
        }
        addresses
    }

    fn common<T: FromStr<Err: fmt::Display>>(&mut self, key: &'static str, flag: Option<String>) -> Option<T> {
        let found = self.common.remove(key);
        self.parsed(key, flag, found)
    }

    fn common_or<T: FromStr<Err: fmt::Display>>(&mut self, key: &'static str, flag: Option<String>, default: T) -> T {
        self.common(key, flag).unwrap_or(default)
    }

    fn parsed<T: FromStr<Err: fmt::Display>>(
        &mut self,
        key: &str,
        flag: Option<String>,
        found: Option<Value>,
    ) -> Option<T> {
        let (whence, text) = match (flag, found) {
            (Some(flag), _) => (flag_of(key), flag),
            (None, None | Some(Value::Null)) => return None,
            (None, Some(Value::String(text))) => (format!("`{key}` in `{}`", self.file), text),
            (None, Some(other)) => (format!("`{key}` in `{}`", self.file), other.to_string()),
        };
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.faults.push(format!("{whence}: `{text}` cannot be used: {error}"));
                None
            }
        }
    }
}

fn flag_of(key: &str) -> String {
    format!("`--{}` (`SAGALINE_{}`)", key.replace('_', "-"), key.to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct File(PathBuf);

    impl File {
        fn new(name: &str, text: &str) -> Self {
            let path = std::env::temp_dir().join(format!("sagaline-settings-{}-{name}", std::process::id()));
            std::fs::write(&path, text).expect("a file");
            Self(path)
        }
    }

    impl Drop for File {
        fn drop(&mut self) {
            std::fs::remove_file(&self.0).expect("the file is there");
        }
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn flags_come_before_the_file_and_the_file_before_defaults() {
        let file = File::new(
            "order.toml",
            "namespace = \"team\"\nhttp = \"127.0.0.1:1\"\n[executor]\nconcurrency = 8\nqueues = [\"a\", \"b\"]\n[gateway]\nport = 1",
        );
        let flags = ServiceFlags { config: Some(file.0.clone()), http: some("127.0.0.1:2"), ..ServiceFlags::default() };
        let (mut reading, settings) = Reading::begin("executor", flags);
        assert_eq!((settings.nats_url.as_str(), settings.namespace.as_str()), (NATS_URL, "team"));
        assert_eq!(settings.http, "127.0.0.1:2".parse().ok());
        assert_eq!(reading.one::<usize>("concurrency", None), Some(8));
        assert_eq!(reading.many::<String>("queues", vec![]), ["a", "b"]);
        assert_eq!(reading.one::<usize>("absent", None), None);
        assert_eq!(reading.finish(), Ok(()));
    }

    #[test]
    fn a_file_may_be_yaml() {
        let file = File::new("settings.yaml", "executor:\n  queues: [a]\n");
        let flags = ServiceFlags { config: Some(file.0.clone()), ..ServiceFlags::default() };
        let (mut reading, _) = Reading::begin("executor", flags);
        assert_eq!(reading.many::<String>("queues", vec!["b".into(), "c".into()]), ["b", "c"]);
        assert_eq!(reading.finish(), Ok(()));
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let file =
            File::new("faults.toml", "log_format = \"xml\"\nspeed = 1\n[executor]\nconcurrency = \"many\"\ncolour = 1");
        let flags = ServiceFlags { config: Some(file.0.clone()), http: some("nowhere"), ..ServiceFlags::default() };
        let (mut reading, _) = Reading::begin("executor", flags);
        assert_eq!(reading.one::<usize>("concurrency", None), None);
        reading.fault("queue", "there is none");
        let faults = reading.finish().expect_err("faults").to_string();
        for part in ["`xml`", "`speed`", "`many`", "`colour` in section `executor`", "`nowhere`", "`--queue`"] {
            assert!(faults.contains(part), "{part}: {faults}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_a_fault() {
        let flags = ServiceFlags { config: Some("/nowhere/settings.toml".into()), ..ServiceFlags::default() };
        let (reading, _) = Reading::begin("executor", flags);
        assert!(reading.finish().expect_err("a fault").to_string().contains("/nowhere/settings.toml"));
    }
}
