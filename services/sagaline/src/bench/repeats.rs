//! Steps that ran although their result was stored: the one thing that must never be.
//!
//! The log says when the first result of each attempt was stored. The executors' witness files say when each run began; one that
//! began after that repeats a step. Without witness files there are only results that were stored twice for one attempt: an upper
//! bound, since a result whose ack was lost is published again without the step being run again.

use std::{
    collections::HashMap,
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};

use sagaline_events::Input;
use sagaline_model::Moment;
use sagaline_sdk::client::{Client, HistoryEntry};
use serde::Deserialize;

use super::{Settings, ears::index_of};
use crate::failure::Failure;

/// So many are told of; the count has them all.
const EXAMPLES_MAX: usize = 10;

pub(super) struct Repeats {
    pub(super) count: usize,
    /// `witness`, or `log`: then it is an upper bound.
    pub(super) from: &'static str,
    /// Attempts that have more than one result on the log.
    pub(super) stored_twice: usize,
    /// Runs that the witness files tell of.
    pub(super) begun: Option<usize>,
    pub(super) examples: Vec<String>,
}

/// What the log says of the steps of this run.
#[derive(Debug, Default)]
struct Results {
    /// Of each attempt, when its first result was stored.
    of_attempts: HashMap<(usize, String, u32), Moment>,
    /// Of each step, when it first succeeded, whichever attempt did.
    of_steps: HashMap<(usize, String), Moment>,
    twice: Vec<String>,
}

/// A line of a witness file.
#[derive(Debug, Deserialize)]
struct Line {
    what: String,
    execution: String,
    step: String,
    attempt: u32,
    at: At,
}

/// RFC 3339, or nanoseconds since 1970.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum At {
    Text(Moment),
    Nanos(i64),
}

impl Repeats {
    pub(super) async fn find(
        settings: &Settings,
        client: &Client,
        heads: &[u64],
        prefix: &str,
    ) -> Result<Self, Failure> {
        let mut results = Results::default();
        for (partition, head) in (0..client.partitions()).zip(heads) {
            let note = |execution: &str, entry: HistoryEntry| {
                if let Some(index) = index_of(execution, prefix) {
                    results.note(index, &entry);
                }
            };
            client.read_log(partition, *head, note).await?;
        }
        if settings.witness.is_empty() {
            let (count, examples) = (results.twice.len(), results.twice.iter().take(EXAMPLES_MAX).cloned().collect());
            return Ok(Self { count, from: "log", stored_twice: count, begun: None, examples });
        }
        let mut repeats =
            Self { count: 0, from: "witness", stored_twice: results.twice.len(), begun: Some(0), examples: vec![] };
        for file in &settings.witness {
            repeats.read_witness(file, &results, prefix)?;
        }
        Ok(repeats)
    }

    fn read_witness(&mut self, path: &Path, results: &Results, prefix: &str) -> Result<(), Failure> {
        let unreadable = |error| Failure::bad_data(format!("the witness `{}` cannot be read: {error}", path.display()));
        let file = BufReader::new(File::open(path).map_err(unreadable)?);
        for line in file.lines() {
            let line = line.map_err(unreadable)?;
            // An executor that was killed may have written half a line.
            let Ok(line) = serde_json::from_str::<Line>(&line) else { continue };
            let Some(index) = index_of(&line.execution, prefix).filter(|_| line.what == "begin") else { continue };
            self.begun = self.begun.map(|begun| begun + 1);
            if let Some(stored) = results.stored_before(index, &line) {
                self.count += 1;
                if self.examples.len() < EXAMPLES_MAX {
                    let (execution, step, attempt, began) =
                        (&line.execution, &line.step, line.attempt, line.at.moment());
                    let text =
                        format!("{execution} step {step} attempt {attempt} began at {began}, stored at {stored}");
                    self.examples.push(text);
                }
            }
        }
        Ok(())
    }
}

impl Results {
    fn note(&mut self, index: usize, entry: &HistoryEntry) {
        let data = entry.data.to_string();
        let (path, attempt, succeeded) = match Input::read(&entry.kind, data.as_bytes()) {
            Ok(Input::StepSucceeded(result)) => (result.path, result.attempt, true),
            Ok(Input::StepSkipped(result)) => (result.path, result.attempt, true),
            Ok(Input::StepExpanded(result)) => (result.path, result.attempt, true),
            Ok(Input::StepFailed(result)) => (result.path, result.attempt, false),
            Ok(Input::StepAwaits(result)) => (result.path, result.attempt, false),
            Ok(Input::StepSnoozed(result)) => (result.path, result.attempt, false),
            Ok(_) | Err(_) => return,
        };
        let step = (index, path.to_string());
        if succeeded {
            self.of_steps.entry(step.clone()).or_insert(entry.time);
        }
        let key = (index, step.1, attempt);
        match self.of_attempts.get(&key) {
            None => drop(self.of_attempts.insert(key, entry.time)),
            Some(first) => self.twice.push(format!(
                "execution {index} of the run, step {path} attempt {attempt}: stored at {first} and at {}",
                entry.time
            )),
        }
    }

