//! Sagas: whether anybody is there to undo something.

use sagaline_sdk::client::Inspection;

use super::super::finding::{Finding, count};

pub(super) fn sagas(facts: &Inspection) -> Vec<Finding> {
    // What cannot be read is said where the bucket is looked at.
    let Some(compensators) = &facts.compensators else { return vec![] };
    let todo = "start `sagaline-compensator`; nothing is lost meanwhile";
    vec![match compensators.len() {
        0 => Finding::hint("sagas", "no compensator runs; what failed executions did is not undone at this time", todo),
        some => Finding::ok(
            "sagas",
            format!("{}; `sagaline sagas list --stuck` says what is stuck", count(some as u64, "compensator")),
        ),
    }]
}

#[cfg(test)]
mod tests {
    use super::{
        super::{super::finding::Verdict, facts::healthy},
        *,
    };

    #[test]
    fn without_a_compensator_nothing_is_undone() {
        let facts = Inspection { compensators: Some(vec![]), ..healthy() };
        let findings = sagas(&facts);
        assert!(matches!(findings[0].verdict, Verdict::Hint) && findings[0].says.starts_with("no compensator runs"));
        assert_eq!(sagas(&Inspection { compensators: None, ..healthy() }).len(), 0);
        assert!(matches!(sagas(&healthy())[0].verdict, Verdict::Ok));
    }
}
