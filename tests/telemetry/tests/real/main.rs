//! Real processes, spans that a receiver takes, and the text that Prometheus scrapes.

mod collector;
mod direct;
mod metrics;
mod takeover;
mod told;
