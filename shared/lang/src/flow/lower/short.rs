//! Steps, and what is short in them: `if`, `as`, `call`, `check`, `send`, `query`, `select`, `update`, `template`, `retry 3 times`.

use std::rc::Rc;

use super::{Lower, Map, entry, map, start_of, text, value::Mode};
use crate::{
    elsewhere::called_here,
    flow::{
        syntax::{Block, Entry as Written, Head, Phrase, Value},
        token::{Piece, Token, TokenKind},
        within::Within,
    },
    scalar::{Plain, plain},
    source::Place,
    suggest::nearest,
    syntax::shown,
    tree::{Content, Entry, Node, Text},
    words,
};

/// Words of steps that YAML does not have.
pub(crate) const SHORT: [&str; 9] = ["if", "as", "call", "check", "send", "query", "select", "update", "template"];

/// Words of definitions that YAML does not have.
pub(crate) const SHORT_OF_TOP: [&str; 7] =
    ["trigger", "description", "schedule", "timezone", "task", "on_fail", "on_complete"];

/// How the delays grow that `retry: 3 times with …` says.
const GROWTH: [(&str, &str); 6] = [
    ("exponential_backoff", "exponential"),
    ("linear_backoff", "linear"),
    ("fixed_delay", "fixed"),
    ("exponential", "exponential"),
    ("linear", "linear"),
    ("fixed", "fixed"),
];

const RETRY: &str = "for example `retry 3 times`, or `retry 3 times with exponential_backoff`";

impl Lower<'_, '_> {
    /// The body of a step that waits for nothing but what it says itself.
    pub(super) fn step(&mut self, name: Option<&str>, block: &Block, owner: Place) -> Rc<Node> {
        self.step_after(name, block, owner, None)
    }

    pub(super) fn step_after(
        &mut self,
        name: Option<&str>,
        block: &Block,
        owner: Place,
        waits: Option<Rc<Node>>,
    ) -> Rc<Node> {
        let mut step = Map::new();
        if let Some(waits) = waits {
            step.push(self.reader, entry("after", owner, waits));
        }
        let has_template = block.entries.iter().any(|entry| entry.key.text == "template" && !entry.key.quoted);
        let mut of_template: Vec<&Written> = vec![];
        for written in &block.entries {
            if written.value.is_lost() {
                self.blurred.push(owner);
                continue;
            }
            let word = if written.key.quoted { "" } else { written.key.text.as_str() };
            let before = (step.entries.len(), self.reader.errors());
            match word {
                "template" | "data" | "format" if has_template => of_template.push(written),
                "call" => self.call(&mut step, written),
                "send" => self.send(&mut step, written),
                "query" | "select" | "update" => self.in_words(&mut step, word, written),
                "check" => self.check(&mut step, name, written),
                "on_fail" => self.on_fail(name, written),
                "as" => self.plain(&mut step, "context_key", written, Within::Literal),
                "retry" => {
                    if let Some(value) = self.retry(written) {
                        step.push(self.reader, entry("retry", written.key.place, value));
                    }
                }
                "emit" => self.emitted(&mut step, written),
                "" => self.plain(&mut step, &written.key.text, written, Within::Literal),
                word if self.is_mistyped(word) => self.mistyped(name, written),
                word => {
                    let key = super::meant(Within::Step, &written.key);
                    self.plain(&mut step, key, written, Within::Step.of(word));
                }
            }
            // That what was wrong is not there now, is not told besides.
            if step.entries.len() == before.0 && before.1 < self.reader.errors() {
                self.blurred.push(owner);
            }
        }
        if !of_template.is_empty() {
            self.template(&mut step, &of_template);
        }
        step.node(block.place)
    }

    fn plain(&mut self, step: &mut Map, key: &str, written: &Written, within: Within) {
        self.reader.rename(written.place, key, &written.key.text);
        if let Some(value) = self.value(&written.value, within, &written.key) {
            step.push(self.reader, entry(key, written.key.place, value));
        }
    }

    /// A word that is none, and nearly one of those that only this form has. Of the others the reader of steps says so.
    fn is_mistyped(&self, word: &str) -> bool {
        let known = words::STEP.known.contains(&word) || words::STEP.later.contains(&word);
        let all = SHORT.iter().chain(words::STEP.known).copied();
        let is_of_others = called_here(word, words::STEP.known.iter().copied()).is_some();
        !known
            && !SHORT.contains(&word)
            && !is_of_others
            && nearest(word, all).is_some_and(|near| SHORT.contains(&near))
    }

    fn mistyped(&mut self, name: Option<&str>, written: &Written) {
        let word = shown(&written.key.text);
        let near = nearest(&written.key.text, SHORT.iter().chain(words::STEP.known).copied());
        let hint = near.map(|near| format!("did you mean `{near}`?"));
        let step = name.map_or("a step".to_owned(), |name| format!("step `{}`", shown(name)));
        self.reader.error(written.key.place, format!("unknown key `{word}` in {step}")).maybe_hint(hint);
    }

