//! Documents as .flow text: steps in their order, what is read by its path, and everything that would mean something else in quotes.

use std::collections::BTreeMap;

use super::{
    names::Names,
    print::{self, has_lines, is_word},
    reference,
    syntax::{Block, Comment, Definition, Entry, File, Head, Item, Key, Keyword, List, Scalar, Style, Value},
    token::Quotes,
    within::Within,
};
use crate::{
    comments::{Comments, Note, Path, Side},
    scalar::{Plain, plain},
    source::Place,
    words,
    write::Document,
};

/// Keys that the parser takes something else behind than behind others; among data they stand in quotes.
pub(super) const PARTICULAR: [&str; 4] = ["trigger", "retry", "query", "select"];

/// The most pairs of steps, of which one waits for the other, that are left to the order of the file.
const MOST_WAITS: usize = 100_000;

/// The text of a file with these documents, and what stands at their entries and items.
pub(crate) fn text(documents: &[Document], mut comments: Comments) -> String {
    let mut file = File::default();
    for (number, document) in documents.iter().enumerate() {
        // Once to know what is named, and once more with that.
        let first = Writer::new(Names::default(), Comments::default(), number).definition(document);
        let mut writer = Writer::new(Names::of(&first.body), comments, number);
        file.definitions.push(writer.definition(document));
        comments = writer.comments;
    }
    file.tail = comments.take_tail().into_iter().map(comment).collect();
    print::print(&file)
}

struct Writer {
    names: Names,
    waits: usize,
    comments: Comments,
    /// What is written.
    path: Path,
}

impl Writer {
    fn new(names: Names, comments: Comments, document: usize) -> Self {
        Self { names, waits: 0, comments, path: vec![document] }
    }

    /// What is made of the entry or item of this number.
    fn inside<T>(&mut self, place: usize, make: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(place);
        let made = make(self);
        self.path.pop();
        made
    }

    fn definition(&mut self, document: &Document) -> Definition {
        let entries = match document {
            Document::Map(entries) => entries.as_slice(),
            Document::Text(_) | Document::Plain(_) | Document::List(_) => &[],
        };
        let mut body = vec![];
        let mut name = String::new();
        let mut of_name = Note::default();
        for (place, (key, value)) in entries.iter().enumerate() {
            self.inside(place, |writer| match (key.as_str(), value) {
                ("workflow", Document::Text(text)) => {
                    name.clone_from(text);
                    of_name = writer.comments.take(&writer.path);
                }
                ("on", Document::List(items)) => body.extend(writer.triggers(items)),
                ("on", one) => body.push(writer.trigger(one)),
                (key, value) => {
                    let value = writer.value(value, Within::Workflow.of(key));
                    body.push(writer.noted(entry(key, value)));
                }
            });
        }
        // A line is left empty above the steps and below.
        for entry in body.iter_mut().skip_while(|entry| entry.key.text != "steps").take(2) {
            match entry.lead.first_mut() {
                Some(first) => first.apart = true,
                None => entry.apart = true,
            }
        }
        let whole = self.comments.take(&self.path);
        let mut body = block(body, false);
        body.tail = whole.end.into_iter().map(comment).collect();
        let mut behind = of_name.behind.into_iter().map(comment);
        body.head = behind.next();
        // What has found no place stands above the whole.
        let lost = self.comments.take_within(&self.path);
        let lead = of_name.above.into_iter().chain(of_name.end).chain(whole.above).chain(whole.behind).chain(lost);
        Definition {
            lead: lead.map(comment).chain(behind).collect(),
            keyword: Keyword::Workflow,
            place: Place::START,
            name: scalar(name, Style::Quoted(Quotes::Double)),
            body,
            trail: None,
        }
    }

    fn triggers(&mut self, items: &[Document]) -> Vec<Entry> {
        // There is no list of them here.
        let first = [self.path.as_slice(), &[0]].concat();
        let of_first = self.comments.take(&first);
        let above = self.comments.take(&self.path).all().chain(of_first.above).collect();
        self.comments.put_back(&first, Note { above, ..of_first });
        let written = items.iter().enumerate();
        written.map(|(place, item)| self.inside(place, |writer| writer.trigger(item))).collect()
    }

