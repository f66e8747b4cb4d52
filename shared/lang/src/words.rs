//! The keys of the language: those that this version reads, and those that it knows of but does not serve yet.

/// The keys that a map may have.
#[derive(Clone, Copy)]
pub(crate) struct Words {
    pub(crate) known: &'static [&'static str],
    /// Refused, but not as a typing mistake.
    pub(crate) later: &'static [&'static str],
}

pub(crate) const WORKFLOW: Words = Words {
    known: &[
        "workflow",
        "version_note",
        "input_schema",
        "on",
        "timeout",
        "tags",
        "retry",
        "steps",
        "output",
        "on_success",
        "on_failure",
        "on_cancel",
        "step_concurrency",
        "step_timeout",
        "deadline",
        "metadata",
        "signals",
        "queries",
        "updates",
        "on_step_error",
        "retry_workflow",
        "concurrency",
        "dead_letter",
        "unique",
    ],
    later: &["priority", "total_timeout", "breaker", "compensate", "on_complete", "on_timeout", "on_error"],
};

pub(crate) const STEP: Words = Words {
    known: &[
        "activity",
        "wait",
        "await",
        "steps",
        "race",
        "switch",
        "try",
        "catch",
        "set",
        "raise",
        "child",
        "emit",
        "for_each",
        "input",
        "queue",
        "timeout",
        "schedule_timeout",
        "total_timeout",
        "heartbeat",
        "retry",
        "after",
        "after_any",
        "after_group",
        "group",
        "when",
        "on_error",
        "deadline",
        "metadata",
        "expand",
        "after_graft",
        "breaker",
        "context_key",
        "compensate",
        "rate_limit",
        "limit",
    ],
    later: &[
        "priority",
        "claim",
        "concurrency",
        "step_concurrency",
        "output",
        "tags",
        "on_success",
        "on_failure",
        "on_complete",
        "on_cancel",
        "on_timeout",
        "on_step_error",
    ],
};

/// What a step does; it has exactly one of these.
pub(crate) const KINDS: [&str; 11] =
    ["activity", "wait", "await", "steps", "race", "switch", "try", "set", "raise", "child", "emit"];

/// What only a step with an activity has.
pub(crate) const OF_ACTIVITIES: [&str; 14] = [
    "input",
    "queue",
    "timeout",
    "schedule_timeout",
    "total_timeout",
    "heartbeat",
    "retry",
    "deadline",
    "metadata",
    "expand",
    "breaker",
    "compensate",
    "rate_limit",
    "limit",
];

pub(crate) const AWAIT: Words = Words {
    known: &[
        "signal",
        "signals",
        "need",
        "approval",
        "timeout",
        "on_timeout",
        "event",
        "match",
        "correlate",
        "when",
        "keep",
    ],
    later: &[],
};

/// What only a wait for an event has.
pub(crate) const OF_EVENTS: [&str; 4] = ["match", "correlate", "when", "keep"];

pub(crate) const CORRELATE: Words = Words { known: &["event", "with"], later: &[] };

pub(crate) const RATE_LIMIT: Words = Words { known: &["limit", "per", "burst", "name", "key"], later: &[] };

pub(crate) const LIMIT: Words = Words { known: &["limit", "name", "key"], later: &[] };

pub(crate) const UNIQUE: Words = Words { known: &["key", "for", "until"], later: &[] };

pub(crate) const APPROVAL: Words = Words { known: &["approvers", "notify"], later: &[] };

pub(crate) const ON_TIMEOUT: Words = Words { known: &["steps"], later: &[] };

/// What tells approvers is an activity or an event, and no step that others know of.
pub(crate) const NOTIFY: Words = Words {
    known: &[
        "activity",
        "input",
        "queue",
        "timeout",
        "schedule_timeout",
        "total_timeout",
        "heartbeat",
        "retry",
        "event",
        "data",
    ],
    later: &["emit"],
};

pub(crate) const SIGNAL: Words = Words { known: &["schema"], later: &[] };

