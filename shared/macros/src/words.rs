//! The arguments that each attribute may have. Those of definitions are the keys of the language; a test compares them.

/// Of every step.
pub(crate) const STEP: &[&str] =
    &["after", "after_any", "after_group", "after_graft", "group", "when", "on_error", "for_each", "context_key"];

/// Of a step with an activity, besides.
pub(crate) const ACTIVITY: &[&str] = &[
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

/// Of `#[workflow]`, as definitions have them.
pub(crate) const WORKFLOW: &[&str] = &[
    "version_note",
    "input_schema",
    "timeout",
    "tags",
    "retry",
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
];

/// Of `#[workflow]`, of its own.
pub(crate) const OF_MODULES: &[&str] = &["name", "on_event", "schedule", "manual"];

pub(crate) const HANDLERS: &[&str] = &["on_success", "on_failure", "on_cancel", "on_step_error"];

/// What an attribute of a step without code makes.
pub(crate) struct Kind {
    pub(crate) attribute: &'static str,
    /// The key of the step,
    pub(crate) key: &'static str,
    /// and the key in its map that the first argument is for; none, if it is the value itself.
    pub(crate) first: Option<&'static str>,
    /// The arguments that go into that map.
    pub(crate) inner: &'static [&'static str],
    pub(crate) example: &'static str,
}

pub(crate) const KINDS: &[Kind] = &[
    Kind { attribute: "activity", key: "activity", first: None, inner: &[], example: "#[activity(\"orders.charge\")]" },
    Kind { attribute: "wait", key: "wait", first: None, inner: &[], example: "#[wait(\"2h\")]" },
    Kind {
        attribute: "signal",
        key: "await",
        first: Some("signal"),
        inner: &["timeout", "on_timeout"],
        example: "#[signal(\"decided\")]",
    },
    Kind {
        attribute: "signals",
        key: "await",
        first: Some("signals"),
        inner: &["need", "timeout", "on_timeout"],
        example: "#[signals([\"paid\", \"packed\"])]",
    },
    Kind {
        attribute: "approval",
        key: "await",
        first: None,
        inner: &["approvers", "notify", "timeout", "on_timeout"],
        example: "#[approval(approvers = [\"ann\"])]",
    },
    Kind {
        attribute: "event",
        key: "await",
        first: Some("event"),
        inner: &["match", "correlate", "event_when", "keep", "timeout", "on_timeout"],
        example: "#[event(\"order.paid\")]",
    },
    Kind {
        attribute: "child",
        key: "child",
        first: Some("workflow"),
        inner: &["version", "id", "input", "queue", "wait", "timeout", "on_parent_end"],
        example: "#[child(\"ship_parcel\")]",
    },
    Kind {
        attribute: "emit",
        key: "emit",
        first: Some("type"),
        inner: &["source", "subject", "data"],
        example: "#[emit(\"order.paid\")]",
    },
    Kind {
        attribute: "raise",
        key: "raise",
        first: Some("type"),
        inner: &["message", "details"],
        example: "#[raise(\"Refused\")]",
    },
    Kind { attribute: "set", key: "set", first: None, inner: &[], example: "#[set({ currency: \"EUR\" })]" },
];

/// What an attribute of a module makes: a step with others inside.
pub(crate) struct Holder {
    pub(crate) attribute: &'static str,
    /// The key of the step,
    pub(crate) key: &'static str,
    /// and what of `for_each` the first argument is for, if it is a loop.
    pub(crate) first: Option<&'static str>,
    /// The arguments that only this one has.
    pub(crate) own: &'static [&'static str],
    pub(crate) example: &'static str,
}

pub(crate) const HOLDERS: &[Holder] = &[
    Holder { attribute: "steps", key: "steps", first: None, own: &[], example: "#[steps(after = validate)]" },
    Holder { attribute: "race", key: "race", first: None, own: &[], example: "#[race]" },
    Holder { attribute: "switch", key: "switch", first: None, own: &[], example: "#[switch]" },
    Holder { attribute: "attempt", key: "try", first: None, own: &["catch"], example: "#[attempt(catch = mend)]" },
    Holder {
        attribute: "for_each",
        key: "steps",
        first: Some("items"),
        own: &["as", "concurrency", "on_item_error"],
        example: "#[for_each(\"${ workflow.input.items }\")]",
    },
];

/// Values of these keys are lengths of time.
pub(crate) const DURATIONS: &[&str] = &[
    "timeout",
    "schedule_timeout",
    "total_timeout",
    "heartbeat",
    "step_timeout",
    "initial",
    "max",
    "keep",
    "ttl",
    "for",
    "in",
    "every",
    "period",
    "offset",
    "catch_up",
    "reset",
    "window",
    "per",
    "wait",
];

