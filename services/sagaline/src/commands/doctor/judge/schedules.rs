//! Schedules: whether anybody is there to start what is due.

use sagaline_sdk::client::Inspection;

use super::super::finding::{Finding, count};

pub(super) fn schedules(facts: &Inspection) -> Vec<Finding> {
    // What cannot be read is said where the bucket is looked at.
    let Some(schedulers) = &facts.schedulers else { return vec![] };
    let todo = "start `sagaline-scheduler`; what was due meanwhile starts late, or is recorded as missed";
    vec![match schedulers.len() {
        0 => Finding::hint("schedules", "no scheduler runs; nothing is started by the clock at this time", todo),
        some => Finding::ok("schedules", count(some as u64, "scheduler")),
    }]
}

#[cfg(test)]
mod tests {
    use super::{
        super::{super::finding::Verdict, facts::healthy},
        *,
    };

    #[test]
    fn without_a_scheduler_nothing_is_started_by_the_clock() {
        let facts = Inspection { schedulers: Some(vec![]), ..healthy() };
        let findings = schedules(&facts);
        assert!(matches!(findings[0].verdict, Verdict::Hint) && findings[0].says.starts_with("no scheduler runs"));
        assert_eq!(schedules(&Inspection { schedulers: None, ..healthy() }).len(), 0);
        assert!(matches!(schedules(&healthy())[0].verdict, Verdict::Ok));
    }
}
