//! What these tests share: a server with an installation, tasks put into its queue, an owner that wants everything, and
//! waiting with a deadline.

use std::time::SystemTime;

use futures::StreamExt;
use sagaline_broker::{
    nats::{Connection, Installation, connect},
    ports::Message,
};
use sagaline_events::{Input, Task, ask::Answer, task::TASK_TYPE};
use sagaline_model::{ActivityName, ExecutionId, Moment, Name, Span};
pub(crate) use sagaline_testkit::site::{LONG, eventually};
use sagaline_testkit::site::{Nats, store, stream};
use serde_json::Value;

/// A NATS with a small installation, and an owner that wants every task.
pub(crate) struct Site {
    pub(crate) server: Nats,
    pub(crate) connection: Connection,
}

impl Site {
    pub(crate) async fn start() -> Self {
        let server = Nats::start("executor").await;
        let connection = connect(&server.url(), "sagaline", "test").await.expect("a connection");
        let installation = Installation { partitions: 1, ..server.installation() };
        installation.ensure(&connection).await.expect("an installation");
        let client = connection.client().clone();
        let mut questions = client.subscribe(connection.names().ask(0)).await.expect("subscribed");
        tokio::spawn(async move {
            let wanted = serde_json::to_vec(&Answer::Wanted(true)).expect("JSON");
            while let Some(question) = questions.next().await {
                let asker = question.reply.expect("somebody asks");
                client.publish(asker, wanted.clone().into()).await.expect("answered");
            }
        });
        Self { server, connection }
    }

    /// Puts a task into the queue and gives how its attempt ended.
    pub(crate) async fn perform(&self, task: &Task) -> Input {
        let mut answers = self.connection.client().subscribe(task.reply.clone()).await.expect("subscribed");
        self.put(task).await;
        let answer = tokio::time::timeout(LONG, answers.next()).await.expect("an answer in time").expect("an answer");
        let kind = answer.headers.as_ref().and_then(|headers| headers.get("ce-type")).expect("a type");
        Input::read(kind.as_str(), &answer.payload).expect("an input")
    }

    pub(crate) async fn put(&self, task: &Task) {
        let Task { queue, activity, execution, path, attempt, .. } = task;
        let names = self.connection.names();
        let message = Message {
            subject: names.task(queue.as_str(), activity, execution.as_str(), path.as_str(), *attempt),
            expected: None,
            msg_id: None,
            ttl: None,
            headers: vec![
                ("ce-specversion", "1.0".to_owned()),
                ("ce-id", task.idempotency_key.clone()),
                ("ce-source", "/test".to_owned()),
                ("ce-type", TASK_TYPE.to_owned()),
            ],
            payload: serde_json::to_vec(task).expect("a task has text keys only").into(),
        };
        store(&self.connection, &message).await;
    }

    /// How many results are stored.
    pub(crate) async fn results(&self) -> u64 {
        stream(&self.connection, &self.connection.names().runs(0)).await.cached_info().state.messages
    }
}

/// A task that no worker has a doubt about.
pub(crate) fn task(activity: &str, execution: &str, input: Value) -> Task {
    let name = |text| Name::new(text).expect("a name");
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    let now = Moment::from_nanos(i64::try_from(since_1970.as_nanos()).expect("before 2262"));
    Task {
        heartbeat: None,
        report: false,
        claim: false,
        begin_by: None,
        metadata: serde_json::Value::Null,
        workflow: name("orders"),
        version: 1,
        execution: ExecutionId::new(execution).expect("an id"),
        path: "step".to_owned().try_into().expect("a path"),
        attempt: 1,
        queue: name("default"),
        activity: ActivityName::new(activity).expect("a name"),
        input,
        idempotency_key: format!("{execution}/step"),
        reply: format!("sagaline.run.0.{execution}.in"),
        ask: "sagaline.ask.0".into(),
        cause: now + Span::from_secs(600),
        timeout: None,
    }
}
