//! What every verb works with: the project, where NATS is, which installation is meant, and the output.

use std::{io, path::PathBuf};

use sagaline_lang::{Project, Surroundings};
use sagaline_model::Defaults;
use sagaline_sdk::client::Client;

use crate::{cli::Global, failure::Failure, output::Output, project::Located};

const DEFAULT_URL: &str = "nats://127.0.0.1:4222";

pub(crate) struct Context {
    /// As it was given, by flag or environment.
    pub(crate) given_url: Option<String>,
    pub(crate) namespace: String,
    pub(crate) output: Output,
    pub(crate) project: Option<Located>,
}

impl Context {
    /// What is not given comes from the project, if there is one.
    pub(crate) fn new(global: Global, output: Output) -> Result<Self, (Failure, Output)> {
        let project = match Located::find(global.project.as_deref(), &output) {
            Ok(project) => project,
            Err(failure) => return Err((failure, output)),
        };
        let of_project = project.as_ref().and_then(|project| project.says.namespace.clone());
        let namespace = global.namespace.or(of_project);
        let namespace = namespace.unwrap_or_else(|| sagaline_broker::names::DEFAULT_NAMESPACE.to_owned());
        Ok(Self { given_url: global.nats_url, namespace, output, project })
    }

    pub(crate) fn url(&self) -> &str {
        let of_project = || self.project.as_ref().and_then(|project| project.says.nats_url.as_deref());
        self.given_url.as_deref().or_else(of_project).unwrap_or(DEFAULT_URL)
    }

    /// Whether anybody says where NATS is, or it is only supposed to be where it is by default.
    pub(crate) fn names_nats(&self) -> bool {
        let of_project = || self.project.as_ref().and_then(|project| project.says.nats_url.as_deref());
        self.given_url.as_deref().or_else(of_project).is_some()
    }

    pub(crate) async fn client(&self) -> Result<Client, Failure> {
        Ok(Client::connect(self.url(), &self.namespace, "cli").await?)
    }

    /// What definitions are read within, on an installation with these defaults. Without a project there are no values to read.
    pub(crate) fn surroundings(&self, installation: &Defaults) -> Surroundings {
        let none = Project::default();
        self.project.as_ref().map_or(&none, |project| &project.says).surroundings(installation)
    }

    /// The definitions that are named; without names, those of the project.
    pub(crate) fn definitions(&self, named: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
        if !named.is_empty() {
            return Ok(named.to_vec());
        }
        let Some(project) = &self.project else {
            let hint =
                format!("name files of definitions, or folders; or make a project: a file `{}` here", Project::FILE);
            return Err(Failure::usage("no definition is named, and there is no project here or above").hint(hint));
        };
        Ok(project.paths())
    }

    /// Says what is doubtful about the project.
    pub(crate) fn warn(&self) -> io::Result<()> {
        self.project.as_ref().map_or(Ok(()), |project| project.doubts().tell(&self.output))
    }
}
