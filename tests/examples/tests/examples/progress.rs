//! How far attempts say they are, while they are at work: of a job, and of steps.

use sagaline_events::record::Status;
use sagaline_model::{RetryPolicy, Span};
use sagaline_sdk::{
    client::Job,
    worker::{ActivityContext, ActivityError},
};
use sagaline_testkit::site::eventually;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::site::{assert_completed, site};

const PAGES: &str = "
workflow: pages
steps:
  chapter:
    steps:
      print: { activity: progress.print, queue: progress, retry: { attempts: 2, initial: 10ms, jitter: false } }
output: '${ steps.chapter.output.pages }'
";

/// Both say how far they are at their first attempt, which fails, and their second says nothing until it may: what the first one said
/// is not shown of the second.
#[tokio::test]
async fn what_an_attempt_says_is_shown_as_long_as_it_is_at_work() {
    let site = site().await;
    site.apply(PAGES, "pages").await;
    let (step, at_step) = watch::channel(0_u32);
    let print = move |context: ActivityContext, _: Value| {
        let mut at_step = at_step.clone();
        async move {
            if context.attempt() == 1 {
                context.progress(0.4, "2 of 5 pages").await;
            }
            at_step.wait_for(|step| context.attempt() <= *step).await?;
            match context.attempt() {
                1 => Err(ActivityError::new("Jam", "the paper is stuck")),
                _ => Ok(json!({ "pages": 5 })),
            }
        }
    };
    let _worker = site.worker("printer", |worker| worker.queue("progress").activity("progress.print", print));
    let workflow = site.start("pages", Value::Null).await;
    let retry = RetryPolicy { attempts: 2, initial: Span::from_millis(10), ..RetryPolicy::default() };
    let job = Job::new("progress.print").queue("progress").retry(retry);
    let job = site.client.submit(job).await.expect("submitted").execution;

    let attempts_are = async |attempt: u32, said: Option<f64>| {
        for (execution, place) in [(&workflow, "chapter/print"), (&job, "job")] {
            eventually(&format!("attempt {attempt} of {execution} has said {said:?}"), async || {
                let view = site.client.get(execution).await.expect("an answer").expect("it is there");
                let of_job = view.job.as_ref().map(|job| job.attempt);
                let of_step = view.steps.iter().find(|step| step.step == place).map(|step| step.attempt);
                let all = site.client.progress(&view).await.expect("an answer");
                of_job.or(of_step) == Some(attempt) && all.get(place).and_then(|said| said.fraction) == said
            })
            .await;
        }
    };
    attempts_are(1, Some(0.4)).await;
    step.send(1).expect("they wait for it");
    attempts_are(2, None).await;
    step.send(2).expect("they wait for it");
    assert_completed(&site.end(&workflow).await);
    let ended = site.end(&job).await;
    assert_eq!((ended.status, &ended.output), (Status::Completed, &json!({ "pages": 5 })));
    assert!(site.client.progress(&ended).await.expect("an answer").is_empty());
}
