//! Comparing with a golden file.

use std::{env, fmt::Debug, fs, path::PathBuf};

use sagaline_events::FramePath;
use sagaline_model::{ExecutionId, Moment, Name, StepError};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden").join(format!("{name}.json"))
}

/// The recorded JSON must be this one.
pub(crate) fn is_recorded(name: &str, json: &Value) -> Value {
    let path = path(name);
    let written = format!("{}\n", serde_json::to_string_pretty(json).unwrap());
    if env::var_os("SAGALINE_BLESS").is_some() {
        fs::write(&path, &written).unwrap();
    }
    let recorded = fs::read_to_string(&path)
        .unwrap_or_else(|fault| panic!("`{}`: {fault}; SAGALINE_BLESS=1 writes it", path.display()));
    assert_eq!(recorded, written, "`{name}` is not written as it is recorded");
    serde_json::from_str(&recorded).unwrap()
}

/// The value must be written as it is recorded, and the record read as the value.
pub(crate) fn is_promised<T: Serialize + DeserializeOwned + PartialEq + Debug>(name: &str, value: &T) {
    let recorded = is_recorded(name, &serde_json::to_value(value).unwrap());
    assert_eq!(&serde_json::from_value::<T>(recorded).unwrap(), value, "`{name}` is not read as it was meant");
}

pub(crate) fn names_of(folder: &str) -> Vec<String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden").join(folder);
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = entries.filter_map(|name| name.strip_suffix(".json").map(str::to_owned)).collect();
    names.sort();
    names
}

pub(crate) fn at(text: &str) -> Moment {
    text.parse().unwrap()
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub(crate) fn id(text: &str) -> ExecutionId {
    ExecutionId::new(text).unwrap()
}

pub(crate) fn frame(text: &str) -> FramePath {
    FramePath::try_from(text.to_owned()).unwrap()
}

pub(crate) fn declined() -> StepError {
    let details = Some(serde_json::json!({"code": 51}));
    StepError { details, ..StepError::new("CardDeclined", "no funds").final_() }
}
