//! What a process logs, where and how: to standard error, as text for people or as JSON for machines.

mod json;

use std::{
    env, fmt,
    io::{self, IsTerminal},
    str::FromStr,
};

use serde::Deserialize;
use tracing_subscriber::{EnvFilter, Layer, Registry, layer::SubscriberExt};

use crate::{StartError, TelemetrySettings};

/// How a line of the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people: coloured on a terminal.
    #[default]
    Text,
    /// For machines: one object a line, whose `execution`, `workflow`, `step` and `attempt` are fields of the object itself.
    Json,
}

/// A word that is none of the formats.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no log format; there are `text` and `json`")]
pub struct UnknownLogFormat(String);

impl FromStr for LogFormat {
    type Err = UnknownLogFormat;
    fn from_str(text: &str) -> Result<Self, UnknownLogFormat> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            other => Err(UnknownLogFormat(other.to_owned())),
        }
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}

/// What is logged: as the settings say, else the environment, else `info`.
pub(crate) fn filter(setting: Option<&str>) -> Result<EnvFilter, StartError> {
    let of_environment = || ["SAGALINE_LOG", "RUST_LOG"].into_iter().filter_map(|name| env::var(name).ok());
    let filter = setting
        .map(str::to_owned)
        .into_iter()
        .chain(of_environment())
        .find(|filter| !filter.trim().is_empty())
        .unwrap_or_else(|| "info".to_owned());
    EnvFilter::try_new(&filter).map_err(|source| StartError::Filter { filter, source })
}

/// A part of what a process does with spans and events.
pub(crate) type Boxed = Box<dyn Layer<Registry> + Send + Sync>;

pub(crate) fn layer(settings: &TelemetrySettings) -> Boxed {
    match settings.log_format {
        LogFormat::Text => {
            let colour = io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
            tracing_subscriber::fmt::layer().compact().with_ansi(colour).with_writer(io::stderr).boxed()
        }
        LogFormat::Json => json::JsonLines::new(&settings.service, &settings.namespace, io::stderr).boxed(),
    }
}

/// Makes these layers the process's own; `false` if it has some already.
pub(crate) fn install(layers: Boxed) -> bool {
    let subscriber = tracing_subscriber::registry().with(layers);
    tracing::subscriber::set_global_default(subscriber).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_cannot_be_read_is_named() {
        let error = filter(Some("info,sagaline=loud")).expect_err("`loud` is no level");
        assert!(error.to_string().contains("`info,sagaline=loud`"), "{error}");
    }

    #[test]
    fn the_setting_comes_before_the_environment() {
        assert_eq!(filter(Some("debug")).expect("a filter").to_string(), "debug");
    }

    #[test]
    fn formats_are_read_as_they_are_written() {
        for format in [LogFormat::Text, LogFormat::Json] {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        let error = "xml".parse::<LogFormat>().expect_err("no format");
        assert_eq!(error.to_string(), "`xml` is no log format; there are `text` and `json`");
    }
}
