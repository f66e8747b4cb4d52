//! A saga as a program writes it: steps, and for each what undoes it.
//!
//! Steps follow one another. When one fails for good, those before it are undone, the last one first. What comes of
//! [`build`](Saga::build) is the same plan that a YAML file of the same steps gives.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use sagaline_sdk::{client::Client, saga::{Saga, Undo}};
//! use serde_json::json;
//!
//! # async fn place(client: &Client) -> Result<(), Box<dyn std::error::Error>> {
//! let order = Saga::new("order")
//!     .timeout(Duration::from_secs(30 * 60))
//!     .metadata("order_type", "express")
//!     .step("reserve", "stock.reserve")
//!     .input(json!({ "order": "${ workflow.input.order_id }" }))
//!     .compensate("stock.release")
//!     .step("charge", "payments.charge")
//!     .input(json!({ "amount": "${ workflow.input.total }" }))
//!     .timeout(Duration::from_secs(60))
//!     .attempts(3)
//!     .compensate(Undo::by("payments.refund").input(json!({ "payment": "${ output.id }" })))
//!     .parallel(|both| {
//!         both.step("pack", "warehouse.pack").compensate("warehouse.unpack").step("label", "carrier.label")
//!     })
//!     .step("notify", "mail.send")
//!     .non_critical()
//!     .build()?;
//! client.apply(&order, None).await?;
//! # Ok(())
//! # }
//! ```

mod definition;
mod parallel;
mod step;
mod undo;

use std::time::Duration;

pub use sagaline_model::Plan;
use sagaline_model::Span;
use serde_json::{Map, Value};

use self::definition::Steps;
pub use self::{definition::SagaError, parallel::Branches, step::Step, undo::Undo};

/// A saga that is being written. See the [module](self) for an example.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a saga is nothing until it is built"]
pub struct Saga {
    keys: Map<String, Value>,
    steps: Steps,
    /// What the next step comes after.
    ends: Vec<String>,
}

impl Saga {
    /// The workflow of this name.
    pub fn new(name: impl Into<String>) -> Self {
        let keys = Map::from_iter([("workflow".to_owned(), Value::String(name.into()))]);
        Self { keys, steps: Steps::default(), ends: vec![] }
    }

    /// How long the whole may take. When that is over, what was done is undone.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.with("timeout", text(timeout))
    }

    /// Something for people and programs to know of it. It decides nothing.
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        put_into(&mut self.keys, "metadata", key.into(), value.into());
        self
    }

    /// Anything else that stands at the top of a definition: `on`, `input_schema`, `concurrency`, `on_failure`, …, as YAML has it.
    pub fn with(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.keys.insert(key.into(), value.into());
        self
    }

    /// What is done next, by an activity. What follows is about this step, up to the next one.
    pub fn step(mut self, name: impl Into<String>, activity: impl Into<String>) -> Step<Self> {
        let name = name.into();
        let after = std::mem::replace(&mut self.ends, vec![name.clone()]);
        self.steps.add(name, activity.into(), after);
        Step(self)
    }

    /// What is done next, all of it at once. What comes after it begins when all of it is done.
    pub fn parallel<B: Into<Branches>>(self, branches: impl FnOnce(Branches) -> B) -> Self {
        branches(Branches::of(self)).into().join()
    }

    /// The plan, to be applied by [`Client::apply`](crate::client::Client::apply); or all that is wrong with the saga.
    pub fn build(&self) -> Result<Plan, SagaError> {
        definition::read(&self.source())
    }

    /// The same as a definition, which `sagaline validate` and `sagaline apply` read.
    pub fn source(&self) -> String {
        definition::write(&self.keys, &self.steps)
    }
}

/// A duration as definitions have it.
fn text(duration: Duration) -> Value {
    Value::String(Span::from(duration).to_string())
}

/// Puts a value into the map under a key, which is made if there is none.
fn put_into(keys: &mut Map<String, Value>, map: &str, key: String, value: Value) {
    let there = keys.entry(map).or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(there) = there {
        there.insert(key, value);
    }
}
