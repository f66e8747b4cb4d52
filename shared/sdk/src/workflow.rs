//! A workflow as a program writes it. What comes of [`build`](Workflow::build) is the same plan that a YAML file of the same steps
//! gives: the builder makes a definition, and it is read as a file is.
//!
//! ```no_run
//! use sagaline_sdk::{
//!     client::Client,
//!     workflow::{Retry, Workflow, activity, cron, signal},
//! };
//! use serde_json::json;
//!
//! # async fn apply(client: &Client) -> Result<(), Box<dyn std::error::Error>> {
//! let order = Workflow::new("order")
//!     .on_event("order.created")
//!     .schedule(cron("0 6 * * *").timezone("Europe/Berlin"))
//!     .timeout("30m")
//!     .step("validate", activity("orders.validate").input(json!({ "order": "${ workflow.input.order_id }" })))
//!     .fan_out("validate", [
//!         ("reserve", activity("stock.reserve").compensate("stock.release")),
//!         ("charge", activity("payments.charge").timeout("30s").retry(Retry::attempts(3).initial("1s"))),
//!     ])
//!     .fan_in(["reserve", "charge"], "ship", activity("parcels.send"))
//!     .step("delivered", signal("delivered").after("ship").timeout("14d").skip_on_timeout())
//!     .on_failure(activity("alerts.page"))
//!     .build()?;
//! client.apply(order.plan(), Some(order.source())).await?;
//! # Ok(())
//! # }
//! ```

mod fault;
mod kinds;
mod settings;
mod start;
mod step;
mod steps;
mod text;
mod top;
mod tree;
mod undone;
mod write;

use sagaline_lang::Severity;
pub use sagaline_lang::Surroundings;
use sagaline_model::Defaults;
pub use sagaline_model::{OnError, Plan};
use serde_json::{Map, Value};

pub use self::{
    fault::{BuildError, Fault},
    kinds::{activity, approval, attempt, child, emit, event, race, raise, set, signal, signals, steps, switch, wait},
    settings::{Breaker, Concurrency, Each, Limit, Rate, Retry, Update},
    start::{Batch, Debounce, OnEvent, Schedule, at, cron, every, once_in},
    step::Step,
    steps::Steps,
    text::{Length, Names},
    top::Unique,
    undone::{Undone, UndoneOutcome},
};
use self::{
    tree::{Keys, Tree},
    write::Written,
};
pub use crate::saga::Undo;
pub use sagaline_macros::workflow;

#[doc(hidden)]
pub use serde::de::IgnoredAny as __Nothing;
#[doc(hidden)]
pub use serde_json::json as __json;

/// The text is YAML, whatever the workflow is called.
const FILE: &str = "workflow.yaml";

/// A workflow that is being written. See the [module](self) for an example.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a workflow is nothing until it is built"]
pub struct Workflow {
    name: String,
    keys: Keys,
    steps: Steps,
    /// What its expressions read as `config`.
    values: Option<Value>,
}

/// A workflow that was built: its plan, and the text that it is the plan of.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    plan: Plan,
    source: String,
    warnings: Vec<Fault>,
}

impl Definition {
    /// What [`Client::apply`](crate::client::Client::apply) takes.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The same as YAML, which `sagaline validate` and `sagaline apply` read.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What is doubtful, and was taken all the same.
    pub fn warnings(&self) -> &[Fault] {
        &self.warnings
    }
}

