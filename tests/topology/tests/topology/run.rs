//! What compose would start, started as processes: real nats-servers, real programs, the declared environment and nothing else.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use sagaline_broker::nats::connect;
use sagaline_topology::{System, page::sum, root};
use serde_json::{Value, json};
use tokio::time::sleep;

const LONG: Duration = Duration::from_secs(120);

struct Run {
    system: System,
    published: usize,
}

impl Run {
    async fn up() -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("topology-{}", std::process::id()));
        Self { system: System::up(&root().join("docker-compose.yml"), &folder).await, published: 0 }
    }

    /// An event that starts an order.
    async fn publish(&mut self) {
        let id = format!("A-{}", self.published);
        let data = json!({ "order_id": id, "total": 10, "card": "visa" }).to_string();
        self.system
            .sagaline(&["events", "publish", "order.created", "--id", &id, "--source", "/test", "--data", &data])
            .await;
        self.published += 1;
    }

    /// How many orders have ended well.
    async fn completed(&self) -> usize {
        let listed =
            self.system.sagaline(&["list", "--workflow", "order", "--limit", "1000", "--output", "json"]).await;
        let executions = listed.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        executions.filter(|execution| execution["status"] == "completed").count()
    }

    async fn all_complete(&self) {
        let deadline = Instant::now() + LONG;
        loop {
            let completed = self.completed().await;
            if completed == self.published {
                return;
            }
            let (published, folder) = (self.published, self.system.folder.display());
            assert!(Instant::now() < deadline, "{completed} of {published} orders completed; logs are in {folder}");
            sleep(Duration::from_millis(200)).await;
        }
    }
}

const SERVICES: [&str; 5] = ["orchestrator", "compensator", "scheduler", "trigger", "executor"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_compose_starts_runs_workflows_and_every_part_of_it_can_be_replaced() {
    let mut run = Run::up().await;
    let counts = SERVICES.map(|service| run.system.instances(service).len());
    assert_eq!(counts, [2, 2, 2, 2, 3]);

    let applied = run.system.sagaline(&["apply", "/examples/order.yaml"]).await;
    assert!(applied.contains("order version 1 created"), "{applied}");
    for _ in 0..10 {
        run.publish().await;
    }
    run.all_complete().await;

    every_stream_is_on_three_nodes(&run.system).await;
    what_survives_is_told(&run.system).await;
    every_service_shows_itself(&run.system, run.published).await;

    // A rolling upgrade, but for the new version: one after the other is ended and started again while events come in.
    for name in run.system.all() {
        run.publish().await;
        let (ended, healthy) = run.system.replace(&name).await;
        println!("{name} ended within {ended:?}, another was healthy after {healthy:?}");
        run.publish().await;
    }
    run.all_complete().await;
    run.system.down().await;
}

async fn every_stream_is_on_three_nodes(system: &System) {
    let connection = connect(&system.nats_url(), "sagaline", "test").await.expect("a connection");
    for stream in
        ["RUNS_0", "RUNS_15", "SAGAS_15", "QUEUE_default", "EVENTS", "LIFECYCLE", "KV_partitions", "KV_executions"]
    {
        let found = connection.jetstream().get_stream(stream).await.unwrap_or_else(|error| panic!("{stream}: {error}"));
        let info = found.cached_info();
        let others = info.cluster.as_ref().map(|cluster| cluster.replicas.len());
        assert_eq!((info.config.num_replicas, others), (3, Some(2)), "{stream}");
    }
    let beyond = connection.jetstream().get_stream("RUNS_16").await;
    assert!(beyond.is_err(), "there are sixteen partitions");
}

/// The services say at their start how safe it is, and `doctor` finds nothing wrong: it would end with 1.
async fn what_survives_is_told(system: &System) {
    const SAFE: &str = "3 copies of each message, on disk before it is acknowledged";
    for name in SERVICES.into_iter().flat_map(|service| system.instances(service)) {
        let deadline = Instant::now() + LONG;
        while !system.log(&name).contains(SAFE) {
            assert!(Instant::now() < deadline, "`{name}` does not say what survives:\n{}", system.log(&name));
            sleep(Duration::from_millis(50)).await;
        }
    }
    let findings = system.sagaline(&["doctor", "--output", "json"]).await;
    assert!(findings.contains(SAFE), "{findings}");
}

async fn every_service_shows_itself(system: &System, orders: usize) {
    let (mut completed, mut attempts) = (0.0, 0.0);
    for name in SERVICES.into_iter().flat_map(|service| system.instances(service)) {
        let (status, body) = system.page(&name, "readyz").await;
        let report: Value = serde_json::from_str(&body).expect("a report");
        assert_eq!((status, &report["ready"]), (200, &json!(true)), "{name}: {body}");
        assert_eq!(system.page(&name, "healthz").await.0, 200, "{name}");
        let (status, metrics) = system.page(&name, "metrics").await;
        assert_eq!(status, 200, "{name}");
        completed += sum(&metrics, "sagaline_workflows_completed_total");
        attempts += sum(&metrics, "sagaline_activity_duration_seconds_count");
    }
    // An owner that takes over counts the last seconds again; it never counts less.
    assert!(completed >= orders as f64, "{completed} of {orders} were counted");
    assert!(attempts >= 5.0 * orders as f64, "every order has five steps that run, and {attempts} ran for {orders}");
}
