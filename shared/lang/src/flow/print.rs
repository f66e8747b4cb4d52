//! A file as it is written, in its canonical form: four spaces for each level, words of the language without a colon and keys of
//! somebody's own with one, no comma but on one line. What stands on one line stays there if it fits; every comment is kept.

use super::{
    names::is_parallel,
    reference,
    syntax::{Block, Comment, Definition, Entry, File, Head, Item, Key, Keyword, List, Scalar, Style, Value},
    token::Quotes,
    within::Within,
    write::PARTICULAR,
};
use crate::words;

const INDENT: &str = "    ";

/// The most characters of a line on which a block or a list stands as a whole.
const WIDEST: usize = 100;

pub(crate) fn print(file: &File) -> String {
    let mut printer = Printer { out: String::new(), level: 0 };
    for (place, definition) in file.definitions.iter().enumerate() {
        if place > 0 {
            printer.out.push('\n');
        }
        printer.definition(definition);
    }
    printer.comments(&file.tail, file.definitions.is_empty());
    printer.out
}

struct Printer {
    out: String,
    level: usize,
}

impl Printer {
    fn definition(&mut self, definition: &Definition) {
        self.comments(&definition.lead, true);
        self.out.push_str(match definition.keyword {
            Keyword::Workflow => "workflow ",
            Keyword::Job => "job ",
        });
        self.out.push_str(&name(&definition.name));
        self.out.push(' ');
        self.lines(&definition.body, Within::Workflow);
        self.trail(definition.trail.as_ref());
    }

    fn begin_line(&mut self) {
        for _ in 0..self.level {
            self.out.push_str(INDENT);
        }
    }

    /// Each on a line of its own. `first`: nothing stands before them that an empty line would part them from.
    fn comments(&mut self, comments: &[Comment], mut first: bool) {
        for comment in comments {
            if comment.apart && !first {
                self.out.push('\n');
            }
            self.begin_line();
            self.out.push_str(comment.text.trim_end());
            self.out.push('\n');
            first = false;
        }
    }

    fn trail(&mut self, comment: Option<&Comment>) {
        if let Some(comment) = comment {
            self.out.push(' ');
            self.out.push_str(comment.text.trim_end());
        }
        self.out.push('\n');
    }

    /// A block over several lines, without the break behind its end.
    fn lines(&mut self, block: &Block, within: Within) {
        if block.entries.is_empty() && block.head.is_none() && block.tail.is_empty() {
            self.out.push_str("{}");
            return;
        }
        let within = schedule_or(block, within);
        self.out.push('{');
        self.trail(block.head.as_ref());
        self.level += 1;
        for (place, entry) in block.entries.iter().enumerate() {
            self.entry(entry, within, place == 0);
        }
        self.comments(&block.tail, block.entries.is_empty());
        self.level -= 1;
        self.begin_line();
        self.out.push('}');
    }

    fn entry(&mut self, entry: &Entry, within: Within, first: bool) {
        self.comments(&entry.lead, first);
        if entry.apart && !(first && entry.lead.is_empty()) {
            self.out.push('\n');
        }
        self.begin_line();
        self.out.push_str(&key(entry, within));
        self.value(&entry.value, inside(entry, within));
        self.trail(entry.trail.as_ref());
    }

    fn value(&mut self, value: &Value, within: Within) {
        if let Some(line) = on_one_line(value, within)
            && self.fits(&line)
        {
            self.out.push_str(&line);
            return;
        }
        if let Some(head) = &value.head {
            self.head(head, within);
        }
        if let Some(block) = &value.block {
            if value.head.is_some() {
                self.out.push(' ');
            }
            let within = of_block(value, within);
            match block_on_one_line(block, within).filter(|line| self.fits(line)) {
                Some(line) => self.out.push_str(&line),
                None => self.lines(block, within),
            }
        }
    }

