//! `{ … }` and the entries in it; where one is not closed, which it is.

use super::{Parser, Previous};
use crate::{
    flow::{
        syntax::{Block, Entry, Head, Value},
        token::{Token, TokenKind},
    },
    source::Place,
    syntax::shown,
    tree::DEEPEST,
};

impl Parser<'_, '_> {
    /// Reads from `{` on.
    pub(super) fn block(&mut self) -> Block {
        let before = std::mem::take(&mut self.gathered);
        let open = self.take();
        let head = self.trail();
        if self.depth >= DEEPEST {
            let message = format!("blocks and lists nest more than {DEEPEST} levels deep");
            self.reader.error(open.place, message);
            self.skip_to_close();
            self.gathered = before;
            let place = self.since(open.place);
            self.blur(place);
            return Block { place, entries: vec![], head, tail: vec![], inline: false };
        }
        self.depth += 1;
        let around = std::mem::replace(&mut self.inside, open.place.start.line);
        let mut entries = vec![];
        let mut told_of_dashes = false;
        loop {
            let token = self.peek().clone();
            match &token.kind {
                TokenKind::Mark('}') => {
                    self.doubt(&open, &token);
                    self.take();
                    break;
                }
                TokenKind::End => {
                    self.unclosed(&open);
                    break;
                }
                TokenKind::Mark(',') => drop(self.take()),
                _ if self.begins_definition() => {
                    self.unclosed(&open);
                    break;
                }
                TokenKind::Word | TokenKind::Text(_) => entries.push(self.entry()),
                // What follows is an entry in spite of it.
                TokenKind::Operator if token.written(self.text) == "-" && token.breaks > 0 => {
                    if !std::mem::replace(&mut told_of_dashes, true) {
                        let hint =
                            "remove it here and before the others: a block has names, and a list stands in `[ … ]`";
                        self.reader.error(token.place, "no `-` stands before an entry").hint(hint);
                    }
                    self.take();
                }
                _ => self.no_entry(&token),
            }
        }
        self.depth -= 1;
        self.inside = around;
        let tail = std::mem::replace(&mut self.gathered, before);
        let place = self.since(open.place);
        let inline = place.start.line == place.end.line;
        Block { place, entries, head, tail, inline }
    }

    /// Blocks close below where they open; where one does not, a `}` may be missing.
    fn doubt(&mut self, open: &Token, close: &Token) {
        let edge = self.edges.get(&open.place.start.line);
        let below = open.place.start.line < close.place.start.line && close.breaks > 0;
        if below && edge.is_some_and(|edge| close.place.start.column < *edge) {
            self.doubtful.get_or_insert_with(|| open.clone());
        }
        let stands_at = self.edges.get(&close.place.start.line);
        if open.place.start.line < close.place.start.line && close.breaks == 0 && edge < stands_at {
            self.early.get_or_insert((close.place, open.place));
        }
    }

    /// Whether more follows than was opened because of a `}` further up, which is told then.
    pub(super) fn closed_early(&mut self) -> bool {
        let Some((close, open)) = self.early.take() else { return false };
        let message = format!("this `}}` closes the block of line {}, and more of that follows", open.start.line);
        self.reader.error(close, message).hint("remove it, or look for a missing `{` before it");
        while !self.at_end() && !self.begins_definition() {
            self.take();
        }
        self.blur(Place { start: self.definition.start, end: self.last().end });
        true
    }

    /// Of several blocks that end together, the innermost is told first, and only that.
    fn unclosed(&mut self, open: &Token) {
        if self.told_unclosed {
            return;
        }
        self.told_unclosed = true;
        self.blur(self.definition);
        if self.swallowed && self.at_end() {
            return;
        }
        let open = self.doubtful.take().unwrap_or_else(|| open.clone());
        self.blur(Place { start: open.place.start, end: self.tokens[self.at].place.start });
        let hint = "a `}` is missing: write it where the block ends";
        self.reader.error(open.place, "the block that begins here is never closed").hint(hint);
    }

    pub(super) fn skip_to_close(&mut self) {
        let mut open = 1_usize;
        while !self.at_end() && open > 0 {
            match self.take().kind {
                TokenKind::Mark('{' | '[') => open += 1,
                TokenKind::Mark('}' | ']') => open -= 1,
                _ => {}
            }
        }
    }

    /// Something in a block that is no key. The rest of its line is passed over.
    fn no_entry(&mut self, token: &Token) {
        let written = shown(token.written(self.text));
        let hint = match token.kind {
            TokenKind::Mark('{' | '[') => "give it a name: `name { … }`",
            TokenKind::Mark(']' | ')') => "remove it, or look for what should open before it",
            _ => "an entry is `key value` or `key: value`",
        };
        self.reader.error(token.place, format!("a key was expected here, not `{written}`")).hint(hint);
        let start = token.place;
        self.take();
        match token.kind {
            TokenKind::Mark('{' | '[') => self.skip_to_close(),
            _ => self.skip_line(),
        }
        self.blur(self.since(start));
    }

    pub(super) fn skip_line(&mut self) {
        let mut open = 0_usize;
        loop {
            let token = self.peek().clone();
            match token.kind {
                TokenKind::End => return,
                _ if open == 0 && token.breaks > 0 => return,
                TokenKind::Mark('{' | '[') => open += 1,
                TokenKind::Mark('}' | ']') if open == 0 => return,
                TokenKind::Mark('}' | ']') => open -= 1,
                _ if self.begins_definition() => return,
                _ => {}
            }
            self.take();
        }
    }

    fn entry(&mut self) -> Entry {
        let mut lead = std::mem::take(&mut self.gathered);
        let beside = self.previous.take().filter(|previous| previous.behind == self.at);
        let token = self.take();
        let apart = token.breaks > 1;
        let beside = beside.filter(|_| token.breaks == 0);
        let key = self.key(&token);
        let colon = self.peek().is(':') && self.take().is(':');
        let value = self.value_of(&key, colon, beside);
        if let Value { head: Some(Head::Scalar(scalar)), block: None } = &value {
            let (key, value) = (key.text.clone(), scalar.value.clone());
            self.previous = Some(Previous { key, value, behind: self.at });
        }
        lead.append(&mut self.gathered);
        let place = self.since(token.place);
        if value.is_lost() {
            self.blur(place);
        }
        // A comma belongs to the line as well.
        if self.tokens[self.at].is(',') && self.is_on_line() {
            self.at += 1;
        }
        let trail = self.trail();
        Entry { lead, apart, key, value, trail, place }
    }
}
