//! The trigger on a real nats-server.

// Marked so that the lints take the helpers, too, for tests.
#[cfg(test)]
mod common;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod incoming;
#[cfg(test)]
mod matching;
#[cfg(test)]
mod once;
#[cfg(test)]
mod signals;
#[cfg(test)]
mod starts;
