//! A NATS, an orchestrator as a process of its own that soon lets go of what only waits, and executions that do.

use std::{
    fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use sagaline_broker::{
    names::Names,
    nats::{Connection, connect},
    ports::{Bucket, Message, Outcome},
};
use sagaline_events::{
    ask::{Answer, Ask, PartitionView},
    record::{ExecutionView, Status},
};
use sagaline_model::{ExecutionId, Name};
use sagaline_sdk::client::{Client, StartOptions};
use sagaline_testkit::site::{Nats, eventually};
use serde_json::{Value, json};

const ORDER: &str = "
workflow: order
steps:
  pay: { await: paid }
  thank: { after: pay, await: thanked }
output: { paid: '${ steps.pay.output.n }' }
";
const WORK: &str = "workflow: work\nsteps:\n  work: { activity: nobody.works }\n";
const NAP: &str = "workflow: nap\nsteps:\n  nap: { wait: 12s }\n";

pub(crate) struct Site {
    nats: Nats,
    pub(crate) connection: Connection,
    pub(crate) client: Client,
    orchestrator: Child,
    log: PathBuf,
}

impl Drop for Site {
    #[expect(clippy::print_stdout, reason = "a test that failed shows what the process said")]
    fn drop(&mut self) {
        drop((self.orchestrator.kill(), self.orchestrator.wait()));
        if std::thread::panicking() {
            println!("{}", fs::read_to_string(&self.log).unwrap_or_default());
        }
    }
}

impl Site {
    /// One partition, and workflows that wait for signals or for time.
    pub(crate) async fn start() -> Self {
        let nats = Nats::start("resting").await;
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
        for definition in [ORDER, NAP, WORK] {
            let plan = sagaline_lang::read(definition, "test.yaml").expect("a definition").plan;
            eventually("it is applied", async || client.apply(&plan, None).await.is_ok()).await;
        }
        Self { nats, connection, client, orchestrator, log }
    }

    pub(crate) fn restart_orchestrator(&mut self) {
        self.orchestrator.kill().expect("it can be killed");
        self.orchestrator.wait().expect("it has ended");
        self.orchestrator = spawn(&self.nats, &self.log);
    }

    /// Whether an orchestrator has said this.
    pub(crate) fn said(&self, what: &str) -> bool {
        fs::read_to_string(&self.log).expect("its log").contains(what)
    }

    pub(crate) async fn begin(&self, workflow: &str, id: &str) {
        let workflow = Name::new(workflow).expect("a name");
        let options = StartOptions { id: Some(execution(id)), ..StartOptions::default() };
        self.client.start(&workflow, json!({}), options).await.expect("it is started");
    }

    pub(crate) async fn signal(&self, id: &str, signal: &str, data: Value) {
        let signal = Name::new(signal).expect("a name");
        self.client.signal(&execution(id), &signal, data).await.expect("it is stored");
    }

    pub(crate) async fn reaches(&self, id: &str, status: Status) -> ExecutionView {
        let mut seen = None;
        eventually(&format!("{id} is {status:?}"), async || {
            seen = self.client.get(&execution(id)).await.ok().flatten();
            seen.as_ref().is_some_and(|view| view.status == status)
        })
        .await;
        seen.expect("just seen")
    }

    async fn partition(&self) -> Option<PartitionView> {
        let question = serde_json::to_vec(&Ask::Partition).expect("JSON");
        let answer = self.connection.client().request(Names::default().ask(0), question.into()).await.ok()?;
        match serde_json::from_slice(&answer.payload).expect("an answer") {
            Answer::Partition(view) => Some(view),
            other => panic!("{other:?}"),
        }
    }

    /// Waits until so many are open and none of them is in memory.
    pub(crate) async fn all_rest(&self, open: u64) {
        eventually(&format!("{open} are open, and at rest"), async || {
            self.partition().await.is_some_and(|view| view.live && (view.open, view.loaded) == (open, 0))
        })
        .await;
    }

    pub(crate) async fn snapshot(&self, id: &str) -> Option<Vec<u8>> {
        let value = self.connection.value(Bucket::Executions, &Names::snapshot_key(0, id)).await.expect("an answer");
        value.map(|(_, value)| value.to_vec())
    }

    /// What an operator, or another version, puts in the place of a snapshot.
    pub(crate) async fn put_snapshot(&self, id: &str, headers: Vec<(&'static str, String)>, payload: &'static str) {
        let subject = Names::default().key(Bucket::Executions, &Names::snapshot_key(0, id));
        let message = Message { subject, expected: None, msg_id: None, ttl: None, headers, payload: payload.into() };
        let outcome = self.connection.publish(&message).await;
        assert!(matches!(outcome, Outcome::Stored { .. }), "{outcome:?}");
    }
}

pub(crate) fn execution(id: &str) -> ExecutionId {
    ExecutionId::new(id).expect("an id")
}

fn spawn(nats: &Nats, log: &PathBuf) -> Child {
    let log = fs::OpenOptions::new().create(true).append(true).open(log).expect("a log");
    let replicas = sagaline_testkit::site::nodes().to_string();
    Command::new(env!("CARGO_BIN_EXE_sagaline-orchestrator"))
        .args(["--nats-url", &nats.url(), "--http", "127.0.0.1:0", "--partitions", "1"])
        .args(["--replicas", &replicas, "--rest-after", "100ms"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("it starts")
}
