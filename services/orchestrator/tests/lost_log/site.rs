//! A NATS, an orchestrator as a process of its own, and executions that wait for a signal.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use sagaline_broker::{
    nats::{Connection, connect},
    owner::Checkpoint,
    ports::Bucket,
};
use sagaline_events::record::Status;
use sagaline_model::{ExecutionId, Name};
use sagaline_sdk::client::{Client, StartOptions};
use sagaline_testkit::site::{Nats, eventually, soon};
use serde_json::json;

const ORDER: &str = "workflow: order\nsteps:\n  pay: { await: paid }\n";

pub(crate) struct Site {
    nats: Nats,
    pub(crate) connection: Connection,
    client: Client,
    orchestrator: Child,
    log: PathBuf,
}

impl Drop for Site {
    fn drop(&mut self) {
        drop((self.orchestrator.kill(), self.orchestrator.wait()));
        if std::thread::panicking() {
            println!("{}", fs::read_to_string(&self.log).unwrap_or_default());
        }
    }
}

impl Site {
    /// One partition, and a workflow that waits for its signal `paid`.
    pub(crate) async fn start() -> Self {
        Self::on(Nats::start("lost").await).await
    }

    /// On one node, whatever the environment says.
    pub(crate) async fn start_on_one() -> Self {
        Self::on(Nats::single_with("lost", |_| ()).await).await
    }

    async fn on(nats: Nats) -> Self {
        let log = nats.folder().join("orchestrator.log");
        let orchestrator = spawn(&nats, &log);
        let connection = connect(&nats.url(), "sagaline", "test").await.expect("a connection");
        let mut client = None;
        eventually("the installation is there", async || {
            client = Client::over(connection.clone(), "test").await.ok();
            client.is_some()
        })
        .await;
        let client = client.expect("just made");
        let plan = sagaline_lang::read(ORDER, "order.yaml").expect("a definition").plan;
        eventually("it is applied", async || client.apply(&plan, None).await.is_ok()).await;
        Self { nats, connection, client, orchestrator, log }
    }

    pub(crate) fn start_orchestrator(&mut self) {
        self.orchestrator = spawn(&self.nats, &self.log);
    }

    pub(crate) fn kill_orchestrator(&mut self) {
        self.orchestrator.kill().expect("it can be killed");
        self.orchestrator.wait().expect("it has ended");
    }

    /// Whether an orchestrator has said this.
    pub(crate) fn said(&self, what: &str) -> bool {
        fs::read_to_string(&self.log).expect("its log").contains(what)
    }

    /// Starts these, and waits until each waits.
    pub(crate) async fn open(&self, ids: &[&str]) {
        for id in ids {
            self.begin(id).await;
            self.reaches(id, Status::Waiting).await;
        }
    }

    async fn begin(&self, id: &str) {
        let order = Name::new("order").expect("a name");
        let options = StartOptions { id: Some(ExecutionId::new(id).expect("an id")), ..StartOptions::default() };
        // A log without a leader, or none at all, takes nothing: then it is tried again.
        eventually(&format!("{id} is started"), async || {
            self.client.start(&order, json!({}), options.clone()).await.is_ok()
        })
        .await;
    }

    async fn reaches(&self, id: &str, status: Status) {
        let execution = ExecutionId::new(id).expect("an id");
        eventually(&format!("{id} is {status:?}"), async || {
            let view = self.client.get(&execution).await;
            view.is_ok_and(|view| view.is_some_and(|view| view.status == status))
        })
        .await;
    }

    /// Waits until the checkpoint has passed everything: all that is open is then in snapshots.
    pub(crate) async fn settled(&self) {
        let head = self.head().await;
        eventually("the checkpoint has passed everything", async || {
            let value = self.connection.value(Bucket::Partitions, "checkpoint.0").await.ok().flatten();
            let checkpoint = value.and_then(|(_, value)| serde_json::from_slice::<Checkpoint>(&value).ok());
            checkpoint.is_some_and(|checkpoint| head < checkpoint.next)
        })
        .await;
    }

    pub(crate) async fn head(&self) -> u64 {
        self.client.log_head(0).await.expect("the log")
    }

    /// What was open comes to its end, and so does what is started now.
    pub(crate) async fn goes_on(&self, open: &[&str], fresh: &str) {
        let fresh: Vec<String> = (0..5).map(|number| format!("{fresh}-{number}")).collect();
        for id in &fresh {
            self.begin(id).await;
        }
        let all = open.iter().copied().chain(fresh.iter().map(String::as_str));
        for id in all.clone() {
            let (execution, paid) = (ExecutionId::new(id).expect("an id"), Name::new("paid").expect("a name"));
            soon(self.client.signal(&execution, &paid, json!(1))).await.expect("it is stored");
        }
        for id in all {
            self.reaches(id, Status::Completed).await;
        }
    }

    /// The files of the log as they are now. NATS is stopped for it.
    pub(crate) async fn back_up_log(&mut self) -> PathBuf {
        let backup = self.nats.folder().join("backup");
        self.nats.stop().await;
        copy(&self.log_folder(), &backup);
        self.nats.restart().await;
        self.settle_down().await;
        backup
    }

    pub(crate) async fn put_back_log(&mut self, backup: &Path) {
        self.nats.stop().await;
        fs::remove_dir_all(self.log_folder()).expect("the log's folder");
        copy(backup, &self.log_folder());
        self.nats.restart().await;
        self.settle_down().await;
    }

    async fn settle_down(&self) {
        eventually("NATS answers", async || self.client.log_head(0).await.is_ok()).await;
    }

    fn log_folder(&self) -> PathBuf {
        self.nats.folder().join("nats/jetstream/$G/streams/RUNS_0")
    }
}

fn spawn(nats: &Nats, log: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sagaline-orchestrator"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SAGALINE_")) {
        command.env_remove(name);
    }
    let stderr = fs::OpenOptions::new().create(true).append(true).open(log).expect("a log can be made");
    command.args(["--nats-url", &nats.url(), "--partitions", "1", "--replicas", &nats.replicas().to_string()]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr).spawn().expect("the program starts")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a file");
        }
    }
}
