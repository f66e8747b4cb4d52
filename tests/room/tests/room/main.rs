//! Streams that fill up, on a real server and with the real services.

mod events;
mod history;
mod log;
mod overfull;
mod page;
mod queue;
mod site;
mod snapshots;