    /// An activity, and what it gets.
    fn activity(&mut self, step: &mut Map, place: Place, name: Rc<Node>, input: Option<Rc<Node>>) {
        if step.has("activity") {
            let hint = "a step does one thing; make two steps of it";
            self.reader.error(place, "this step has an activity already").hint(hint);
            return;
        }
        step.push(self.reader, entry("activity", place, name));
        if let Some(input) = input {
            step.push(self.reader, entry("input", place, input));
        }
    }

    /// `call: payments.charge { amount: … }`
    fn call(&mut self, step: &mut Map, written: &Written) {
        let place = written.key.place;
        let input = written.value.block.as_ref().map(|block| self.block(block, Within::Data, place));
        let name = match &written.value.head {
            Some(Head::Scalar(scalar)) => {
                self.reader.rename(scalar.place, "activity", "call");
                self.scalar(scalar, Mode::Literal)
            }
            _ => {
                let at = written.value.place().map_or(place, start_of);
                self.reader
                    .error(at, "`call` names no activity")
                    .hint("for example `call payments.charge { amount: 10 }`");
                return;
            }
        };
        self.activity(step, place, name, input);
    }

    /// `send: email(customer.email) { subject: … }` is the activity `send` with all of that.
    fn send(&mut self, step: &mut Map, written: &Written) {
        let place = written.key.place;
        let mut input = Map::new();
        match &written.value.head {
            Some(Head::Scalar(scalar)) => {
                let via = self.scalar(scalar, Mode::Literal);
                input.push(self.reader, entry("via", place, via));
            }
            Some(Head::Phrase(phrase)) => {
                let Some((via, arguments)) = super::action::called(phrase) else {
                    let hint = "for example `send email(trigger.data.email) { subject: \"…\" }`";
                    self.reader.error(phrase.place, "this does not say what to send").hint(hint);
                    return;
                };
                input.push(self.reader, entry("via", place, text(via, phrase.place)));
                if let Some(to) = self.arguments(phrase, arguments) {
                    input.push(self.reader, entry("to", phrase.place, to));
                }
            }
            None => {}
            Some(Head::List(_) | Head::Named(..)) => {
                let hint = "for example `send email(trigger.data.email) { subject: \"…\" }`";
                self.reader.error(place, "this does not say what to send").hint(hint);
                return;
            }
        }
        if let Some(block) = &written.value.block
            && let Content::Map(entries) = &self.block(block, Within::Data, place).content
        {
            for more in entries {
                input.push(self.reader, more.clone());
            }
        }
        self.activity(step, place, text("send", place), Some(input.node(written.place)));
    }

    /// `query: select Product where …` is the activity `query` with that text.
    fn in_words(&mut self, step: &mut Map, word: &str, written: &Written) {
        let place = written.key.place;
        let input = match (&written.value.head, &written.value.block) {
            (Some(Head::Phrase(phrase)), None) => Some(text(super::action::within_parentheses(phrase), phrase.place)),
            (Some(Head::Scalar(scalar)), None) => Some(self.scalar(scalar, Mode::Literal)),
            _ => self.value(&written.value, Within::Data, &written.key),
        };
        self.activity(step, place, text(word, place), input);
    }

    /// `template: "x"` with `data` and `format` beside it is the activity `template` with all of these.
    fn template(&mut self, step: &mut Map, of: &[&Written]) {
        let mut input = Map::new();
        let mut place = of[0].key.place;
        for written in of {
            let within = if written.key.text == "data" { Within::Data } else { Within::Literal };
            if written.key.text == "template" {
                place = written.key.place;
            }
            if let Some(value) = self.value(&written.value, within, &written.key) {
                input.push(self.reader, entry(&written.key.text, written.key.place, value));
            }
        }
        self.activity(step, place, text("template", place), Some(input.node(start_of(place))));
    }

    /// `check: a >= b`: the step fails if that does not hold. Of a loop, for each item.
    fn check(&mut self, step: &mut Map, name: Option<&str>, written: &Written) {
        let place = written.key.place;
        self.reader.rename(written.place, "when", "check");
        let Some(condition) = self.value(&written.value, Within::Condition, &written.key) else { return };
        let bare = match &condition.content {
            Content::Text(text) => sagaline_expr::whole(&text.value).unwrap_or(&text.value).trim().to_owned(),
            Content::Plain(value, _) => value.to_string(),
            Content::List(_) | Content::Map(_) => {
                self.reader.wrong_kind(&condition, "check", "a condition");
                return;
            }
        };
        // Told where it was written, before the rest is put around it.
        let when = format!("!({bare})");
        let message = format!("the check does not hold: {}", bare.replace("${", "$${"));
        let error = map(
            place,
            vec![entry("type", place, text("CheckFailed", place)), entry("message", place, text(message, place))],
        );
        let when = self.around(&condition, when, 2);
        let inner = map(place, vec![entry("when", place, when), entry("raise", place, error)]);
        let name = format!("{}_check", name.unwrap_or("handler"));
        let steps = map(start_of(place), vec![entry(&name, place, inner)]);
        step.push(self.reader, entry("steps", place, steps));
    }