impl Workflow {
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), keys: Keys::default(), steps: Steps::new(), values: None }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// One more step. Steps run side by side, unless one comes [`after`](Step::after) another.
    pub fn step(self, name: impl Into<String>, step: Step) -> Self {
        Self { steps: self.steps.step(name, step), ..self }
    }

    /// See [`Steps::parallel`].
    pub fn parallel<N: Into<String>>(
        self,
        after: impl Into<Names>,
        steps: impl IntoIterator<Item = (N, Step)>,
    ) -> Self {
        Self { steps: self.steps.parallel(after, steps), ..self }
    }

    /// See [`Steps::fan_out`].
    pub fn fan_out<N: Into<String>>(self, from: impl Into<Names>, steps: impl IntoIterator<Item = (N, Step)>) -> Self {
        Self { steps: self.steps.fan_out(from, steps), ..self }
    }

    /// See [`Steps::fan_in`].
    pub fn fan_in(self, from: impl Into<Names>, name: impl Into<String>, step: Step) -> Self {
        Self { steps: self.steps.fan_in(from, name, step), ..self }
    }

    /// See [`Steps::branch`].
    pub fn branch<N: Into<String>, C: Into<String>>(
        self,
        after: impl Into<Names>,
        ways: impl IntoIterator<Item = (N, C, Step)>,
    ) -> Self {
        Self { steps: self.steps.branch(after, ways), ..self }
    }

    /// See [`Steps::add_workflow`].
    pub fn add_workflow(self, name: impl Into<String>, workflow: impl Into<String>, after: impl Into<Names>) -> Self {
        Self { steps: self.steps.add_workflow(name, workflow, after), ..self }
    }

    /// See [`Steps::take_in`].
    pub fn take_in(self, name: impl Into<String>, others: impl Into<Steps>, after: impl Into<Names>) -> Self {
        Self { steps: self.steps.take_in(name, others, after), ..self }
    }

    /// The values that its expressions read as `config`, a map. What they read of it becomes part of the version, as the values of a
    /// project do; the text of the definition stays without them. A worker may have values for all that it brings:
    /// [`Worker::config`](crate::worker::Worker::config).
    pub fn config(self, values: impl Into<Value>) -> Self {
        Self { values: Some(values.into()), ..self }
    }

    /// The plan with its text; or all that is wrong with the workflow, each with the step and the field. A value of `config` that is not
    /// there is wrong, too.
    pub fn build(&self) -> Result<Definition, BuildError> {
        self.build_under(&Defaults::default())
    }

    /// The same, with what an installation gives to workflows that say nothing of their own:
    /// [`Client::defaults`](crate::client::Client::defaults).
    pub fn build_under(&self, defaults: &Defaults) -> Result<Definition, BuildError> {
        self.build_within(&Surroundings {
            defaults: defaults.clone(),
            config: Some(Map::new()),
            ..Surroundings::default()
        })
    }

    /// The same, also with the values that expressions read as `config`. Those of the workflow itself go before them. `None`, and none of
    /// its own: nobody knows the values, and whatever is named may be there.
    pub fn build_within(&self, within: &Surroundings) -> Result<Definition, BuildError> {
        let Written { text, places } = self.written();
        let config = self.values_over(within.config.as_ref())?;
        let within = Surroundings { config, ..within.clone() };
        match sagaline_lang::read_all_within(&text, FILE, &within) {
            Ok(definitions) => {
                let definition = definitions.into_iter().next().expect("a text with one definition gives one");
                let warnings = Fault::all(&definition.warnings, Severity::Warning, &places);
                Ok(Definition { plan: definition.plan, source: text, warnings })
            }
            Err(faults) => {
                let faults = Fault::all(&faults.0, Severity::Error, &places);
                Err(BuildError { workflow: self.name.clone(), faults })
            }
        }
    }

    /// The same workflow, which reads these where it has no value of its own.
    pub(crate) fn with_values_of(self, others: &Map<String, Value>) -> Self {
        match self.values_over(Some(others)) {
            Ok(values) => Self { values: values.map(Value::Object), ..self },
            // What it has is no map, which is told when it is built.
            Err(_) => self,
        }
    }

    fn values_over(&self, others: Option<&Map<String, Value>>) -> Result<Option<Map<String, Value>>, BuildError> {
        match &self.values {
            None => Ok(others.cloned()),
            Some(Value::Object(own)) => {
                let mut values = others.cloned().unwrap_or_default();
                values.extend(own.clone());
                Ok(Some(values))
            }
            Some(_) => Err(BuildError { workflow: self.name.clone(), faults: vec![Fault::no_values()] }),
        }
    }

    /// The definition as YAML, whatever is wrong with it.
    pub fn source(&self) -> String {
        self.written().text
    }

    /// The definition as JSON.
    pub fn document(&self) -> Value {
        Tree::Map(self.tree()).json()
    }

    fn written(&self) -> Written {
        write::write(&self.tree())
    }

    fn tree(&self) -> Keys {
        let mut all = Keys::of("workflow", self.name.as_str());
        all.0.extend(self.keys.0.iter().cloned());
        all.with("steps", self.steps.clone().tree())
    }
}

/// Its steps, to be taken in by another.
impl From<Workflow> for Steps {
    fn from(workflow: Workflow) -> Self {
        workflow.steps
    }
}
