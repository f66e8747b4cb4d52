//! The way back: from a plan to a definition as people write it.
//!
//! What comes out says the same as what went in, which is looked at before it is given: it is read again, and gives an equal plan.

mod awaited;
mod document;
mod retry;
mod shared;
mod step;
mod trigger;
mod workflow;
mod yaml;

use sagaline_model::Plan;
use serde_json::Value;

use self::shared::Shared;
pub(crate) use self::yaml::yaml_with_comments;
pub use self::{document::Document, yaml::yaml};
use crate::{
    Form, LARGEST_FILE,
    fault::Faults,
    flow,
    read::{Surroundings, read_all_within, too_large},
    reader::Reader,
    source::Source,
    tree,
};

/// A plan that no definition gives, or none that could be read again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the workflow `{workflow}` cannot be written as a definition: {why}")]
pub struct Unwritable {
    pub workflow: String,
    pub why: String,
}

/// A plan as a definition. Steps say in full what they have of `retry` and `timeout`, but for what all of them share.
pub fn document(plan: &Plan) -> Result<Document, Unwritable> {
    written(plan).map(|(document, _)| document)
}

/// The definitions of a file as they stand there, whatever they mean. What is short in a .flow file is written out.
pub fn documents(text: &str, file: &str) -> Result<Vec<Document>, Faults> {
    if LARGEST_FILE < text.len() {
        return Err(too_large(text, file));
    }
    let source = Source::new(text, file);
    let mut reader = Reader::new(&source);
    let nodes = match Form::of(file) {
        Form::Yaml => tree::load(&mut reader).unwrap_or_default(),
        Form::Flow => flow::load(&mut reader),
    };
    reader.finish()?;
    Ok(nodes.iter().map(|node| Document::from(&**node)).collect())
}

/// A plan as the text of a YAML file.
pub fn to_yaml(plan: &Plan) -> Result<String, Unwritable> {
    written(plan).map(|(_, text)| text)
}

fn written(plan: &Plan) -> Result<(Document, String), Unwritable> {
    let mut why = String::new();
    // What it read of its project is a part of the plan, and not of the definition.
    let config = (!plan.config.is_empty()).then(|| plan.config.clone());
    let within = Surroundings { config, ..Surroundings::default() };
    // What is shared may read something that it may not read at the top of a file, or only there.
    for shared in Shared::ways(plan) {
        let document = workflow::document(plan, &shared);
        let text = yaml(std::slice::from_ref(&document));
        match read_all_within(&text, "definition", &within).as_deref() {
            Ok([definition]) if definition.plan == *plan => return Ok((document, text)),
            Ok([definition]) if why.is_empty() => why = difference(plan, &definition.plan),
            Err(faults) if why.is_empty() => {
                let first = faults.0.iter().find(|fault| fault.severity == crate::Severity::Error);
                why = first.map_or_else(|| faults.to_string(), |fault| format!("{}: {}", fault.line, fault.message));
            }
            Ok(_) | Err(_) => {}
        }
    }
    Err(Unwritable { workflow: plan.workflow.to_string(), why })
}

fn difference(plan: &Plan, read: &Plan) -> String {
    let json = |plan: &Plan| serde_json::to_value(plan).unwrap_or_default();
    let place = first_difference(&json(plan), &json(read)).unwrap_or_default();
    format!("no key of the language says what it has at `{place}`")
}

/// Where two values differ, as a JSON Pointer.
fn first_difference(one: &Value, other: &Value) -> Option<String> {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => one.keys().chain(other.keys()).find_map(|key| {
            let (one, other) = (one.get(key).unwrap_or(&Value::Null), other.get(key).unwrap_or(&Value::Null));
            first_difference(one, other).map(|rest| format!("/{key}{rest}"))
        }),
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            let mut pairs = one.iter().zip(other).enumerate();
            pairs.find_map(|(at, (one, other))| first_difference(one, other).map(|rest| format!("/{at}{rest}")))
        }
        (one, other) => (one != other).then(String::new),
    }
}
