//! What every verb works with: where NATS is, which installation is meant, and the output.

use sagaline_sdk::client::Client;

use crate::{cli::Global, failure::Failure, output::Output};

const DEFAULT_URL: &str = "nats://127.0.0.1:4222";

pub(crate) struct Context {
    /// As it was given, by flag or environment.
    pub(crate) given_url: Option<String>,
    pub(crate) namespace: String,
    pub(crate) output: Output,
}

impl Context {
    pub(crate) fn new(global: Global, output: Output) -> Self {
        Self { given_url: global.nats_url, namespace: global.namespace, output }
    }

    pub(crate) fn url(&self) -> &str {
        self.given_url.as_deref().unwrap_or(DEFAULT_URL)
    }

    pub(crate) async fn client(&self) -> Result<Client, Failure> {
        Ok(Client::connect(self.url(), &self.namespace, "cli").await?)
    }
}
