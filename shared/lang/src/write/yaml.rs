//! A document as YAML, as people would write it: in blocks, short lists on one line, texts of several lines as they are.

mod scalar;

use self::scalar::{Where, key, literal, text};
use super::Document;
use crate::comments::{Comments, Note, Path};

/// A list is written on one line up to this many characters.
const WIDEST_LIST: usize = 80;

/// The text of a file with these documents.
pub fn yaml(documents: &[Document]) -> String {
    yaml_with_comments(documents, Comments::default())
}

/// The same, with what stands at its entries and items.
pub(crate) fn yaml_with_comments(documents: &[Document], comments: Comments) -> String {
    let mut writer = Writer { out: String::new(), comments, path: vec![] };
    for (place, document) in documents.iter().enumerate() {
        if 0 < place {
            writer.out.push_str("---\n");
        }
        writer.path.push(place);
        writer.document(document);
        writer.path.pop();
    }
    let tail = writer.comments.take_tail();
    writer.lines(tail, 0);
    writer.out
}

struct Writer {
    out: String,
    comments: Comments,
    /// What is written.
    path: Path,
}

impl Writer {
    fn document(&mut self, document: &Document) {
        match document {
            Document::Map(entries) if !entries.is_empty() => self.map(entries, 0, false),
            Document::List(items) if self.on_one_line(items).is_none() => self.list(items, 0, false),
            other => {
                // A value alone is the same as one behind a key, without that.
                let start = self.out.len();
                self.value(other, 0, &[]);
                let written = self.out.split_off(start);
                self.out.push_str(written.trim_start());
            }
        }
        let end = self.comments.take_within(&self.path);
        self.lines(end, 0);
    }

    fn indent(&mut self, by: usize) {
        self.out.extend(std::iter::repeat_n(' ', by));
    }

    /// Comments, each on a line of its own.
    fn lines(&mut self, comments: impl IntoIterator<Item = String>, by: usize) {
        for comment in comments {
            self.indent(by);
            self.out.push('#');
            self.out.push_str(&comment);
            self.out.push('\n');
        }
    }

    /// What stands at an entry or item. Above it comes also what has no room elsewhere. `is_item`: it begins behind a `-`.
    fn settled(&mut self, value: &Document, is_item: bool) -> Note {
        let Note { mut above, behind, end } = self.comments.take(&self.path);
        let is_open = self.first(value).is_some();
        let has_room = match value {
            Document::Text(whole) => literal(whole).is_none(),
            Document::Plain(_) | Document::List(_) | Document::Map(_) => !(is_item && is_open),
        };
        let mut behind = behind.into_iter();
        let last = if has_room { behind.next_back() } else { None };
        above.extend(behind);
        match is_open {
            true => Note { above, behind: Vec::from_iter(last), end },
            false => {
                above.extend(end);
                Note { above, behind: Vec::from_iter(last), end: vec![] }
            }
        }
    }

    /// What a map or list of several lines begins with, and whether that is an item.
    fn first<'d>(&self, value: &'d Document) -> Option<(&'d Document, bool)> {
        match value {
            Document::Map(entries) => entries.first().map(|(_, first)| (first, false)),
            Document::List(items) if self.on_one_line(items).is_none() => items.first().map(|first| (first, true)),
            Document::List(_) | Document::Text(_) | Document::Plain(_) => None,
        }
    }

    /// Writes what stands above an entry or item, and gives the rest.
    fn begin(&mut self, value: &Document, by: usize, is_item: bool) -> Note {
        let mut note = self.settled(value, is_item);
        self.lines(std::mem::take(&mut note.above), by);
        if is_item {
            self.begin_first(value, by);
        }
        note
    }

    /// What an item begins with stands on its line: above that there is no room but above the item.
    fn begin_first(&mut self, item: &Document, by: usize) {
        let Some((first, is_item)) = self.first(item) else { return };
        self.path.push(0);
        let note = self.begin(first, by, is_item);
        self.comments.put_back(&self.path, note);
        self.path.pop();
    }

    /// `is_begun`: the first line is indented already.
    fn map(&mut self, entries: &[(String, Document)], by: usize, mut is_begun: bool) {
        for (place, (name, inside)) in entries.iter().enumerate() {
            self.path.push(place);
            let note = self.begin_line(inside, by, false, std::mem::take(&mut is_begun));
            key(&mut self.out, name, by);
            self.value(inside, by, &note.behind);
            self.lines(note.end, by + 2);
            self.path.pop();
        }
    }

    fn list(&mut self, items: &[Document], by: usize, mut is_begun: bool) {
        for (place, item) in items.iter().enumerate() {
            self.path.push(place);
            let note = self.begin_line(item, by, true, std::mem::take(&mut is_begun));
            self.out.push('-');
            match item {
                Document::Map(entries) if !entries.is_empty() => {
                    self.out.push(' ');
                    self.map(entries, by + 2, true);
                }
                Document::List(items) if self.on_one_line(items).is_none() => {
                    self.out.push(' ');
                    self.list(items, by + 2, true);
                }
                scalar => self.value(scalar, by, &note.behind),
            }
            self.lines(note.end, by + 2);
            self.path.pop();
        }
    }

    fn begin_line(&mut self, value: &Document, by: usize, is_item: bool, is_begun: bool) -> Note {
        if is_begun {
            return self.comments.take(&self.path);
        }
        let note = self.begin(value, by, is_item);
        self.indent(by);
        note
    }

    /// What stands behind a `:` or a `-` that is indented by so much, and the comment behind it.
    fn value(&mut self, value: &Document, by: usize, behind: &[String]) {
        match value {
            Document::Text(whole) => match literal(whole) {
                Some((mark, lines)) => {
                    self.line(mark, behind);
                    for line in lines {
                        if !line.is_empty() {
                            self.indent(by + 2);
                            self.out.push_str(line);
                        }
                        self.out.push('\n');
                    }
                }
                None => self.line(&text(whole, Where::Block), behind),
            },
            Document::Plain(plain) => self.line(&plain.to_string(), behind),
            Document::Map(entries) if entries.is_empty() => self.line("{}", behind),
            Document::Map(entries) => {
                self.end_line(behind);
                self.map(entries, by + 2, false);
            }
            Document::List(items) => match self.on_one_line(items) {
                Some(short) => self.line(&short, behind),
                None => {
                    self.end_line(behind);
                    self.list(items, by + 2, false);
                }
            },
        }
    }

    fn line(&mut self, rest: &str, behind: &[String]) {
        self.out.push(' ');
        self.out.push_str(rest);
        self.end_line(behind);
    }

    fn end_line(&mut self, behind: &[String]) {
        for comment in behind {
            self.out.push_str(" #");
            self.out.push_str(comment);
        }
        self.out.push('\n');
    }

    /// `[a, b]`, if that is short and nothing but scalars without comments.
    fn on_one_line(&self, items: &[Document]) -> Option<String> {
        let mut written = vec![];
        let mut width = 2;
        for item in items {
            let item = match item {
                Document::Text(whole) => text(whole, Where::List),
                Document::Plain(plain) => plain.to_string(),
                Document::List(_) | Document::Map(_) => return None,
            };
            width += item.len() + 2;
            if WIDEST_LIST < width {
                return None;
            }
            written.push(item);
        }
        let is_short = !self.comments.are_inside(&self.path);
        is_short.then(|| format!("[{}]", written.join(", ")))
    }
}
