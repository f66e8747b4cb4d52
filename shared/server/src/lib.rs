//! Finds, installs, runs and guards real nats-servers, one or a cluster on this machine, for `sagaline dev` and for tests.
//!
//! It speaks no NATS beyond reading the server's greeting, and knows nothing of streams. A server that runs in production
//! is somebody else's.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use sagaline_server::{Finder, Server, ServerOptions};
//!
//! let binary = Finder::from_env().find_or_install(|doing| eprintln!("{doing}"))?;
//! let mut server = Server::start(ServerOptions::new(binary, "data")).await?;
//! let death = server.death();
//! // … work with a client on `server.url()` until `death` resolves or it is time to go …
//! server.stop().await;
//! # drop(death);
//! # Ok(())
//! # }
//! ```

pub mod binary;
mod cluster;
mod config;
mod environment;
pub mod find;
mod folder;
mod guard;
mod install;
mod monitor;
mod ports;
mod program;
mod ready;
pub mod server;

pub use binary::{Binary, Version};
pub use cluster::Cluster;
pub use config::ServerOptions;
pub use environment::Environment;
pub use find::Finder;
pub use ports::free as free_ports;
pub use server::{Death, Server};
