//! What a Rust worker or client depends on.
pub mod client;
pub mod saga;
pub mod worker;
pub mod workflow;

pub use sagaline_macros::workflow;

/// The examples of the page, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/rust.md")]
struct PageOnRust;
