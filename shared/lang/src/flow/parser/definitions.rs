//! `workflow name { … }` and `job name { … }`, and what stands where one should begin.

use super::Parser;
use crate::{
    flow::{
        syntax::{Definition, File, Keyword},
        token::{Token, TokenKind},
    },
    suggest::nearest,
    syntax::shown,
};

impl Parser<'_, '_> {
    pub(super) fn file(&mut self) -> File {
        let mut file = File::default();
        loop {
            let token = self.peek().clone();
            match &token.kind {
                TokenKind::End => break,
                TokenKind::Word => file.definitions.extend(self.definition()),
                TokenKind::Mark('}') => {
                    self.take();
                    if self.closed_early() {
                        continue;
                    }
                    self.reader
                        .error(token.place, "this `}` closes nothing")
                        .hint("remove it, or look for a missing `{`");
                }
                _ => self.no_definition(&token),
            }
        }
        file.tail = std::mem::take(&mut self.gathered);
        file
    }

    fn definition(&mut self) -> Option<Definition> {
        let lead = std::mem::take(&mut self.gathered);
        let token = self.peek().clone();
        let keyword = match token.written(self.text) {
            "workflow" => Keyword::Workflow,
            "job" => Keyword::Job,
            _ => {
                self.gathered = lead;
                self.no_definition(&token);
                return None;
            }
        };
        self.take();
        self.definition = token.place;
        // `workflow: name`, as in YAML.
        let is_yaml = self.peeks(':') && self.take().is(':');
        let word = token.written(self.text).to_owned();
        let name = self.peek().clone();
        if !name.is_key() {
            let hint = format!("for example `{word} order_fulfillment {{ … }}`");
            self.reader.error(token.place, format!("the `{word}` has no name")).hint(hint);
            if !name.is('{') {
                self.skip_to_definition(0);
                return None;
            }
            let body = self.block();
            self.blur(self.since(token.place));
            drop(body);
            return None;
        }
        self.take();
        let name = self.scalar(&name);
        if !self.peeks('{') {
            let mut hint = format!("write `{word} {} {{ … }}`", shown(&name.value));
            if is_yaml {
                hint.push_str("; YAML stands in files that end in .yaml");
            }
            self.reader.error(name.place, format!("behind the name of the {word} a `{{` is missing")).hint(hint);
            self.skip_to_definition(0);
            return None;
        }
        (self.doubtful, self.told_unclosed, self.early) = (None, false, None);
        let body = self.block();
        let trail = self.trail();
        let lead = [lead, std::mem::take(&mut self.gathered)].concat();
        Some(Definition { lead, keyword, place: token.place, name, body, trail })
    }

    fn no_definition(&mut self, token: &Token) {
        if token.place.start.column > 0 && self.closed_early() {
            return;
        }
        let written = shown(token.written(self.text));
        let suggestion = nearest(&written, ["workflow", "job"]).filter(|_| token.is_word());
        let is_yaml = written == "-" || written == "---" || self.second().is(':');
        let hint = match suggestion {
            Some(word) => format!("did you mean `{word}`?"),
            None => {
                let other = match token.kind {
                    TokenKind::Mark('{' | '[') => "; JSON stands in files that end in .json",
                    _ if is_yaml => "; YAML stands in files that end in .yaml",
                    _ => "",
                };
                format!("a file holds `workflow name {{ … }}` and `job name {{ … }}`{other}")
            }
        };
        self.reader.error(token.place, format!("no definition begins with `{written}`")).hint(hint);
        self.take();
        self.skip_to_definition(usize::from(token.is('{')));
    }

    /// Whether a definition begins here, wherever this is: nothing else begins so at the edge.
    pub(super) fn begins_definition(&mut self) -> bool {
        let token = self.peek();
        if token.place.start.column > 0 || !token.is_word() {
            return false;
        }
        let (from, to) = (token.from, token.to);
        if !matches!(&self.text[from..to], "workflow" | "job") {
            return false;
        }
        let behind = self.tokens[self.at..].iter().filter(|token| token.kind != TokenKind::Comment);
        let mut behind = behind.skip(1);
        behind.next().is_some_and(Token::is_key) && behind.next().is_some_and(|token| token.is('{'))
    }

    /// `open` says how many blocks are open.
    fn skip_to_definition(&mut self, mut open: usize) {
        while !self.at_end() {
            if self.begins_definition() {
                return;
            }
            let token = self.take();
            match token.kind {
                TokenKind::Mark('{') => open += 1,
                TokenKind::Mark('}') if open <= 1 => return,
                TokenKind::Mark('}') => open -= 1,
                _ => {}
            }
        }
    }
}
