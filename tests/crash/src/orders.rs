//! Orders that all fail, at one step or another, and are taken back. Some have a step that cannot be taken back.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use sagaline_events::{
    record::{ExecutionView, Status},
    saga::{SagaSkip, SagaStatus, SagaView, UndoneStatus},
};
use sagaline_model::{ExecutionId, Moment, Name};
use sagaline_sdk::client::{Client, SagaFilter, StartOptions};
use serde_json::json;
use tokio::time::{interval, sleep};

use crate::{System, Witness, load::seconds, undone::Wanted};

/// Starts a second: a thousand within 170 s.
const RATE: u32 = 6;
/// After the last one was started, everything is over, or stuck, within this.
const OVER_WITHIN: Duration = Duration::from_secs(120);
/// Of so many one cannot be taken back.
const ONE_STUCK_OF: u32 = 20;

/// The steps that are taken back, by where the order fails: each stage comes after the one before it is done.
const STAGES: [(&str, &[&[&str]]); 3] = [
    ("pay", &[&["reserve", "insure"]]),
    ("ship", &[&["pay"], &["reserve", "insure"]]),
    ("confirm", &[&["ship"], &["pay"], &["reserve", "insure"]]),
];

fn definition(name: &str, refund: &str) -> String {
    let undo = "compensate: { activity: sleep, input: { ms: 150 } }";
    let step = |name: &str, after: &str| {
        format!("  {name}: {{ after: {after}, activity: sleep, input: {{ ms: 150 }}, {undo} }}\n")
    };
    let fails = |name: &str, after: &str| {
        format!(
            "  {name}_fails: {{ after: {after}, when: \"${{ workflow.input.fail_at == '{name}' }}\", activity: fail, \
             input: {{ error: {{ type: AsNamed, message: {name} }} }}, retry: {{ attempts: 1 }} }}\n"
        )
    };
    let pay = format!("  pay: {{ after: pay_fails, activity: sleep, input: {{ ms: 150 }}, compensate: {refund} }}\n");
    [
        format!("workflow: {name}\nsteps:\n  validate: {{ activity: noop }}\n"),
        step("reserve", "validate"),
        step("insure", "validate"),
        fails("pay", "[reserve, insure]"),
        pay,
        fails("ship", "pay"),
        step("ship", "ship_fails"),
        fails("confirm", "ship"),
    ]
    .concat()
}

/// What was started.
pub struct Orders {
    client: Client,
    /// Where each fails, and whether it gets stuck.
    orders: BTreeMap<ExecutionId, Order>,
}

#[derive(Clone, Copy)]
struct Order {
    fails_at: usize,
    stuck: bool,
}

impl Orders {
    /// Applies the definitions.
    pub async fn prepare(system: &System) -> Self {
        let definitions = [
            ("crash_order", "{ activity: sleep, input: { ms: 150 } }"),
            (
                "crash_order_stuck",
                "{ activity: fail, input: { error: { type: BankAway, message: no answer } }, retry: { attempts: 2, initial: 200ms } }",
            ),
        ];
        for (name, refund) in definitions {
            let file = system.folder().join(format!("{name}.yaml"));
            std::fs::write(&file, definition(name, refund)).expect("a definition can be written");
            system.run(&["apply", file.to_str().expect("UTF-8")]).await;
        }
        let client = Client::connect(&system.nats.url(), "sagaline", "orders").await.expect("a client");
        Self { client, orders: BTreeMap::new() }
    }

    /// Starts them at an even pace, for as long as a load lasts.
    pub async fn start_all(mut self) -> Self {
        let mut tick = interval(Duration::from_secs(1) / RATE);
        for number in 0..RATE * seconds() {
            tick.tick().await;
            let id = ExecutionId::new(format!("order-{number}")).expect("an id");
            let fails_at = number as usize % STAGES.len();
            // One that pays: otherwise there is nothing to give back.
            let order = Order { fails_at, stuck: number % ONE_STUCK_OF == 1 && STAGES[fails_at].0 != "pay" };
            let workflow = Name::new(if order.stuck { "crash_order_stuck" } else { "crash_order" }).expect("a name");
            let input = json!({ "fail_at": STAGES[order.fails_at].0 });
            let options = || StartOptions { id: Some(id.clone()), ..StartOptions::default() };
            let deadline = Instant::now() + OVER_WITHIN;
            // Whoever was killed is being replaced.
            while let Err(why) = self.client.start(&workflow, input.clone(), options()).await {
                assert!(Instant::now() < deadline, "{id} cannot be started: {why}");
                sleep(Duration::from_millis(200)).await;
            }
            self.orders.insert(id, order);
        }
        self
    }

