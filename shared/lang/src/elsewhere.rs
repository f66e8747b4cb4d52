//! What people write who know the words of other tools, and what that is called here.

/// A word of others, and the words for it here; of those, the first that may stand in its place is meant.
const CALLED: [(&str, &[&str]); 56] = [
    ("depends_on", &["after"]),
    ("depends", &["after"]),
    ("dependencies", &["after"]),
    ("needs", &["after"]),
    ("requires", &["after"]),
    ("run", &["activity", "task"]),
    ("task", &["activity"]),
    ("action", &["activity", "task"]),
    ("uses", &["activity", "task"]),
    ("function", &["activity", "task"]),
    ("handler", &["activity", "task"]),
    ("type", &["activity", "event", "task"]),
    ("activity", &["task"]),
    ("sleep", &["wait"]),
    ("delay", &["initial", "wait"]),
    ("workflow", &["child"]),
    ("sub_workflow", &["child"]),
    ("subworkflow", &["child"]),
    ("child_workflow", &["child"]),
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
    ("trigger", &["on"]),
    ("triggers", &["trigger", "on"]),
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

/// What of others has no single word here: a word that may stand beside it, those of others, and what to write.
const SAID: [(&str, &[&str], &str); 16] = [
    ("context_key", &["parallel"], "`parallel { … }` stands among steps: put it into the `steps { … }` of this one"),
    ("context_key", &["else", "elif"], "write a `switch`, or a second step with the opposite condition"),
    ("context_key", &["unless"], "write the opposite condition: `when: \"${ !(…) }\"`"),
    ("context_key", &["and"], "`and` is written `&&`, and the whole condition stands in one pair of quotes"),
    ("context_key", &["or"], "`or` is written `||`, and the whole condition stands in one pair of quotes"),
    ("context_key", &["continue_on_error", "ignore_errors", "allow_failure"], "write `on_error: continue`"),
    ("context_key", &["on_failure"], "handle it with `try` and `catch`, or in the `on_failure` of the workflow"),
    ("context_key", &["max_attempts", "attempts"], "write `retry: { attempts: 3 }`"),
    ("context_key", &["retries", "max_retries"], "write `retry: { attempts: … }`, which counts the first run too"),
    ("context_key", &["retry_delay", "retry_interval"], "write `retry: { initial: 10s }`"),
    ("context_key", &["retry_backoff"], "write `retry: { backoff: exponential }`"),
    (
        "attempts",
        &["retries", "max_retries"],
        "write `attempts`, which counts the first run too: one more than retries",
    ),
    ("input_schema", &["cron", "schedule"], "write it as an entry of `on`: `{ cron: \"0 6 * * *\" }`"),
    ("input_schema", &["every"], "write it as an entry of `on`: `{ every: 5m }`"),
    ("input_schema", &["if", "when"], "it belongs to an entry of `on`: `{ event: order.created, when: … }`"),
    ("input_schema", &["description"], "write `metadata: { description: … }`"),
];

/// The word of `known` that a word of other tools stands for.
pub fn called_here<'a>(typed: &str, known: impl Iterator<Item = &'a str> + Clone) -> Option<&'a str> {
    let (_, here) = CALLED.iter().find(|(word, _)| *word == typed)?;
    here.iter().find_map(|word| known.clone().find(|known| known == word))
}

/// Every word of other tools that has one here, for whoever answers them in other ways than by a fault in a file.
pub fn words_of_others() -> impl Iterator<Item = &'static str> {
    CALLED.iter().map(|(word, _)| *word)
}

/// What to write instead of a word that has none here, if it stands among words like these.
pub(crate) fn said_here<'a>(typed: &str, known: impl Iterator<Item = &'a str> + Clone) -> Option<&'static str> {
    let stands = |beside: &str| known.clone().any(|word| word == beside);
    let said = SAID.iter().find(|(beside, words, _)| words.contains(&typed) && stands(beside));
    said.map(|(_, _, instead)| *instead)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary;

    /// Where a word is one of the language, nobody is told of another; and what is told is a word there.
    #[test]
    fn what_others_call_it_is_called_otherwise_here() {
        let only_in_flow = ["task", "schedule", "timezone", "trigger"];
        let is_known = |word: &str| vocabulary().iter().any(|(_, known)| known.contains(&word));
        for (word, here) in CALLED {
            assert!(here.iter().all(|here| is_known(here) || only_in_flow.contains(here)), "{here:?}");
            for (owner, known) in vocabulary() {
                let told = called_here(word, known.iter().copied()).is_some();
                assert!(!told || !known.contains(&word) || word == "workflow", "`{word}` of `{owner}`");
            }
        }
        assert!(SAID.iter().all(|(beside, _, _)| is_known(beside)));
    }
}
