//! Runs one activity's attempts: each in a task of its own, so that neither a panic nor a blocking call reaches the worker.

use std::{
    any::Any,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use sagaline_broker::{
    nats::Connection,
    worker::{Ended, Host, Run},
};
use sagaline_events::Task;
use sagaline_model::StepError;
use serde_json::Value;
use tokio::task::{JoinError, JoinHandle};
use tracing::{Instrument, Span};

use super::{ActivityContext, ActivityError, Observer, Outcome, activity::Activity, twice};

pub(super) struct ActivityHost {
    pub(super) connection: Connection,
    pub(super) worker: Arc<str>,
    pub(super) activity: Activity,
    pub(super) observer: Arc<dyn Observer>,
    /// Whether every attempt runs twice.
    pub(super) twice: bool,
}

impl Host for ActivityHost {
    async fn run(&self, mut run: Run) -> Ended {
        let Task { execution, workflow, path, attempt, .. } = &*run.task;
        let span = tracing::info_span!("activity", %execution, %workflow, step = %path, attempt);
        let own = self.observer.traced(&span, &run.task, &self.worker, run.traceparent.as_deref());
        run.traceparent = own.or(run.traceparent);
        let context = ActivityContext::new(self.connection.clone(), &run, span);
        if self.twice {
            // A worker that does this is being tested; others need not carry the room for it.
            return Box::pin(self.run_twice(context, run)).await;
        }
        self.once(context, run.task, run.input, self.observer.clone()).await
    }

    fn asked(&self, wanted: bool) {
        self.observer.asked(wanted);
    }
}

impl ActivityHost {
    async fn run_twice(&self, context: ActivityContext, run: Run) -> Ended {
        let first = self.once(context.clone(), run.task.clone(), run.input.clone(), self.observer.clone()).await;
        if twice::runs_again(&first) {
            // It is one attempt, as far as anybody counts them.
            let second = self.once(context.clone(), run.task.clone(), run.input, Arc::new(()));
            let second = twice::within_its_time(second, &context, &run.pulse).await;
            if let Some(difference) = second.and_then(|second| twice::difference(&first, &second)) {
                self.observer.differed(&run.task);
                // The first result is not kept waiting for it.
                tokio::spawn(async move { twice::tell(&context, &difference).await });
            }
        }
        first
    }

    async fn once(
        &self,
        context: ActivityContext,
        task: Arc<Task>,
        input: Value,
        observer: Arc<dyn Observer>,
    ) -> Ended {
        let (activity, left, span) = (self.activity.clone(), context.clone(), context.span().clone());
        let attempt = async move {
            let mut witnessed = Witnessed::begin(observer, task, context.span().clone());
            let result = activity(context.clone(), input).await;
            witnessed.failed = result.as_ref().err().map(|error| format!("{}: {}", error.kind(), error.message()));
            if matches!(result, Err(_) | Ok(Outcome::Snooze { .. })) {
                context.leave().await;
            }
            result
        };
        match Spawned(tokio::spawn(attempt.instrument(span))).await {
            Ok(Ok(Outcome::Output(output))) => Ended::Succeeded(output),
            Ok(Ok(Outcome::Skip(reason))) => Ended::Skipped(reason),
            Ok(Ok(Outcome::Snooze { delay, reason })) => Ended::Snoozed { delay: delay.into(), reason },
            Ok(Ok(Outcome::WaitForApproval(wait))) => wait.ended(),
            Ok(Ok(Outcome::Expand(steps))) => Ended::Expanded(steps.into_iter().map(Value::from).collect()),
            Ok(Err(error)) => Ended::Failed(error.into_step_error()),
            Err(error) => match error.try_into_panic() {
                Ok(panic) => {
                    left.leave().await;
                    Ended::Failed(panicked(&*panic))
                }
                // Only the end of the whole runtime takes it away from us.
                Err(_) => std::future::pending().await,
            },
        }
    }
}

fn panicked(panic: &(dyn Any + Send)) -> StepError {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    let text = text.unwrap_or_else(|| "it did not say why".to_owned());
    ActivityError::new("Panic", format!("the activity panicked: {text}")).into_step_error()
}

/// Tells of the end of an attempt, however it comes.
struct Witnessed {
    observer: Arc<dyn Observer>,
    task: Arc<Task>,
    span: Span,
    began: Instant,
    /// Why it failed, if it did. It counts as broken off until it ends by itself.
    failed: Option<String>,
}

impl Witnessed {
    fn begin(observer: Arc<dyn Observer>, task: Arc<Task>, span: Span) -> Self {
        observer.begins(&task);
        let failed = Some("broken off: nobody waits for it any more, or it panicked".to_owned());
        Self { observer, task, span, began: Instant::now(), failed }
    }
}

impl Drop for Witnessed {
    fn drop(&mut self) {
        if let Some(why) = &self.failed {
            self.observer.failed(&self.span, why);
        }
        self.observer.ended(&self.task, self.began.elapsed());
    }
}

/// A task that ends with whoever waits for it.
struct Spawned<T>(JoinHandle<T>);

impl<T> Future for Spawned<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context)
    }
}

impl<T> Drop for Spawned<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
