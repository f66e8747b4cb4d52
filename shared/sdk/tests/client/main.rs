//! The client on a real nats-server. Where an orchestrator is needed, the test plays it.

// Marked so that the lints take the helpers, too, for tests.
#[cfg(test)]
mod apply;
#[cfg(test)]
mod ask;
#[cfg(test)]
mod common;
#[cfg(test)]
mod follow;
#[cfg(test)]
mod list;
#[cfg(test)]
mod register;
#[cfg(test)]
mod sagas;
#[cfg(test)]
mod send;
#[cfg(test)]
mod start;
#[cfg(test)]
mod tail;
#[cfg(test)]
mod wait;
