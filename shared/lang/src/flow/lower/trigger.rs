//! What starts executions: `trigger event "x"`, `trigger schedule "0 6 * * *"`, `trigger manual`, `trigger: OrderPlaced`.

use std::rc::Rc;

use super::{Lower, Map, entry, start_of};
use crate::{
    flow::{
        syntax::{Block, Entry as Written, Head, Key, Style},
        within::Within,
    },
    syntax::shown,
    tree::Node,
};

impl Lower<'_, '_> {
    /// One entry of `on`, or several.
    pub(super) fn triggers(&mut self, written: &Written) -> Vec<Rc<Node>> {
        let (key, block) = (&written.key, written.value.block.as_ref());
        match &written.value.head {
            None => block.map(|block| self.block(block, Within::Trigger, key.place)).into_iter().collect(),
            Some(Head::Named(word, value)) => {
                let (of, within) = match word.text.as_str() {
                    "schedule" => ("cron", Within::Schedule),
                    _ => ("event", Within::Trigger),
                };
                let Some(value) = self.head(value, Within::Literal, &word.text) else { return vec![] };
                self.reader.rename(value.place, of, &word.text);
                vec![self.trigger(of, word, value, block, within)]
            }
            Some(Head::Scalar(scalar)) if scalar.value == "manual" && block.is_none() => {
                vec![self.scalar(scalar, super::value::Mode::Literal)]
            }
            Some(Head::Scalar(scalar))
                if scalar.style == Style::Bare && ["event", "schedule"].contains(&scalar.value.as_str()) =>
            {
                // Which, is not said: that is noted already.
                vec![]
            }
            Some(Head::Scalar(scalar)) if is_cron(&scalar.value) => {
                let hint = format!("write `trigger schedule \"{}\"`", shown(&scalar.value));
                self.reader.error(scalar.place, "a cron expression is no event").hint(hint);
                vec![]
            }
            Some(head @ Head::Scalar(scalar)) => {
                let word = Key { text: "event".to_owned(), place: scalar.place, quoted: false };
                self.reader.rename(scalar.place, "event", &key.text);
                let value = self.head(head, Within::Literal, "trigger");
                value.map(|value| self.trigger("event", &word, value, block, Within::Trigger)).into_iter().collect()
            }
            Some(Head::List(items)) => {
                let items = items.items.iter();
                items.filter_map(|item| self.value(&item.value, Within::Trigger, key)).collect()
            }
            Some(Head::Phrase(phrase)) => {
                let hint = "write `trigger event \"…\"`, `trigger schedule \"…\"` or `trigger manual`";
                self.reader.error(phrase.place, "this is no trigger").hint(hint);
                vec![]
            }
        }
    }

    fn trigger(&mut self, of: &str, word: &Key, value: Rc<Node>, block: Option<&Block>, within: Within) -> Rc<Node> {
        let place = crate::source::Place { end: value.place.end.max(word.place.end), ..word.place };
        let mut map = Map::new();
        map.push(self.reader, entry(of, word.place, value));
        for written in block.into_iter().flat_map(|block| &block.entries) {
            let Some(value) = self.value(&written.value, within.of(&written.key.text), &written.key) else { continue };
            let key = super::meant(within, &written.key);
            self.reader.rename(written.place, key, &written.key.text);
            map.push(self.reader, entry(key, written.key.place, value));
        }
        map.node(place)
    }

    /// `schedule "0 6 * * *"` and `timezone "UTC"`, which say it at the top.
    pub(super) fn schedule(&mut self, cron: &Written, timezone: Option<&Written>) -> Option<Rc<Node>> {
        let mut map = Map::new();
        self.reader.rename(cron.place, "cron", &cron.key.text);
        let value = self.value(&cron.value, Within::Literal, &cron.key)?;
        map.push(self.reader, entry("cron", cron.key.place, value));
        if let Some(timezone) = timezone
            && let Some(value) = self.value(&timezone.value, Within::Literal, &timezone.key)
        {
            map.push(self.reader, entry("timezone", timezone.key.place, value));
        }
        Some(map.node(start_of(cron.key.place)))
    }
}

/// Whether a text looks like the fields of a cron expression.
fn is_cron(text: &str) -> bool {
    let mut fields = text.split_whitespace();
    fields.clone().count() > 4 && fields.all(|field| field.starts_with(|c: char| c.is_ascii_digit() || c == '*'))
}