    fn trigger(&mut self, trigger: &Document) -> Entry {
        let Document::Map(entries) = trigger else {
            let value = self.value(trigger, Within::Literal);
            return self.noted(entry("trigger", value));
        };
        let is_schedule = entries.iter().any(|(key, _)| words::SCHEDULE.contains(&key.as_str()));
        let within = if is_schedule { Within::Schedule } else { Within::Trigger };
        let (word, of) = if is_schedule { ("schedule", "cron") } else { ("event", "event") };
        let (mut rest, mut head) = (vec![], None);
        let is_named = entries.iter().any(|(key, _)| key == of);
        for (place, (key, value)) in entries.iter().enumerate() {
            self.inside(place, |writer| match value {
                value if key != of => {
                    let value = writer.value(value, within.of(key));
                    rest.push(writer.noted(entry(key, value)));
                }
                Document::Text(text) => {
                    writer.comments.hand_up(&writer.path);
                    head = Some(Head::Scalar(scalar(text.clone(), Style::Quoted(Quotes::Double))));
                }
                value => {
                    writer.comments.hand_up(&writer.path);
                    head = writer.value(value, Within::Literal).head;
                }
            });
        }
        let value = match head {
            None => Value::block(block(rest, !is_named)),
            Some(head) => {
                let word = Key { text: word.to_owned(), place: Place::START, quoted: false };
                let block = (!rest.is_empty()).then(|| block(rest, true));
                Value { head: Some(Head::Named(word, Box::new(head))), block }
            }
        };
        self.noted(entry("trigger", value))
    }

    /// With what stands at the entry or item that is written.
    fn noted(&mut self, mut entry: Entry) -> Entry {
        let Note { above, behind, end } = self.comments.take(&self.path);
        entry.lead.extend(above.into_iter().map(comment));
        let mut behind: Vec<Comment> = behind.into_iter().map(comment).collect();
        let last = behind.pop();
        entry.lead.extend(behind);
        let end = end.into_iter().map(comment);
        match (&mut entry.value.head, &mut entry.value.block) {
            (_, Some(block)) => {
                block.tail.extend(end);
                let has_comments = |entry: &Entry| !entry.lead.is_empty() || entry.trail.is_some();
                let is_small = block.inline && block.tail.is_empty() && !block.entries.iter().any(has_comments);
                *(if is_small { &mut entry.trail } else { &mut block.head }) = last;
            }
            (Some(Head::List(list)), None) => {
                list.tail.extend(end);
                entry.trail = last;
            }
            (_, None) => {
                entry.lead.extend(end);
                entry.trail = last;
            }
        }
        entry
    }

    fn value(&mut self, document: &Document, within: Within) -> Value {
        match document {
            Document::Plain(value) => {
                Value::of(Head::Scalar(scalar(value.to_string().replace("e+", "e"), Style::Bare)))
            }
            Document::Text(text) => Value::of(Head::Scalar(self.text(text, within))),
            Document::List(items) => {
                let written = items.iter().enumerate();
                let item = |(place, item)| self.inside(place, |writer| writer.item(item, within));
                let items = written.map(item).collect();
                let list = List { place: Place::START, items, head: None, tail: vec![], inline: true };
                Value::of(Head::List(list))
            }
            Document::Map(entries) => match within {
                Within::Steps => Value::block(self.steps(entries)),
                Within::Race => {
                    let steps = entries.iter().enumerate();
                    let steps = steps.map(|(place, step)| self.named_step(place, step, None)).collect();
                    Value::block(block(steps, false))
                }
                Within::Step | Within::Action => self.step(document, None),
                _ => Value::block(self.map(entries, within)),
            },
        }
    }

