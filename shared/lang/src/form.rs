//! The forms in which definitions are written.

use std::path::Path;

use crate::source::{Place, Position, Source};

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

    /// The form of a text that has no name, by how it begins.
    pub fn of_text(text: &str) -> Self {
        if begins_as_flow(&Source::new(text, "")).is_some() { Self::Flow } else { Self::Yaml }
    }
}

/// The word that a text begins with if that is `workflow name {` or the like, which no definition in YAML can begin with.
pub(crate) fn begins_as_flow(source: &Source) -> Option<Place> {
    let is_blank = |line: &str| line.is_empty() || line.starts_with("//");
    let lines = source.text.lines().enumerate().map(|(number, line)| (number, line, line.trim_start()));
    let (number, line, written) = lines.into_iter().find(|(_, _, written)| !is_blank(written))?;
    let keyword = ["workflow", "job"].into_iter().find(|keyword| written.starts_with(keyword))?;
    let behind = &written[keyword.len()..];
    let name = behind.trim_start_matches([' ', '\t', ':']);
    let end = name.find(|c: char| c.is_whitespace() || c == '{').unwrap_or(name.len());
    let rest = name[end..].trim_start();
    let is_named = 0 < end && name.len() < behind.len();
    // `workflow name` alone may go on with a `{` in the next line; `workflow: name` is YAML.
    if !is_named || !(rest.starts_with('{') || (rest.is_empty() && !behind.contains(':'))) {
        return None;
    }
    let column = line[..line.len() - written.len()].chars().count();
    let start = Position { line: number + 1, column };
    Some(Place { start, end: Position { column: column + keyword.len(), ..start } })
}
