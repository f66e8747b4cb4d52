//! Random jobs in the random world: they end, whatever happens, and what is told of them fits together.

use proptest::prelude::*;
use sagaline_engine::{Effect, Execution, Stage, check, job};
use sagaline_events::{
    Happening, Input, Start,
    job::{JobEvent, JobStatus},
};
use sagaline_model::{Backoff, JobSpec, Moment, RetryPolicy, Span};

use crate::{
    choices::{Choices, numbers},
    history::{History, step, unborn},
    plans::name,
    world,
};

fn spec(choices: &mut Choices) -> JobSpec {
    let retry = RetryPolicy {
        attempts: 1 + choices.below(3) as u32,
        backoff: choices.one_of(&[Backoff::Fixed, Backoff::Custom { expression: "attempt".to_owned() }]),
        ..JobSpec::default_retry()
    };
    JobSpec {
        retry,
        queue: name(choices.one_of(&["default", "low"])),
        timeout: choices.chance(40).then(|| Span::from_secs(1 + choices.below(5) as u64)),
        heartbeat: choices.chance(20).then(|| Span::from_secs(1)),
        deadline: choices.chance(30).then(|| Moment::from_millis(1_767_225_600_000 + 1000 * choices.below(200) as i64)),
        metadata: match choices.chance(30) {
            true => [("tenant".to_owned(), "acme".into())].into_iter().collect(),
            false => Default::default(),
        },
        ..JobSpec::of("mails.send".parse().unwrap())
    }
}

fn jobs() -> impl Strategy<Value = History> {
    (numbers(20), numbers(160)).prop_map(|(what, world)| {
        let spec = spec(&mut Choices::new(what));
        let plan = job::compiled(&spec).expect("a job that runs");
        let log = world::run_job(&plan, spec, Choices::new(world));
        History { plan, log }
    })
}

/// What was told of one job so far.
#[derive(Default)]
struct Told {
    enqueued: u32,
    failed: u32,
    ended: Option<&'static str>,
}

impl Told {
    fn learn(&mut self, effects: &[Effect]) {
        for effect in effects {
            let Effect::Tell(happening) = effect else { continue };
            let Happening::Job(job) = happening else {
                let (kind, what) = happening.name();
                assert!(kind == "workflow", "a job has no {kind}");
                assert!(!matches!(what, "started" | "completed" | "failed" | "cancelled" | "timed_out"), "{what}");
                continue;
            };
            assert_eq!(self.ended, None, "{what:?} is told of one that is over", what = job.what);
            match &job.what {
                JobEvent::Enqueued => {
                    assert!(self.enqueued < job.attempt, "attempt {} was told of before", job.attempt);
                    self.enqueued = job.attempt;
                }
                JobEvent::Started { .. } => assert_eq!(job.attempt, self.enqueued),
                JobEvent::Failed { .. } => {
                    assert!(self.failed < job.attempt && job.attempt <= self.enqueued);
                    self.failed = job.attempt;
                }
                JobEvent::Scheduled { .. } => {}
                JobEvent::Completed { .. } | JobEvent::Dead { .. } | JobEvent::Cancelled { .. } => {
                    self.ended = Some(job.what.name());
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn a_job_ends_and_what_is_told_of_it_fits_together(history in jobs()) {
        let (mut execution, mut told) = (unborn(), Told::default());
        for (input, at) in &history.log {
            let effects = step(&mut execution, &history.plan, input, *at);
            told.learn(&effects);
            check(&execution, Some(&history.plan)).unwrap();
            prop_assert!(!matches!(execution.stage, Stage::Parked { .. }), "it was set aside");
            let seen = execution.view(Some(&history.plan)).and_then(|view| view.job).map(|job| job.status);
            let listed = execution.overview().and_then(|seen| seen.job).map(|job| job.status);
            prop_assert_eq!(seen, listed);
            prop_assert_ne!(seen, Some(JobStatus::Unknown));
        }
        prop_assert!(execution.is_over());
        let last = execution.view(None).and_then(|view| view.job).map(|job| job.status);
        let began = told.ended.is_some();
        prop_assert_eq!(last.map(JobStatus::as_str), if began { told.ended } else { Some("failed") });
    }

    /// Wherever its snapshot was taken, what follows is the same; and the snapshot is all that is needed for its plan.
    #[test]
    fn a_job_goes_on_from_any_snapshot(history in jobs(), at in any::<prop::sample::Index>()) {
        let cut = at.index(history.log.len());
        let mut execution = unborn();
        for (input, at) in &history.log[..cut] {
            step(&mut execution, &history.plan, input, *at);
        }
        let mut restored = Execution::from_snapshot(&execution.to_snapshot()).unwrap();
        prop_assert_eq!(&restored, &execution);
        for (input, at) in &history.log[cut..] {
            let own = match (restored.job(), input) {
                (Some(job), _) => Some(job.clone()),
                (None, Input::Start(Start { job: Some(job), .. })) => Some((**job).clone()),
                (None, _) => None,
            };
            let own = own.map(|own| job::compiled(&own).unwrap());
            let effects = step(&mut execution, &history.plan, input, *at);
            let after = step(&mut restored, own.as_ref().unwrap_or(&history.plan), input, *at);
            prop_assert_eq!(after, effects);
            prop_assert_eq!(&restored, &execution);
        }
    }
}
