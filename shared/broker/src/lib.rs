//! The broker as the services see it: names, streams and buckets, the partition log, and the partition owner.
//!
//! [`owner`] is one shell for every service that owns partitions; it is written against [`ports`] alone. [`nats`] is the only
//! place that speaks to a server.

pub mod machine;
pub mod names;
pub mod nats;
pub mod owner;
mod patience;
pub mod ports;
mod rejected;
pub mod room;
pub mod share;
pub mod turns;
pub mod worker;

pub use rejected::rejected;
