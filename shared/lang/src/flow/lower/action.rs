//! What is done when something ends, in a few words: `on_fail: rollback`, `emit(OrderFailed)`, `cancel_order("no stock")`.

use std::rc::Rc;

use super::{Lower, entry, map, start_of, text};
use crate::{
    flow::{
        syntax::{Entry as Written, Head, Phrase, Scalar, Style, Value},
        token::{Piece, Token, TokenKind},
    },
    scalar::{Plain, plain},
    tree::{Content, Node},
};

const HINT: &str = "for example `rollback`, `emit(OrderFailed)`, `cancel_order(\"no stock\")`, or a step in braces";

/// Words that stand in the place of an action, and that only `on_error` and `retry` can mean. An activity of such a name has parentheses.
const NO_ACTIONS: [&str; 6] = ["fail", "skip", "continue", "pause", "ignore", "retry"];

impl Lower<'_, '_> {
    /// A step. `None`: there is nothing to do, or it cannot be read, which is noted.
    pub(super) fn action(&mut self, written: &Written) -> Option<Rc<Node>> {
        let place = written.key.place;
        match &written.value {
            Value { head: None, block: Some(block) } => Some(self.step(None, block, place)),
            // What failed is rolled back in any case.
            Value { head: Some(Head::Scalar(scalar)), block: None } if scalar.value == "rollback" => None,
            Value { head: Some(Head::Scalar(scalar)), block: None } if NO_ACTIONS.contains(&scalar.value.as_str()) => {
                let hint = match scalar.value.as_str() {
                    "retry" => "how often a step is tried again says its `retry`: `retry 3 times`".to_owned(),
                    "ignore" => {
                        "what a failure does to the others says `on_error` of a step: `on_error continue`".to_owned()
                    }
                    word => format!("what a failure does to the others says `on_error` of a step: `on_error {word}`"),
                };
                self.reader.error(scalar.place, format!("`{}` is nothing that can be done", scalar.value)).hint(hint);
                None
            }
            Value { head: Some(Head::Scalar(scalar)), block: None }
                if scalar.style == Style::Bare && matches!(plain(&scalar.value), Plain::Text) =>
            {
                self.reader.rename(scalar.place, "activity", &written.key.text);
                let activity = text(scalar.value.as_str(), scalar.place);
                Some(map(start_of(scalar.place), vec![entry("activity", place, activity)]))
            }
            Value { head: Some(Head::Phrase(phrase)), block: None } => match called(phrase) {
                Some((name, arguments)) => self.called(written, phrase, &name, arguments),
                None => {
                    self.reader.error(phrase.place, "this says nothing that can be done").hint(HINT);
                    None
                }
            },
            other => {
                let at = other.place().map_or(place, start_of);
                self.reader.error(at, "this says nothing that can be done").hint(HINT);
                None
            }
        }
    }

    fn called(&mut self, written: &Written, phrase: &Phrase, name: &str, arguments: &[Token]) -> Option<Rc<Node>> {
        let (key, place) = (written.key.place, phrase.place);
        let step = match name {
            "emit" => {
                let kind = within_parentheses(phrase);
                let kind = kind.trim_matches(['"', '\'']);
                let event =
                    vec![entry("type", place, text(kind, place)), entry("data", place, text("${ outcome }", place))];
                vec![entry("emit", key, map(start_of(place), event))]
            }
            "update" | "query" | "select" => {
                let input = text(within_parentheses(phrase), place);
                vec![entry("activity", key, text(name, place)), entry("input", place, input)]
            }
            name => {
                let input = self.arguments(phrase, arguments);
                let activity = entry("activity", key, text(name, place));
                std::iter::once(activity).chain(input.map(|input| entry("input", place, input))).collect()
            }
        };
        Some(map(start_of(place), step))
    }

    /// Of a step: it joins what is done when the execution has failed, and is done if that step has.
    pub(super) fn on_fail(&mut self, name: Option<&str>, written: &Written) {
        let place = written.key.place;
        let Some(name) = name else {
            self.reader.error(place, "what handles an end has no `on_fail` of its own").hint("remove it");
            return;
        };
        let Some(action) = self.action(written) else { return };
        let when = format!("steps[\"{name}\"].status == \"failed\"");
        let when = entry("when", place, text(when, place));
        let action = match &action.content {
            Content::Map(entries) if entries.iter().all(|entry| entry.key.text != "when") => {
                map(action.place, std::iter::once(when).chain(entries.iter().cloned()).collect())
            }
            _ => {
                let hint = "put the step with its condition into `steps` of this one";
                self.reader
                    .error(place, "what is done on a failure of a step has a condition already: that it failed")
                    .hint(hint);
                return;
            }
        };
        self.failures.push(entry(&format!("{name}_on_fail"), place, action));
    }
}

/// `name(…)`: the name, and what stands between the parentheses.
pub(super) fn called(phrase: &Phrase) -> Option<(String, &[Token])> {
    let [name, open, arguments @ .., close] = phrase.tokens.as_slice() else { return None };
    if !name.is_word() || !open.is('(') || !close.is(')') {
        return None;
    }
    Some((phrase.text[..name.to - name.from].to_owned(), arguments))
}

/// What stands between the outermost parentheses, or all if there are none.
pub(super) fn within_parentheses(phrase: &Phrase) -> &str {
    let open = phrase.tokens.iter().take(2).position(|token| token.is('('));
    match (open, phrase.tokens.last()) {
        (Some(open), Some(last)) if last.is(')') => {
            let from = phrase.tokens[open].to - phrase.from;
            phrase.text[from..phrase.text.len() - 1].trim()
        }
        _ => phrase.text.trim(),
    }
}

/// A token that is a value by itself.
pub(super) fn scalar_of(token: &Token, written: &str) -> Scalar {
    match &token.kind {
        TokenKind::Text(quoted) => Scalar {
            value: quoted.value.clone(),
            style: Style::Quoted(quoted.quotes),
            place: token.place,
            pieces: quoted.pieces.clone(),
        },
        _ => Scalar {
            value: written.to_owned(),
            style: Style::Bare,
            place: token.place,
            pieces: vec![Piece { value: 0, source: token.from }],
        },
    }
}
