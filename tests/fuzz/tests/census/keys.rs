//! Which keys documents have, by the parts of the schema that they fit: a key of a step is another than one of a trigger.

use std::collections::BTreeMap;

use sagaline_lang::{Document, WORKFLOW_SCHEMA};
use serde_json::Value;

pub(crate) struct Census {
    schema: Value,
    made: BTreeMap<String, usize>,
}

impl Census {
    pub(crate) fn new() -> Self {
        let schema: Value = serde_json::from_str(WORKFLOW_SCHEMA).expect("JSON");
        let mut made = BTreeMap::new();
        let parts = schema["$defs"].as_object().expect("parts").iter().map(|(name, part)| (name.as_str(), part));
        for (name, part) in parts.chain([("workflow", &schema)]) {
            for key in part["properties"].as_object().into_iter().flat_map(|keys| keys.keys()) {
                made.insert(format!("{name}.{key}"), 0);
            }
        }
        Self { schema, made }
    }

    pub(crate) fn count(&mut self, document: &Document) {
        let schema = self.schema.clone();
        self.visit("workflow", &schema, document);
    }

    pub(crate) fn never_made(&self) -> Vec<String> {
        self.made.iter().filter(|(_, times)| **times == 0).map(|(key, _)| key.clone()).collect()
    }

    fn visit(&mut self, name: &str, part: &Value, document: &Document) {
        if let Some(other) = part["$ref"].as_str() {
            let name = other.rsplit('/').next().expect("a name").to_owned();
            let part = self.schema["$defs"][&name].clone();
            self.visit(&name, &part, document);
        }
        for way in part["anyOf"].as_array().into_iter().flatten() {
            self.visit(name, way, document);
        }
        match document {
            Document::List(items) => items.iter().for_each(|item| self.visit(name, &part["items"], item)),
            Document::Map(entries) => self.map(name, part, entries),
            Document::Text(_) | Document::Plain(_) => {}
        }
    }

    fn map(&mut self, name: &str, part: &Value, entries: &[(String, Document)]) {
        let known = part["properties"].as_object();
        // One of several ways that a map can be meant, and not this one.
        if known.is_some_and(|known| entries.iter().any(|(key, _)| !known.contains_key(key))) {
            return;
        }
        for (key, inside) in entries {
            match known.and_then(|known| known.get(key)) {
                Some(part) => {
                    *self.made.get_mut(&format!("{name}.{key}")).expect("a key of the schema") += 1;
                    self.visit(name, part, inside);
                }
                None => self.visit(name, &part["additionalProperties"], inside),
            }
        }
    }
}
