//! The forms in which definitions are written.

use std::path::Path;

/// What a file is written in. Its ending says which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// YAML 1.2, of which JSON is a part.
    Yaml,
    /// `workflow name { … }`.
    Flow,
}

impl Form {
    /// Endings of files that are definitions in some form.
    pub const ENDINGS: [&str; 5] = ["yaml", "yml", "json", "flow", "cai"];

    /// The form of a file by the ending of its name; one with another ending, or none, is taken for YAML.
    pub fn of(file: &str) -> Self {
        match Path::new(file).extension().and_then(|ending| ending.to_str()) {
            Some("flow" | "cai") => Self::Flow,
            Some(_) | None => Self::Yaml,
        }
    }
}
