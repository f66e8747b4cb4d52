//! The broker on a real NATS server: connecting, installing streams and buckets, the ports of a partition owner, leases,
//! large payloads, and the workers' side of the queues. Nothing in it decides what an execution does.

mod api;
mod clock;
mod connect;
mod content;
mod declared;
mod depth;
mod durability;
mod expected;
mod fetch;
mod install;
mod lease;
mod outcome;
mod payloads;
mod pipeline;
mod ports;
mod queue;
mod reader;
mod reconcile;
pub mod room;
mod saved;
pub mod shell;
mod single;
mod sweep;
mod wire;
pub mod worker;

pub use clock::boot;
pub use connect::{ConnectError, Connection, connect};
pub use declared::Storage;
pub use depth::{LineDepth, QueueDepth};
pub use durability::{DiskSync, Durability, durability, tell_durability};
pub use expected::{differs, expected};
pub use install::{InstallError, Installation, Installed};
pub use lease::{Hold, LEASE_TTL, Lease, LeaseError};
pub use payloads::{INLINE_BYTES_MAX, PAYLOAD_BYTES_MAX, PayloadError, PayloadOf, Payloads};
pub use ports::NatsPorts;
pub use queue::{QueuePurge, QueuePurged};
pub use sweep::Swept;
