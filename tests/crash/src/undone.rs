//! Whether exactly what an order did was undone, in the right order, and nothing again: by what the executors wrote down.

use std::{collections::BTreeSet, time::Duration};

use sagaline_model::Moment;

use crate::Witness;

/// A result is stored well within this. A run that ended longer than this before its executor was killed has told so.
const STORED_WITHIN: Duration = Duration::from_secs(2);

/// What is to have happened.
pub struct Wanted<'a> {
    /// The steps that are undone. Each stage comes after the one before it.
    pub stages: &'a [&'a [&'a str]],
    /// One that is tried several times, since it cannot be undone.
    pub stuck: Option<&'a str>,
    /// When the execution was over.
    pub ended: Moment,
    /// Processes that were killed, and when.
    pub killed: &'a [(u32, Moment)],
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    pub steps: usize,
    /// Runs that began again, because the executor of the one before them was killed.
    pub again: usize,
}

impl Wanted<'_> {
    /// Why it does not hold, or what was counted.
    pub fn holds(&self, execution: &str, witness: &Witness) -> Result<Held, String> {
        let runs = witness.undone(execution);
        let wrong = |what: String| Err(format!("{execution}: {what}: {runs:#?}"));
        let wanted: BTreeSet<&str> = self.stages.iter().copied().flatten().copied().collect();
        if runs.keys().map(String::as_str).collect::<BTreeSet<_>>() != wanted {
            return wrong(format!("not exactly {wanted:?} is undone"));
        }
        let mut again = 0;
        for (step, runs) in runs.iter().filter(|(step, _)| self.stuck != Some(step)) {
            for pair in runs.windows(2) {
                again += 1;
                let before = &pair[0];
                let cut_off = self.killed.iter().any(|(pid, at)| {
                    *pid == before.pid
                        && before.ended.is_none_or(|ended| Duration::from(at.since(ended)) <= STORED_WITHIN)
                });
                if !cut_off {
                    return wrong(format!("`{step}` was undone twice"));
                }
            }
            if runs.iter().all(|run| run.ended.is_none()) {
                return wrong(format!("`{step}` never came to its end"));
            }
        }
        let mut over: Option<Moment> = None;
        for stage in self.stages {
            let of_stage = stage.iter().flat_map(|step| &runs[*step]);
            let first = of_stage.clone().map(|run| run.begin).min();
            if over.zip(first).is_some_and(|(over, first)| first < over) {
                return wrong(format!("{stage:?} began before what comes before it was over"));
            }
            over = of_stage.filter_map(|run| run.ended).max();
        }
        if runs.values().flatten().any(|run| self.ended < run.begin) {
            return wrong("something was undone after the end".to_owned());
        }
        Ok(Held { steps: runs.len(), again })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDER: Wanted<'_> = Wanted {
        stages: &[&["pay"], &["reserve", "insure"]],
        stuck: None,
        ended: Moment::from_nanos(9_000_000_000),
        killed: &[(7, Moment::from_nanos(3_000_000_000))],
    };

    /// Runs of process, step, begin and end in seconds; without an end they were cut off.
    fn witness(runs: &[(u32, &str, i64, Option<i64>)]) -> Witness {
        let line = |what: &str, pid: u32, step: &str, at: i64| {
            let at = Moment::from_nanos(at * 1_000_000_000);
            format!(
                r#"{{"what":"{what}","execution":"o-1","step":"{step}/~undo","attempt":1,"pid":{pid},"at":"{at}"}}"#
            )
        };
        let lines = runs.iter().flat_map(|&(pid, step, begin, end)| {
            [Some(line("begin", pid, step, begin)), end.map(|end| line("end", pid, step, end))]
        });
        Witness::of(&lines.flatten().collect::<Vec<_>>().join("\n"))
    }

    fn says(runs: &[(u32, &str, i64, Option<i64>)]) -> Result<Held, String> {
        ORDER.holds("o-1", &witness(runs))
    }

    const PAY: (u32, &str, i64, Option<i64>) = (1, "pay", 1, Some(2));
    const RESERVE: (u32, &str, i64, Option<i64>) = (1, "reserve", 4, Some(6));
    const INSURE: (u32, &str, i64, Option<i64>) = (2, "insure", 5, Some(7));

    #[test]
    fn what_is_undone_once_and_in_order_holds() {
        assert_eq!(says(&[PAY, RESERVE, INSURE]), Ok(Held { steps: 3, again: 0 }));
    }

    #[test]
    fn what_was_cut_off_may_begin_again_and_nothing_else() {
        let cut = (7, "pay", 1, None);
        assert_eq!(says(&[cut, (1, "pay", 3, Some(4)), RESERVE, INSURE]), Ok(Held { steps: 3, again: 1 }));
        // It had ended a second before, and perhaps not been heard.
        let unheard = (7, "pay", 1, Some(2));
        assert_eq!(says(&[unheard, (1, "pay", 3, Some(4)), RESERVE, INSURE]), Ok(Held { steps: 3, again: 1 }));
        let heard = (7, "pay", 0, Some(0));
        for twice in [heard, PAY] {
            let why = says(&[twice, (1, "pay", 3, Some(4)), RESERVE, INSURE]).expect_err("it ran twice");
            assert!(why.contains("`pay` was undone twice"), "{why}");
        }
    }

    #[test]
    fn too_little_too_much_too_early_and_too_late_is_found() {
        for (runs, what) in [
            (&[PAY, RESERVE][..], "not exactly"),
            (&[PAY, RESERVE, INSURE, (1, "ship", 1, Some(2))], "not exactly"),
            (&[PAY, (1, "reserve", 1, Some(3)), INSURE], "began before"),
            (&[PAY, RESERVE, (2, "insure", 10, Some(11))], "after the end"),
            (&[PAY, RESERVE, (2, "insure", 5, None)], "never came to its end"),
        ] {
            let why = says(runs).expect_err(what);
            assert!(why.contains(what), "{why}");
        }
    }
}
