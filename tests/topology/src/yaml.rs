//! YAML as values: every document of a file, with merge keys (`<<`) merged.

use std::path::Path;

use serde_json::{Map, Value};
use yaml_rust2::{Yaml, YamlLoader};

/// Every document of a file.
pub fn read(file: &Path) -> Vec<Value> {
    let text =
        std::fs::read_to_string(file).unwrap_or_else(|error| panic!("cannot read `{}`: {error}", file.display()));
    let documents = YamlLoader::load_from_str(&text).unwrap_or_else(|error| panic!("`{}`: {error}", file.display()));
    documents.into_iter().map(value).collect()
}

fn value(yaml: Yaml) -> Value {
    match yaml {
        Yaml::Null => Value::Null,
        Yaml::Boolean(it) => it.into(),
        Yaml::Integer(it) => it.into(),
        Yaml::Real(it) => serde_json::from_str(&it).unwrap_or(Value::String(it)),
        Yaml::String(it) => it.into(),
        Yaml::Array(items) => items.into_iter().map(value).collect(),
        Yaml::Hash(entries) => mapping(entries.into_iter().map(|(key, entry)| (key, value(entry))).collect()),
        Yaml::Alias(_) | Yaml::BadValue => {
            panic!("aliases were resolved, and bad values refused, when this was loaded")
        }
    }
}

/// What stands in the mapping itself comes before what is merged into it.
fn mapping(entries: Vec<(Yaml, Value)>) -> Value {
    let (mut own, mut merged) = (Map::new(), Map::new());
    for (key, value) in entries {
        match (key, value) {
            (Yaml::String(key), Value::Object(other)) if key == "<<" => merged.extend(other),
            (Yaml::String(key), value) => drop(own.insert(key, value)),
            (Yaml::Integer(key), value) => drop(own.insert(key.to_string(), value)),
            (key, _) => panic!("{key:?} is no key"),
        }
    }
    merged.extend(own);
    merged.into()
}