pub(crate) const UPDATE: Words = Words { known: &["schema", "when", "set", "result"], later: &[] };

pub(crate) const CASE: Words = Words { known: &["when", "steps"], later: &[] };

pub(crate) const CATCH: Words = Words { known: &["errors", "steps"], later: &["when"] };

pub(crate) const RAISE: Words = Words { known: &["type", "message", "details"], later: &[] };

pub(crate) const CHILD: Words = Words {
    known: &["workflow", "version", "id", "input", "queue", "wait", "timeout", "on_parent_end"],
    later: &["retry", "tags"],
};

pub(crate) const EMIT: Words = Words { known: &["type", "source", "subject", "data"], later: &["id"] };

pub(crate) const DEAD_LETTER: Words = Words { known: &["ttl"], later: &[] };

pub(crate) const FOR_EACH: Words = Words { known: &["items", "as", "concurrency", "on_item_error"], later: &[] };

pub(crate) const EXPAND: Words = Words { known: &["concurrency", "queues"], later: &[] };
pub(crate) const CONCURRENCY: Words = Words { known: &["limit", "key", "on_limit", "pool"], later: &[] };

pub(crate) const BREAKER: Words =
    Words { known: &["name", "threshold", "window", "reset", "probes", "when_open"], later: &[] };

pub(crate) const RETRY: Words = Words {
    known: &["attempts", "initial", "backoff", "multiplier", "max", "jitter", "retry_on", "no_retry_on"],
    later: &[],
};

/// What an installation may say for its workflows.
pub(crate) const DEFAULTS: Words = Words { known: &["timeout", "step_timeout", "retry", "concurrency"], later: &[] };

pub(crate) const EVENT: Words = Words {
    known: &[
        "event",
        "when",
        "input",
        "source",
        "subject",
        "extensions",
        "signal",
        "execution",
        "data",
        "debounce",
        "batch",
    ],
    later: &["id", "unique"],
};

pub(crate) const DEBOUNCE: Words = Words { known: &["for", "key", "max"], later: &[] };
pub(crate) const BATCH: Words = Words { known: &["size", "for", "key"], later: &[] };

/// What every CloudEvent may have; anything else is an extension attribute.
pub(crate) const ATTRIBUTES: [&str; 9] =
    ["specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema", "data"];

/// What an operator says about a type of events,
pub(crate) const EVENT_TYPE: Words = Words { known: &["schema", "version", "versions"], later: &[] };

pub(crate) const EVENT_VERSION: Words = Words { known: &["schema", "to_next"], later: &[] };

/// and where they come from.
pub(crate) const EVENT_SOURCE: Words = Words { known: &["stream", "subject", "event", "from_beginning"], later: &[] };

pub(crate) const EVENT_SHAPE: Words =
    Words { known: &["type", "source", "id", "subject", "data", "extensions"], later: &["time"] };

pub(crate) const SCHEDULED: Words = Words {
    known: &[
        "cron", "every", "at", "in", "start_at", "end_at", "timezone", "jitter", "overlap", "catch_up", "limit",
        "input",
    ],
    later: &["when", "tags"],
};

pub(crate) const EVERY: Words = Words { known: &["period", "anchor", "offset"], later: &[] };

/// An entry of `on` with one of these is a schedule.
pub(crate) const SCHEDULE: [&str; 4] = ["cron", "every", "at", "in"];

pub(crate) const COMPENSATE: Words = Words { known: &["actions", "on"], later: &[] };

/// One activity that undoes a step.
pub(crate) const COMPENSATION: Words = Words {
    known: &["activity", "input", "timeout", "retry", "allow_skip", "queue", "metadata"],
    later: &["schedule_timeout", "heartbeat"],
};

/// The file of a project.
pub(crate) const PROJECT: Words =
    Words { known: &["definitions", "namespace", "nats_url", "config", "defaults"], later: &[] };

#[cfg(test)]
mod tests;
