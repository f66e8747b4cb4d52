//! Whole definitions, made from a tape of bytes: the same tape gives the same definition, and a shorter one with smaller bytes a simpler
//! one, so that whoever shortens tapes shortens what fails.
//!
//! They are made as documents, not as plans, so that only such come about as somebody could have written.

mod expressions;
mod kinds;
mod schedules;
mod steps;
mod tape;
mod values;
mod workflow;

use sagaline_lang::Document;

pub use self::tape::Tape;

/// A definition.
pub fn definition(tape: &[u8]) -> Document {
    Maker { tape: Tape::new(tape), names: 0, steps: 0 }.workflow()
}

struct Maker<'t> {
    tape: Tape<'t>,
    /// How many names there are; each is another one.
    names: usize,
    /// How many steps there are.
    steps: usize,
}

/// What stands around a step or a text.
#[derive(Clone, Default)]
struct Around {
    /// How deep it stands.
    depth: usize,
    /// What expressions may read besides what they always may: whole expressions.
    readable: Vec<String>,
    /// Inside of what is done once it is known how an execution ends.
    in_handler: bool,
}

impl Around {
    fn and(&self, more: &[&str]) -> Self {
        let mut around = self.clone();
        around.readable.extend(more.iter().map(|text| (*text).to_owned()));
        around
    }

    fn deeper(&self) -> Self {
        Self { depth: self.depth + 1, ..self.clone() }
    }
}

type Keys = Vec<(String, Document)>;

fn put(keys: &mut Keys, key: &str, value: Document) {
    keys.push((key.to_owned(), value));
}

fn text(text: impl Into<String>) -> Document {
    Document::Text(text.into())
}

fn plain(value: impl Into<serde_json::Value>) -> Document {
    Document::Plain(value.into())
}
