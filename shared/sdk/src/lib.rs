//! What a Rust worker or client depends on.
pub mod client;
pub mod saga;
pub mod worker;
