//! Collects faults, and takes values of the kinds that all parts of a definition are made of.
//!
//! A value of the wrong kind is noted as a fault and is then `None`: reading goes on, so that every fault is found.

use std::rc::Rc;

use sagaline_model::{Name, NameError, Span};
use serde_json::Value;

use crate::{
    elsewhere::said_here,
    fault::{Fault, Faults, Severity},
    source::{Place, Source},
    spelled,
    suggest::{instead, nearest},
    syntax::shown,
    tree::{Content, Entry, Node, Text},
    words::{KINDS, Words},
};

/// More faults of one severity than this are counted, not told: nobody reads them, and a hostile file could have a million.
const MOST_FAULTS: usize = 500;

/// Compiling an expression takes a tenth of a millisecond; more of them than this would hold up who reads the file. A workflow of
/// ten thousand steps with two expressions each is below it.
const MOST_EXPRESSIONS: usize = 20_000;

pub(crate) struct Reader<'a> {
    pub(crate) source: &'a Source<'a>,
    errors: Noticed,
    /// Apart from the errors, so that very many warnings cannot crowd one out.
    warnings: Noticed,
    expressions: usize,
    /// Where the file has another word for one of all forms: faults are told by what is written.
    renamed: Vec<Renamed>,
    /// Where something could not be read at all: what else is said there would only follow from that.
    blurred: Vec<Place>,
    hidden: usize,
}

/// A word of all forms, and the one that stands for it here.
struct Renamed {
    place: Place,
    meant: String,
    written: String,
}

/// Faults of one severity, and how many more there are.
#[derive(Default)]
struct Noticed {
    told: Vec<Fault>,
    untold: usize,
}

/// A fault that was just noted and may get a hint.
pub(crate) struct Noted<'f>(Option<&'f mut Fault>);

impl Noted<'_> {
    pub(crate) fn hint(self, hint: impl Into<String>) {
        self.maybe_hint(Some(hint));
    }

    pub(crate) fn maybe_hint(self, hint: Option<impl Into<String>>) {
        if let Some(fault) = self.0 {
            fault.hint = hint.map(Into::into);
        }
    }
}

impl<'a> Reader<'a> {
    pub(crate) fn new(source: &'a Source<'a>) -> Self {
        Self {
            source,
            errors: Noticed::default(),
            warnings: Noticed::default(),
            expressions: 0,
            renamed: vec![],
            blurred: vec![],
            hidden: 0,
        }
    }

