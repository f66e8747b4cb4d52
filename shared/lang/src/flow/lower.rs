//! From a file as it is written to the tree that all readers read, the same that YAML becomes.
//!
//! What is short here is long there: the order of steps is `after`, `trigger event "x"` an entry of `on`, a job a workflow of one step.

mod action;
mod definition;
mod sequence;
mod short;
mod trigger;
mod value;

#[cfg(test)]
pub(crate) use short::{SHORT, SHORT_OF_TOP};

use std::{
    collections::{BTreeMap, btree_map},
    rc::Rc,
};

use super::{
    names::Names,
    syntax::{Block, File, Key},
    within::Within,
};
use crate::{
    reader::Reader,
    source::{Place, Position},
    syntax::shown,
    tree::{self, Content, Entry, Node, Text},
    words,
};

/// The definitions of a file, and where what they mean is doubtful because something there cannot be read.
pub(super) fn lower(reader: &mut Reader, file: &File) -> (Vec<Rc<Node>>, Vec<Place>) {
    let mut blurred = vec![];
    let mut documents = vec![];
    for definition in &file.definitions {
        let names = Names::of(&definition.body);
        let mut lower = Lower { reader, names, blurred: &mut blurred, failures: vec![], waits: 0 };
        documents.push(lower.definition(definition));
    }
    (documents, blurred)
}

/// What is at work on one definition.
struct Lower<'l, 'a> {
    reader: &'l mut Reader<'a>,
    names: Names,
    blurred: &'l mut Vec<Place>,
    /// What is done when a step has failed: entries of the steps of `on_failure`.
    failures: Vec<Entry>,
    /// How many steps wait for how many others because of their order.
    waits: usize,
}

/// The entries of a map, none of them twice.
struct Map {
    entries: Vec<Entry>,
    lines: BTreeMap<String, usize>,
}

impl Map {
    fn new() -> Self {
        Self { entries: vec![], lines: BTreeMap::new() }
    }

    /// The later of two with one key is noted, and left out.
    fn push(&mut self, reader: &mut Reader, entry: Entry) {
        match self.lines.entry(entry.key.text.clone()) {
            btree_map::Entry::Vacant(free) => {
                free.insert(entry.key.place.start.line);
                self.entries.push(entry);
            }
            btree_map::Entry::Occupied(first) => {
                let message = format!("`{}` is given twice in the same map", shown(&entry.key.text));
                let hint = format!("the first one is on line {}; keep one of them, or rename one", first.get());
                reader.error(entry.key.place, message).hint(hint);
            }
        }
    }

    /// Steps: the later of two with one name is noted, and left out.
    fn push_step(&mut self, reader: &mut Reader, step: Entry) {
        if let Some(line) = self.lines.get(&step.key.text) {
            let message = format!("a second step is called `{}`", shown(&step.key.text));
            let hint = format!("names are unique in the whole workflow; the other step is on line {line}");
            reader.error(step.key.place, message).hint(hint);
            return;
        }
        self.push(reader, step);
    }

    fn has(&self, key: &str) -> bool {
        self.lines.contains_key(key)
    }

    fn node(self, place: Place) -> Rc<Node> {
        Rc::new(Node::new(place, Content::Map(self.entries)))
    }
}

fn entry(key: &str, place: Place, value: Rc<Node>) -> Entry {
    Entry { key: Rc::new(tree::Key::new(key.to_owned(), place)), value }
}

/// A text that stands nowhere in the file; faults in it are told at `place`.
fn text(value: impl Into<String>, place: Place) -> Rc<Node> {
    Rc::new(Node::new(place, Content::Text(Text::at(value.into(), place, vec![]))))
}

fn map(place: Place, entries: Vec<Entry>) -> Rc<Node> {
    Rc::new(Node::new(place, Content::Map(entries)))
}

fn list(place: Place, items: Vec<Rc<Node>>) -> Rc<Node> {
    Rc::new(Node::new(place, Content::List(items)))
}

fn start_of(place: Place) -> Place {
    let end = Position { column: place.start.column + 1, ..place.start };
    Place { end, ..place }
}

impl Lower<'_, '_> {
    /// A map that is as its context says, key for key.
    fn block(&mut self, block: &Block, within: Within, owner: Place) -> Rc<Node> {
        let within = match within {
            Within::Trigger if block.entries.iter().any(|entry| words::SCHEDULE.contains(&entry.key.text.as_str())) => {
                Within::Schedule
            }
            Within::Steps | Within::Race => return self.steps(block, within),
            Within::Step | Within::Action => return self.step(None, block, owner),
            other => other,
        };
        let mut map = Map::new();
        for written in &block.entries {
            let inside = if written.key.quoted { Within::Literal } else { within.of(&written.key.text) };
            let inside = match within {
                Within::Data | Within::Raw | Within::Literal => within,
                Within::Signals | Within::Updates => within.of(&written.key.text),
                _ => inside,
            };
            let Some(value) = self.value(&written.value, inside, &written.key) else {
                self.blurred.push(owner);
                continue;
            };
            let key = meant(within, &written.key);
            self.reader.rename(written.place, key, &written.key.text);
            map.push(self.reader, entry(key, written.key.place, value));
        }
        map.node(block.place)
    }
}

/// The word of the language for one that means the same.
fn meant(within: Within, key: &Key) -> &str {
    let word = key.text.as_str();
    if key.quoted {
        return word;
    }
    match (within, word) {
        (Within::Step | Within::Notify | Within::Case | Within::Await | Within::Trigger | Within::Update, "if") => {
            "when"
        }
        (Within::Retry, "max_attempts") => "attempts",
        (Within::Retry, "initial_interval") => "initial",
        (Within::Retry, "backoff_multiplier") => "multiplier",
        (_, word) => word,
    }
}
