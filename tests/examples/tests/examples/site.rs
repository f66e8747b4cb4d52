//! One system for all of these tests: a NATS, an orchestrator, two workers that know every activity, all examples applied.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{LazyLock, Mutex, PoisonError, mpsc},
};

use sagaline_broker::nats::connect;
use sagaline_events::record::{ExecutionView, Status, StepStatus, StepView};
use sagaline_model::{ExecutionId, Name, StepError};
use sagaline_orchestrator::Settings;
use sagaline_sdk::{
    client::{Client, StartOptions, fresh_id},
    worker::{ActivityContext, Worker},
};
use sagaline_telemetry::Health;
use sagaline_testkit::site::{eventually, shared, soon};
use serde_json::Value;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{flow, sagas, stubs};

pub(crate) const NAMESPACE: &str = "examples";

/// What ran: for each execution, the steps in the order in which they began.
static CALLS: LazyLock<Mutex<BTreeMap<String, Vec<Call>>>> = LazyLock::new(Mutex::default);

#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) activity: String,
    pub(crate) step: String,
    pub(crate) input: Value,
}

/// Notes that an attempt began.
pub(crate) fn note(context: &ActivityContext, input: &Value) {
    let call = Call { activity: context.activity().to_owned(), step: context.step().to_owned(), input: input.clone() };
    let mut calls = CALLS.lock().unwrap_or_else(PoisonError::into_inner);
    calls.entry(context.execution().to_owned()).or_default().push(call);
}

pub(crate) struct Site {
    pub(crate) client: Client,
}

/// A worker of a test's own, until it is dropped.
pub(crate) struct Running(#[expect(dead_code, reason = "dropping it stops the worker")] DropGuard);

/// A client of the one system; whoever asks first starts it.
pub(crate) async fn site() -> Site {
    static URL: LazyLock<String> = LazyLock::new(|| {
        let url = shared().url.clone();
        let (sender, started) = mpsc::channel();
        // The services outlive the test that needed them first.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
            runtime.expect("a runtime").block_on(async {
                run_services(&url).await;
                sender.send(url).expect("somebody waits for it");
                std::future::pending::<()>().await;
            });
        });
        started.recv().expect("it starts")
    });
    let client = Client::connect(&URL, NAMESPACE, "examples").await.expect("a client");
    Site { client }
}

async fn run_services(url: &str) {
    let connection = connect(url, NAMESPACE, "site").await.expect("a connection");
    let installation = shared().installation();
    installation.ensure(&connection).await.expect("an installation");
    let client = Client::over(connection, "site").await.expect("a client");
    let site = Site { client };
    for (file, text) in examples() {
        site.apply(&text, &file).await;
    }
    let health = Health::new();
    let mut settings = Settings::new(url.to_owned(), NAMESPACE);
    settings.installation = installation;
    let report = health.clone();
    tokio::spawn(async move {
        sagaline_orchestrator::run(settings, health, CancellationToken::new()).await.expect("an orchestrator");
    });
    let settings = sagaline_compensator::Settings::new(url, NAMESPACE);
    tokio::spawn(async move {
        sagaline_compensator::run(settings, Health::new(), CancellationToken::new()).await.expect("a compensator");
    });
    let settings = sagaline_trigger::Settings::new(url, NAMESPACE);
    tokio::spawn(async move {
        sagaline_trigger::run(settings, Health::new(), CancellationToken::new()).await.expect("a trigger");
    });
    let settings = sagaline_scheduler::Settings::new(url, NAMESPACE);
    tokio::spawn(async move {
        sagaline_scheduler::run(settings, Health::new(), CancellationToken::new()).await.expect("a scheduler");
    });
    for name in ["one", "two"] {
        let worker = Worker::new(url).namespace(NAMESPACE).name(name).concurrency(256);
        let worker = stubs::serve(worker.queue("default").queue("critical").queue("low"));
        let worker = flow::serve(sagas::serve(worker));
        tokio::spawn(async move { worker.run(CancellationToken::new()).await.expect("a worker") });
    }
    // For the example that needs nothing but the activities that come with Sagaline.
    let settings = sagaline_executor::Settings::new(url, NAMESPACE);
    tokio::spawn(async move {
        sagaline_executor::run(settings, Health::new(), CancellationToken::new()).await.expect("an executor");
    });
    eventually("every partition has an owner", async || {
        let parts = report.report().parts;
        parts.iter().filter(|part| part.part.starts_with("partition.") && part.ready).count() == 2
    })
    .await;
}

/// The files in `examples/`, by their place in there.
pub(crate) fn examples() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let (mut files, mut folders) = (BTreeMap::new(), vec![root.clone()]);
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(&folder).expect("a folder of examples").flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
            } else {
                let place = path.strip_prefix(&root).expect("it is below").to_string_lossy().into_owned();
                files.insert(place, fs::read_to_string(&path).expect("a text"));
            }
        }
    }
    files
}

