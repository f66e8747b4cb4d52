//! The shape of a deployment, looked at: what `docker-compose.yml`, `deploy/Dockerfile` and `deploy/kubernetes` say is held against
//! the programs, and what compose would start is started as processes of this machine.

pub mod compose;
pub mod manifests;
pub mod page;
pub mod places;
pub mod process;
pub mod system;
pub mod variables;
pub mod yaml;

use std::path::PathBuf;

pub use compose::Compose;
pub use system::System;

/// The root of the repository.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("a crate lies in its repository")
}
