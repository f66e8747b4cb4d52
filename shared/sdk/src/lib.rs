//! What a Rust worker or client depends on.
