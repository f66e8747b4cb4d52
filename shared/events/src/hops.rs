//! How many executions led to an event, one after another: each that an event started, and that emits another.
//!
//! Whoever follows events with workflows that emit events can build a loop without wanting to. The count goes with the events, so
//! that a trigger sees it.

use serde_json::Value;

use crate::{Envelope, Start};

/// The extension attribute.
pub const ATTRIBUTE: &str = "sagalinehops";

/// As a header of binary mode.
pub const HEADER: &str = "ce-sagalinehops";

/// Chains that are meant have a few links; one of more is a loop.
pub const MOST: u32 = 32;

/// Of an event. One that says nothing, or no number, was caused by no execution.
pub fn of_event(event: &Envelope) -> u32 {
    event.extensions.get(ATTRIBUTE).and_then(|hops| hops.parse().ok()).unwrap_or(0)
}

/// Of the event that caused a start; a child has those of its parent.
pub fn of_start(start: &Start) -> u32 {
    start.trigger.as_ref().map_or(0, of_json).max(start.hops)
}

/// Of an event as JSON.
pub fn of_json(event: &Value) -> u32 {
    let hops = event.get(ATTRIBUTE).and_then(|hops| match hops {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64().and_then(|hops| u32::try_from(hops).ok()),
    });
    hops.unwrap_or(0)
}

pub fn is_none(hops: &u32) -> bool {
    *hops == 0
}
