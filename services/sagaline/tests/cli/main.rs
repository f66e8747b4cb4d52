//! The program as people and scripts meet it: the real binary, a real nats-server, real signals.

// Marked so that the lints take the helpers, too, for tests.
#[cfg(test)]
mod cancel_all;
#[cfg(test)]
mod common;
#[cfg(test)]
mod contracts;
mod dead;
mod defaults;
#[cfg(test)]
mod definitions;
#[cfg(test)]
mod dev;
#[cfg(test)]
mod doctor;
#[cfg(test)]
mod executions;
#[cfg(test)]
mod flow;
#[cfg(test)]
mod incoming;
mod jobs;
mod limits;
#[cfg(test)]
mod lines;
#[cfg(test)]
mod pictures;
mod project;
#[cfg(test)]
mod queues;
#[cfg(test)]
mod reach;
#[cfg(test)]
mod rejected;
#[cfg(test)]
mod sagas;
mod schedules;
#[cfg(test)]
mod tail;
mod twice;
#[cfg(test)]
mod watch;