    fn item(&mut self, item: &Document, within: Within) -> Item {
        let value = self.value(item, within);
        let Entry { lead, value, trail, .. } = self.noted(entry("", value));
        Item { lead, value, trail }
    }

    fn map(&mut self, entries: &[(String, Document)], within: Within) -> Block {
        let is_small = entries.len() <= 5 && entries.iter().all(|(_, value)| !matches!(value, Document::Map(_)));
        let written = entries.iter().enumerate().map(|(place, (key, value))| {
            let inside = match within {
                Within::Data | Within::Raw | Within::Literal => within,
                within => within.of(key),
            };
            let quoted = !within.has_words() && PARTICULAR.contains(&key.as_str());
            self.inside(place, |writer| {
                let mut entry = entry(key, writer.value(value, inside));
                entry.key.quoted |= quoted;
                writer.noted(entry)
            })
        });
        let written = written.collect();
        block(written, is_small)
    }

    // === steps ===

    /// A step that comes after those right before it says nothing about that; those that come after the same stand in `parallel`.
    fn steps(&mut self, steps: &[(String, Document)]) -> Block {
        let after: Vec<Option<Vec<&str>>> = steps.iter().map(|(_, step)| waits_for(step)).collect();
        let mut entries = vec![];
        let mut before: Vec<&str> = vec![];
        let mut at = 0;
        while at < steps.len() {
            let together = after[at..].iter().take_while(|after| after.as_ref() == Some(&before)).count();
            let together = if self.admits(together * before.len()) { together } else { 0 };
            let run = &steps[at..at + together.max(1)];
            let says = together == 0;
            let written = run.iter().enumerate().map(|(place, step)| {
                let says_nothing = says && waits_for(&step.1).is_some_and(|after| after.is_empty());
                self.named_step(at + place, step, Some((says, says_nothing && !before.is_empty())))
            });
            let written: Vec<Entry> = written.collect();
            if together > 1 {
                let group = Key { text: "parallel".to_owned(), place: Place::START, quoted: false };
                entries.push(Entry { key: group, ..entry("", Value::block(block(written, false))) });
            } else {
                entries.extend(written);
            }
            before = run.iter().map(|(name, _)| name.as_str()).collect();
            at += run.len();
        }
        block(entries, false)
    }

    fn named_step(&mut self, place: usize, (name, step): &(String, Document), order: Option<(bool, bool)>) -> Entry {
        self.inside(place, |writer| {
            let step = writer.step(step, order);
            writer.noted(named(name, step))
        })
    }

    fn admits(&mut self, waits: usize) -> bool {
        let admits = self.waits + waits <= MOST_WAITS;
        self.waits += if admits { waits } else { 0 };
        admits
    }

    /// `order`: whether it says what it waits for, and whether it must say that it waits for nothing. `None`: it stands in no order.
    fn step(&mut self, step: &Document, order: Option<(bool, bool)>) -> Value {
        let Document::Map(entries) = step else { return self.value(step, Within::Literal) };
        let mut written = vec![];
        if let Some((_, true)) = order {
            let none = List { place: Place::START, items: vec![], head: None, tail: vec![], inline: true };
            written.push(entry("after", Value::of(Head::List(none))));
        }
        for (place, (key, value)) in entries.iter().enumerate() {
            let word = match key.as_str() {
                "after" if matches!(order, Some((false, _) | (true, true))) => {
                    // The order of the file says it, and has no line of its own.
                    for comment in self.comments.take_within(&[self.path.as_slice(), &[place]].concat()) {
                        self.comments.put(self.path.clone(), Side::Above, comment);
                    }
                    continue;
                }
                "when" => "if",
                "context_key" => "as",
                other => other,
            };
            written.push(self.inside(place, |writer| {
                let value = writer.value(value, Within::Step.of(key));
                writer.noted(entry(word, value))
            }));
        }
        Value::block(block(written, false))
    }

    // === texts ===

