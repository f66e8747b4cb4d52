//! Jobs: one step, no definition, and words of their own.

use sagaline_engine::{Effect, Execution, Stage, apply};
use sagaline_events::{
    Input, Start, TimerKind,
    input::{Recalled, Resumption},
    job::JobStatus,
    record::Status,
};
use sagaline_model::{Backoff, ExecutionId, JobSpec, Name, RetryPolicy, Span};
use serde_json::{Value, json};

use super::{
    inputs::{began, bound, cancel, discarded, failed, failed_finally, returned, skipped, snoozed, succeeded, timer},
    story::{BEGIN, Story, job},
};

fn mail() -> JobSpec {
    let retry = RetryPolicy { attempts: 2, ..JobSpec::default_retry() };
    JobSpec { retry, ..JobSpec::of("mails.send".parse().unwrap()) }
}

fn start(job: &JobSpec) -> Start {
    let input = json!({"to": "ann"});
    Start { version: Some(0), input, job: Some(Box::new(job.clone())), ..Start::of(job.workflow()) }
}

fn submitted(spec: &JobSpec) -> Story {
    job(spec).at("0s", Input::Start(start(spec)))
}

#[test]
fn a_job_is_a_task_and_its_end() {
    let story = submitted(&mail()).gives(&["job.enqueued mails.send@default#1", "task job#1"]);
    let task = story.task("job");
    assert_eq!((task.activity.as_str(), task.queue.as_str()), ("mails.send", "default"));
    assert_eq!((task.input, task.metadata), (json!({"to": "ann"}), Value::Null));
    let story = story
        .at("3s", returned("job", 1, json!(["sent"])))
        .gives(&["job.completed mails.send@default#1 in 3s"])
        .ends_with(json!(["sent"]));
    let view = story.view();
    assert_eq!((view.workflow.as_str(), view.version), ("mails-send", 0));
    assert_eq!(view.steps, []);
    let job = view.job.expect("it is a job");
    assert_eq!((job.status, job.attempt, job.attempts), (JobStatus::Completed, 1, 2));
}

#[track_caller]
fn is_job(story: Story, status: JobStatus) -> Story {
    let job = story.view().job.expect("it is a job");
    assert_eq!(job.status, status);
    let glance = story.execution.overview().and_then(|seen| seen.job.map(|job| job.status));
    assert_eq!(glance, Some(status), "a list says the same");
    story
}

#[test]
fn one_that_fails_is_retried_and_then_dead() {
    let story = is_job(submitted(&mail()), JobStatus::Pending)
        .at("1s", failed("job", 1, "Busy"))
        .gives(&["job.failed mails.send@default#1 Busy, again at 11s"]);
    let story = is_job(story, JobStatus::Retrying);
    let job = story.view().job.expect("it is a job");
    assert_eq!(
        (job.next_at, job.error.map(|error| error.kind)),
        (Some(BEGIN + Span::from_secs(11)), Some("Busy".into()))
    );
    let story = story
        .timer()
        .gives(&["job.enqueued mails.send@default#2", "task job#2"])
        .at("12s", failed("job", 2, "Busy"))
        .is(Status::Failed)
        .gives_also("job.failed mails.send@default#2 Busy")
        .gives_also("job.dead mails.send@default#2 Busy in 12s");
    let letter = story.effects().iter().find_map(|effect| match effect {
        Effect::Bury { letter, .. } => Some(letter.clone()),
        _ => None,
    });
    let letter = letter.expect("it leaves a letter");
    assert_eq!(letter.job.as_deref(), Some(&mail()));
    assert_eq!((letter.input, letter.resume.of), (json!({"to": "ann"}), ExecutionId::new("e").ok()));
    is_job(story, JobStatus::Dead);
}

#[test]
fn an_error_that_is_final_is_not_retried() {
    let story = submitted(&mail())
        .at("1s", failed_finally("job", 1, "NoSuchAddress"))
        .gives_also("job.failed mails.send@default#1 NoSuchAddress")
        .gives_also("job.dead mails.send@default#1 NoSuchAddress in 1s");
    is_job(story, JobStatus::Dead);
}

#[test]
fn one_with_a_timeout_is_active_when_a_worker_says_so() {
    let timeout = Some(Span::from_secs(60));
    let story = submitted(&JobSpec { timeout, ..mail() })
        .gives(&["job.enqueued mails.send@default#1", "task job#1"])
        .at("2s", began("job", 1))
        .gives(&["job.started mails.send@default#1 by worker-1"])
        .timer_is_due("1m2s");
    let story = is_job(story, JobStatus::Active);
    assert_eq!(story.view().job.and_then(|job| job.worker).as_deref(), Some("worker-1"));
    story.timer().gives(&["revoke job#1", "job.failed mails.send@default#1 Timeout, again at 1m12s"]);
}

#[test]
fn its_deadline_ends_it() {
    let deadline = Some(BEGIN + Span::from_secs(30));
    let story = submitted(&JobSpec { deadline, ..mail() })
        .timer_is_due("30s")
        .timer()
        .gives_also("revoke job#1")
        .gives_also("job.dead mails.send@default#1 Timeout in 30s");
    is_job(story, JobStatus::Dead);
}

