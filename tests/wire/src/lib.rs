//! What a client in any language writes who has nothing but `docs/protocol.md` and a socket.
//!
//! [`nats`] is as much of the NATS protocol as that takes, [`client`] starts executions, asks about them and ends them, and
//! `src/bin/raw-worker.rs` serves tasks. Nothing here uses anything of Sagaline: if it works, the page is true.

pub mod client;
pub mod nats;
pub mod python;
pub mod texts;
