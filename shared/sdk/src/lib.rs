//! What a Rust worker or client depends on.
pub mod client;
pub mod worker;
