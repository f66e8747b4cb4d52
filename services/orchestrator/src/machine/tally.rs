//! Counts how the attempts of each queue end: by the minute, for an hour, in memory only. Who takes a partition over begins with what
//! it folds.

use std::collections::{BTreeMap, VecDeque};

use sagaline_engine::{Effect, Execution, Later};
use sagaline_events::{
    FramePath, Happening, Input,
    job::JobEvent,
    queue_tally::{QueueCounts, QueueTally},
};
use sagaline_model::{Moment, Name};

use super::coming::Coming;

const MINUTES: i64 = 60;

#[derive(Debug, Default)]
pub(super) struct Tally {
    /// When the first was counted.
    began: Option<Moment>,
    /// The last at the back. A minute in which nothing ended is not there.
    minutes: VecDeque<Minute>,
}

#[derive(Debug)]
struct Minute {
    number: i64,
    queues: BTreeMap<Name, Ends>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Ends {
    completed: u64,
    retried: u64,
    dead: u64,
}

impl Ends {
    fn add(&mut self, other: Self) {
        self.completed += other.completed;
        self.retried += other.retried;
        self.dead += other.dead;
    }
}

/// An attempt that the next input may end, with its queue.
pub(super) struct AtWork {
    path: FramePath,
    queue: Name,
}

impl AtWork {
    /// Of all inputs only an answer and a timer end an attempt; of others that end with the execution nobody counts how.
    pub(super) fn before(state: &Execution, plan: Option<&sagaline_engine::Compiled>, input: &Input) -> Option<Self> {
        let path = match input {
            Input::StepSucceeded(answer) => &answer.path,
            Input::StepFailed(answer) => &answer.path,
            Input::StepSkipped(answer) => &answer.path,
            Input::TaskDiscarded(answer) => &answer.path,
            Input::Timer(timer) => timer.path.as_ref()?,
            _ => return None,
        };
        let queue = state.queue_of_attempt(plan?, path)?;
        Some(Self { path: path.clone(), queue })
    }
}

impl Tally {
    pub(super) fn count(&mut self, at_work: AtWork, effects: &[Effect], at: Moment) {
        let ended = effects.iter().find_map(|effect| match effect {
            Effect::Tell(happening) => ended(happening, &at_work.path),
            _ => None,
        });
        let Some(ended) = ended else { return };
        self.began = self.began.or(Some(at));
        let number = minute(at);
        if self.minutes.back().is_none_or(|last| last.number < number) {
            self.minutes.push_back(Minute { number, queues: BTreeMap::new() });
            self.forget(number);
        }
        // Times never go back within a partition; if they did, it would be the last minute's.
        if let Some(last) = self.minutes.back_mut() {
            last.queues.entry(at_work.queue).or_default().add(ended);
        }
    }

    fn forget(&mut self, now: i64) {
        while self.minutes.front().is_some_and(|first| first.number + MINUTES <= now) {
            self.minutes.pop_front();
        }
    }

