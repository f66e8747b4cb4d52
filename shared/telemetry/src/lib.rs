//! Logs, traces, metrics and health of every service.
//!
//! A process calls [`Telemetry::start`] once. The services in it, be it one or all of them, get a [`Health`] handle, log and
//! trace through `tracing`, and count through [`metrics`]. Nothing here decides anything, and nothing here may stop a service.

pub mod health;
mod http;
mod logs;
pub mod metrics;
pub mod process;
pub mod settings;
mod start;
pub mod traces;

pub use health::{Health, Part};
pub use logs::{LogFormat, UnknownLogFormat};
pub use start::{StartError, Telemetry, TelemetrySettings};
pub use traces::{current_traceparent, set_parent};