    fn text(&self, text: &str, within: Within) -> Scalar {
        match within {
            Within::Condition => self.condition(text),
            Within::Data | Within::Correlate | Within::ForEach => self.data(text),
            Within::Computed => self.computed(text),
            _ if is_bare(text) && !reference::is_path(text) => scalar(text, Style::Bare),
            _ => quoted(text),
        }
    }

    fn condition(&self, text: &str) -> Scalar {
        let bare = sagaline_expr::whole(text).unwrap_or(text).trim();
        let stays = |text: &str| reference::expression(&self.names, text).text == text;
        let text = match bare {
            bare if bare.contains("${") => text.to_owned(),
            bare if stays(bare) => bare.to_owned(),
            bare => format!("${{ {bare} }}"),
        };
        scalar(text, Style::Quoted(Quotes::Double))
    }

    fn data(&self, text: &str) -> Scalar {
        self.path(text, true).unwrap_or_else(|| quoted(text))
    }

    fn computed(&self, text: &str) -> Scalar {
        if let Some(path) = self.path(text, false) {
            return path;
        }
        let is_name = reference::of_bare(&self.names, text, false).is_some();
        if is_bare(text) && !is_name { scalar(text, Style::Bare) } else { quoted(text) }
    }

    /// The path alone, if that is read as this very text again.
    fn path(&self, text: &str, anything: bool) -> Option<Scalar> {
        let path = text.strip_prefix("${ ")?.strip_suffix(" }")?;
        let begins_as_name = path.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        // What is put into it when it is read need not be written.
        let short = path
            .strip_prefix("ctx.")
            .filter(|short| self.names.outputs.contains(short.split('.').next().unwrap_or("")));
        [short, Some(path)].into_iter().flatten().find_map(|path| {
            let read = reference::of_bare(&self.names, path, anything).filter(|_| begins_as_name && is_bare(path))?;
            (read.template(path.len()).text == text).then(|| scalar(path, Style::Bare))
        })
    }
}

/// The steps that a step comes after, if that is all that it says about it.
fn waits_for(step: &Document) -> Option<Vec<&str>> {
    let Document::Map(entries) = step else { return None };
    let keys: BTreeMap<&str, &Document> = entries.iter().map(|(key, value)| (key.as_str(), value)).collect();
    if ["after_any", "after_group", "after_graft"].iter().any(|key| keys.contains_key(key)) {
        return None;
    }
    match keys.get("after") {
        None => Some(vec![]),
        Some(Document::Text(one)) => Some(vec![one]),
        Some(Document::List(items)) => items
            .iter()
            .map(|item| match item {
                Document::Text(name) => Some(name.as_str()),
                Document::Plain(_) | Document::List(_) | Document::Map(_) => None,
            })
            .collect(),
        Some(Document::Plain(_) | Document::Map(_)) => None,
    }
}

/// Whether a text is one word that is read as this text.
fn is_bare(text: &str) -> bool {
    text.is_ascii() && is_word(text) && matches!(plain(text), Plain::Text)
}

fn quoted(text: &str) -> Scalar {
    let quotes = match text {
        text if has_lines(text) => Quotes::Triple,
        text if reference::is_path(text) => Quotes::Single,
        _ => Quotes::Double,
    };
    scalar(text, Style::Quoted(quotes))
}

fn comment(text: String) -> Comment {
    Comment { text: format!("//{text}"), apart: false }
}

fn scalar(value: impl Into<String>, style: Style) -> Scalar {
    Scalar { value: value.into(), style, place: Place::START, pieces: vec![] }
}

fn block(entries: Vec<Entry>, inline: bool) -> Block {
    Block { place: Place::START, entries, head: None, tail: vec![], inline }
}

fn entry(key: &str, value: Value) -> Entry {
    let key = Key { text: key.to_owned(), place: Place::START, quoted: !is_word(key) };
    Entry { lead: vec![], apart: false, key, value, trail: None, place: Place::START }
}

/// A step; one that is called as a word of the language is no such word.
fn named(name: &str, value: Value) -> Entry {
    let mut step = entry(name, value);
    step.key.quoted |= name == "parallel";
    step
}
