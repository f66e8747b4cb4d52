//! Several words on one line that are one value: `a > b`, `3 times`, `email(customer.email)`.

use super::{IN_WORDS, ITEM, Parser};
use crate::{
    flow::{
        syntax::{Head, Phrase},
        token::{Token, TokenKind},
    },
    source::Place,
    spelled,
};

impl Parser<'_, '_> {
    /// One word or text; or as many as belong together, to the end of the line at most.
    pub(super) fn phrase(&mut self, key: &str) -> Option<Head> {
        let text = self.text;
        if matches!(self.peek().written(text), "=" | "==" | "=>") {
            return None;
        }
        let first = self.take();
        let mut tokens = vec![first.clone()];
        if self.goes_on(key, &first) {
            self.rest_of_phrase(&mut tokens);
        } else if key == "retry" && first.is_word() && (self.next_word_is("times") || self.next_word_is("time")) {
            tokens.push(self.take());
            if self.next_word_is("with") {
                tokens.push(self.take());
                if self.tokens[self.at].is_word() && self.is_on_line() {
                    tokens.push(self.take());
                }
                // Written as two words it is told as a whole.
                if self.next_word_is("backoff") || self.next_word_is("delay") {
                    tokens.push(self.take());
                }
            }
        } else if is_number(&first, text) {
            // `5 minutes`, which is told as a whole.
            while self.tokens[self.at].is_word() && self.is_on_line() && self.counts() {
                tokens.push(self.take());
            }
        }
        if let [only] = tokens.as_slice()
            && only.is_key()
        {
            return Some(Head::Scalar(self.scalar(only)));
        }
        let (from, to) = (first.from, tokens.last().map_or(first.to, |last| last.to));
        let place = self.since(first.place);
        Some(Head::Phrase(Phrase { text: self.text[from..to].to_owned(), tokens, place, from }))
    }

    /// Whether a block comes next. Comments on the way to anything else are not this entry's.
    pub(super) fn block_follows(&self) -> bool {
        let next = self.tokens[self.at..].iter().find(|token| token.kind != TokenKind::Comment);
        next.is_some_and(|token| token.is('{'))
    }

    pub(super) fn next_word_is(&self, word: &str) -> bool {
        let token = &self.tokens[self.at];
        token.breaks == 0 && token.written(self.text) == word
    }

    /// Whether the next word says what was counted, or counts on: `hour`, `30`.
    fn counts(&mut self) -> bool {
        let (token, text) = (self.tokens[self.at].clone(), self.text);
        let word = token.written(text);
        let second = self.second().clone();
        let goes_on = second.is_word() && second.breaks == 0 && spelled::is_unit(second.written(text));
        let has_value = second.is(':') || (second.breaks == 0 && matches!(second.kind, TokenKind::Text(_)));
        !has_value && (spelled::is_unit(word) || (is_number(&token, text) && goes_on))
    }

    /// Whether more of a phrase follows its first token.
    fn goes_on(&mut self, key: &str, first: &Token) -> bool {
        if !first.is_key() {
            return true;
        }
        let token = self.tokens[self.at].clone();
        if token.breaks > 0 {
            return false;
        }
        // The fields of a cron expression whose quotes are missing.
        let is_field = |token: &Token| token.kind == TokenKind::Operator || is_number(token, self.text);
        if matches!(key, "schedule" | "cron") && is_number(first, self.text) && is_field(&token) {
            return true;
        }
        match &token.kind {
            TokenKind::Operator => true,
            TokenKind::Mark('(' | '[') => first.is_word(),
            // `a -5` is a difference. Items are parted by a space, so among them it is two.
            TokenKind::Word if key != ITEM && token.written(self.text).starts_with(['+', '-']) => true,
            TokenKind::Word if first.is_word() => {
                let negates = matches!(key, "if" | "when" | "check") && first.written(self.text) == "not";
                negates || IN_WORDS.contains(&key) || (token.written(self.text) == "in" && !self.begins_entry_with_in())
            }
            _ => false,
        }
    }

    /// `in: 5m` is an entry of a schedule; `a in b` is not.
    fn begins_entry_with_in(&mut self) -> bool {
        self.second().is(':')
    }

    /// Takes all to the end of the line, or to what closes or separates.
    fn rest_of_phrase(&mut self, tokens: &mut Vec<Token>) {
        let mut open: Vec<Token> = if tokens[0].is('(') { vec![tokens[0].clone()] } else { vec![] };
        loop {
            let token = self.tokens[self.at].clone();
            if token.breaks > 0 {
                break;
            }
            match token.kind {
                TokenKind::End | TokenKind::Comment | TokenKind::Mark('{' | '}') => break,
                TokenKind::Mark(',' | ')' | ']') if open.is_empty() => break,
                TokenKind::Mark('(' | '[') => open.push(token.clone()),
                TokenKind::Mark(')' | ']') => drop(open.pop()),
                _ => {}
            }
            tokens.push(self.take());
        }
        if let Some(unclosed) = open.last() {
            let (place, written) = (unclosed.place, unclosed.written(self.text));
            let hint = "an expression ends on the line that it begins on";
            self.reader.error(place, format!("this `{written}` is never closed")).hint(hint);
            self.blur(Place { start: tokens[0].place.start, end: self.tokens[self.at].place.start });
        }
    }
}

fn is_number(token: &Token, text: &str) -> bool {
    token.is_word() && token.written(text).chars().all(|c| c.is_ascii_digit() || c == '.')
}