    fn head(&mut self, head: &Head, within: Within) {
        match head {
            Head::Scalar(scalar) => self.scalar(scalar),
            Head::List(list) => match list_on_one_line(list, within).filter(|line| self.fits(line)) {
                Some(line) => self.out.push_str(&line),
                None => self.list(list, within),
            },
            Head::Phrase(phrase) => self.out.push_str(phrase.text.trim()),
            Head::Named(word, value) => {
                self.out.push_str(&word.text);
                self.out.push(' ');
                self.head(value, within);
            }
        }
    }

    fn fits(&self, more: &str) -> bool {
        let line = self.out.rsplit('\n').next().unwrap_or("");
        line.chars().count() + more.chars().count() <= WIDEST
    }

    fn list(&mut self, list: &List, within: Within) {
        self.out.push('[');
        self.trail(list.head.as_ref());
        self.level += 1;
        for (place, Item { lead, value, trail }) in list.items.iter().enumerate() {
            self.comments(lead, place == 0);
            self.begin_line();
            self.value(value, within);
            self.trail(trail.as_ref());
        }
        self.comments(&list.tail, list.items.is_empty());
        self.level -= 1;
        self.begin_line();
        self.out.push(']');
    }

    fn scalar(&mut self, scalar: &Scalar) {
        match scalar.style {
            Style::Quoted(Quotes::Triple) if has_lines(&scalar.value) => self.triple(&scalar.value),
            _ => self.out.push_str(&on_line(scalar)),
        }
    }

    fn triple(&mut self, value: &str) {
        self.out.push_str("\"\"\"\n");
        self.level += 1;
        let lines: Vec<&str> = value.split('\n').collect();
        for (place, line) in lines.iter().enumerate() {
            let is_last = place + 1 == lines.len();
            if !line.is_empty() || is_last {
                self.begin_line();
            }
            self.out.push_str(line);
            self.out.push_str(if is_last { "\"\"\"" } else { "\n" });
        }
        self.level -= 1;
    }
}

/// Whether a text can be written over several lines, and read as it was.
pub(super) fn has_lines(value: &str) -> bool {
    let lines: Vec<&str> = value.split('\n').collect();
    let is_blank = |line: &&str| line.chars().all(char::is_whitespace);
    let last = lines.last().copied().unwrap_or("");
    let begins_at_edge = |line: &&str| !line.is_empty() && !line.starts_with([' ', '\t']);
    lines.len() > 1
        && !value.contains("\"\"\"")
        && !value.chars().any(|c| c.is_control() && c != '\n' && c != '\t')
        && !lines.iter().any(|line| is_blank(line) && !line.is_empty())
        && (last.is_empty() || (!last.ends_with('"') && lines.iter().any(begins_at_edge)))
}

/// A scalar that takes one line.
fn on_line(scalar: &Scalar) -> String {
    match scalar.style {
        Style::Bare => scalar.value.clone(),
        Style::Quoted(Quotes::Double) => double(&scalar.value),
        Style::Quoted(Quotes::Single) => single(&scalar.value),
        Style::Quoted(Quotes::Triple) => literal(&scalar.value),
    }
}

/// A text of one line that is no reference, whatever it looks like.
pub(super) fn literal(value: &str) -> String {
    match reference::is_path(value) {
        true => single(value),
        false => double(value),
    }
}

