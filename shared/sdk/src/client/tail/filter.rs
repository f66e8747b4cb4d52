//! Which events to follow: a subject with wildcards, as people write it, against the streams in which events are kept.
//!
//! `LIFECYCLE` stores its events without the execution at the end of their subjects, so that part is compared here.

use sagaline_broker::names::{Names, Stream};

/// Which events to follow. The default: all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TailFilter {
    /// Behind the namespace; empty: everything.
    tokens: Vec<String>,
}

/// Why a filter cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TailFilterError {
    #[error(
        "`{0}` is no subject: it is words with single dots between them, `*` for any word, `>` at the end for any rest"
    )]
    NoSubject(String),
    #[error(
        "`{0}` is neither below `events` nor below `lifecycle`; write, say, events.order.> or lifecycle.workflow.failed.>"
    )]
    NoSuchEvents(String),
}

/// What to read of one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) stream: String,
    /// The subjects as they are stored.
    pub(super) stored: String,
    /// Of lifecycle events: only this execution's.
    pub(super) execution: Option<String>,
    /// The execution is missing from the stored subject.
    pub(super) is_lifecycle: bool,
    /// All that the stream holds is read.
    pub(super) is_whole: bool,
}

impl TailFilter {
    /// Reads a subject, with or without the namespace before it.
    pub fn parse(namespace: &str, text: &str) -> Result<Self, TailFilterError> {
        let all: Vec<&str> = text.split('.').collect();
        let plain = |token: &&str| !token.is_empty() && !token.chars().any(|c| c.is_whitespace() || c.is_control());
        let wild_only_whole = |token: &&str| *token == "*" || *token == ">" || !token.contains(['*', '>']);
        let rest_only_last = all.iter().rev().skip(1).all(|token| *token != ">");
        if !all.iter().all(plain) || !all.iter().all(wild_only_whole) || !rest_only_last {
            return Err(TailFilterError::NoSubject(text.to_owned()));
        }
        let tokens = match all.as_slice() {
            [first, rest @ ..] if *first == namespace && !rest.is_empty() => rest,
            all => all,
        };
        match tokens {
            [">"] => Ok(Self::default()),
            ["events" | "lifecycle" | "*", ..] => Ok(Self { tokens: tokens.iter().map(ToString::to_string).collect() }),
            _ => Err(TailFilterError::NoSuchEvents(text.to_owned())),
        }
    }

    /// What that is of each stream.
    pub(super) fn parts(&self, names: &Names) -> Vec<Part> {
        let (first, rest) = self.tokens.split_first().map_or(("*", [].as_slice()), |(first, rest)| (first, rest));
        let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
        let mut parts = vec![];
        if first != "lifecycle" {
            let is_whole = rest.is_empty() || rest == [">"];
            let stored = if is_whole { names.event(">") } else { names.event(&rest.join(".")) };
            let stream = names.stream(Stream::Events);
            parts.push(Part { stream, stored, execution: None, is_lifecycle: false, is_whole });
        }
        if first != "events" {
            parts.extend(lifecycle(names, &rest));
        }
        parts
    }
}

/// Kind, what, workflow and execution: the last is not in what is stored. Fewer words are the beginning of a subject.
fn lifecycle(names: &Names, rest: &[&str]) -> Option<Part> {
    const STORED: usize = 3;
    if STORED + 1 < rest.len() && rest.get(STORED + 1) != Some(&">") {
        return None;
    }
    let execution = rest.get(STORED).filter(|token| !matches!(**token, "*" | ">")).map(ToString::to_string);
    let mut stored: Vec<&str> = rest.iter().copied().take(STORED).take_while(|token| *token != ">").collect();
    let is_whole = stored.is_empty();
    if stored.len() < STORED {
        stored.push(">");
    }
    let stored = format!("{}.lifecycle.{}", names.namespace(), stored.join("."));
    Some(Part { stream: names.stream(Stream::Lifecycle), stored, execution, is_lifecycle: true, is_whole })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The stored subjects that are read for a filter, and the execution that is asked for.
    fn read(text: &str) -> Vec<(String, Option<String>)> {
        let filter = TailFilter::parse("sagaline", text).expect("a filter");
        let parts = filter.parts(&Names::default());
        parts.into_iter().map(|part| (part.stored, part.execution)).collect()
    }

    fn stored(text: &str) -> Vec<String> {
        read(text).into_iter().map(|(stored, _)| stored).collect()
    }

    #[test]
    fn everything_is_both_streams() {
        let both = ["sagaline.events.>", "sagaline.lifecycle.>"];
        for text in [">", "sagaline.>", "sagaline.*.>", "*.>", "*"] {
            assert_eq!(stored(text), both, "{text}");
        }
        let parts = TailFilter::default().parts(&Names::default());
        assert_eq!(parts.iter().map(|part| part.stream.as_str()).collect::<Vec<_>>(), ["EVENTS", "LIFECYCLE"]);
    }

    #[test]
    fn the_namespace_may_be_left_out() {
        assert_eq!(stored("sagaline.events.order.created"), ["sagaline.events.order.created"]);
        assert_eq!(stored("events.order.>"), ["sagaline.events.order.>"]);
        assert_eq!(stored("events"), ["sagaline.events.>"]);
    }

    #[test]
    fn the_execution_is_not_in_what_is_stored() {
        assert_eq!(stored("lifecycle.workflow.failed.>"), ["sagaline.lifecycle.workflow.failed.>"]);
        assert_eq!(stored("lifecycle.step"), ["sagaline.lifecycle.step.>"]);
        assert_eq!(stored("lifecycle.*.*.order.*"), ["sagaline.lifecycle.*.*.order"]);
        let of_one = [("sagaline.lifecycle.*.completed.*".to_owned(), Some("o-1".to_owned()))];
        assert_eq!(read("sagaline.lifecycle.*.completed.*.o-1"), of_one);
        assert_eq!(stored("lifecycle.a.b.c.d.e"), Vec::<String>::new());
    }

    #[test]
    fn what_is_no_subject_is_refused_with_what_is() {
        for text in ["", "events..a", "events.a b", "events.>.a", "events.a*"] {
            assert!(matches!(TailFilter::parse("sagaline", text), Err(TailFilterError::NoSubject(_))), "{text}");
        }
        assert!(matches!(TailFilter::parse("sagaline", "queue.>"), Err(TailFilterError::NoSuchEvents(_))));
    }
}
