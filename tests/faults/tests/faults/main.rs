//! Bad input of every kind against the whole system, made of real processes and a real nats-server: it is told clearly, with what
//! to do next and the right exit code; nothing is lost; and every partition goes on.

// Marked so that the lints take the helpers, too, for tests.
#[cfg(test)]
mod ask;
#[cfg(test)]
mod definitions;
#[cfg(test)]
mod events;
#[cfg(test)]
mod executions;
#[cfg(test)]
mod large;
#[cfg(test)]
mod log;
#[cfg(test)]
mod program;
#[cfg(test)]
mod queue;
#[cfg(test)]
mod raw;
#[cfg(test)]
mod reach;
#[cfg(test)]
mod settings;
#[cfg(test)]
mod site;