pub(super) fn single(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

pub(super) fn double(value: &str) -> String {
    let mut out = String::from("\"");
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Whether a text can be a key, or a name, without quotes.
pub(super) fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphanumeric() || c == '_')
        && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

fn name(name: &Scalar) -> String {
    if is_word(&name.value) { name.value.clone() } else { double(&name.value) }
}

/// A key with what parts it from its value.
fn key(entry: &Entry, within: Within) -> String {
    let Key { text, quoted, .. } = &entry.key;
    let is_own = !within.has_words();
    let is_particular = match within {
        Within::Steps | Within::Race => text == "parallel" || PARTICULAR.contains(&text.as_str()),
        _ => !is_own || PARTICULAR.contains(&text.as_str()),
    };
    let keeps_quotes = *quoted && is_particular;
    let word = if is_word(text) && !keeps_quotes { text.clone() } else { double(text) };
    let called = matches!(text.as_str(), "update" | "emit");
    match &entry.value.head {
        None if within == Within::Data || within == Within::Raw => word + ": ",
        None => word + " ",
        Some(Head::Phrase(phrase)) if called && !is_own && phrase.text.starts_with('(') => word,
        Some(_) if is_own || keeps_quotes => word + ": ",
        Some(_) => word + " ",
    }
}

/// Where the value of an entry stands.
fn inside(entry: &Entry, within: Within) -> Within {
    if within == Within::Steps && is_parallel(entry) {
        return within;
    }
    match within {
        Within::Data | Within::Raw | Within::Literal => within,
        Within::Steps | Within::Race | Within::Signals | Within::Updates => within.of(&entry.key.text),
        _ if entry.key.quoted => Within::Literal,
        _ => within.of(&entry.key.text),
    }
}

fn schedule_or(block: &Block, within: Within) -> Within {
    let is_schedule = block.entries.iter().any(|entry| words::SCHEDULE.contains(&entry.key.text.as_str()));
    if within == Within::Trigger && is_schedule { Within::Schedule } else { within }
}

/// The block behind `trigger schedule "…"` is about the schedule.
fn of_block(value: &Value, within: Within) -> Within {
    match &value.head {
        Some(Head::Named(word, _)) if word.text == "schedule" => Within::Schedule,
        _ => within,
    }
}

// === on one line ===

/// `None`: it takes several lines, or stood on several.
fn on_one_line(value: &Value, within: Within) -> Option<String> {
    let head = match &value.head {
        Some(head) => Some(head_on_one_line(head, within)?),
        None => None,
    };
    let block = match &value.block {
        Some(block) => Some(block_on_one_line(block, of_block(value, within))?),
        None => None,
    };
    Some(head.into_iter().chain(block).collect::<Vec<_>>().join(" "))
}

fn head_on_one_line(head: &Head, within: Within) -> Option<String> {
    Some(match head {
        Head::Scalar(scalar) => match scalar.style {
            Style::Quoted(Quotes::Triple) if has_lines(&scalar.value) => return None,
            _ => on_line(scalar),
        },
        Head::List(list) => list_on_one_line(list, within)?,
        Head::Phrase(phrase) => phrase.text.trim().to_owned(),
        Head::Named(word, value) => format!("{} {}", word.text, head_on_one_line(value, within)?),
    })
}

fn list_on_one_line(list: &List, within: Within) -> Option<String> {
    let has_comments = list.head.is_some() || !list.tail.is_empty();
    if !list.inline || has_comments {
        return None;
    }
    let item = |item: &Item| {
        let is_plain = item.lead.is_empty() && item.trail.is_none();
        is_plain.then(|| on_one_line(&item.value, within)).flatten()
    };
    let items: Option<Vec<String>> = list.items.iter().map(item).collect();
    Some(format!("[{}]", bounded(items?, 2)?))
}

fn block_on_one_line(block: &Block, within: Within) -> Option<String> {
    let has_comments = block.head.is_some() || !block.tail.is_empty();
    if !block.inline || has_comments {
        return None;
    }
    let within = schedule_or(block, within);
    let entry = |entry: &Entry| {
        let is_plain = entry.lead.is_empty() && entry.trail.is_none();
        let value = is_plain.then(|| on_one_line(&entry.value, inside(entry, within))).flatten()?;
        Some(key(entry, within) + &value)
    };
    let entries: Option<Vec<String>> = block.entries.iter().map(entry).collect();
    match entries?.as_slice() {
        [] => Some("{}".to_owned()),
        entries => Some(format!("{{ {} }}", bounded(entries.to_vec(), 4)?)),
    }
}

/// Nothing, if that would be too long for any line: what is in it is not put together again and again.
fn bounded(parts: Vec<String>, around: usize) -> Option<String> {
    let len: usize = parts.iter().map(|part| part.len() + 2).sum();
    (len + around <= WIDEST * 4 + 2).then(|| parts.join(", "))
}
