//! Everything here runs a real nats-server, which is installed first where there is none.

// Marked so that the lints take the helpers, too, for tests.
#[cfg(test)]
mod cluster;
#[cfg(test)]
mod common;
#[cfg(test)]
mod guard;
#[cfg(test)]
mod server;
