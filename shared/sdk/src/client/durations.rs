//! How long the steps of a workflow took lately, as its lifecycle events tell it.

use std::collections::{BTreeMap, BTreeSet};

use async_nats::Message;
use sagaline_broker::names::Stream;
use sagaline_model::{Name, Span};
use serde::Deserialize;

use super::{Client, Error};

/// One request's worth.
const PAGE: usize = 500;
/// How far back is looked at first, in messages of the stream, whatever they are about.
const STRETCH_FIRST: u64 = 1_000;
/// No further back than this: a second or so of reading.
const STRETCH_MAX: u64 = 1_000_000;
/// So many steps are enough for any median.
const STEPS_MAX: usize = 100_000;

/// How long steps took, from their beginning to their completion with all attempts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepDurations {
    /// In how many executions.
    pub executions: usize,
    /// By where the step stands in the plan (`deliver/pack`): every item of a loop counts for the same step.
    pub steps: BTreeMap<String, Vec<Span>>,
}

/// What is read of an event.
#[derive(Deserialize)]
struct Completed {
    version: u32,
    execution: String,
    step: String,
    duration_ms: u64,
}

impl Client {
    /// The durations of steps that completed, the latest first, in at most `most` executions of this version.
    pub async fn step_durations(&self, workflow: &Name, version: u32, most: usize) -> Result<StepDurations, Error> {
        let stream = self.names().stream(Stream::Lifecycle);
        let info = self.connection.jetstream().get_stream(&stream).await;
        let info = info.map_err(|error| Error::nats(format!("look at the stream `{stream}`"))(error.into()))?;
        let (first, last) = (info.cached_info().state.first_sequence, info.cached_info().state.last_sequence);
        let first = first.max(last.saturating_sub(STRETCH_MAX)).max(1);
        let (mut end, mut stretch, mut taken) = (last, STRETCH_FIRST, Taken::of(version, most));
        // What began before others, and was going on at the same time, is told of further back than the last of those.
        let mut further = 1;
        while first <= end && taken.count < STEPS_MAX && (!taken.is_full || 0 < further) {
            further -= u32::from(taken.is_full);
            let start = (end + 1).saturating_sub(stretch).max(first);
            let mut found = self.completed_between(&stream, workflow, start, end).await?;
            while let Some(completed) = found.pop() {
                taken.take(completed);
            }
            end = start - 1;
            stretch *= 4;
        }
        Ok(StepDurations { executions: taken.executions.len(), steps: taken.steps })
    }

    async fn completed_between(
        &self,
        stream: &str,
        workflow: &Name,
        start: u64,
        end: u64,
    ) -> Result<Vec<Completed>, Error> {
        // Stored subjects do not name the execution.
        let filter = format!("{}.lifecycle.step.completed.{workflow}", self.names().namespace());
        let mut pages = self.pages(stream, filter, start, format!("read the stream `{stream}`")).await?;
        let (mut found, mut more) = (vec![], 0 < pages.count());
        while more {
            let page = pages.next(PAGE).await?;
            more = page.last().is_some_and(|(position, _)| 0 < position.pending && position.sequence < end);
            let inside = page.iter().filter(|(position, _)| position.sequence <= end);
            found.extend(inside.filter_map(|(_, message)| read(message)));
        }
        pages.close().await;
        Ok(found)
    }
}

/// What a message says; what cannot be read is not measured.
fn read(message: &Message) -> Option<Completed> {
    serde_json::from_slice(&message.payload).ok()
}

/// What was found so far. When it is full, only steps of executions that are known are still taken.
struct Taken {
    version: u32,
    most: usize,
    executions: BTreeSet<String>,
    steps: BTreeMap<String, Vec<Span>>,
    count: usize,
    is_full: bool,
}

impl Taken {
    fn of(version: u32, most: usize) -> Self {
        let (executions, steps) = (BTreeSet::new(), BTreeMap::new());
        Self { version, most, executions, steps, count: 0, is_full: most == 0 }
    }

    fn take(&mut self, completed: Completed) {
        let Completed { version, execution, step, duration_ms } = completed;
        if version != self.version || STEPS_MAX <= self.count {
            return;
        }
        if !self.executions.contains(&execution) {
            if self.executions.len() == self.most {
                self.is_full = true;
                return;
            }
            self.executions.insert(execution);
        }
        self.count += 1;
        self.steps.entry(place(&step)).or_default().push(Span::from_millis(duration_ms));
    }
}

/// Where a step stands in the plan: a path without the numbers of visits.
fn place(path: &str) -> String {
    let node = |step: &str| step.split_once(':').map_or(step, |(name, _)| name).to_owned();
    path.split('/').map(node).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(version: u32, execution: &str, step: &str, duration_ms: u64) -> Completed {
        Completed { version, execution: execution.to_owned(), step: step.to_owned(), duration_ms }
    }

    #[test]
    fn so_many_executions_of_one_version_are_looked_at() {
        let mut taken = Taken::of(2, 2);
        taken.take(completed(2, "c", "pack", 30));
        taken.take(completed(1, "old", "pack", 1));
        taken.take(completed(2, "b", "each/each:7", 20));
        taken.take(completed(2, "c", "pack:2", 10));
        assert!(!taken.is_full);
        taken.take(completed(2, "a", "pack", 99));
        assert!(taken.is_full);
        // It began before the one that is left out, and ended after it.
        taken.take(completed(2, "b", "first", 5));
        let spans = |millis: &[u64]| millis.iter().map(|millis| Span::from_millis(*millis)).collect::<Vec<_>>();
        assert_eq!(
            taken.steps,
            BTreeMap::from([
                ("each/each".to_owned(), spans(&[20])),
                ("first".to_owned(), spans(&[5])),
                ("pack".to_owned(), spans(&[30, 10]))
            ])
        );
        assert_eq!(taken.executions.len(), 2);
    }
}