/// Values of these keys are one of a few words.
pub(crate) const CHOICES: &[(&str, &[&str])] = &[
    ("on_error", &["fail", "skip", "continue", "pause"]),
    ("on_item_error", &["fail", "skip", "continue"]),
    ("overlap", &["allow", "skip", "queue_one", "cancel_running"]),
    ("on_limit", &["queue", "skip", "cancel_old"]),
    ("on_parent_end", &["cancel", "abandon"]),
    ("need", &["all", "any"]),
    ("when_open", &["delay", "fail"]),
    ("on", &["effected", "attempted"]),
];

/// The arguments in the brackets of some, under the key of the language that they are those of. An `on_event` is an event, and all of
/// these may also be lists of such.
pub(crate) const INSIDE: &[(&str, &str, &[&str])] = &[
    ("retry", "retry", &["attempts", "initial", "backoff", "multiplier", "max", "jitter", "retry_on", "no_retry_on"]),
    ("breaker", "breaker", &["name", "threshold", "window", "reset", "probes", "when_open"]),
    ("rate_limit", "rate_limit", &["limit", "per", "burst", "name", "key"]),
    ("limit", "limit", &["limit", "name", "key"]),
    ("expand", "expand", &["concurrency", "queues"]),
    ("unique", "unique", &["key", "for", "until"]),
    ("concurrency", "concurrency", &["limit", "key", "on_limit", "pool"]),
    ("dead_letter", "dead_letter", &["ttl"]),
    (
        "schedule",
        "schedule",
        &[
            "cron", "every", "at", "in", "start_at", "end_at", "timezone", "jitter", "overlap", "catch_up", "limit",
            "input",
        ],
    ),
    (
        "on_event",
        "event",
        &[
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
    ),
];

/// What others call it, and what it is called here; of several words the first that may stand there. A test compares it with that of
/// definitions.
const CALLED: &[(&str, &[&str])] = &[
    ("depends_on", &["after"]),
    ("depends", &["after"]),
    ("dependencies", &["after"]),
    ("needs", &["after"]),
    ("requires", &["after"]),
    ("type", &["event"]),
    ("sleep", &["wait"]),
    ("delay", &["initial", "wait"]),
    ("loop", &["for_each"]),
    ("repeat", &["for_each"]),
    ("with_items", &["for_each"]),
    ("params", &["input"]),
    ("parameters", &["input"]),
    ("args", &["input"]),
    ("arguments", &["input"]),
    ("payload", &["input", "data"]),
    ("with", &["input"]),
    ("condition", &["when"]),
    ("only_if", &["when"]),
    ("if", &["when"]),
    ("as", &["context_key"]),
    ("save_as", &["context_key"]),
    ("store_as", &["context_key"]),
    ("rollback", &["compensate"]),
    ("undo", &["compensate"]),
    ("compensation", &["compensate"]),
    ("cron", &["schedule"]),
    ("tz", &["timezone"]),
    ("max_attempts", &["attempts"]),
    ("times", &["attempts"]),
    ("count", &["attempts"]),
    ("initial_interval", &["initial"]),
    ("initial_delay", &["initial"]),
    ("interval", &["initial", "every"]),
    ("backoff_multiplier", &["multiplier"]),
    ("backoff_coefficient", &["multiplier"]),
    ("factor", &["multiplier"]),
    ("strategy", &["backoff"]),
    ("max_interval", &["max"]),
    ("max_delay", &["max"]),
    ("maximum_interval", &["max"]),
    ("non_retryable", &["no_retry_on"]),
    ("non_retryable_errors", &["no_retry_on"]),
];

/// What has an argument of its own only here.
const OWN: &[(&str, &[&str])] = &[
    ("max_attempts", &["retry"]),
    ("retries", &["retry"]),
    ("max_retries", &["retry"]),
    ("every", &["schedule"]),
    ("trigger", &["on_event"]),
    ("triggers", &["on_event"]),
    ("event", &["on_event"]),
    ("description", &["metadata"]),
];

/// The word that was meant: what that is called here, or what is near enough.
pub(crate) fn meant<'a>(typed: &str, words: &[&'a str]) -> Option<&'a str> {
    called(typed, words).or_else(|| nearest(typed, words.iter().copied()))
}

/// The argument that a word of others stands for.
fn called<'a>(typed: &str, words: &[&'a str]) -> Option<&'a str> {
    let here = CALLED.iter().chain(OWN).filter(|(word, _)| *word == typed).flat_map(|(_, here)| *here);
    here.into_iter().find_map(|here| words.iter().find(|word| *word == here)).copied()
}

