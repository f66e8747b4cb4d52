//! The file of a project, `sagaline.toml`: where its definitions are, and what they leave to it.

use sagaline_model::Defaults;
use serde_json::{Map, Value};

use crate::{
    defaults, doubt,
    fault::{Fault, Faults},
    outline::Outline,
    read::Surroundings,
    reader::Reader,
    source::{Place, Source},
    tree::{self, Entry, Node},
    words,
    workflow::optional,
};

/// The largest file of a project that is read, in bytes: what a definition reads of it is stored with each of its versions.
pub const LARGEST_PROJECT: usize = 64 << 10;

/// What a project says.
#[derive(Clone, Debug, PartialEq)]
pub struct Project {
    /// Files of definitions and folders of them, as seen from the folder in which its file stands.
    pub definitions: Vec<String>,
    pub namespace: Option<String>,
    pub nats_url: Option<String>,
    /// What expressions read as `config`.
    pub config: Map<String, Value>,
    /// What workflows have that say nothing of their own, before those of the installation.
    pub defaults: Defaults,
}

impl Project {
    /// What its file is called.
    pub const FILE: &str = "sagaline.toml";
    /// Where the definitions are, if it does not say.
    pub const FOLDER: &str = "workflows";

    /// What its definitions are read within, on an installation with these defaults.
    pub fn surroundings(&self, installation: &Defaults) -> Surroundings {
        Surroundings {
            defaults: self.defaults.clone().over(installation),
            config: Some(self.config.clone()),
            ..Surroundings::default()
        }
    }
}

impl Default for Project {
    fn default() -> Self {
        Self {
            definitions: vec![Self::FOLDER.to_owned()],
            namespace: None,
            nats_url: None,
            config: Map::new(),
            defaults: Defaults::default(),
        }
    }
}

/// Reads the file of a project. `from` is its name, for the places of faults. Gives what is doubtful about it too.
pub fn read_project(text: &str, from: &str) -> Result<(Project, Vec<Fault>), Faults> {
    let source = Source::new(if LARGEST_PROJECT < text.len() { "" } else { text }, from);
    let (mut reader, mut outline) = (Reader::new(&source), Outline::default());
    if LARGEST_PROJECT < text.len() {
        let message = format!("the file has {} bytes; at most {LARGEST_PROJECT} are read", text.len());
        reader.error(Place::START, message).hint("large data belong elsewhere; let activities read them from there");
    }
    let entries = tree::load_toml(&mut reader).unwrap_or_default();
    let project = read(&mut reader, &mut outline, &entries);
    let warnings = reader.finish()?;
    Ok((project, warnings))
}

fn read(reader: &mut Reader, outline: &mut Outline, entries: &[Entry]) -> Project {
    reader.keys(entries, "the project", words::PROJECT);
    let text = |reader: &mut Reader, key| {
        let node = optional(entries, key)?;
        let text = reader.text(node, key)?.value.trim().to_owned();
        if text.is_empty() {
            reader.error(node.place, format!("`{key}` is empty")).hint("remove it, or say what it is");
            return None;
        }
        Some(text)
    };
    let (namespace, nats_url) = (text(reader, "namespace"), text(reader, "nats_url"));
    let definitions = match optional(entries, "definitions") {
        Some(node) => {
            let paths = reader.texts(node, "definitions");
            if paths.is_empty() || paths.iter().any(String::is_empty) {
                let hint = "name folders or files: `definitions = [\"workflows\"]`";
                reader.error(node.place, "`definitions` names nothing").hint(hint);
            }
            paths
        }
        None => vec![Project::FOLDER.to_owned()],
    };
    let config = optional(entries, "config").and_then(|node| {
        reader.map(node, "config")?;
        node.texts(&mut |node, text| as_it_stands(reader, node, text));
        doubt::secrets(reader, node);
        match node.json() {
            Value::Object(config) => Some(config),
            _ => None,
        }
    });
    let defaults = optional(entries, "defaults").and_then(|node| {
        let entries = reader.map(node, "defaults")?;
        let defaults = defaults::of_map(reader, outline, entries);
        defaults::no_expressions(reader, outline, "a project");
        Some(defaults)
    });
    let (config, defaults) = (config.unwrap_or_default(), defaults.unwrap_or_default());
    Project { definitions, namespace, nats_url, config, defaults }
}

/// A value is the same for all who read it: nothing is there that an expression in it could speak of.
fn as_it_stands(reader: &mut Reader, node: &Node, text: &str) {
    if text.contains("${") {
        let hint = "definitions may put it together: `\"${ config.host }/orders\"`";
        reader.warning(node.place, "a value is taken as it stands: its `${…}` is text, and not evaluated").hint(hint);
    }
}
