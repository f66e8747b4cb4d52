//! The page against the real system: a nats-server, an orchestrator, and workers and clients that know nothing but a socket.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "real/claims.rs"]
mod claims;
#[path = "real/events.rs"]
mod events;
#[path = "real/page.rs"]
mod page;
#[path = "real/raw_worker.rs"]
mod raw_worker;
#[path = "real/site.rs"]
mod site;
