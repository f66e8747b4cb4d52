//! Messages that were set aside.

use sagaline_sdk::client::Inspection;

use super::super::finding::{Finding, count};
use crate::words;

pub(super) fn rejected(facts: &Inspection) -> Vec<Finding> {
    let rejected = &facts.rejected;
    let older = count(rejected.total, "message");
    let Some(newest) = rejected.newest.as_ref().filter(|_| 0 < rejected.recent) else {
        let says = if rejected.total == 0 {
            "nothing was rejected".to_owned()
        } else {
            format!("nothing within the last hour; {older} in all")
        };
        return vec![Finding::ok("rejected", says)];
    };
    let says = format!(
        "{} within the last hour; the last at {}: {}: {}",
        count(rejected.recent, "message"),
        words::time(newest.time),
        newest.reason,
        words::short(&newest.detail)
    );
    let todo = format!(
        "`sagaline rejected get {}` shows it; correct what sends such messages, and send again",
        newest.sequence
    );
    vec![Finding::hint("rejected", says, todo)]
}

#[cfg(test)]
mod tests {
    use sagaline_sdk::client::RejectedFacts;

    use super::{
        super::{
            super::finding::Verdict,
            facts::{a_rejected_message, healthy},
        },
        *,
    };

    #[test]
    fn recent_ones_are_a_hint_with_the_last_of_them() {
        let of = |total, recent| {
            let newest = (0 < recent).then(a_rejected_message);
            rejected(&Inspection { rejected: RejectedFacts { total, recent, newest }, ..healthy() }).remove(0)
        };
        assert_eq!(of(0, 0).says, "nothing was rejected");
        assert_eq!(of(7, 0).says, "nothing within the last hour; 7 messages in all");
        assert_eq!(of(7, 2).verdict, Verdict::Hint);
        assert!(of(7, 2).says.ends_with("bad_input: no such type"), "{}", of(7, 2).says);
        assert!(of(7, 2).todo.is_some_and(|todo| todo.starts_with("`sagaline rejected get 7`")));
    }
}
