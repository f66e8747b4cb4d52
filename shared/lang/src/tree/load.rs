//! From the events of the YAML parser to a tree, within bounds.
//!
//! Never recursive: a file cannot exhaust the stack.

use std::{
    collections::{BTreeMap, btree_map},
    rc::Rc,
};

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};
use serde_json::Value;

use super::{Content, Entry, Key, Node, Text};
use crate::{
    reader::Reader,
    scalar::{Plain, plain},
    source::Place,
    syntax,
};

/// Maps and lists nest at most this deep. A plan nests somewhat deeper than its source, and is read back by a JSON parser that takes 128 levels.
pub(crate) const DEEPEST: usize = 48;

/// All that aliases repeat may weigh this much, in characters and values: as much as a file of the largest size.
const HEAVIEST_ALIASES: usize = crate::LARGEST_FILE;

/// A fault that makes all else that could be said about the file doubtful; it is noted already.
pub(crate) struct Unreadable;

/// The documents of a file; those that are empty are left out.
pub(crate) fn load(reader: &mut Reader) -> Result<Vec<Rc<Node>>, Unreadable> {
    let text = reader.source.text;
    let mut loader = Loader { reader, open: vec![], anchors: BTreeMap::new(), repeated: 0, documents: vec![] };
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        match event {
            Ok((event, span)) => loader.take(event, span)?,
            Err(error) => {
                let (place, message, hint) = syntax::explain(&error, loader.reader.source);
                loader.reader.forget();
                loader.reader.error(place, message).hint(hint);
                return Err(Unreadable);
            }
        }
    }
    Ok(loader.documents)
}

struct Loader<'r, 'a> {
    reader: &'r mut Reader<'a>,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Rc<Node>>,
    repeated: usize,
    documents: Vec<Rc<Node>>,
}

/// A map or list whose end has not come yet.
struct Open {
    place: Place,
    anchor: usize,
    inside: Inside,
}

enum Inside {
    List(Vec<Rc<Node>>),
    Map { entries: Vec<Entry>, key: Option<Key>, lines: BTreeMap<String, usize> },
}

impl Loader<'_, '_> {
    fn take(&mut self, event: Event, span: Span) -> Result<(), Unreadable> {
        let place = Place::from(span);
        match event {
            Event::DocumentStart(_) => self.anchors.clear(),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            Event::Alias(anchor) => self.alias(anchor, place)?,
            Event::Scalar(value, style, anchor, tag) => {
                if self.awaits_key() {
                    self.key(value.into_owned(), style, place);
                } else {
                    let has_properties = anchor > 0 || tag.is_some();
                    let text = Text::styled(value.into_owned(), style, place.start, has_properties);
                    let content = self.scalar(text, tag.as_deref(), place);
                    self.close(anchor, Node::new(place, content));
                }
            }
            Event::SequenceStart(anchor, tag) => {
                self.check_collection_tag(tag.as_deref(), "seq", place);
                self.open(place, anchor, Inside::List(vec![]))?;
            }
            Event::MappingStart(anchor, tag) => {
                self.check_collection_tag(tag.as_deref(), "map", place);
                self.open(place, anchor, Inside::Map { entries: vec![], key: None, lines: BTreeMap::new() })?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Open { place, anchor, inside } = self.open.pop().expect("the parser closes only what it opened");
                let content = match inside {
                    Inside::List(items) => Content::List(items),
                    Inside::Map { entries, .. } => Content::Map(self.merged(entries)),
                };
                self.close(anchor, Node::new(place, content));
            }
        }
        Ok(())
    }

