//! What stands behind a key: one value, a block, or both.

use super::{Parser, Previous};
use crate::{
    flow::{
        syntax::{Head, Key, Value},
        token::{Token, TokenKind},
    },
    source::Place,
    suggest::nearest,
    syntax::shown,
    vocabulary,
};

/// The words that say what the value behind them triggers by.
const TRIGGERS: [&str; 2] = ["event", "schedule"];

/// Where several words are rather several values than one.
const LISTS: [&str; 6] = ["tags", "after", "after_any", "after_group", "retry_on", "no_retry_on"];

impl Parser<'_, '_> {
    /// `beside`: the entry before this one, if nothing stands between the two.
    pub(super) fn value_of(&mut self, key: &Key, colon: bool, beside: Option<Previous>) -> Value {
        let word = if key.quoted { "" } else { key.text.as_str() };
        let head = match word {
            "trigger" => self.trigger_head(colon),
            "else" if self.next_word_is("if") => {
                self.take();
                self.head("if", colon)
            }
            _ => self.head(word, colon),
        };
        if self.block_follows() {
            let block = self.block();
            return Value { head, block: Some(block) };
        }
        if head.is_none() {
            self.no_value(key, colon, beside);
        }
        Value { head, block: None }
    }

    fn no_value(&mut self, key: &Key, colon: bool, beside: Option<Previous>) {
        let shown_key = shown(&key.text);
        let token = self.peek().clone();
        let written = token.written(self.text);
        let is_operator = token.kind == TokenKind::Operator;
        if self.is_on_line() && is_operator && matches!(written, "=" | "==" | "=>") {
            let hint = format!("write `{shown_key}: …`");
            self.reader.error(token.place, "a key and its value have a `:` between them, or nothing").hint(hint);
            self.skip_line();
        } else if self.is_on_line() && matches!(token.kind, TokenKind::Mark(':' | ')')) {
            let message = format!("a value was expected behind `{shown_key}`, not `{}`", shown(written));
            self.reader.error(token.place, message);
            self.skip_line();
        } else if !self.is_on_line() && is_operator && written == "-" {
            self.dashes(key, &token);
        } else if let Some(before) = beside.filter(|before| !colon && is_more(key, before)) {
            let message = format!("`{}` has one value, and `{shown_key}` is more", shown(&before.key));
            let value = shown(&before.value);
            let hint = match before.key.as_str() {
                list if LISTS.contains(&list) => format!("write `{list} [{value}, {shown_key}]`"),
                _ => format!("put all of it in quotes: `\"{value} {shown_key}\"`"),
            };
            self.reader.error(key.place, message).hint(hint);
        } else if !colon && token.is_word() && token.breaks == 1 && !self.is_entry() {
            // It would be told to have no value either.
            self.take();
            let hint = format!("write both on one line: `{shown_key} {}`", shown(written));
            self.reader.error(key.place, format!("`{shown_key}` has no value on its line")).hint(hint);
        } else {
            let hint = match colon {
                true => format!("write its value behind the colon, or `{shown_key} null` for none"),
                false => format!("write `{shown_key}: value`, or `{shown_key} {{ … }}`"),
            };
            self.reader.error(key.place, format!("`{shown_key}` has no value")).hint(hint);
        }
    }

    /// A list as YAML has it, a line with a `-` for each item, and what stands deeper than those.
    fn dashes(&mut self, key: &Key, first: &Token) {
        let edge = first.place.start.column;
        let mut items = vec![];
        loop {
            let token = self.peek().clone();
            let ends = matches!(token.kind, TokenKind::End | TokenKind::Mark('}' | ']'));
            if ends || token.place.start.column < edge || self.begins_definition() {
                break;
            }
            let begin = self.at;
            self.take();
            self.skip_line();
            match &self.tokens[begin..self.at] {
                [dash, item] if dash.written(self.text) == "-" && item.is_key() => items.push(item.written(self.text)),
                _ => items.push("…"),
            }
        }
        let word = shown(&key.text);
        let hint = match key.text.as_str() {
            "steps" | "race" | "parallel" => format!("write each step as `name {{ … }}` in `{word} {{ … }}`"),
            _ if items.contains(&"…") => format!("write `{word} [{{ … }}, {{ … }}]`"),
            _ => format!("write `{word} [{}]`", shown(&items.join(", "))),
        };
        self.reader.error(first.place, "a list has no `-` before its items").hint(hint);
    }

    /// `event "…"`, `schedule "…"`, or one value.
    fn trigger_head(&mut self, colon: bool) -> Option<Head> {
        let token = self.peek().clone();
        if !token.is_word() || token.breaks > 0 {
            return self.head("trigger", colon);
        }
        let mut key = self.key(&token);
        if !TRIGGERS.contains(&key.text.as_str()) {
            let Some(meant) = self.mistyped_trigger(&token) else { return self.head("trigger", colon) };
            key.text = meant.to_owned();
        }
        self.take();
        let colon = self.peeks(':') && self.take().is(':');
        match self.head(&key.text, colon) {
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

    /// A value that is no block. `None`: there is none. `colon`: a word on the next line can be nothing else.
    pub(super) fn head(&mut self, key: &str, colon: bool) -> Option<Head> {
        let token = self.peek().clone();
        let on_line = token.breaks == 0;
        match &token.kind {
            TokenKind::Mark('[') => Some(Head::List(self.list())),
            TokenKind::Mark('(') | TokenKind::Operator if on_line => self.phrase(key),
            TokenKind::Word if on_line || (colon && !self.is_entry()) => self.phrase(key),
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

/// Whether a word behind a value is part of that, and no key that lacks its own.
fn is_more(key: &Key, before: &Previous) -> bool {
    let is_word = vocabulary().iter().any(|(_, known)| known.contains(&key.text.as_str()));
    key.text == before.key || key.text == before.value || !is_word
}
