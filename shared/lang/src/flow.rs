//! The .flow language: `workflow name { … }` and `job name { … }`.
//!
//! Its text becomes the same tree as YAML does, so that all that reads a definition, and all that is checked about it, is shared.

mod comments;
mod lexer;
mod lower;
mod names;
mod parser;
mod print;
mod quoted;
mod reference;
mod syntax;
mod token;
mod within;
mod write;

use std::rc::Rc;

#[cfg(test)]
pub(crate) use lower::{SHORT, SHORT_OF_TOP};
pub(crate) use token::Piece;
pub(crate) use write::text;

use crate::{comments::Comments, reader::Reader, tree::Node};

/// The definitions of a file. Faults are noted, and what can be read in spite of them is there.
pub(crate) fn load(reader: &mut Reader) -> Vec<Rc<Node>> {
    let tokens = lexer::tokens(reader);
    load_tokens(reader, tokens).0
}

/// The same, and the comments.
pub(crate) fn load_with_comments(reader: &mut Reader) -> (Vec<Rc<Node>>, Comments) {
    let tokens = lexer::tokens(reader);
    let (documents, file) = load_tokens(reader, tokens);
    let comments = comments::of_file(&file, &documents);
    (documents, comments)
}

fn load_tokens(reader: &mut Reader, tokens: Vec<token::Token>) -> (Vec<Rc<Node>>, syntax::File) {
    let parsed = parser::parse(reader, tokens);
    reader.blur(parsed.blurred.into_iter());
    let (documents, blurred) = lower::lower(reader, &parsed.file);
    reader.blur(blurred.into_iter());
    (documents, parsed.file)
}

/// The same text in its canonical form; `None` if it cannot be read, which is noted.
pub(crate) fn format(reader: &mut Reader) -> Option<String> {
    let tokens = lexer::tokens(reader);
    let parsed = parser::parse(reader, tokens);
    (!reader.has_errors()).then(|| print::print(&parsed.file))
}