/// Nothing failed twice: that no time is left is told with its end.
#[test]
fn one_whose_time_is_over_while_it_waits_is_dead() {
    let deadline = Some(BEGIN + Span::from_secs(30));
    let story = submitted(&JobSpec { deadline, ..mail() })
        .at("1s", failed("job", 1, "Busy"))
        .gives(&["job.failed mails.send@default#1 Busy, again at 11s"])
        .at("31s", timer(TimerKind::Retry, "job", 1))
        .gives(&["job.dead mails.send@default#1 Timeout in 31s", "bury failed with [] done for 4w2d"]);
    is_job(story, JobStatus::Dead);
}

#[test]
fn one_whose_deadline_is_over_is_dead_at_once() {
    let spec = JobSpec { deadline: Some(BEGIN), ..mail() };
    let story = submitted(&spec).gives_also("job.dead mails.send@default#0 Timeout in 0ms");
    is_job(story, JobStatus::Dead);
}

#[test]
fn one_that_is_to_begin_later_is_scheduled() {
    let spec = mail();
    let begin_at = Some(BEGIN + Span::from_secs(3600));
    let story = job(&spec).at("0s", Input::Start(Start { begin_at, ..start(&spec) }));
    let story = is_job(story.gives(&["job.scheduled mails.send@default#0 until 1h"]), JobStatus::Scheduled);
    assert_eq!(story.view().job.and_then(|job| job.next_at), begin_at);
    story
        .timer()
        .gives(&["job.enqueued mails.send@default#1", "task job#1"])
        .at("1h5s", succeeded("job", 1))
        .gives(&["job.completed mails.send@default#1 in 5s"]);
}

#[test]
fn one_that_is_too_early_comes_back_and_no_attempt_is_lost() {
    let story = submitted(&mail()).at("1s", snoozed("job", 1, "20s"));
    is_job(story.gives(&["job.scheduled mails.send@default#1 until 21s"]), JobStatus::Scheduled)
        .timer()
        .at("22s", failed("job", 2, "Busy"))
        .gives(&["job.failed mails.send@default#2 Busy, again at 32s"]);
}

#[test]
fn one_that_has_nothing_to_do_is_done() {
    submitted(&mail())
        .then(skipped("job", 1))
        .gives(&["job.completed mails.send@default#1 in 0ms"])
        .ends_with(Value::Null);
}

#[test]
fn a_cancel_takes_it_back() {
    let story = submitted(&mail())
        .at("1s", cancel("not today"))
        .gives(&["revoke job#1", "job.cancelled mails.send@default#1 not today in 1s"]);
    is_job(story, JobStatus::Cancelled).then(succeeded("job", 1)).gives_nothing();
}

#[test]
fn one_that_is_purged_from_its_queue_is_dead() {
    let story =
        submitted(&mail()).then(discarded("job", 1)).gives_also("job.dead mails.send@default#1 TaskDiscarded in 0ms");
    is_job(story, JobStatus::Dead);
}

#[test]
fn what_the_activity_is_to_know_goes_with_the_task() {
    let metadata = json!({"tenant": "acme"}).as_object().cloned().unwrap();
    let story = submitted(&JobSpec { metadata, queue: Name::new("low").unwrap(), ..mail() });
    let task = story.task("job");
    assert_eq!((task.queue.as_str(), task.metadata), ("low", json!({"tenant": "acme"})));
    let plan = story.definitions.values().next().unwrap();
    assert_eq!(story.execution.tasks(plan), [story.task("job")], "it is handed over again as it was");
}

#[test]
fn one_that_may_have_been_submitted_before_is_looked_for_first() {
    let spec = mail();
    job(&spec)
        .at("0s", Input::Start(Start { again: true, ..start(&spec) }))
        .gives(&["recall"])
        .then(Input::Recalled(Recalled { ended: None, there: false }))
        .gives(&["bind mails-send version 0"])
        .then(bound(0))
        .gives(&["job.enqueued mails.send@default#1", "task job#1"]);
}

#[test]
fn another_try_has_the_keys_of_the_first() {
    let spec = mail();
    let resume = Some(Box::new(Resumption { of: ExecutionId::new("first").ok(), ..Resumption::default() }));
    let story = job(&spec).at("0s", Input::Start(Start { resume, ..start(&spec) }));
    assert_eq!(story.task("job").origin, ExecutionId::new("first").ok());
}

/// What cannot be run is said at once, and stops nothing else.
#[test]
fn one_that_no_plan_can_be_made_of_is_refused() {
    let backoff = Backoff::Custom { expression: "1 +".to_owned() };
    let spec = JobSpec { retry: RetryPolicy { backoff, ..mail().retry }, ..mail() };
    let mut execution = Execution::unborn(ExecutionId::new("e").unwrap());
    let effects = apply(&mut execution, None, &Input::Start(start(&spec)), BEGIN);
    assert_eq!(super::words::of_all(&effects), ["workflow.start_refused InvalidInput"]);
    assert!(matches!(execution.stage, Stage::Over(_)));
    let job = execution.view(None).and_then(|view| view.job).expect("it is a job");
    assert_eq!(job.status, JobStatus::Failed);
}