    /// What was counted until the partition's last input, for an hour.
    pub(super) fn seen(&self, coming: &Coming) -> QueueTally {
        let mut queues: BTreeMap<&Name, (Ends, Later)> = BTreeMap::new();
        for (queue, ends) in self.minutes.iter().flat_map(|minute| &minute.queues) {
            queues.entry(queue).or_default().0.add(*ends);
        }
        for (queue, later) in coming.by_queue() {
            queues.entry(queue).or_default().1.add(later);
        }
        let counts = |(queue, (Ends { completed, retried, dead }, Later { scheduled, retry }))| QueueCounts {
            completed,
            retried,
            dead,
            scheduled: scheduled as u64,
            retry: retry as u64,
            ..QueueCounts::none(Name::clone(queue))
        };
        let oldest = self.minutes.front().map(|first| Moment::from_millis(first.number * 60_000));
        let since = self.began.zip(oldest).map(|(began, oldest)| began.max(oldest));
        QueueTally { since, queues: queues.into_iter().map(counts).collect() }
    }
}

fn minute(at: Moment) -> i64 {
    at.as_millis().div_euclid(60_000)
}

fn ended(happening: &Happening, of: &FramePath) -> Option<Ends> {
    let completed = Ends { completed: 1, ..Ends::default() };
    let failed = |next_at: &Option<Moment>| match next_at {
        Some(_) => Ends { retried: 1, ..Ends::default() },
        None => Ends { dead: 1, ..Ends::default() },
    };
    match happening {
        Happening::StepCompleted { step, .. } | Happening::StepSkipped { step, .. } => {
            (step == of).then_some(completed)
        }
        Happening::StepFailed { step, next_at, .. } | Happening::StepTimedOut { step, next_at, .. } => {
            (step == of).then(|| failed(next_at))
        }
        // A job has one step, and is told of in words of its own.
        Happening::Job(job) => match &job.what {
            JobEvent::Completed { .. } => Some(completed),
            JobEvent::Failed { next_at: Some(_), .. } => Some(Ends { retried: 1, ..Ends::default() }),
            JobEvent::Dead { .. } => Some(Ends { dead: 1, ..Ends::default() }),
            // An attempt that failed for good is told of as a job that is dead, too.
            JobEvent::Failed { next_at: None, .. }
            | JobEvent::Scheduled { .. }
            | JobEvent::Enqueued
            | JobEvent::Started { .. }
            | JobEvent::Cancelled { .. } => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Moment {
        Moment::from_millis(1_800_000_000_000 + seconds * 1000)
    }

    fn one(tally: &mut Tally, queue: &str, seconds: i64, next_at: Option<Moment>, failed: bool) {
        let path = FramePath::try_from("a".to_owned()).expect("a path");
        let step = path.clone();
        let happening = if failed {
            Happening::StepTimedOut { step, attempt: 1, next_at }
        } else {
            Happening::StepSkipped { step, reason: "nothing to do".to_owned() }
        };
        let at_work = AtWork { path, queue: Name::new(queue).expect("a name") };
        tally.count(at_work, &[Effect::Tell(happening)], at(seconds));
    }

    fn of(tally: &Tally, queue: &str) -> Option<(u64, u64, u64)> {
        let seen = tally.seen(&Coming::default());
        let counts = seen.queues.iter().find(|counts| counts.queue.as_str() == queue)?;
        Some((counts.completed, counts.retried, counts.dead))
    }

    #[test]
    fn ends_are_counted_by_queue_and_forgotten_after_an_hour() {
        let mut tally = Tally::default();
        assert_eq!(tally.seen(&Coming::default()).since, None);
        one(&mut tally, "a", 0, None, false);
        one(&mut tally, "a", 1, Some(at(5)), true);
        one(&mut tally, "b", 2, None, true);
        assert_eq!((of(&tally, "a"), of(&tally, "b")), (Some((1, 1, 0)), Some((0, 0, 1))));
        assert_eq!(tally.seen(&Coming::default()).since, Some(at(0)));
        one(&mut tally, "a", 59 * 60, None, false);
        assert_eq!(of(&tally, "a"), Some((2, 1, 0)));
        one(&mut tally, "a", 61 * 60, None, false);
        assert_eq!((of(&tally, "a"), of(&tally, "b")), (Some((2, 0, 0)), None));
        assert!(tally.seen(&Coming::default()).since > Some(at(0)));
    }

    #[test]
    fn what_ends_elsewhere_is_not_its_end() {
        let mut tally = Tally::default();
        let path = |text: &str| FramePath::try_from(text.to_owned()).expect("a path");
        let at_work = AtWork { path: path("a"), queue: Name::new("q").expect("a name") };
        let other = Happening::StepSkipped { step: path("b"), reason: "not this one".to_owned() };
        tally.count(at_work, &[Effect::Tell(other)], at(0));
        assert_eq!(tally.seen(&Coming::default()), QueueTally { since: None, queues: vec![] });
    }
}
