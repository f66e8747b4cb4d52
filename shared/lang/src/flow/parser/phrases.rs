//! Several words on one line that are one value: `a > b`, `3 times`, `email(customer.email)`.

use super::{IN_WORDS, ITEM, Parser};
use crate::flow::{
    syntax::{Head, Phrase},
    token::{Token, TokenKind},
};

impl Parser<'_, '_> {
    /// One word or text; or as many as belong together, to the end of the line at most.
    pub(super) fn phrase(&mut self, key: &str) -> Option<Head> {
        let text = self.text;
        if self.peek().written(text) == "=" {
            return None;
        }
        let first = self.take();
        let mut tokens = vec![first.clone()];
        if self.goes_on(key, &first) {
            self.rest_of_phrase(&mut tokens);
        } else if key == "retry" && first.is_word() && self.next_word_is("times") {
            tokens.push(self.take());
            if self.next_word_is("with") {
                tokens.push(self.take());
                if self.tokens[self.at].is_word() && self.is_on_line() {
                    tokens.push(self.take());
                }
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

    fn next_word_is(&self, word: &str) -> bool {
        let token = &self.tokens[self.at];
        token.breaks == 0 && token.written(self.text) == word
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
        match &token.kind {
            TokenKind::Operator => true,
            TokenKind::Mark('(' | '[') => first.is_word(),
            // `a -5` is a difference. Items are parted by a space, so among them it is two.
            TokenKind::Word if key != ITEM && token.written(self.text).starts_with(['+', '-']) => true,
            TokenKind::Word if first.is_word() => {
                IN_WORDS.contains(&key) || (token.written(self.text) == "in" && !self.begins_entry_with_in())
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
            self.blur(self.since(tokens[0].place));
        }
    }
}
