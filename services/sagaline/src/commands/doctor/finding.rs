//! What the doctor says of one thing: how it is, and what to do about it.

use serde::Serialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    Ok,
    /// Nothing is broken, and somebody may want to know.
    Hint,
    NotOk,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    pub(crate) verdict: Verdict,
    /// What was looked at: one of a few words.
    pub(crate) check: &'static str,
    /// Which of them, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) thing: Option<String>,
    pub(crate) says: String,
    /// What to do.
    #[serde(rename = "do", skip_serializing_if = "Option::is_none")]
    pub(crate) todo: Option<String>,
}

impl Finding {
    pub(crate) fn ok(check: &'static str, says: impl Into<String>) -> Self {
        Self { verdict: Verdict::Ok, check, thing: None, says: says.into(), todo: None }
    }

    pub(crate) fn hint(check: &'static str, says: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { verdict: Verdict::Hint, todo: Some(todo.into()), ..Self::ok(check, says) }
    }

    pub(crate) fn not_ok(check: &'static str, says: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { verdict: Verdict::NotOk, todo: Some(todo.into()), ..Self::ok(check, says) }
    }

    pub(crate) fn of(mut self, thing: impl Into<String>) -> Self {
        self.thing = Some(thing.into());
        self
    }
}

/// `1 task`, `2 tasks`.
pub(super) fn count(number: u64, one: &str) -> String {
    counted(number, one, &format!("{one}s"))
}

/// `1 entry`, `2 entries`.
pub(super) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// `a`, `a and b`, `a, b and c`; the first few of many.
pub(super) fn list(names: &[String]) -> String {
    const SHOWN: usize = 6;
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] if names.len() <= SHOWN => format!("{} and {last}", first.join(", ")),
        many => format!("{} and {} more", many[..SHOWN].join(", "), many.len() - SHOWN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_things_are_named_up_to_a_few() {
        let names: Vec<String> = (0..9).map(|number| format!("n{number}")).collect();
        assert_eq!(list(&names[..1]), "n0");
        assert_eq!(list(&names[..3]), "n0, n1 and n2");
        assert_eq!(list(&names), "n0, n1, n2, n3, n4, n5 and 3 more");
        assert_eq!((count(1, "task"), count(2, "task")), ("1 task".to_owned(), "2 tasks".to_owned()));
    }
}
