//! What the executors wrote down: the begin and the end of every run, by which process.

use std::{collections::BTreeMap, path::Path, time::Duration};

use sagaline_model::Moment;
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
struct Line {
    what: String,
    execution: String,
    step: String,
    attempt: u32,
    pid: u32,
    at: Moment,
}

/// Every run, by execution, step and attempt.
#[derive(Default)]
pub struct Witness {
    runs: BTreeMap<(String, String, u32), Vec<Run>>,
}

#[derive(Clone, Debug)]
pub struct Run {
    pub pid: u32,
    pub begin: Moment,
    pub ended: Option<Moment>,
}

impl Witness {
    pub fn read(file: &Path) -> Self {
        Self::of(&std::fs::read_to_string(file).expect("a witness file can be read"))
    }

    /// What these lines say.
    pub fn of(text: &str) -> Self {
        let mut witness = Self::default();
        for line in text.lines() {
            // A killed executor may leave half a line behind.
            let Ok(line) = serde_json::from_str::<Line>(line) else { continue };
            let runs = witness.runs.entry((line.execution, line.step, line.attempt)).or_default();
            if line.what == "begin" {
                runs.push(Run { pid: line.pid, begin: line.at, ended: None });
            } else if let Some(run) = runs.iter_mut().find(|run| run.pid == line.pid && run.ended.is_none()) {
                run.ended = Some(line.at);
            }
        }
        witness
    }

    /// An attempt that began after `since` and ran to its end: execution, step, attempt.
    pub fn one_ended(&self, since: Moment) -> Option<(String, String, u32)> {
        let ended = |runs: &[Run]| runs.iter().any(|run| run.ended.is_some() && run.begin > since);
        self.runs.iter().find(|(_, runs)| ended(runs)).map(|(name, _)| name.clone())
    }

    /// Every run of what undid the steps of an execution, by the step, each in the order in which they began.
    pub fn undone(&self, execution: &str) -> BTreeMap<String, Vec<Run>> {
        let from = (execution.to_owned(), String::new(), 0);
        let of_this = self.runs.range(from..).take_while(|((id, _, _), _)| id == execution);
        let mut undone: BTreeMap<String, Vec<Run>> = BTreeMap::new();
        for ((_, step, _), runs) in of_this {
            let Some((step, _)) = step.split_once("/~undo") else { continue };
            undone.entry(step.to_owned()).or_default().extend(runs.iter().cloned());
        }
        undone.values_mut().for_each(|runs| runs.sort_by_key(|run| run.begin));
        undone
    }

    /// Every run, with its execution.
    pub fn all(&self) -> impl Iterator<Item = (&str, &Run)> {
        self.attempts().map(|(execution, _, run)| (execution, run))
    }

    /// Every run of an execution, with its attempt.
    pub fn runs_of(&self, execution: &str) -> impl Iterator<Item = (u32, &Run)> {
        let from = (execution.to_owned(), String::new(), 0);
        let of_this = self.runs.range(from..).take_while(move |((id, _, _), _)| id == execution);
        of_this.flat_map(|((_, _, attempt), runs)| runs.iter().map(move |run| (*attempt, run)))
    }

    /// Every run, with its execution and its attempt.
    pub fn attempts(&self) -> impl Iterator<Item = (&str, u32, &Run)> {
        self.runs
            .iter()
            .flat_map(|((execution, _, attempt), runs)| runs.iter().map(move |run| (execution.as_str(), *attempt, run)))
    }

    /// How many runs began.
    pub fn begun(&self) -> usize {
        self.runs.values().map(Vec::len).sum()
    }

    /// Tasks that ran in `pid` when it was killed at `kill`, and after how long each began elsewhere.
    pub fn orphans(&self, pid: u32, kill: Moment) -> Vec<Duration> {
        let orphaned =
            |runs: &&Vec<Run>| runs.iter().any(|run| run.pid == pid && run.ended.is_none() && run.begin <= kill);
        let taken_up = |runs: &Vec<Run>| {
            let others = runs.iter().filter(|run| run.pid != pid && run.begin >= kill);
            others.map(|run| run.begin.since(kill).into()).min()
        };
        self.runs.values().filter(orphaned).filter_map(taken_up).collect()
    }
}