/// The word that was meant, if one is near enough.
pub(crate) fn nearest<'a>(typed: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (typed.chars().count() / 3).max(1);
    let near = words.into_iter().map(|word| (distance(typed, word), word));
    near.filter(|(distance, _)| *distance <= allowed).min_by_key(|(distance, _)| *distance).map(|(_, word)| word)
}

/// How many letters must be added, dropped or changed.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut before = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in other.iter().enumerate() {
            let change = before + usize::from(a != *b);
            before = row[j + 1];
            row[j + 1] = change.min(before + 1).min(row[j] + 1);
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(kind: &str) -> Vec<&'static str> {
        let all = sagaline_lang::vocabulary();
        all.iter().find(|(known, _)| *known == kind).expect("such a kind").1.to_vec()
    }

    #[test]
    fn the_arguments_are_the_keys_of_the_language() {
        let known: Vec<&str> = STEP.iter().chain(ACTIVITY).copied().collect();
        // What a step is has an attribute instead.
        let kinds =
            ["activity", "wait", "await", "steps", "race", "switch", "try", "catch", "set", "raise", "child", "emit"];
        let missing: Vec<_> =
            keys("step").into_iter().filter(|key| !known.contains(key) && !kinds.contains(key)).collect();
        assert_eq!(missing, [] as [&str; 0]);
        assert!(known.iter().all(|key| keys("step").contains(key)));
        let own = ["workflow", "on", "steps"];
        let missing: Vec<_> =
            keys("workflow").into_iter().filter(|key| !WORKFLOW.contains(key) && !own.contains(key)).collect();
        assert_eq!(missing, [] as [&str; 0]);
        assert!(WORKFLOW.iter().all(|key| keys("workflow").contains(key)));
    }

    #[test]
    fn what_goes_into_a_map_is_known_there() {
        for kind in KINDS.iter().filter(|kind| !kind.inner.is_empty()) {
            let approval = keys("approval");
            for key in kind.inner.iter().copied().chain(kind.first) {
                let key = if key == "event_when" { "when" } else { key };
                assert!(keys(kind.key).contains(&key) || approval.contains(&key), "{} of {}", key, kind.attribute);
            }
        }
    }

    #[test]
    fn what_holds_steps_is_known_there() {
        for holder in HOLDERS {
            let of_loop = holder.first.is_some();
            assert!(keys("step").contains(&holder.key), "{}", holder.attribute);
            for key in holder.own.iter().copied().chain(holder.first) {
                assert!(
                    keys(if of_loop { "for_each" } else { "step" }).contains(&key),
                    "{key} of {}",
                    holder.attribute
                );
            }
        }
    }

    #[test]
    fn what_stands_in_brackets_is_known_there() {
        for (argument, kind, known) in INSIDE {
            assert_eq!(keys(kind), *known, "{argument}");
        }
    }

    /// Every list of arguments that somebody may mistype one of.
    fn lists() -> Vec<Vec<&'static str>> {
        let of_steps = || STEP.iter().chain(ACTIVITY).copied();
        let mut lists = vec![of_steps().collect(), OF_MODULES.iter().chain(WORKFLOW).copied().collect()];
        lists.extend(KINDS.iter().map(|kind| STEP.iter().chain(kind.inner).copied().collect()));
        lists.extend(HOLDERS.iter().map(|holder| STEP.iter().chain(holder.own).copied().collect()));
        lists.extend(INSIDE.iter().map(|(_, _, known)| known.to_vec()));
        lists
    }

    #[test]
    fn a_word_of_others_means_the_same_as_in_definitions() {
        for list in lists() {
            for word in sagaline_lang::words_of_others().filter(|word| !list.contains(word)) {
                let there = sagaline_lang::called_here(word, list.iter().copied());
                assert!(there.is_none() || called(word, &list) == there, "`{word}` is {there:?} among {list:?}");
            }
        }
        assert_eq!(meant("depends_on", STEP), Some("after"));
        assert_eq!(meant("max_attempts", ACTIVITY), Some("retry"));
    }

    #[test]
    fn what_a_word_of_others_is_called_here_is_an_argument() {
        for (_, here) in CALLED.iter().chain(OWN) {
            assert!(here.iter().all(|here| lists().iter().any(|list| list.contains(here))), "{here:?}");
        }
    }

    #[test]
    fn what_is_nearly_a_word_finds_it() {
        assert_eq!(nearest("aftr", STEP.iter().copied()), Some("after"));
        assert_eq!(nearest("colour", STEP.iter().copied()), None);
    }
}
