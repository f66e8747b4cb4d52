//! Values that people may write anywhere, and those that are hard to write.

use sagaline_lang::Document;

use super::{Around, Maker, plain, text};

/// Texts that mean something else when they are written carelessly.
const TEXTS: [&str; 64] = [
    "a",
    "orders",
    "two words",
    "",
    " ",
    "yes",
    "no",
    "on",
    "null",
    "~",
    "true",
    "False",
    "12",
    "-3",
    "1.5e3",
    "0x1F",
    "0o17",
    ".5",
    ".inf",
    "2026-12-24",
    "18:30",
    "a: b",
    "a:b",
    "a:",
    ":a",
    "a #b",
    "a#b",
    "# no",
    "- x",
    "-",
    "?",
    "? x",
    "&a",
    "*a",
    "!x",
    "%YAML",
    "@x",
    "`x`",
    "|",
    ">-",
    "{",
    "}",
    "[a]",
    "a, b",
    "<<",
    "=",
    "---",
    "...",
    "'",
    "it's",
    "\"",
    "back\\slash",
    "é ü ß",
    "😀",
    "one\ntwo",
    "one\ntwo\n",
    "one\n\n  two\n\n",
    " lead",
    "trail ",
    "tab\there",
    "\r\n",
    "\u{85}\u{2028}\u{feff}",
    "\u{0}\u{7f}",
    "$${ as it is }",
];

/// Numbers at the edges of what can be written.
const NUMBERS: [f64; 6] = [0.5, -0.0, 1500.0, 1e300, -2.5e-7, 0.1];

impl Maker<'_> {
    /// A text that no expression is in.
    pub(super) fn still_text(&mut self) -> String {
        if self.tape.chance(2) {
            const LETTERS: [char; 20] =
                ['a', ' ', ':', '#', '-', '"', '\'', '\\', '\n', ',', '{', '}', '[', ']', '&', '*', '!', '|', '%', 'é'];
            let length = self.tape.below(24);
            return (0..length).map(|_| *self.tape.one_of(&LETTERS)).collect();
        }
        (*self.tape.one_of(&TEXTS)).to_owned()
    }

    /// Any text, with expressions or without.
    pub(super) fn template_text(&mut self, around: &Around) -> String {
        match self.tape.below(4) {
            0 => self.still_text(),
            1 => format!("from ${{{}}}: ${{ {} }}", self.expression(around), self.expression(around)),
            _ => format!("${{ {} }}", self.expression(around)),
        }
    }

    /// Any value whose texts may hold expressions.
    pub(super) fn value(&mut self, around: &Around) -> Document {
        self.value_within(3, &mut |maker| text(maker.template_text(around)))
    }

    /// Any value without expressions.
    pub(super) fn fixed_value(&mut self) -> Document {
        self.value_within(3, &mut |maker| text(maker.still_text().replace("${", "")))
    }

    fn value_within(&mut self, depth: usize, one: &mut dyn FnMut(&mut Self) -> Document) -> Document {
        match self.tape.below(if depth == 0 { 6 } else { 10 }) {
            0..=2 => one(self),
            3 => plain([-7_i64, 0, 12, i64::MAX, i64::MIN][self.tape.below(5)]),
            4 => plain(*self.tape.one_of(&NUMBERS)),
            5 => match self.tape.below(4) {
                0 => plain(true),
                1 => plain(false),
                2 => plain(u64::MAX),
                _ => plain(()),
            },
            6 | 7 => {
                let many = self.tape.below(4);
                Document::List((0..many).map(|_| self.value_within(depth - 1, one)).collect())
            }
            _ => self.map_within(depth, one),
        }
    }

    /// A map, as a value.
    pub(super) fn map_value(&mut self, around: &Around) -> Document {
        self.map_within(3, &mut |maker| text(maker.template_text(around)))
    }

    fn map_within(&mut self, depth: usize, one: &mut dyn FnMut(&mut Self) -> Document) -> Document {
        let mut entries: Vec<(String, Document)> = vec![];
        for _ in 0..self.tape.below(4) {
            let mut key = self.still_text();
            if self.tape.chance(1) {
                key = key.repeat(400);
            }
            if entries.iter().all(|(other, _)| *other != key) {
                entries.push((key, self.value_within(depth - 1, one)));
            }
        }
        Document::Map(entries)
    }

    /// One JSON Schema or another.
    pub(super) fn schema(&mut self) -> Document {
        let schemas = [
            serde_json::json!({ "type": "object" }),
            serde_json::json!(true),
            serde_json::json!(false),
            serde_json::json!({ "type": "object", "required": ["id"], "properties": { "id": { "type": "string", "pattern": "^[A-Z]: #\\d+$" } } }),
            serde_json::json!({ "$ref": "#/$defs/money", "$defs": { "money": { "type": "number", "exclusiveMinimum": 0.5 } } }),
            serde_json::json!({ "enum": [null, "yes", 1, 1.0, { "a": [] }], "x-note": "two\nlines" }),
        ];
        Document::from(self.tape.one_of(&schemas))
    }

    /// One thing as it is, or a list with it and with others.
    pub(super) fn one_or_more(&mut self, mut one: impl FnMut(&mut Self) -> Document) -> Document {
        match self.tape.below(3) {
            0 => one(self),
            1 => Document::List(vec![one(self)]),
            _ => Document::List(vec![one(self), one(self)]),
        }
    }

    /// A name that there is not yet. Some look like something else.
    pub(super) fn name(&mut self) -> String {
        self.names += 1;
        let number = self.names;
        match self.tape.below(8) {
            0..=3 => format!("s{number}"),
            4 => number.to_string(),
            5 => format!("0x{number}"),
            6 => format!("1e{number}"),
            _ => format!("-a_{number}"),
        }
    }

    pub(super) fn activity_name(&mut self) -> Document {
        text(*self.tape.one_of(&["noop", "orders.validate", "12.5", "a-b_c", "null", "true"]))
    }

    pub(super) fn span(&mut self) -> Document {
        text(*self.tape.one_of(&["30s", "250ms", "5m", "1h30m", "2d", "1w", "1.5s", " 3m ", "1s 500ms"]))
    }

    pub(super) fn moment(&mut self) -> Document {
        let all = ["2026-12-24T18:00:00Z", "2026-12-24T18:00:00.25+01:00", "2030-01-01T00:00:00.000000001Z"];
        text(*self.tape.one_of(&all))
    }

    pub(super) fn count(&mut self) -> Document {
        plain([1, 2, 7, 100, u32::MAX][self.tape.below(5)])
    }
}
