//! The broker on a real NATS server: connecting, installing streams and buckets, the ports of a partition owner, leases,
//! large payloads, and the workers' side of the queues. Nothing in it decides what an execution does.

mod api;
mod clock;
mod connect;
mod content;
mod declared;
mod fetch;
mod install;
mod lease;
mod outcome;
mod payloads;
mod pipeline;
mod ports;
mod reader;
mod reconcile;
mod single;
mod wire;
pub mod worker;

pub use clock::boot;
pub use connect::{ConnectError, Connection, connect};
pub use declared::Storage;
pub use install::{InstallError, Installation, Installed};
pub use lease::{Hold, LEASE_TTL, Lease, LeaseError};
pub use payloads::{INLINE_BYTES_MAX, PAYLOAD_BYTES_MAX, PayloadError, Payloads};
pub use ports::NatsPorts;
