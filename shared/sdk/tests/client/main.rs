//! The client on a real nats-server. Where an orchestrator is needed, the test plays it.

mod apply;
mod ask;
mod common;
mod follow;
mod send;
mod start;
mod wait;
