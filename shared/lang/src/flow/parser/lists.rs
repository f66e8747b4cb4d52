//! `[ … ]` and the items in it.

use super::{ITEM, Parser};
use crate::{
    flow::{
        syntax::{Item, List, Value},
        token::{Token, TokenKind},
    },
    syntax::shown,
    tree::DEEPEST,
};

impl Parser<'_, '_> {
    /// Reads from `[` on.
    pub(super) fn list(&mut self) -> List {
        let before = std::mem::take(&mut self.gathered);
        let open = self.take();
        let head = self.trail();
        let mut items = vec![];
        if self.depth >= DEEPEST {
            self.reader.error(open.place, format!("blocks and lists nest more than {DEEPEST} levels deep"));
            self.skip_to_close();
            self.gathered = before;
            let place = self.since(open.place);
            self.blur(place);
            return List { place, items, head, tail: vec![], inline: false };
        }
        self.depth += 1;
        loop {
            let token = self.peek().clone();
            match &token.kind {
                TokenKind::Mark(']') => {
                    self.take();
                    break;
                }
                TokenKind::Mark(',') => drop(self.take()),
                TokenKind::Mark(')') => {
                    self.reader.error(token.place, "a value was expected here, not `)`");
                    self.take();
                }
                TokenKind::Mark('}') if self.stands_for_bracket(&open, &token) => {
                    self.reader.error(token.place, "a list is closed by `]`, not by `}`").hint("write `]` here");
                    self.take();
                    break;
                }
                TokenKind::End | TokenKind::Mark('}' | ':') => {
                    self.unclosed_list(&open, &token);
                    break;
                }
                _ if self.begins_definition() => {
                    self.unclosed_list(&open, &token);
                    break;
                }
                _ => items.extend(self.item()),
            }
        }
        self.depth -= 1;
        let tail = std::mem::replace(&mut self.gathered, before);
        let place = self.since(open.place);
        let inline = place.start.line == place.end.line;
        List { place, items, head, tail, inline }
    }

    /// Whether a `}` in a list is a slip: it stands in the line of the `[`, and the block around both began further up.
    fn stands_for_bracket(&self, open: &Token, close: &Token) -> bool {
        let line = open.place.start.line;
        close.place.start.line == line && self.inside < line
    }

    fn unclosed_list(&mut self, open: &Token, at: &Token) {
        let (place, message) = match at.kind {
            TokenKind::Mark(':') => (at.place, "a list has values and no keys".to_owned()),
            _ => (open.place, "the list that begins here is never closed".to_owned()),
        };
        let hint = match at.kind {
            TokenKind::Mark(':') => "write `{ key: value }` for what has keys",
            _ => "a `]` is missing",
        };
        self.reader.error(place, message).hint(hint);
        if at.is(':') {
            self.skip_to_close();
        } else {
            self.blur(self.definition);
        }
        self.blur(self.since(open.place));
    }

    fn item(&mut self) -> Option<Item> {
        let mut lead = std::mem::take(&mut self.gathered);
        let value = if self.peeks('{') {
            Value::block(self.block())
        } else {
            // The line means nothing in a list.
            let at = self.at;
            self.tokens[at].breaks = 0;
            match self.head(ITEM, false) {
                Some(head) => Value::of(head),
                None => {
                    let token = self.take();
                    let written = shown(token.written(self.text));
                    self.reader.error(token.place, format!("a value was expected here, not `{written}`"));
                    self.blur(token.place);
                    self.gathered.splice(0..0, lead);
                    return None;
                }
            }
        };
        lead.append(&mut self.gathered);
        if self.tokens[self.at].is(',') && self.is_on_line() {
            self.at += 1;
        }
        let trail = self.trail();
        Some(Item { lead, value, trail })
    }
}
