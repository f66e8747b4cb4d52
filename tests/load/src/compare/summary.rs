//! What all runs say together: medians, ratios, a table.

use std::fmt;

use serde::Serialize;

use super::{Run, Runs};

/// The comparison: throughput with many in flight, latency of one alone.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    pub concurrency: u32,
    /// Medians of workflows a second, many in flight.
    pub workflows_per_s: Pair,
    /// Medians of the middle latency, one at a time, in microseconds.
    pub p50_us_alone: Pair,
    /// Of all runs of Sagaline; there should be none of either.
    pub failed: u64,
    pub lost: u64,
    pub repeated_steps: u64,
    pub many: Runs,
    pub one: Runs,
}

/// A figure of both. Without a run there is none.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Pair {
    pub floor: Option<f64>,
    pub sagaline: Option<f64>,
    /// Sagaline's, as a part of the floor's.
    pub ratio: Option<f64>,
}

impl Summary {
    pub(super) fn of(concurrency: u32, many: Runs, one: Runs) -> Self {
        let sum = |of: fn(&Run) -> u64| many.sagaline.iter().chain(&one.sagaline).map(of).sum();
        Self {
            concurrency,
            workflows_per_s: Pair::of(&many, |run| run.workflows_per_s),
            p50_us_alone: Pair::of(&one, |run| run.p50_us),
            failed: sum(|run| run.failed),
            lost: sum(|run| run.lost),
            repeated_steps: sum(|run| run.repeated_steps),
            many,
            one,
        }
    }

    /// Whether every workflow ended as it should.
    pub fn is_sound(&self) -> bool {
        self.failed == 0 && self.lost == 0 && self.repeated_steps == 0
    }
}

impl Pair {
    fn of(runs: &Runs, figure: fn(&Run) -> f64) -> Self {
        let (floor, sagaline) = (median(&runs.floor, figure), median(&runs.sagaline, figure));
        let ratio = floor.zip(sagaline).map(|(floor, sagaline)| sagaline / floor);
        Self { floor, sagaline, ratio }
    }
}

fn median(runs: &[Run], figure: fn(&Run) -> f64) -> Option<f64> {
    let mut figures: Vec<f64> = runs.iter().map(figure).collect();
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    let upper = *figures.get(middle)?;
    Some(if figures.len() % 2 == 1 { upper } else { f64::midpoint(figures[middle - 1], upper) })
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs = self.many.floor.len();
        writeln!(f, "{:<36}{:>10}{:>10}{:>8}", format!("medians of {pairs}"), "floor", "sagaline", "ratio")?;
        let what = format!("workflows/s, {} in flight", self.concurrency);
        row(f, &what, &self.workflows_per_s)?;
        row(f, "p50 in µs, one at a time", &self.p50_us_alone)?;
        let Self { failed, lost, repeated_steps, .. } = self;
        write!(f, "sagaline: {failed} failed, {lost} lost, {repeated_steps} steps repeated")
    }
}

fn row(f: &mut fmt::Formatter<'_>, what: &str, pair: &Pair) -> fmt::Result {
    let figure =
        |figure: Option<f64>, digits: usize| figure.map_or("-".to_owned(), |figure| format!("{figure:.digits$}"));
    let (floor, sagaline) = (figure(pair.floor, 0), figure(pair.sagaline, 0));
    writeln!(f, "{what:<36}{floor:>10}{sagaline:>10}{:>8}", figure(pair.ratio, 2))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn run(workflows_per_s: f64, p50_us: f64) -> Run {
        Run { workflows_per_s, p50_us, failed: 0, lost: 0, repeated_steps: 0, said: Value::Null }
    }

    fn runs(floor: &[(f64, f64)], sagaline: &[(f64, f64)]) -> Runs {
        let of = |figures: &[(f64, f64)]| figures.iter().map(|(rate, p50)| run(*rate, *p50)).collect();
        Runs { floor: of(floor), sagaline: of(sagaline) }
    }

    #[test]
    fn the_medians_are_compared_and_not_the_means() {
        let many = runs(&[(7000.0, 0.0), (1.0, 0.0), (6000.0, 0.0)], &[(3000.0, 0.0), (9999.0, 0.0), (2.0, 0.0)]);
        let one = runs(&[(0.0, 1000.0), (0.0, 2000.0)], &[(0.0, 3000.0)]);
        let summary = Summary::of(512, many, one);
        assert_eq!(summary.workflows_per_s, Pair { floor: Some(6000.0), sagaline: Some(3000.0), ratio: Some(0.5) });
        assert_eq!(summary.p50_us_alone, Pair { floor: Some(1500.0), sagaline: Some(3000.0), ratio: Some(2.0) });
        let table = "\
medians of 3                             floor  sagaline   ratio
workflows/s, 512 in flight                6000      3000    0.50
p50 in µs, one at a time                  1500      3000    2.00
sagaline: 0 failed, 0 lost, 0 steps repeated";
        assert_eq!(summary.to_string(), table);
    }

    #[test]
    fn without_a_run_there_is_no_figure() {
        let summary = Summary::of(512, runs(&[(7000.0, 1.0)], &[]), runs(&[], &[]));
        assert_eq!(summary.workflows_per_s, Pair { floor: Some(7000.0), sagaline: None, ratio: None });
        assert!(summary.to_string().contains("7000         -       -"), "{summary}");
    }

    #[test]
    fn whatever_was_lost_or_repeated_makes_it_unsound() {
        let mut many = runs(&[], &[(1.0, 1.0)]);
        assert!(Summary::of(512, many.clone(), Runs::default()).is_sound());
        many.sagaline[0].repeated_steps = 1;
        assert!(!Summary::of(512, many, Runs::default()).is_sound());
    }
}
