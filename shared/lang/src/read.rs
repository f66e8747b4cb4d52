//! The way from the text of a file to its definitions.

use std::{collections::BTreeMap, rc::Rc};

use sagaline_model::{Defaults, Name, Plan};
use serde_json::{Map, Value};

use crate::{
    Form,
    doubt::{self, Looked},
    fault::{Fault, Faults},
    flow, form, given, order,
    outline::Outline,
    reader::Reader,
    references,
    source::{Place, Source},
    tree::{self, Node},
    workflow,
};

/// The largest file that is read, in bytes. A workflow of ten thousand steps is smaller.
pub const LARGEST_FILE: usize = 1 << 20;

/// A workflow as its file defines it, and what is doubtful about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    pub plan: Plan,
    pub warnings: Vec<Fault>,
}

/// What definitions are read within, which they may leave things to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Surroundings {
    /// What a workflow has that says nothing of its own.
    pub defaults: Defaults,
    /// What expressions read as `config`. `None`: nobody knows it here, so whatever they name may be there, and none of it comes into
    /// the plan.
    pub config: Option<Map<String, Value>>,
    /// The `input_schema` of workflows of other files: what children are given, is held against it.
    pub schemas: BTreeMap<Name, Value>,
}

/// Reads a file that defines one workflow. `file` is its name, for the places of faults.
pub fn read(source: &str, file: &str) -> Result<Definition, Faults> {
    let mut definitions = read_documents(source, file, Wanted::One, &Surroundings::default())?;
    Ok(definitions.pop().expect("a file without faults that must hold one definition holds one"))
}

/// Reads a file that defines several workflows, with a line `---` between two.
pub fn read_all(source: &str, file: &str) -> Result<Vec<Definition>, Faults> {
    read_all_under(source, file, &Defaults::default())
}

/// The same, with what an installation gives to workflows that say nothing of their own.
pub fn read_all_under(source: &str, file: &str, defaults: &Defaults) -> Result<Vec<Definition>, Faults> {
    read_all_within(source, file, &Surroundings { defaults: defaults.clone(), ..Surroundings::default() })
}

/// The same, with all that an installation and a project give.
pub fn read_all_within(source: &str, file: &str, within: &Surroundings) -> Result<Vec<Definition>, Faults> {
    read_documents(source, file, Wanted::AtLeastOne, within)
}

#[derive(Clone, Copy, PartialEq)]
enum Wanted {
    One,
    AtLeastOne,
}

fn read_documents(text: &str, file: &str, wanted: Wanted, within: &Surroundings) -> Result<Vec<Definition>, Faults> {
    if text.len() > LARGEST_FILE {
        return Err(too_large(text, file));
    }
    let source = Source::new(text, file);
    let mut reader = Reader::new(&source);
    let documents = match Form::of(file) {
        Form::Yaml => match form::begins_as_flow(&source) {
            Some(place) => {
                let hint = "let its name end in .flow";
                reader.error(place, "this is the .flow language, in a file that is read as YAML").hint(hint);
                vec![]
            }
            None => tree::load(&mut reader).unwrap_or_default(),
        },
        Form::Flow => flow::load(&mut reader),
    };
    let plans = read_each(&mut reader, &documents, wanted, within);
    let warnings = reader.finish()?;
    Ok(with_their_warnings(&documents, plans, warnings))
}

pub(crate) fn too_large(text: &str, file: &str) -> Faults {
    let source = Source::new("", file);
    let mut reader = Reader::new(&source);
    let message = format!("the file has {} bytes; at most {LARGEST_FILE} are read", text.len());
    reader.error(Place::START, message).hint("split the workflow into several, or move data out of it");
    reader.finish().expect_err("a fault was noted")
}

fn read_each(reader: &mut Reader, documents: &[Rc<Node>], wanted: Wanted, within: &Surroundings) -> Vec<Plan> {
    if documents.is_empty() && !reader.has_errors() {
        let hint = match Form::of(reader.source.file) {
            Form::Yaml => "start with `workflow: some_name` and `steps:`",
            Form::Flow => "start with `workflow some_name {` and `steps {`",
        };
        reader.error(Place::START, "the file defines no workflow").hint(hint);
    }
    if let ([_, second, ..], Wanted::One) = (documents, wanted) {
        reader
            .error(second.place, "a second definition starts here, but one was expected")
            .hint("put each in a file of its own");
    }
    let mut names = BTreeMap::new();
    let (mut plans, mut children) = (vec![], vec![]);
    for document in documents {
        let mut outline = Outline::default();
        let mut plan = workflow::read(reader, &mut outline, document, &within.defaults);
        let order = order::check(reader, &outline);
        references::check(reader, &outline, &order);
        let config = references::config(reader, &outline, within.config.as_ref(), plan.as_ref());
        // What has faults is mended first, and looks otherwise then.
        if let (Some(plan), false) = (&plan, reader.has_errors()) {
            doubt::tell(reader, &Looked { document, outline: &outline, plan, config: within.config.as_ref() });
        }
        if let (Some(plan), Some(config)) = (&mut plan, config) {
            plan.rules = plan.rules.max(Plan::RULES_OF_CONFIG);
            plan.config = config;
        }
        if let (Some(plan), Wanted::AtLeastOne) = (&plan, wanted) {
            let line = document.place.start.line;
            if let Some(first) = names.insert(plan.workflow.clone(), line) {
                let message = format!("a second workflow is called `{}`", plan.workflow);
                reader.error(document.place, message).hint(format!("the first one starts on line {first}"));
            }
        }
        plans.extend(plan);
        children.append(&mut outline.children);
    }
    if !reader.has_errors() {
        given::check(reader, &children, &plans, &within.schemas);
    }
    plans
}

/// A warning belongs to the last document that starts before it.
fn with_their_warnings(documents: &[Rc<Node>], plans: Vec<Plan>, warnings: Vec<Fault>) -> Vec<Definition> {
    let mut definitions: Vec<Definition> =
        plans.into_iter().map(|plan| Definition { plan, warnings: vec![] }).collect();
    for warning in warnings {
        let behind = documents.iter().filter(|document| document.place.start.line <= warning.line).count();
        if let Some(definition) = definitions.get_mut(behind.saturating_sub(1)) {
            definition.warnings.push(warning);
        }
    }
    definitions
}
