//! The compose file, as far as it is used. A key that is not known here is a fault: it would say something that no test looks at.

use std::{collections::BTreeMap, path::Path, time::Duration};

use sagaline_model::Span;
use serde::Deserialize;
use serde_json::Value;

use crate::yaml;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compose {
    pub name: String,
    pub services: BTreeMap<String, Service>,
    /// What is kept over restarts.
    pub volumes: BTreeMap<String, Value>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    pub image: String,
    pub build: Option<Build>,
    #[serde(default)]
    pub entrypoint: Vec<String>,
    #[serde(default)]
    pub command: Vec<String>,
    #[serde(default)]
    environment: BTreeMap<String, Value>,
    #[serde(default)]
    pub depends_on: BTreeMap<String, Dependency>,
    #[serde(default)]
    pub ports: Vec<String>,
    /// `<volume or ./path>:<where in the container>[:ro]`
    #[serde(default)]
    pub volumes: Vec<String>,
    pub healthcheck: Option<Healthcheck>,
    pub stop_grace_period: Option<Span>,
    #[serde(default)]
    pub deploy: Deploy,
    #[serde(default)]
    pub profiles: Vec<String>,
    pub restart: Option<String>,
    /// What processes of this machine cannot show: it is the container engine's to enforce.
    #[serde(default)]
    pub read_only: bool,
    #[serde(default)]
    pub cap_drop: Vec<String>,
    #[serde(default)]
    pub security_opt: Vec<String>,
    pub logging: Option<Value>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Build {
    pub context: String,
    pub dockerfile: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dependency {
    pub condition: Condition,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    ServiceHealthy,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Healthcheck {
    pub test: Vec<String>,
    pub interval: Span,
    pub timeout: Span,
    pub retries: u32,
    pub start_period: Span,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deploy {
    pub replicas: u32,
}

impl Default for Deploy {
    fn default() -> Self {
        Self { replicas: 1 }
    }
}

impl Compose {
    pub fn read(file: &Path) -> Self {
        let mut documents = yaml::read(file);
        assert_eq!(documents.len(), 1, "`{}` is one document", file.display());
        let mut document = documents.remove(0);
        // Extensions only hold what is merged elsewhere.
        let keys = document.as_object_mut().expect("a compose file is a mapping");
        keys.retain(|key, _| !key.starts_with("x-"));
        serde_json::from_value(document).unwrap_or_else(|error| panic!("`{}`: {error}", file.display()))
    }

    /// The services that `docker compose up` starts.
    pub fn started(&self) -> impl Iterator<Item = (&str, &Service)> {
        let started = self.services.iter().filter(|(_, service)| service.profiles.is_empty());
        started.map(|(name, service)| (name.as_str(), service))
    }
}

impl Service {
    /// The command line.
    pub fn line(&self) -> Vec<&str> {
        self.entrypoint.iter().chain(&self.command).map(String::as_str).collect()
    }

    /// The program that runs.
    pub fn program(&self) -> &str {
        self.line().first().copied().expect("every service says which program it runs")
    }

    /// The variables as the program sees them.
    pub fn environment(&self) -> BTreeMap<String, String> {
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            other => panic!("compose takes texts and numbers as variables, not {other}"),
        };
        self.environment.iter().map(|(name, value)| (name.clone(), text(value))).collect()
    }

    /// How long it has to end before it is killed; compose's own default without a word.
    pub fn grace(&self) -> Duration {
        self.stop_grace_period.map_or(Duration::from_secs(10), Into::into)
    }
}

impl Healthcheck {
    /// The page that is fetched: the last word of the command.
    pub fn url(&self) -> &str {
        let [how, program, .., url] = &self.test[..] else { panic!("{:?} is no check with wget", self.test) };
        assert_eq!((how.as_str(), program.as_str()), ("CMD", "wget"), "{:?}", self.test);
        url
    }
}
