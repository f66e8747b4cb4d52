//! A trigger, an orchestrator and an executor as processes, which send their spans somewhere.

use std::time::Duration;

use sagaline_crash::{Nodes, Role, System};
use sagaline_events::{Envelope, record::ExecutionView};
use sagaline_model::{ExecutionId, Name};
use sagaline_sdk::client::{Client, StartOptions};
use sagaline_trigger::execution_of;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

pub const WITHIN: Duration = Duration::from_secs(60);

/// Starts as soon as an event of its type comes, tries `charge` twice, and has one group.
pub const ORDER: &str = "\
workflow: order
on: [ { event: telemetry.order } ]
steps:
  charge: { activity: fail, input: { times: 1, error: { type: CardBusy, message: try again } }, retry: { attempts: 3, backoff: fixed, initial: 10ms } }
  delivery:
    after: charge
    steps:
      pack: { activity: echo, input: { box: 1 } }
      label: { activity: noop, after: pack }
";

/// Fails for good, while a step beside it waits.
pub const REFUND: &str = "\
workflow: refund
on: [ { event: telemetry.refund } ]
steps:
  approval: { await: { signal: approved } }
  pay: { activity: fail, input: { error: { type: CardDeclined, message: no money } } }
";

/// Calls the address that it is given.
pub const CALL: &str = "\
workflow: call
steps:
  post: { activity: http, input: { method: POST, url: \"${ workflow.input.url }\" } }
";

/// Waits until somebody signs.
pub const SIGNED: &str = "\
workflow: signed
steps:
  paper: { await: { signal: signed } }
  file: { activity: noop, after: paper }
";

/// Never ends: no worker serves its first step, and its second takes longer than any test.
pub const STRANDED: &str = "\
workflow: stranded
steps:
  nobody: { activity: nobody.serves }
  long: { activity: sleep, input: { ms: 3600000 } }
";

pub struct Site {
    pub system: System,
    pub client: Client,
}

impl Site {
    /// One of each service; `environment` is told to all of them.
    pub async fn start(name: &str, environment: Vec<(&'static str, String)>) -> Self {
        let mut system = System::start(name, Nodes::One, environment).await;
        for role in [Role::Orchestrator, Role::Executor, Role::Trigger] {
            system.spawn(role);
        }
        system.ready().await;
        let client = Client::connect(&system.nats.url(), "sagaline", name).await.expect("a connection");
        for source in [ORDER, REFUND, CALL, SIGNED, STRANDED] {
            let definition = sagaline_lang::read(source, "telemetry.yaml").expect("a good definition");
            client.apply(&definition.plan, Some(source)).await.expect("it is applied");
        }
        Self { system, client }
    }

    /// Tells of something, and waits for the end of the execution that it starts.
    pub async fn by_event(&self, kind: &str, workflow: &str, id: &str, traceparent: Option<&str>) -> ExecutionView {
        let mut event = Envelope::new(id, "/telemetry", kind, b"{}".to_vec());
        event.content_type = Some("application/json".to_owned());
        event.extensions.extend(traceparent.map(|parent| ("traceparent".to_owned(), parent.to_owned())));
        self.client.publish_event(&event).await.expect("it is stored");
        let workflow = Name::new(workflow).expect("a name");
        self.ended(&execution_of(&workflow, &event.source, id)).await
    }

    /// Starts an execution, and waits for its end.
    pub async fn by_start(&self, workflow: &str, id: &str, input: Value, traceparent: Option<&str>) -> ExecutionView {
        self.ended(&self.start_one(workflow, id, input, traceparent).await).await
    }

    pub async fn start_one(&self, workflow: &str, id: &str, input: Value, traceparent: Option<&str>) -> ExecutionId {
        let id = ExecutionId::new(id).expect("an id");
        let traceparent = traceparent.map(str::to_owned);
        let options = StartOptions { id: Some(id.clone()), traceparent, ..StartOptions::default() };
        let workflow = Name::new(workflow).expect("a name");
        self.client.start(&workflow, input, options).await.expect("it is started");
        id
    }

    pub async fn sign(&self, execution: &ExecutionId) {
        let signal = Name::new("signed").expect("a name");
        self.client.signal(execution, &signal, Value::Null).await.expect("it is stored");
    }

    /// Waits for the end of an execution.
    pub async fn ended(&self, execution: &ExecutionId) -> ExecutionView {
        let deadline = Instant::now() + WITHIN;
        loop {
            match timeout(WITHIN, self.client.wait(execution)).await {
                Ok(Ok(view)) => return view,
                // It has not begun yet.
                Ok(Err(error)) => assert!(Instant::now() < deadline, "`{execution}` does not begin: {error}"),
                Err(_) => panic!("`{execution}` does not end"),
            }
            sleep(Duration::from_millis(50)).await;
        }
    }
}