impl Site {
    pub(crate) async fn apply(&self, yaml: &str, file: &str) {
        let definitions = sagaline_lang::read_all(yaml, file);
        for definition in definitions.unwrap_or_else(|faults| panic!("{}", faults.render(yaml))) {
            assert_eq!(definition.warnings, [], "{file}");
            self.client.apply(&definition.plan, Some(yaml)).await.expect("applied");
        }
    }

    pub(crate) async fn start(&self, workflow: &str, input: Value) -> ExecutionId {
        let execution = fresh_id();
        self.start_as(&execution, workflow, input).await;
        execution
    }

    pub(crate) async fn start_as(&self, execution: &ExecutionId, workflow: &str, input: Value) {
        let workflow = Name::new(workflow).expect("a name");
        let options = StartOptions { id: Some(execution.clone()), ..StartOptions::default() };
        self.client.start(&workflow, input, options).await.expect("it starts");
    }

    /// Starts an execution and gives how it ended.
    pub(crate) async fn run(&self, workflow: &str, input: Value) -> ExecutionView {
        let execution = self.start(workflow, input).await;
        self.end(&execution).await
    }

    pub(crate) async fn end(&self, execution: &ExecutionId) -> ExecutionView {
        soon(self.client.wait(execution)).await.expect("it ends")
    }

    pub(crate) async fn signal(&self, execution: &ExecutionId, name: &str, data: Value) {
        self.client.signal(execution, &Name::new(name).expect("a name"), data).await.expect("signalled");
    }

    /// A worker beside those that are there, which the test equips.
    pub(crate) fn worker(&self, name: &str, equip: impl FnOnce(Worker) -> Worker) -> Running {
        let stop = CancellationToken::new();
        let worker = equip(Worker::new(self.client.connection().clone()).name(name));
        let stopped = stop.clone();
        tokio::spawn(async move { worker.run(stopped).await.expect("a worker") });
        Running(stop.drop_guard())
    }

    /// Waits until the step is so.
    pub(crate) async fn step_is(&self, execution: &ExecutionId, step: &str, status: StepStatus) {
        eventually(&format!("`{step}` of {execution} is {}", status.as_str()), async || {
            let view = self.client.get(execution).await.expect("an answer");
            view.is_some_and(|view| step_of(&view, step).status == status)
        })
        .await;
    }

    /// Waits until an activity of this execution began so often.
    pub(crate) async fn began(&self, execution: &ExecutionId, activity: &str, times: usize) {
        eventually(&format!("`{activity}` of {execution} begins"), async || calls(execution, activity).len() >= times)
            .await;
    }
}

/// With what the activity was called for this execution, in order.
pub(crate) fn calls(execution: &ExecutionId, activity: &str) -> Vec<Value> {
    let all = all_calls(execution).into_iter();
    all.filter(|call| call.activity == activity).map(|call| call.input).collect()
}

pub(crate) fn all_calls(execution: &ExecutionId) -> Vec<Call> {
    let calls = CALLS.lock().unwrap_or_else(PoisonError::into_inner);
    calls.get(execution.as_str()).cloned().unwrap_or_default()
}

/// Whether every attempt of `earlier` began before the first of `later`.
pub(crate) fn came_before(execution: &ExecutionId, earlier: &str, later: &str) -> bool {
    let calls = all_calls(execution);
    let last = calls.iter().rposition(|call| call.step == earlier);
    let first = calls.iter().position(|call| call.step == later);
    last.zip(first).is_some_and(|(last, first)| last < first)
}

/// What an ended execution shows of a step.
pub(crate) fn step_of<'v>(view: &'v ExecutionView, step: &str) -> &'v StepView {
    let found = view.steps.iter().find(|it| it.step == step);
    found.unwrap_or_else(|| panic!("no step `{step}` in {:#?}", view.steps))
}

/// Each of these steps ended like this.
#[track_caller]
pub(crate) fn assert_steps(view: &ExecutionView, status: StepStatus, steps: &[&str]) {
    for step in steps {
        let found = step_of(view, step);
        assert_eq!(found.status, status, "{found:?} of {view:#?}");
    }
}

#[track_caller]
pub(crate) fn assert_completed(view: &ExecutionView) {
    assert_eq!(view.status, Status::Completed, "{view:#?}");
}

/// It failed in this step, with an error of this type, which is given.
#[track_caller]
pub(crate) fn failure<'v>(view: &'v ExecutionView, step: &str, kind: &str) -> &'v StepError {
    assert_eq!(view.status, Status::Failed, "{view:#?}");
    why(view, step, kind)
}

/// This step failed it, whatever became of what it had done, with an error of this type, which is given.
#[track_caller]
pub(crate) fn why<'v>(view: &'v ExecutionView, step: &str, kind: &str) -> &'v StepError {
    assert_eq!(view.failed_step.as_deref(), Some(step), "{view:#?}");
    let error = view.error.as_ref().expect("a failure has an error");
    assert_eq!(error.kind, kind, "{view:#?}");
    error
}