    pub(crate) fn error(&mut self, place: Place, message: impl Into<String>) -> Noted<'_> {
        self.note(place, message.into(), Severity::Error)
    }

    pub(crate) fn warning(&mut self, place: Place, message: impl Into<String>) -> Noted<'_> {
        self.note(place, message.into(), Severity::Warning)
    }

    /// From now on nothing is noted that begins in one of these places.
    pub(crate) fn blur(&mut self, places: impl Iterator<Item = Place>) {
        self.blurred.extend(places.take(1000));
    }

    /// From now on what is told of `meant` in this place is told of `written`.
    pub(crate) fn rename(&mut self, place: Place, meant: &str, written: &str) {
        if meant != written {
            self.renamed.push(Renamed { place, meant: meant.to_owned(), written: written.to_owned() });
        }
    }

    /// What the file calls that which is `meant` in this place; not looked for if it is not told any more.
    pub(crate) fn called<'w>(&'w self, place: Place, meant: &'w str, severity: Severity) -> &'w str {
        if !self.tells(severity) {
            return meant;
        }
        let here = self.renamed.iter().filter(|renamed| renamed.meant == meant && renamed.place.holds(place.start));
        let innermost = here.max_by_key(|renamed| renamed.place.start);
        innermost.map_or(meant, |renamed| &renamed.written)
    }

    fn note(&mut self, place: Place, message: String, severity: Severity) -> Noted<'_> {
        if self.blurred.iter().any(|blurred| blurred.start <= place.start && place.start <= blurred.end) {
            self.hidden += 1;
            return Noted(None);
        }
        let tells = self.tells(severity);
        let message = if tells { self.by_what_is_written(place, message) } else { message };
        let noticed = match severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        if !tells {
            noticed.untold += 1;
            return Noted(None);
        }
        noticed.told.push(Fault {
            file: self.source.file.to_owned(),
            line: place.start.line,
            column: place.start.column + 1,
            width: place.width(),
            severity,
            message,
            hint: None,
        });
        Noted(noticed.told.last_mut())
    }

    /// The message with the word that the file has, where it names one that the file calls otherwise.
    fn by_what_is_written(&self, place: Place, message: String) -> String {
        let is_ended = |end: usize| message[end..].starts_with(['`', '[']);
        let words = self.renamed.iter().filter(|renamed| renamed.place.holds(place.start));
        let named = words.filter_map(|renamed| {
            let mut found = message.match_indices(&renamed.meant);
            let (at, word) = found.find(|(at, word)| message[..*at].ends_with('`') && is_ended(at + word.len()))?;
            Some((renamed, at..at + word.len()))
        });
        match named.max_by_key(|(renamed, _)| renamed.place.start) {
            Some((renamed, at)) => format!("{}{}{}", &message[..at.start], renamed.written, &message[at.end..]),
            None => message,
        }
    }

    /// Whether the expressions of a text may be compiled: there is an end to how many. Past it, a fault is noted once.
    pub(crate) fn admits_expressions(&mut self, node: &Node, text: &str) -> bool {
        let before = self.expressions;
        self.expressions += text.matches("${").count().max(1);
        if before <= MOST_EXPRESSIONS && self.expressions > MOST_EXPRESSIONS {
            self.error(node.place, format!("the file has more than {MOST_EXPRESSIONS} expressions"))
                .hint("split the workflow into several");
        }
        self.expressions <= MOST_EXPRESSIONS
    }

    /// Whether another fault will be told; if not, nothing need be done to find its place and its words.
    pub(crate) fn tells(&self, severity: Severity) -> bool {
        let noticed = match severity {
            Severity::Error => &self.errors,
            Severity::Warning => &self.warnings,
        };
        noticed.told.len() < MOST_FAULTS
    }

    /// The place of `len` bytes from `offset` on within a text, for an error or a warning about it.
    pub(crate) fn inside(&self, severity: Severity, node: &Node, offset: usize, len: usize) -> Place {
        match &node.content {
            Content::Text(text) if self.tells(severity) => self.source.inside(text, offset, len),
            Content::Text(_) | Content::Plain(..) | Content::List(_) | Content::Map(_) => node.place,
        }
    }

    pub(crate) fn has_errors(&self) -> bool {
        !self.errors.told.is_empty()
    }

    /// How many errors were noted so far, also of those that need not be told.
    pub(crate) fn errors(&self) -> usize {
        self.errors.told.len() + self.errors.untold + self.hidden
    }

    /// Drops what was noted: what follows makes it doubtful.
    pub(crate) fn forget(&mut self) {
        self.errors = Noticed::default();
        self.warnings = Noticed::default();
    }

    /// The warnings, if nothing worse was noted.
    pub(crate) fn finish(self) -> Result<Vec<Fault>, Faults> {
        let failed = self.has_errors();
        let mut faults = [self.errors.told, self.warnings.told].concat();
        faults.sort_by_key(|fault| (fault.line, fault.column));
        for (untold, severity, what) in
            [(self.errors.untold, Severity::Error, "faults"), (self.warnings.untold, Severity::Warning, "warnings")]
        {
            if untold > 0 {
                let message = format!("the file has {untold} {what} more than the {MOST_FAULTS} told here");
                let file = self.source.file.to_owned();
                faults.push(Fault { file, line: 1, column: 1, width: 1, severity, message, hint: None });
            }
        }
        if failed { Err(Faults(faults)) } else { Ok(faults) }
    }

    /// Notes every key that has no meaning in `owner`, or none yet.
    pub(crate) fn keys(&mut self, entries: &[Entry], owner: &str, words: Words) {
        for entry in entries {
            let key = entry.key.text.as_str();
            if words.known.contains(&key) {
                continue;
            }
            let known = words.known.iter().copied();
            if words.later.contains(&key) {
                let message = format!("`{key}` is not supported by this version");
                self.error(entry.key.place, message).maybe_hint(said_here(key, known));
                continue;
            }
            let hint = instead(key, known).or_else(|| of_a_step(key, &entry.value, words)).unwrap_or_else(|| {
                let of_activity = match words.known.contains(&"activity") && words.known.contains(&"steps") {
                    true => "what an activity gets stands in its `input`; ",
                    false => "",
                };
                format!("{of_activity}known here: {}", words.known.join(", "))
            });
            self.error(entry.key.place, format!("unknown key `{}` in {owner}", shown(key))).hint(hint);
        }
    }

    // === kinds of values ===

    pub(crate) fn map<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [Entry]> {
        match &node.content {
            Content::Map(entries) => Some(entries),
            Content::Text(_) | Content::Plain(..) | Content::List(_) => {
                self.wrong_kind(node, what, "a map");
                None
            }
        }
    }

    pub(crate) fn text<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n Text> {
        match &node.content {
            Content::Text(text) => Some(text),
            Content::Plain(Value::Null, _) | Content::List(_) | Content::Map(_) => {
                self.wrong_kind(node, what, "text");
                None
            }
            Content::Plain(_, written) => {
                let hint = format!("put it in quotes: \"{}\"", shown(written));
                self.wrong_kind(node, what, "text").hint(hint);
                None
            }
        }
    }

    pub(crate) fn name(&mut self, node: &Node, what: &str) -> Option<Name> {
        let text = self.text(node, what)?;
        self.checked(Name::new(text.value.as_str()), node.place, what)
    }

    /// Notes why a text cannot be a name.
    pub(crate) fn checked<T>(&mut self, name: Result<T, NameError>, place: Place, what: &str) -> Option<T> {
        match name {
            Ok(name) => Some(name),
            Err(error) => {
                let hint = error.nearest().map(|near| format!("write `{near}`"));
                self.error(place, format!("`{what}`: {error}")).maybe_hint(hint);
                None
            }
        }
    }

    pub(crate) fn boolean(&mut self, node: &Node, what: &str) -> Option<bool> {
        match &node.content {
            Content::Plain(Value::Bool(value), _) => Some(*value),
            Content::Text(text) if matches!(text.value.as_str(), "yes" | "no" | "on" | "off") => {
                self.wrong_kind(node, what, "true or false")
                    .hint("`yes` and `no` are texts here; write `true` or `false`");
                None
            }
            Content::Plain(..) | Content::Text(_) | Content::List(_) | Content::Map(_) => {
                self.wrong_kind(node, what, "true or false");
                None
            }
        }
    }

    /// A whole number from 1 on.
    pub(crate) fn count(&mut self, node: &Node, what: &str, hint: &str) -> Option<u32> {
        let Content::Plain(Value::Number(number), written) = &node.content else {
            let hint = node.number_in_quotes().map(|number| format!("write it without quotes: {number}"));
            self.wrong_kind(node, what, "a whole number").maybe_hint(hint);
            return None;
        };
        let count = number.as_u64().and_then(|count| u32::try_from(count).ok()).filter(|count| *count > 0);
        if count.is_none() {
            let message = format!("`{what}` must be a whole number from 1 on, not `{written}`");
            self.error(node.place, message).hint(hint);
        }
        count
    }

    /// A length of time.
    pub(crate) fn span(&mut self, node: &Node, what: &str) -> Option<Span> {
        let text = match &node.content {
            Content::Text(text) => text.value.as_str(),
            Content::Plain(Value::Number(number), _) => {
                let hint = format!("say of what: `{number}s`, `{number}m`, `{number}h`");
                self.error(node.place, format!("`{what}` needs a unit")).hint(hint);
                return None;
            }
            Content::Plain(..) | Content::List(_) | Content::Map(_) => {
                self.wrong_kind(node, what, "a duration").hint("for example `30s`, `5m`, `1h30m`");
                return None;
            }
        };
        match text.parse() {
            Ok(span) => Some(span),
            Err(_) => {
                let message = format!("`{what}`: `{}` is not a duration", shown(text));
                let hint = match spelled::written_here(text) {
                    Some(written) => format!("write `{written}`"),
                    None => "for example 250ms, 30s, 5m, 2h, 1d or 1h30m".to_owned(),
                };
                self.error(node.place, message).hint(hint);
                None
            }
        }
    }

    /// A length of time that is longer than nothing.
    pub(crate) fn positive_span(&mut self, node: &Node, what: &str) -> Option<Span> {
        let span = self.span(node, what)?;
        if span == Span::ZERO {
            self.error(node.place, format!("`{what}` must be longer than nothing"));
            return None;
        }
        Some(span)
    }

    /// One value or a list of them.
    pub(crate) fn one_or_more<'n>(&self, node: &'n Rc<Node>) -> &'n [Rc<Node>] {
        match &node.content {
            Content::List(items) => items,
            Content::Text(_) | Content::Plain(..) | Content::Map(_) => std::slice::from_ref(node),
        }
    }

    /// One text or a list of them.
    pub(crate) fn texts(&mut self, node: &Rc<Node>, what: &str) -> Vec<String> {
        let mut texts = vec![];
        for item in self.one_or_more(node) {
            texts.extend(self.text(item, what).map(|text| text.value.clone()));
        }
        texts
    }

    /// One of a few words.
    pub(crate) fn choice(&mut self, node: &Node, what: &str, words: &[&'static str]) -> Option<&'static str> {
        let text = self.text(node, what)?;
        if let Some(word) = words.iter().find(|word| **word == text.value) {
            return Some(word);
        }
        let hint = match nearest(&text.value, words.iter().copied()) {
            Some(word) => format!("did you mean `{word}`?"),
            None => format!("one of `{}`", words.join("`, `")),
        };
        self.error(node.place, format!("`{what}` cannot be `{}`", shown(&text.value))).hint(hint);
        None
    }

    pub(crate) fn wrong_kind(&mut self, node: &Node, what: &str, wanted: &str) -> Noted<'_> {
        // A map or list is long; its first character is enough to find it.
        let place = match &node.content {
            Content::Map(_) | Content::List(_) => Place { end: node.place.start, ..node.place },
            Content::Text(_) | Content::Plain(..) => node.place,
        };
        self.error(place, format!("`{what}` must be {wanted}, not {}", node.described()))
    }
}

/// What to do with a step that stands where none can be.
fn of_a_step(key: &str, value: &Node, words: Words) -> Option<String> {
    let Content::Map(entries) = &value.content else { return None };
    if !words.known.contains(&"steps") || !entries.iter().any(|entry| KINDS.contains(&entry.key.text.as_str())) {
        return None;
    }
    let key = shown(key);
    Some(match words.known.contains(&"activity") {
        true => format!("`{key}` looks like a step: it stands beside this one, or in the `steps` of one"),
        false => format!("`{key}` looks like a step: it belongs into `steps`"),
    })
}
