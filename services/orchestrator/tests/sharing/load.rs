//! A low load on all partitions, and who saw each step run: nothing may be lost, and no step run twice.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sagaline_model::{ExecutionId, Name};
use sagaline_sdk::{
    client::{Client, StartOptions},
    worker::{ActivityContext, ActivityError, Worker},
};
use serde_json::{Value, json};
use tokio::{
    task::JoinHandle,
    time::{interval, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::site::Site;

const WORKFLOW: &str = r#"
workflow: watched
steps:
  first: { activity: watched }
  second: { after: first, activity: watched }
  third: { after: second, activity: watched }
"#;

/// Starts a second: every partition has a few executions open at any time.
const RATE: u32 = 40;
/// How long each step takes.
const STEP: Duration = Duration::from_millis(150);
/// What a last start may need to its end.
const END_WITHIN: Duration = Duration::from_secs(60);

pub(crate) struct Load {
    client: Client,
    no_more: CancellationToken,
    starting: JoinHandle<Vec<ExecutionId>>,
    stop: CancellationToken,
    worker: JoinHandle<()>,
    runs: Runs,
}

/// How often each step of each execution began.
type Runs = Arc<Mutex<BTreeMap<(String, String), u32>>>;

pub(crate) struct Report {
    pub(crate) completed: usize,
    /// How many steps ran.
    pub(crate) steps: usize,
    /// Started, and not completed.
    pub(crate) lost: Vec<String>,
    /// Ran more than once.
    pub(crate) repeated: Vec<(String, String)>,
}

impl Load {
    pub(crate) async fn begin(site: &Site) -> Self {
        let client = Client::connect(&site.url(), "sagaline", "load").await.expect("a client");
        let plan = sagaline_lang::read(WORKFLOW, "watched.yaml").expect("a definition").plan;
        client.apply(&plan, None).await.expect("applied");
        let (no_more, stop, runs) = (CancellationToken::new(), CancellationToken::new(), Runs::default());
        let seen = runs.clone();
        let activity = move |context: ActivityContext, _: Value| watched(seen.clone(), context);
        let worker = Worker::new(site.url()).concurrency(512).activity("watched", activity);
        let told = stop.clone();
        let worker = tokio::spawn(async move { worker.run(told).await.expect("it can be run") });
        let starter = Client::connect(&site.url(), "sagaline", "starter").await.expect("a client");
        let starting = tokio::spawn(start_paced(starter, no_more.clone()));
        Self { client, no_more, starting, stop, worker, runs }
    }

    pub(crate) async fn end(self) -> Report {
        self.no_more.cancel();
        let started = self.starting.await.expect("every start was taken");
        let mut lost = vec![];
        for execution in &started {
            let ended = timeout(END_WITHIN, self.client.wait(execution)).await;
            if !matches!(&ended, Ok(Ok(view)) if view.status.as_str() == "completed") {
                lost.push(format!("{execution}: {ended:?}"));
            }
        }
        self.stop.cancel();
        self.worker.await.expect("no panic");
        let runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        let repeated = runs.iter().filter(|(_, count)| **count > 1).map(|(step, _)| step.clone()).collect();
        Report { completed: started.len() - lost.len(), steps: runs.len(), lost, repeated }
    }
}

async fn start_paced(client: Client, no_more: CancellationToken) -> Vec<ExecutionId> {
    let workflow = Name::new("watched").expect("a name");
    let mut started = vec![];
    let mut paced = interval(Duration::from_secs(1) / RATE);
    while no_more.run_until_cancelled(paced.tick()).await.is_some() {
        let one = client.start(&workflow, json!({}), StartOptions::default()).await;
        started.push(one.expect("the log takes a start, whoever owns it").execution);
    }
    started
}

async fn watched(runs: Runs, context: ActivityContext) -> Result<(), ActivityError> {
    let step = (context.execution().to_string(), context.step().to_string());
    *runs.lock().unwrap_or_else(PoisonError::into_inner).entry(step).or_default() += 1;
    sleep(STEP).await;
    Ok(())
}