    /// Waits until each is over or stuck, as it was made to; then helps those that are stuck. What was measured, in words.
    pub async fn are_taken_back(&self, witness: impl Fn() -> Witness, killed: &[(u32, Moment)]) -> String {
        let deadline = Instant::now() + OVER_WITHIN;
        let made_to_be: BTreeSet<&ExecutionId> =
            self.orders.iter().filter(|(_, order)| order.stuck).map(|(id, _)| id).collect();
        for (id, order) in &self.orders {
            let wanted = if order.stuck { Status::Stuck } else { Status::RolledBack };
            self.is(id, wanted, deadline).await;
        }
        let stuck = self.stuck().await;
        assert_eq!(
            stuck.keys().collect::<BTreeSet<_>>(),
            made_to_be,
            "stuck are others than those that were made to be"
        );
        for (id, saga) in &stuck {
            let at: Vec<&str> = saga
                .steps
                .iter()
                .filter(|step| step.status == UndoneStatus::Stuck)
                .map(|step| step.step.as_str())
                .collect();
            assert_eq!(at, ["pay"], "{id}: {saga:#?}");
            let skip = SagaSkip {
                step: saga
                    .steps
                    .iter()
                    .find(|step| step.status == UndoneStatus::Stuck)
                    .expect("it is stuck")
                    .step
                    .clone(),
                by: Some("the test".to_owned()),
                why: Some("it was made to be".to_owned()),
            };
            self.client.saga_skip(id, skip).await.unwrap_or_else(|why| panic!("{id} cannot be helped: {why}"));
        }
        let deadline = Instant::now() + OVER_WITHIN;
        let (mut undone, mut again) = (0, 0);
        let witness = {
            for id in &made_to_be {
                self.is(id, Status::RolledBack, deadline).await;
            }
            witness()
        };
        for (id, order) in &self.orders {
            let view = self.view(id).await.expect("it is there");
            let saga = self.client.saga(id).await.expect("an answer").expect("it had one");
            assert_eq!(saga.status, SagaStatus::Completed, "{id}: {saga:#?}");
            let (fails_at, stages) = STAGES[order.fails_at];
            assert_eq!(view.failed_step.as_deref(), Some(format!("{fails_at}_fails").as_str()), "{view:#?}");
            let (stuck, ended) = (order.stuck.then_some("pay"), view.ended_at.expect("it is over"));
            let held = Wanted { stages, stuck, ended, killed }.holds(id.as_str(), &witness);
            let held = held.unwrap_or_else(|why| panic!("{why}"));
            undone += held.steps;
            again += held.again;
        }
        format!(
            "{} orders failed, all are taken back; {} were stuck, exactly those made to be; {undone} steps undone, {again} of them \
             begun again because their executor was killed",
            self.orders.len(),
            made_to_be.len(),
        )
    }

    async fn is(&self, id: &ExecutionId, wanted: Status, deadline: Instant) {
        loop {
            let view = self.view(id).await;
            if view.as_ref().is_some_and(|view| view.status == wanted) {
                return;
            }
            assert!(Instant::now() < deadline, "{id} is not {}: {view:#?}", wanted.as_str());
            sleep(Duration::from_millis(100)).await;
        }
    }

    async fn view(&self, id: &ExecutionId) -> Option<ExecutionView> {
        // Nobody owns its partition for a moment, perhaps.
        self.client.get(id).await.ok().flatten()
    }

    async fn stuck(&self) -> BTreeMap<ExecutionId, SagaView> {
        let mut listing = self.client.sagas(SagaFilter { stuck: true, workflow: None }, None);
        let all = listing.next(usize::MAX).await.expect("a list");
        assert_eq!(listing.silent().count(), 0, "every partition has a compensator");
        all.into_iter().map(|saga| (saga.execution.clone(), saga)).collect()
    }
}