    /// A text with more before it, `shift` bytes, and behind it.
    fn around(&self, node: &Node, value: String, shift: usize) -> Rc<Node> {
        let pieces = match &node.content {
            Content::Text(text) if !text.value.contains("${") => text.pieces().unwrap_or_default(),
            _ => &[],
        };
        let first = pieces.first().map(|first| Piece { value: 0, source: first.source });
        let rest = pieces.iter().map(|piece| Piece { value: piece.value + shift, ..*piece });
        let pieces = first.into_iter().chain(rest).collect();
        Rc::new(Node::new(node.place, Content::Text(Text::at(value, node.place, pieces))))
    }

    /// `emit(OrderPaid)` is the same as `emit: OrderPaid`.
    fn emitted(&mut self, step: &mut Map, written: &Written) {
        match &written.value {
            Value { head: Some(Head::Phrase(phrase)), block: None } if phrase.text.starts_with('(') => {
                let kind = super::action::within_parentheses(phrase);
                let kind = kind.trim_matches(['"', '\'']);
                step.push(self.reader, entry("emit", written.key.place, text(kind, phrase.place)));
            }
            _ => self.plain(step, "emit", written, Within::Emit),
        }
    }

    /// A number, a map, or `3 times with exponential_backoff`: so often again, after the first time.
    pub(super) fn retry(&mut self, written: &Written) -> Option<Rc<Node>> {
        let Value { head: Some(Head::Phrase(phrase)), block: None } = &written.value else {
            if let Value { head: Some(Head::Scalar(scalar)), block: None } = &written.value
                && matches!(plain(&scalar.value), Plain::Text)
            {
                self.reader.error(scalar.place, "this does not say how often it is tried again").hint(RETRY);
                return None;
            }
            return self.value(&written.value, Within::Retry, &written.key);
        };
        let words: Vec<&str> = {
            let from = phrase.from;
            phrase.tokens.iter().map(|token| &phrase.text[token.from - from..token.to - from]).collect()
        };
        let (count, growth) = match words.as_slice() {
            [count, "times"] => (*count, None),
            [count, "times", "with", growth @ ..] if !growth.is_empty() => (*count, Some(growth.join("_"))),
            _ => ("", None),
        };
        let place = phrase.place;
        let Some(again) = count.parse::<u32>().ok().and_then(|count| count.checked_add(1)) else {
            self.reader.error(place, "this does not say how often it is tried again").hint(RETRY);
            return None;
        };
        let attempts = Rc::new(Node::new(place, Content::Plain(again.into(), again.to_string())));
        let Some(growth) = growth else { return Some(attempts) };
        let said = &words[3..];
        let Some((_, backoff)) = GROWTH.iter().find(|(word, _)| said == [*word]) else {
            let known = GROWTH.map(|(word, _)| word);
            let hint = match nearest(&growth, known) {
                Some(word) => format!("did you mean `{word}`?"),
                None => format!("one of `{}`", known.join("`, `")),
            };
            let at = phrase.tokens.get(3).map_or(place, |token| Place { end: place.end, ..token.place });
            self.reader.error(at, format!("delays do not grow with `{}`", shown(&said.join(" ")))).hint(hint);
            return None;
        };
        let entries: Vec<Entry> =
            vec![entry("attempts", place, attempts), entry("backoff", place, text(*backoff, place))];
        Some(map(start_of(place), entries))
    }

    /// What a call is given: nothing, one value, or several.
    pub(super) fn arguments(&mut self, phrase: &Phrase, arguments: &[Token]) -> Option<Rc<Node>> {
        let mut values = vec![];
        let mut depth = 0_usize;
        let parts = arguments.split(|token| {
            match token.kind {
                TokenKind::Mark('(' | '[') => depth += 1,
                TokenKind::Mark(')' | ']') => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0 && token.is(',')
        });
        for part in parts.filter(|part| !part.is_empty()) {
            values.extend(self.argument(phrase, part));
        }
        match values.len() {
            0 | 1 => values.pop(),
            _ => Some(super::list(phrase.place, values)),
        }
    }

    fn argument(&mut self, phrase: &Phrase, tokens: &[Token]) -> Option<Rc<Node>> {
        let (first, last) = (tokens.first()?, tokens.last()?);
        let from = phrase.from;
        let written = phrase.text[first.from - from..last.to - from].to_owned();
        if let [only] = tokens
            && only.is_key()
        {
            let scalar = super::action::scalar_of(only, &written);
            return Some(self.scalar(&scalar, Mode::Data));
        }
        let place = Place { end: last.place.end, ..first.place };
        let part = Phrase { text: written, tokens: tokens.to_vec(), place, from: first.from };
        self.phrase(&part, Mode::Data, "an argument")
    }
}
