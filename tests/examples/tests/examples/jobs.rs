//! Jobs and executions that begin later, with real queues and workers.

use std::time::Duration;

use sagaline_events::{
    ask::JobsAsked,
    job::{JobStatus, JobView},
    record::{ExecutionView, Status},
};
use sagaline_model::{Moment, Name, Span};
use sagaline_sdk::{
    client::{Error, Job, ListFilter, StartOptions, fresh_id},
    worker::{ActivityContext, ActivityError},
};
use sagaline_testkit::site::eventually;
use serde_json::{Value, json};

use crate::site::{NAMESPACE, Site, site};

fn job_of(view: &ExecutionView) -> &JobView {
    view.job.as_ref().expect("it is a job")
}

async fn ended(site: &Site, job: Job) -> ExecutionView {
    let submitted = site.client.submit(job).await.expect("submitted");
    site.end(&submitted.execution).await
}

fn in_an_hour() -> Moment {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    Moment::from_nanos(i64::try_from(now.as_nanos()).expect("before 2262")) + Span::from_secs(3600)
}

/// What a report needs to know: the payload, and what goes beside it.
async fn report(context: ActivityContext, input: Value) -> Result<Value, ActivityError> {
    Ok(json!({ "of": input["report_type"], "attempt": context.attempt(), "key": context.idempotency_key() }))
}

async fn broken(_: ActivityContext, _: Value) -> Result<Value, ActivityError> {
    Err(ActivityError::new("Broken", "no luck"))
}

#[tokio::test]
async fn a_job_is_done_by_whoever_serves_its_queue_and_its_result_is_kept() {
    let site = site().await;
    let job = Job::new("job.report")
        .payload(json!({ "report_type": "sales" }))
        .queue("jobs")
        .timeout(Duration::from_secs(60))
        .tag("team", "sales");
    let submitted = site.client.submit(job.clone().id(fresh_id())).await.expect("submitted");
    // The queue is there, though nobody serves it yet.
    let _worker = site.worker("reports", |worker| worker.queue("jobs").activity("job.report", report));
    let view = site.end(&submitted.execution).await;
    assert_eq!(view.status, Status::Completed, "{view:#?}");
    assert_eq!(view.output["of"], "sales");
    assert_eq!(view.workflow.as_str(), "job-report");
    let seen = job_of(&view);
    assert_eq!((seen.status, seen.queue.as_str(), seen.attempt), (JobStatus::Completed, "jobs", 1));

    // The same once more is no second one; another payload is refused.
    let again = job.clone().id(submitted.execution.clone());
    assert!(site.client.submit(again).await.expect("the same").existing);
    let other = job.id(submitted.execution.clone()).payload(json!({ "report_type": "stock" }));
    assert!(matches!(site.client.submit(other).await, Err(Error::AlreadyExists { .. })));

    let jobs =
        JobsAsked { status: vec![JobStatus::Completed], activity: "job.report".parse().ok(), ..JobsAsked::default() };
    let filter = ListFilter { jobs: Some(jobs), tags: vec![("team".into(), None)], ..ListFilter::default() };
    let listed = site.client.list(filter, None).next(100).await.expect("a list");
    assert!(listed.iter().any(|listed| listed.view.execution == submitted.execution), "{listed:#?}");
}

#[tokio::test]
async fn a_job_that_is_dead_can_be_done_once_more_under_its_key() {
    let site = site().await;
    let queue = "jobs-broken";
    let job = || Job::new("job.shaky").payload(json!({ "report_type": "sales" })).queue(queue).max_retries(0);
    let worker = site.worker("broken", |worker| worker.queue(queue).activity("job.shaky", broken));
    let view = ended(&site, job()).await;
    assert_eq!((view.status, job_of(&view).status), (Status::Failed, JobStatus::Dead), "{view:#?}");
    assert_eq!(view.error.as_ref().map(|error| error.kind.as_str()), Some("Broken"));
    drop(worker);
    let _mended = site.worker("mended", |worker| worker.queue(queue).activity("job.shaky", report));
    eventually("its letter is there", async || {
        site.client.dead_letter(&view.execution).await.expect("an answer").is_some()
    })
    .await;
    let again = site.client.retry_job(&view.execution).await.expect("tried again");
    let mended = site.end(&again.execution).await;
    assert_eq!(mended.status, Status::Completed, "{mended:#?}");
    assert_eq!(mended.output["key"], format!("{}/job", view.execution));
    assert!(site.client.retry_job(&view.execution).await.expect("the same").existing);
}

