//! What the search takes from the environment of the process. Nothing else in this crate reads it.

use std::{ffi::OsString, path::PathBuf};

/// Where to look for a nats-server, and where to get one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// `SAGALINE_NATS_SERVER`: the one to take, whatever else there is.
    pub server: Option<PathBuf>,
    /// The folder of what is installed: `SAGALINE_CACHE`, else `$XDG_CACHE_HOME/sagaline`, else `~/.cache/sagaline`.
    pub cache: Option<PathBuf>,
    /// `SAGALINE_NATS_RELEASES`: where the folders `v<version>` with release archives and their `SHA256SUMS` are.
    pub releases: String,
    /// `PATH`: where programs are, nats-server as well as what an install calls.
    pub path: OsString,
}

impl Environment {
    /// Where the makers of nats-server publish it.
    pub const OFFICIAL_RELEASES: &str = "https://github.com/nats-io/nats-server/releases/download";

    /// The environment of this process.
    pub fn of_this_process() -> Self {
        Self::read(|name| std::env::var_os(name))
    }

    /// The environment that `variable` knows. An empty variable counts as none.
    pub fn read(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let variable = |name| variable(name).filter(|value| !value.is_empty());
        let folder = |name| variable(name).map(PathBuf::from);
        Self {
            server: folder("SAGALINE_NATS_SERVER"),
            cache: folder("SAGALINE_CACHE")
                .or_else(|| Some(folder("XDG_CACHE_HOME")?.join("sagaline")))
                .or_else(|| Some(folder("HOME")?.join(".cache/sagaline"))),
            releases: variable("SAGALINE_NATS_RELEASES")
                .map_or_else(|| Self::OFFICIAL_RELEASES.to_owned(), |url| url.to_string_lossy().into_owned()),
            path: variable("PATH").unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(variables: &[(&str, &str)]) -> Option<PathBuf> {
        let find = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
        Environment::read(find).cache
    }

    #[test]
    fn the_cache_is_the_first_folder_that_is_named() {
        let all = [("SAGALINE_CACHE", "/own"), ("XDG_CACHE_HOME", "/xdg"), ("HOME", "/home/ann")];
        assert_eq!(cache(&all), Some("/own".into()));
        assert_eq!(cache(&all[1..]), Some("/xdg/sagaline".into()));
        assert_eq!(cache(&all[2..]), Some("/home/ann/.cache/sagaline".into()));
        assert_eq!(cache(&[]), None);
    }

    #[test]
    fn an_empty_variable_counts_as_none() {
        assert_eq!(cache(&[("SAGALINE_CACHE", ""), ("HOME", "/home/ann")]), Some("/home/ann/.cache/sagaline".into()));
        let empty = Environment::read(|_| Some(OsString::new()));
        assert_eq!((empty.server, empty.releases.as_str()), (None, Environment::OFFICIAL_RELEASES));
    }
}
