//! Executions that wait for two events each, which come before they wait, after, or one of each; and rows that are loaded in batches.
//! Every event is published twice.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use sagaline_broker::ports::{Message, Outcome};
use sagaline_events::record::{ExecutionView, Status};
use sagaline_model::{ExecutionId, Name};
use sagaline_sdk::client::{Client, ListFilter, StartOptions};
use serde_json::{Value, json};
use tokio::time::{interval, sleep};

use crate::{System, load::seconds};

/// Orders a second, each with two payments and two rows.
const RATE: u32 = 10;
/// Rows with this number of the second in common are loaded together.
const GROUPS: u32 = 7;
/// After the last event was published, everything is over within this. Longer than a minute: then whatever was lost is looked for again.
const OVER_WITHIN: Duration = Duration::from_secs(150);

const DEFINITIONS: [(&str, &str); 2] = [
    (
        "crash_payment",
        "workflow: crash_payment
steps:
  each:
    for_each: { items: [1, 2], concurrency: 1 }
    await: { event: crash.paid, match: { order: \"${ workflow.input.order }\" }, timeout: 10m }
output: { payments: [\"${ steps.each.output[0].id }\", \"${ steps.each.output[1].id }\"] }
",
    ),
    (
        "crash_rows",
        "workflow: crash_rows
on: { event: crash.row, batch: { size: 10, for: 2s, key: \"${ trigger.data.group }\" } }
steps: { load: { activity: noop } }
output: { rows: \"${ workflow.input }\" }
",
    ),
];

/// What was started and published.
pub struct Payments {
    client: Client,
    orders: Vec<ExecutionId>,
    rows: u32,
}

impl Payments {
    /// Applies the definitions.
    pub async fn prepare(system: &System) -> Self {
        for (name, definition) in DEFINITIONS {
            let file = system.folder().join(format!("{name}.yaml"));
            std::fs::write(&file, definition).expect("a definition can be written");
            system.run(&["apply", file.to_str().expect("UTF-8")]).await;
        }
        let client = Client::connect(&system.nats.url(), "sagaline", "payments").await.expect("a client");
        Self { client, orders: vec![], rows: 0 }
    }

    /// At an even pace, for as long as a load lasts.
    pub async fn go_on(mut self) -> Self {
        let mut tick = interval(Duration::from_secs(1) / RATE);
        for number in 0..RATE * seconds() {
            tick.tick().await;
            // How many of its payments come first.
            let before = number % 3;
            for payment in 0..before {
                self.pay(number, payment).await;
            }
            self.start(number).await;
            for payment in before..2 {
                self.pay(number, payment).await;
            }
        }
        self
    }

    async fn start(&mut self, number: u32) {
        let id = ExecutionId::new(format!("paid-{number}")).expect("an id");
        let options = || StartOptions { id: Some(id.clone()), ..StartOptions::default() };
        let workflow = Name::new("crash_payment").expect("a name");
        let deadline = Instant::now() + OVER_WITHIN;
        // Whoever was killed is being replaced.
        while let Err(why) = self.client.start(&workflow, json!({ "order": number }), options()).await {
            assert!(Instant::now() < deadline, "{id} cannot be started: {why}");
            sleep(Duration::from_millis(200)).await;
        }
        self.orders.push(id);
    }

    async fn pay(&mut self, number: u32, payment: u32) {
        let id = payment_of(number, payment);
        // A text where the execution has a number.
        self.publish_twice("crash.paid", &id, json!({ "order": number.to_string() })).await;
        let row = json!({ "group": number % GROUPS, "row": self.rows });
        let id = format!("row-{}", self.rows);
        self.rows += 1;
        self.publish_twice("crash.row", &id, row).await;
    }

    async fn publish_twice(&self, kind: &str, id: &str, data: Value) {
        let connection = self.client.connection();
        let attributes = [("ce-specversion", "1.0"), ("ce-id", id), ("ce-source", "/crash"), ("ce-type", kind)];
        let message = Message {
            subject: connection.names().event(kind),
            expected: None,
            msg_id: None,
            ttl: None,
            headers: attributes.map(|(name, value)| (name, value.to_owned())).to_vec(),
            payload: data.to_string().into(),
        };
        let deadline = Instant::now() + OVER_WITHIN;
        for _ in 0..2 {
            while !matches!(connection.publish(&message).await, Outcome::Stored { .. }) {
                assert!(Instant::now() < deadline, "{id} cannot be published");
                sleep(Duration::from_millis(200)).await;
            }
        }
    }

    /// Every order has got both of its payments, and every row was loaded once. What was measured, in words.
    pub async fn all_came_once(&self) -> String {
        let deadline = Instant::now() + OVER_WITHIN;
        for (number, id) in (0..).zip(&self.orders) {
            let view = self.ended(id, deadline).await;
            assert_eq!(view.status, Status::Completed, "{view:#?}");
            // One that a trigger had when it was killed comes later than one that was published after it.
            let mut came: Vec<&str> =
                view.output["payments"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            came.sort_unstable();
            assert_eq!(came, [payment_of(number, 0), payment_of(number, 1)], "{id}");
        }
        let batches = loop {
            let (batches, rows) = self.loaded().await;
            if rows.len() >= self.rows as usize {
                let twice: Vec<_> = rows.iter().filter(|(_, times)| **times != 1).collect();
                assert!(twice.is_empty(), "rows that were loaded several times: {twice:?}");
                break batches;
            }
            assert!(Instant::now() < deadline, "{} of {} rows were loaded", rows.len(), self.rows);
            sleep(Duration::from_millis(500)).await;
        };
        format!(
            "{} executions got both of their events, each published twice; {} rows were loaded once, in {batches} batches",
            self.orders.len(),
            self.rows
        )
    }

    /// How many batches there were, and how often each row was in one.
    async fn loaded(&self) -> (usize, BTreeMap<u64, usize>) {
        let filter = ListFilter { workflow: Some(Name::new("crash_rows").expect("a name")), ..ListFilter::default() };
        let listed = self.client.list(filter, None).next(100_000).await.unwrap_or_default();
        let mut rows = BTreeMap::new();
        for one in &listed {
            let Ok(Some(view)) = self.client.get(&one.view.execution).await else { continue };
            let of_batch = view.output["rows"].as_array().cloned().unwrap_or_default();
            for row in of_batch.iter().filter_map(|row| row["row"].as_u64()) {
                *rows.entry(row).or_default() += 1;
            }
        }
        (listed.len(), rows)
    }

    async fn ended(&self, id: &ExecutionId, deadline: Instant) -> ExecutionView {
        loop {
            // Nobody owns its partition for a moment, perhaps.
            let view = self.client.get(id).await.ok().flatten();
            match view {
                Some(view) if view.status.is_over() => return view,
                view => assert!(Instant::now() < deadline, "{id} is not over: {view:#?}"),
            }
            sleep(Duration::from_millis(100)).await;
        }
    }
}

fn payment_of(order: u32, payment: u32) -> String {
    format!("pay-{order}-{payment}")
}
