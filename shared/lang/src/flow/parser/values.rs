//! What stands behind a key: one value, a block, or both.

use super::Parser;
use crate::{
    flow::{
        syntax::{Head, Key, Value},
        token::{Token, TokenKind},
    },
    source::Place,
    suggest::nearest,
    syntax::shown,
};

/// The words that say what the value behind them triggers by.
const TRIGGERS: [&str; 2] = ["event", "schedule"];

impl Parser<'_, '_> {
    pub(super) fn value_of(&mut self, key: &Key, colon: bool) -> Value {
        let word = if key.quoted { "" } else { key.text.as_str() };
        let head = match word {
            "trigger" => self.trigger_head(),
            _ => self.head(word),
        };
        if self.block_follows() {
            let block = self.block();
            return Value { head, block: Some(block) };
        }
        if head.is_none() {
            self.no_value(key, colon);
        }
        Value { head, block: None }
    }

    fn no_value(&mut self, key: &Key, colon: bool) {
        let shown_key = shown(&key.text);
        let token = self.peek().clone();
        if self.is_on_line() && token.kind == TokenKind::Operator && token.written(self.text) == "=" {
            let hint = format!("write `{shown_key}: …`");
            self.reader.error(token.place, "a key and its value have a `:` between them, or nothing").hint(hint);
            self.skip_line();
        } else if self.is_on_line() && matches!(token.kind, TokenKind::Mark(':' | ')')) {
            let written = shown(token.written(self.text));
            let message = format!("a value was expected behind `{shown_key}`, not `{written}`");
            self.reader.error(token.place, message);
            self.skip_line();
        } else {
            let hint = match colon {
                true => format!("write its value behind the colon, or `{shown_key} null` for none"),
                false => format!("write `{shown_key}: value`, or `{shown_key} {{ … }}`"),
            };
            self.reader.error(key.place, format!("`{shown_key}` has no value")).hint(hint);
        }
    }

    /// `event "…"`, `schedule "…"`, or one value.
    fn trigger_head(&mut self) -> Option<Head> {
        let token = self.peek().clone();
        if !token.is_word() || token.breaks > 0 {
            return self.head("trigger");
        }
        let mut key = self.key(&token);
        if !TRIGGERS.contains(&key.text.as_str()) {
            let Some(meant) = self.mistyped_trigger(&token) else { return self.head("trigger") };
            key.text = meant.to_owned();
        }
        self.take();
        if self.peeks(':') {
            self.take();
        }
        match self.head("") {
            Some(head) => Some(Head::Named(key, Box::new(head))),
            None => {
                let message = format!("the trigger says `{}` and not which", key.text);
                let hint = match key.text.as_str() {
                    "event" => "for example `trigger event \"order.created\"`",
                    _ => "for example `trigger schedule \"0 6 * * *\"`",
                };
                self.reader.error(key.place, message).hint(hint);
                self.blur(key.place);
                Some(Head::Scalar(self.scalar(&token)))
            }
        }
    }

    /// What is meant by a word that another follows, as only one of `event` and `schedule` may be followed; that it is neither is noted.
    fn mistyped_trigger(&mut self, token: &Token) -> Option<&'static str> {
        let written = token.written(self.text);
        let near = if written == "cron" { Some("schedule") } else { nearest(written, TRIGGERS) };
        let second = self.second();
        let doubtful = Place { end: second.place.end, ..token.place };
        let is_followed = match second.kind {
            TokenKind::Text(_) => second.breaks == 0,
            TokenKind::Word => second.breaks == 0 && near.is_some(),
            _ => false,
        };
        if !is_followed {
            return None;
        }
        let hint = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => "write `trigger event \"…\"`, `trigger schedule \"…\"` or `trigger manual`".to_owned(),
        };
        self.reader.error(token.place, format!("no kind of trigger is called `{}`", shown(written))).hint(hint);
        self.blur(doubtful);
        Some(near.unwrap_or(TRIGGERS[0]))
    }

    /// A value that is no block. `None`: there is none.
    pub(super) fn head(&mut self, key: &str) -> Option<Head> {
        let token = self.peek().clone();
        let on_line = token.breaks == 0;
        match &token.kind {
            TokenKind::Mark('[') => Some(Head::List(self.list())),
            TokenKind::Mark('(') | TokenKind::Operator if on_line => self.phrase(key),
            TokenKind::Word if on_line => self.phrase(key),
            // On a line of its own it can be no key.
            TokenKind::Text(_) if on_line || !self.is_entry() => self.phrase(key),
            _ => None,
        }
    }

    /// Whether what stands here is a key with a value.
    fn is_entry(&mut self) -> bool {
        let second = self.second();
        second.is(':')
            || (second.breaks == 0 && !matches!(second.kind, TokenKind::Mark('}' | ',' | ']') | TokenKind::End))
    }
}
