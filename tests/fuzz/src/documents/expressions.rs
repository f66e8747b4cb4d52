//! Expressions, and values that may be computed.

use sagaline_lang::Document;

use super::{Around, Maker, plain, text};

/// What may be read everywhere but where there is only an event.
const ALWAYS: [&str; 9] = [
    "config.host",
    "workflow.input.id",
    "ctx.total > 3",
    "execution.id + '}' + \"${\"",
    "coalesce(workflow.input.a, 'it: # \\'s')",
    "{'}': trigger.data.x}['}']",
    "workflow.input.items.filter(one, one.price > 100)",
    "workflow.input.a\n  && workflow.input.b",
    "size(\"\\\"\\\\é\") == 3",
];

const OF_EVENTS: [&str; 3] = ["trigger.data.id", "trigger.data.total > 0 && trigger.subject != 'x: y'", "trigger.type"];

impl Maker<'_> {
    /// Without its braces.
    pub(super) fn expression(&mut self, around: &Around) -> String {
        let more = around.readable.len();
        if 0 < more && self.tape.chance(5) {
            let at = self.tape.below(more);
            return around.readable[at].clone();
        }
        (*self.tape.one_of(&ALWAYS)).to_owned()
    }

    pub(super) fn of_event(&mut self) -> String {
        (*self.tape.one_of(&OF_EVENTS)).to_owned()
    }

    /// Only `${…}`.
    pub(super) fn whole(&mut self, around: &Around) -> Document {
        let expression = self.expression(around);
        text(match self.tape.below(3) {
            0 => format!("${{ {expression} }}"),
            1 => format!("${{{expression}}}"),
            _ => format!(" ${{ {expression} }}\n"),
        })
    }

    pub(super) fn condition(&mut self, around: &Around) -> Document {
        let expression = self.expression(around);
        self.condition_of(expression)
    }

    pub(super) fn condition_of(&mut self, expression: String) -> Document {
        match self.tape.below(5) {
            0 if !expression.contains("${") => text(expression),
            1 => plain(self.tape.chance(5)),
            _ => text(format!("${{ {expression} }}")),
        }
    }

    /// A duration that is longer than nothing, or what gives one.
    pub(super) fn duration(&mut self, around: &Around) -> Document {
        if self.tape.chance(3) { self.whole(around) } else { self.span() }
    }

    pub(super) fn deadline(&mut self, around: &Around) -> Document {
        if self.tape.chance(3) { self.whole(around) } else { self.moment() }
    }

    pub(super) fn amount(&mut self, around: &Around) -> Document {
        if self.tape.chance(3) { self.whole(around) } else { self.count() }
    }

    /// A text over the event.
    pub(super) fn event_text(&mut self) -> String {
        if self.tape.chance(3) {
            self.still_text()
        } else {
            format!("{} ${{ {} }}", self.still_text(), self.of_event())
        }
    }

    /// Any value over the event.
    pub(super) fn event_value(&mut self) -> Document {
        match self.tape.below(3) {
            0 => text(self.event_text()),
            1 => Document::Map(vec![("id".to_owned(), text(self.event_text())), ("n".to_owned(), plain(1))]),
            _ => self.fixed_value(),
        }
    }
}
