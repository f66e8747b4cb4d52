//! What executions share: places, breakers, rates and unique keys, told message by message, and a million of them at random.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod accounting;
mod breakers;
mod cost;
mod events;
mod events_account;
mod gathering;
mod golden;
mod places;
mod rates;
mod tale;
mod unique;
