//! The keys that this version reads, for whoever writes definitions in other ways than by hand.

use crate::words::{
    APPROVAL, AWAIT, BATCH, BREAKER, CASE, CATCH, CHILD, COMPENSATE, COMPENSATION, CONCURRENCY, CORRELATE, DEAD_LETTER,
    DEBOUNCE, EMIT, EVENT, EVERY, EXPAND, FOR_EACH, LIMIT, NOTIFY, ON_TIMEOUT, RAISE, RATE_LIMIT, RETRY, SCHEDULED,
    SIGNAL, STEP, UNIQUE, UPDATE, WORKFLOW,
};

/// Every kind of map that a definition has, under the key it stands at, with the keys that it may have.
pub fn vocabulary() -> [(&'static str, &'static [&'static str]); 30] {
    [
        ("workflow", WORKFLOW.known),
        ("step", STEP.known),
        ("await", AWAIT.known),
        ("correlate", CORRELATE.known),
        ("rate_limit", RATE_LIMIT.known),
        ("limit", LIMIT.known),
        ("unique", UNIQUE.known),
        ("approval", APPROVAL.known),
        ("on_timeout", ON_TIMEOUT.known),
        ("notify", NOTIFY.known),
        ("signal", SIGNAL.known),
        ("update", UPDATE.known),
        ("case", CASE.known),
        ("catch", CATCH.known),
        ("raise", RAISE.known),
        ("child", CHILD.known),
        ("emit", EMIT.known),
        ("dead_letter", DEAD_LETTER.known),
        ("for_each", FOR_EACH.known),
        ("expand", EXPAND.known),
        ("concurrency", CONCURRENCY.known),
        ("breaker", BREAKER.known),
        ("retry", RETRY.known),
        ("event", EVENT.known),
        ("debounce", DEBOUNCE.known),
        ("batch", BATCH.known),
        ("schedule", SCHEDULED.known),
        ("every", EVERY.known),
        ("compensate", COMPENSATE.known),
        ("compensation", COMPENSATION.known),
    ]
}
