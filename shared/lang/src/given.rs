//! What children are given, held against what they take, as far as both are written down: in one file, or in files that are read together.

use std::{collections::BTreeMap, rc::Rc};

use sagaline_model::{Name, Plan};
use sagaline_schema::{Schema, Violation};
use serde_json::Value;

use crate::{
    reader::Reader,
    source::Place,
    syntax::shown,
    tree::{Content, Node, get},
};

/// A child, as a step starts it.
pub(crate) struct Given {
    pub(crate) workflow: Name,
    /// Of what it is started with, or of the child where that is nothing.
    pub(crate) place: Place,
    pub(crate) input: Option<Rc<Node>>,
}

/// `known` are the schemas of workflows of other files; those of this one count more.
pub(crate) fn check(reader: &mut Reader, given: &[Given], plans: &[Plan], known: &BTreeMap<Name, Value>) {
    let mut ready: BTreeMap<&Name, Option<Schema>> = BTreeMap::new();
    for given in given {
        let own = plans.iter().find(|plan| plan.workflow == given.workflow);
        let schema = match own {
            Some(plan) => plan.checked_schema(),
            None => known.get(&given.workflow),
        };
        let Some(schema) = schema else { continue };
        let schema = ready.entry(&given.workflow).or_insert_with(|| Schema::compile(schema).ok());
        let json = given.input.as_ref().map_or(Value::Null, |input| input.json());
        let Some(Err(violations)) = schema.as_ref().map(|schema| schema.check(&json)) else { continue };
        for violation in &violations.listed {
            tell(reader, given, violation);
        }
    }
}

/// A warning: by the time that the child starts, it may be another version. What is computed may fit.
fn tell(reader: &mut Reader, given: &Given, violation: &Violation) {
    let whole = given.input.as_deref();
    let node = whole.and_then(|input| find(input, &violation.at));
    // Which keys a map has is known whatever is computed in it.
    let of_keys = ["has no `", "has a key `"].iter().any(|start| violation.problem.starts_with(start));
    let is_known = |node: &Node| !is_computed(node) || of_keys;
    if node.is_some_and(|node| !is_known(node)) {
        return;
    }
    let place = node.map_or(given.place, |node| key_of(node, violation).unwrap_or(node.place));
    let at = if violation.at.is_empty() { "it ".to_owned() } else { format!("`{}` ", shown(&violation.at)) };
    let message =
        format!("the child `{}` does not take this input: {at}{}", shown(given.workflow.as_str()), violation.problem);
    let hint = format!("its `input_schema` expects {}", violation.expected);
    reader.warning(place, message).hint(hint);
}

/// Of a key that is one too many.
fn key_of(node: &Node, violation: &Violation) -> Option<Place> {
    let name = violation.problem.strip_prefix("has a key `")?.strip_suffix('`')?;
    match &node.content {
        Content::Map(entries) => get(entries, name).map(|entry| entry.key.place),
        Content::List(_) | Content::Text(_) | Content::Plain(..) => None,
    }
}

/// Whether it is known only when it runs: an expression, or what is stored elsewhere.
fn is_computed(node: &Node) -> bool {
    match &node.content {
        Content::Text(text) => text.value.contains("${"),
        Content::Plain(..) => false,
        Content::List(items) => items.iter().any(|item| is_computed(item)),
        Content::Map(entries) => entries.iter().any(|entry| entry.key.text == "$ref" || is_computed(&entry.value)),
    }
}

/// What a JSON Pointer leads to, if there is such a thing.
fn find<'n>(input: &'n Node, pointer: &str) -> Option<&'n Node> {
    let names = pointer.split('/').skip(1).map(|name| name.replace("~1", "/").replace("~0", "~"));
    let mut at = input;
    for name in names {
        let inside = match &at.content {
            Content::Map(entries) => get(entries, &name).map(|entry| &*entry.value),
            Content::List(items) => name.parse::<usize>().ok().and_then(|place| items.get(place)).map(|item| &**item),
            Content::Text(_) | Content::Plain(..) => None,
        };
        at = inside?;
    }
    Some(at)
}
