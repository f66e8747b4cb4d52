//! A saga as a definition: what a file would say, so that it is read, and refused, as a file is.

use std::fmt;

use sagaline_lang::Severity;
use sagaline_model::Plan;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

/// What the definition is called where something is said about a place in it.
const FILE: &str = "saga";

/// Steps in the order in which they were written, whatever they are called.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Steps(Vec<(String, Map<String, Value>)>);

impl Steps {
    pub(super) fn add(&mut self, name: String, activity: String, after: Vec<String>) {
        let mut keys = Map::from_iter([("activity".to_owned(), Value::String(activity))]);
        if !after.is_empty() {
            keys.insert("after".to_owned(), json!(after));
        }
        self.0.push((name, keys));
    }

    /// What is said of the step that was added last.
    pub(super) fn last(&mut self) -> &mut Map<String, Value> {
        let (_, keys) = self.0.last_mut().expect("a `Step` is made when one was added");
        keys
    }
}

impl Serialize for Steps {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Two of the same name are both written, and whoever reads it says so.
        serializer.collect_map(self.0.iter().map(|(name, keys)| (name, keys)))
    }
}

#[derive(Serialize)]
struct Whole<'a> {
    #[serde(flatten)]
    keys: &'a Map<String, Value>,
    steps: &'a Steps,
}

pub(super) fn write(keys: &Map<String, Value>, steps: &Steps) -> String {
    serde_json::to_string_pretty(&Whole { keys, steps }).expect("it has text keys only")
}

pub(super) fn read(source: &str) -> Result<Plan, SagaError> {
    match sagaline_lang::read(source, FILE) {
        Ok(definition) => Ok(definition.plan),
        Err(faults) => {
            let errors = faults.0.iter().filter(|fault| fault.severity == Severity::Error);
            Err(SagaError { faults: errors.map(|fault| fault.render(source)).collect() })
        }
    }
}

/// All that is wrong with a saga, each with the place in its definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SagaError {
    faults: Vec<String>,
}

impl SagaError {
    pub fn faults(&self) -> &[String] {
        &self.faults
    }
}

impl fmt::Display for SagaError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the saga cannot be built:\n{}", self.faults.join("\n"))
    }
}

impl std::error::Error for SagaError {}