#[tokio::test]
async fn a_job_that_is_to_come_later_is_listed_and_can_be_cancelled() {
    let site = site().await;
    let time = in_an_hour();
    let submitted = site.client.submit(Job::new("noop").queue("low_priority").at(time)).await.expect("submitted");
    let id = &submitted.execution;
    eventually("it is scheduled", async || {
        let view = site.client.get(id).await.expect("an answer");
        view.is_some_and(|view| job_of(&view).status == JobStatus::Scheduled && job_of(&view).next_at == Some(time))
    })
    .await;
    let jobs = JobsAsked { status: vec![JobStatus::Scheduled], queue: Name::new("low").ok(), ..JobsAsked::default() };
    let filter = ListFilter { jobs: Some(jobs), ..ListFilter::default() };
    let listed = site.client.list(filter, None).next(100).await.expect("a list");
    assert!(listed.iter().any(|listed| listed.view.execution == *id), "{listed:#?}");
    site.client.cancel(id, Some("not today".into())).await.expect("cancelled");
    let view = site.end(id).await;
    assert_eq!((view.status, job_of(&view).status), (Status::Cancelled, JobStatus::Cancelled));
}

#[tokio::test]
async fn an_execution_begins_when_its_time_has_come() {
    let site = site().await;
    site.apply("workflow: later\nsteps: { a: { activity: noop } }", "later").await;
    let options = StartOptions { at: Some(in_an_hour()), ..StartOptions::default() };
    let waits = site.client.start(&Name::new("later").expect("a name"), Value::Null, options).await.expect("accepted");
    let view = site.client.get(&waits.execution).await.expect("an answer").expect("it is there");
    assert_eq!((view.status, view.begins_at.is_some()), (Status::Pending, true));
    site.client.cancel(&waits.execution, None).await.expect("cancelled");
    assert_eq!(site.end(&waits.execution).await.status, Status::Cancelled);
    // One of a moment ago, by the time that its timer says.
    let soon = ended(&site, Job::new("noop").after(Duration::from_millis(300))).await;
    assert_eq!(soon.status, Status::Completed, "{soon:#?}");
}

#[tokio::test]
async fn of_a_thousand_jobs_with_one_unique_key_one_is_done() {
    let site = site().await;
    let key = fresh_id().to_string();
    // Nobody serves it: the first one keeps the key while the others come.
    let job = || Job::new("job.never").queue("jobs-idle").unique(key.clone(), Duration::from_secs(600));
    let submits = (0..1000).map(|_| site.client.submit(job()));
    let (mut winners, mut told) = (vec![], vec![]);
    for submitted in futures::future::join_all(submits).await {
        match submitted {
            Ok(started) => winners.push(started.execution),
            Err(Error::NotUnique { existing, .. }) => told.push(existing),
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!((winners.len(), told.len()), (1, 999));
    assert!(told.iter().all(|existing| *existing == winners[0]), "{told:?}");
    // When it is over, the key is free.
    site.client.cancel(&winners[0], None).await.expect("cancelled");
    site.end(&winners[0]).await;
    eventually("the key is free", async || site.client.submit(job()).await.is_ok()).await;
}

#[tokio::test]
async fn an_event_submits_a_job_once() {
    let site = site().await;
    let source = format!("/test/{}", fresh_id());
    let nats = site.client.connection().client();
    let publish = async |data: Value| {
        let mut headers = async_nats::HeaderMap::new();
        for (name, value) in [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-type", "sagaline.job.submit.v1")] {
            headers.insert(name, value);
        }
        headers.insert("ce-source", source.as_str());
        let subject = format!("{NAMESPACE}.events.sagaline.job.submit");
        nats.publish_with_headers(subject, headers, data.to_string().into()).await.expect("published");
    };
    let data = json!({ "activity": "noop", "payload": { "n": 1 }, "tags": { "from": source } });
    publish(data.clone()).await;
    publish(data).await;
    let listed = async || {
        let tags = vec![("from".to_owned(), Some(source.clone()))];
        let filter = ListFilter { jobs: Some(JobsAsked::default()), tags, ..ListFilter::default() };
        site.client.list(filter, None).next(10).await.expect("a list")
    };
    eventually("it is done", async || listed().await.iter().any(|listed| listed.view.is_over())).await;
    assert_eq!(listed().await.len(), 1);
}

/// A result that is only wanted for a moment is gone after it.
#[tokio::test]
async fn the_result_of_a_job_is_kept_for_its_retention() {
    let site = site().await;
    let view = ended(&site, Job::new("noop").retention(Duration::from_secs(1))).await;
    assert_eq!(view.status, Status::Completed, "{view:#?}");
    eventually("it is gone", async || site.client.get(&view.execution).await.expect("an answer").is_none()).await;
}

#[tokio::test]
async fn many_are_submitted_at_once_and_each_is_told_of() {
    use futures::{StreamExt, TryStreamExt};

    let site = site().await;
    let ids: Vec<_> = (0..500).map(|_| fresh_id()).collect();
    let jobs = ids.iter().map(|id| Job::new("noop").id(id.clone()));
    let submitted: Vec<_> = site.client.submit_all(jobs).try_collect().await.expect("submitted");
    assert_eq!(submitted.len(), 500);
    let ended = futures::stream::iter(&ids).map(|id| site.end(id)).buffer_unordered(32).collect::<Vec<_>>().await;
    assert!(ended.iter().all(|view| view.status == Status::Completed));
}