    /// When the result was stored that makes this run a repeat.
    fn stored_before(&self, index: usize, line: &Line) -> Option<Moment> {
        let of_attempt = self.of_attempts.get(&(index, line.step.clone(), line.attempt));
        let of_step = self.of_steps.get(&(index, line.step.clone()));
        of_attempt.into_iter().chain(of_step).copied().filter(|stored| *stored < line.at.moment()).min()
    }
}

impl At {
    fn moment(&self) -> Moment {
        match self {
            Self::Text(moment) => *moment,
            Self::Nanos(nanos) => Moment::from_nanos(*nanos),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stored(results: &mut Results, at: i64, what: &str, step: &str, attempt: u32) {
        results.note(
            7,
            &HistoryEntry {
                sequence: 1,
                time: Moment::from_millis(at),
                kind: format!("sagaline.input.{what}.v1"),
                id: String::new(),
                source: String::new(),
                data: json!({ "path": step, "attempt": attempt, "error": { "type": "E", "message": "m" } }),
            },
        );
    }

    fn begin(at: i64, step: &str, attempt: u32) -> Line {
        let at = At::Text(Moment::from_millis(at));
        Line { what: "begin".into(), execution: "b-7".into(), step: step.into(), attempt, at }
    }

    #[test]
    fn a_run_after_its_result_repeats_a_step() {
        let mut results = Results::default();
        stored(&mut results, 10, "step_failed", "s1", 1);
        stored(&mut results, 20, "step_succeeded", "s1", 2);
        assert_eq!(results.stored_before(7, &begin(5, "s1", 1)), None);
        assert_eq!(results.stored_before(7, &begin(15, "s1", 2)), None, "a second attempt after a failed first");
        assert_eq!(results.stored_before(7, &begin(11, "s1", 1)), Some(Moment::from_millis(10)));
        assert_eq!(results.stored_before(7, &begin(25, "s1", 3)), Some(Moment::from_millis(20)), "it had succeeded");
        assert_eq!(results.stored_before(7, &begin(25, "s2", 1)), None);
        assert!(results.twice.is_empty());
    }

    #[test]
    fn two_results_of_one_attempt_are_noticed() {
        let mut results = Results::default();
        stored(&mut results, 10, "step_succeeded", "s1", 1);
        stored(&mut results, 12, "step_succeeded", "s1", 1);
        stored(&mut results, 13, "step_succeeded", "s2", 1);
        assert_eq!(results.twice.len(), 1, "{:?}", results.twice);
    }

    #[test]
    fn a_witness_that_saw_a_repeat_says_so() {
        let mut results = Results::default();
        stored(&mut results, 1000, "step_succeeded", "s1", 1);
        let line = |what: &str, execution: &str, nanos: i64| {
            format!(r#"{{"what":"{what}","execution":"{execution}","step":"s1","attempt":1,"pid":3,"at":{nanos}}}"#)
        };
        let lines = [
            line("begin", "b-7", 900_000_000),
            line("end", "b-7", 1_100_000_000),
            line("begin", "other-7", 1_100_000_000),
            line("begin", "b-7", 1_100_000_000),
            r#"{"what":"begin","exec"#.to_owned(),
        ];
        let file = std::env::temp_dir().join(format!("sagaline-witness-{}", std::process::id()));
        std::fs::write(&file, lines.join("\n")).expect("a file");
        let mut repeats = Repeats { count: 0, from: "witness", stored_twice: 0, begun: Some(0), examples: vec![] };
        repeats.read_witness(&file, &results, "b-").expect("a witness");
        std::fs::remove_file(&file).expect("the file");
        assert_eq!((repeats.count, repeats.begun, repeats.examples.len()), (1, Some(2), 1));
    }

    #[test]
    fn a_witness_writes_times_in_either_form() {
        for at in ["\"2026-11-20T06:00:00.000000001Z\"", "1795154400000000001"] {
            let line = format!(r#"{{"what":"begin","execution":"b-7","step":"s1","attempt":1,"pid":3,"at":{at}}}"#);
            let line: Line = serde_json::from_str(&line).expect("a line");
            assert_eq!(line.at.moment().to_string(), "2026-11-20T06:00:00.000000001Z");
        }
    }
}