    fn awaits_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { inside: Inside::Map { key: None, .. }, .. }))
    }

    fn open(&mut self, place: Place, anchor: usize, inside: Inside) -> Result<(), Unreadable> {
        if self.awaits_key() {
            return self.stop(place, "a key must be text, not a map or a list".to_owned());
        }
        if self.open.len() >= DEEPEST {
            return self.stop(place, too_deep());
        }
        self.open.push(Open { place, anchor, inside });
        Ok(())
    }

    fn key(&mut self, text: String, style: ScalarStyle, place: Place) {
        let Some(Open { inside: Inside::Map { key, lines, .. }, .. }) = self.open.last_mut() else { return };
        let plain = style == ScalarStyle::Plain;
        match lines.entry(text.clone()) {
            btree_map::Entry::Vacant(entry) => {
                entry.insert(place.start.line);
            }
            btree_map::Entry::Occupied(first) => {
                let message = format!("`{}` is given twice in the same map", syntax::shown(&text));
                let hint = format!("the first one is on line {}; keep one of them, or rename one", first.get());
                self.reader.error(place, message).hint(hint);
            }
        }
        *key = Some(Key { text, place, plain });
    }

    /// A finished value goes into what is open, or is a document.
    fn close(&mut self, anchor: usize, node: Node) {
        let node = Rc::new(node);
        if anchor > 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        self.place_in_parent(node);
    }

    fn place_in_parent(&mut self, node: Rc<Node>) {
        match self.open.last_mut().map(|open| &mut open.inside) {
            Some(Inside::List(items)) => items.push(node),
            Some(Inside::Map { entries, key, .. }) => {
                let key = key.take().expect("the parser gives a key before its value");
                entries.push(Entry { key: Rc::new(key), value: node });
            }
            None if node.is_null() => {}
            None => self.documents.push(node),
        }
    }

    fn alias(&mut self, anchor: usize, place: Place) -> Result<(), Unreadable> {
        let Some(node) = self.anchors.get(&anchor).map(Rc::clone) else {
            return self
                .stop(place, "this alias stands inside what it would repeat, or in another document".to_owned());
        };
        if self.awaits_key() {
            return self.stop(place, "a key must be text, not an alias".to_owned());
        }
        if self.open.len() + node.height > DEEPEST {
            return self.stop(place, too_deep());
        }
        self.repeated = self.repeated.saturating_add(node.weight);
        if self.repeated > HEAVIEST_ALIASES {
            return self.stop(place, "the aliases of this file repeat more than 1 MiB".to_owned());
        }
        self.place_in_parent(node);
        Ok(())
    }

    fn scalar(&mut self, text: Text, tag: Option<&Tag>, place: Place) -> Content {
        let resolved = match (text.style, tag) {
            (_, Some(tag)) if is_core(tag, "str") || (tag.handle.is_empty() && tag.suffix == "!") => Plain::Text,
            (ScalarStyle::Plain, None) => plain(&text.value),
            (_, None) => Plain::Text,
            (_, Some(tag)) => self.tagged(&text.value, tag, place),
        };
        match resolved {
            Plain::Value(json) => Content::Plain(json, text.value),
            Plain::Text => Content::Text(text),
            Plain::NotJson => {
                let message = format!("`{}` is no number that JSON can hold", syntax::shown(&text.value));
                self.reader.error(place, message).hint("put it in quotes if it is meant as text");
                Content::Plain(Value::Null, text.value)
            }
        }
    }

    fn tagged(&mut self, value: &str, tag: &Tag, place: Place) -> Plain {
        let resolved = plain(value);
        let fits = match &resolved {
            Plain::Value(Value::Null) => is_core(tag, "null"),
            Plain::Value(Value::Bool(_)) => is_core(tag, "bool"),
            Plain::Value(Value::Number(number)) => is_core(tag, "float") || (is_core(tag, "int") && !number.is_f64()),
            Plain::Value(_) | Plain::Text | Plain::NotJson => false,
        };
        if !fits {
            self.unknown_tag(tag, place);
        }
        resolved
    }

    fn check_collection_tag(&mut self, tag: Option<&Tag>, expected: &str, place: Place) {
        if let Some(tag) = tag.filter(|tag| !is_core(tag, expected)) {
            self.unknown_tag(tag, place);
        }
    }

    fn unknown_tag(&mut self, tag: &Tag, place: Place) {
        let written = if tag.is_yaml_core_schema() { format!("!!{}", tag.suffix) } else { tag.to_string() };
        let message = format!("the tag `{}` has no meaning here", syntax::shown(&written));
        self.reader.error(place, message).hint("remove the tag; text that looks like a number goes in quotes");
    }

    /// The entries with those of the merge keys (`<<`) behind them; what is given directly wins.
    fn merged(&mut self, entries: Vec<Entry>) -> Vec<Entry> {
        let is_merge = |entry: &Entry| entry.key.plain && entry.key.text == "<<";
        if !entries.iter().any(is_merge) {
            return entries;
        }
        let (merges, mut entries): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(is_merge);
        let mut present: std::collections::BTreeSet<String> =
            entries.iter().map(|entry| entry.key.text.clone()).collect();
        for merge in merges {
            let sources = match &merge.value.content {
                Content::List(items) => items.as_slice(),
                Content::Map(_) | Content::Text(_) | Content::Plain(..) => std::slice::from_ref(&merge.value),
            };
            for source in sources {
                let Content::Map(more) = &source.content else {
                    self.reader.error(merge.key.place, "`<<` merges maps only");
                    break;
                };
                let new = more.iter().filter(|entry| present.insert(entry.key.text.clone()));
                entries.extend(new.cloned());
            }
        }
        entries
    }

    fn stop(&mut self, place: Place, message: String) -> Result<(), Unreadable> {
        self.reader.error(place, message);
        Err(Unreadable)
    }
}

fn too_deep() -> String {
    format!("maps and lists nest more than {DEEPEST} levels deep")
}

fn is_core(tag: &Tag, suffix: &str) -> bool {
    tag.is_yaml_core_schema() && tag.suffix == suffix
}
