//! The text of a definition, and for each of its lines whose it is: a fault is told with its step and field, not with a line that
//! nobody wrote.

use serde_json::Value;

use super::tree::{Keys, Tree};

/// The longest list or map that is put on one line.
const WIDEST: usize = 90;

/// What a line of the text is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// The step, if it is about one.
    pub(super) step: Option<String>,
    /// The keys that lead there from the step, or from the top: `retry.initial`.
    pub(super) field: String,
}

impl Place {
    fn within(&self, key: &str) -> Self {
        let field = if self.field.is_empty() { key.to_owned() } else { format!("{}.{key}", self.field) };
        Self { step: self.step.clone(), field }
    }

    fn item(&self, number: usize) -> Self {
        Self { step: self.step.clone(), field: format!("{}[{number}]", self.field) }
    }

    fn of_step(name: &str) -> Self {
        Self { step: Some(name.to_owned()), field: String::new() }
    }
}

/// A definition as YAML.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) text: String,
    /// That of each line.
    pub(super) places: Vec<Place>,
}

pub(super) fn write(definition: &Keys) -> Written {
    let mut written = Written::default();
    written.keys(definition, false, 0, &Place::default(), false);
    written
}

impl Written {
    /// `goes_on`: the first key stands on a line that has begun already.
    fn keys(&mut self, keys: &Keys, are_steps: bool, indent: usize, place: &Place, goes_on: bool) {
        for (number, (key, value)) in keys.0.iter().enumerate() {
            let place = if are_steps { Place::of_step(key) } else { place.within(key) };
            if number > 0 || !goes_on {
                self.text.push_str(&" ".repeat(indent));
            }
            self.text.push_str(&scalar(key));
            self.text.push(':');
            self.value(value, indent + 2, &place);
        }
    }

    /// What stands behind a colon, to the end of its last line.
    fn value(&mut self, value: &Tree, indent: usize, place: &Place) {
        if let Some(short) = on_one_line(value) {
            self.text.push(' ');
            self.text.push_str(&short);
            self.end(place);
            return;
        }
        self.end(place);
        match value {
            Tree::List(items) => self.items(items, indent, place, false),
            Tree::Map(keys) => self.keys(keys, false, indent, place, false),
            Tree::Steps(keys) => self.keys(keys, true, indent, place, false),
            Tree::Plain(_) => unreachable!("what is plain stands on one line"),
        }
    }

    fn items(&mut self, items: &[Tree], indent: usize, place: &Place, goes_on: bool) {
        for (number, item) in items.iter().enumerate() {
            let place = place.item(number);
            if number > 0 || !goes_on {
                self.text.push_str(&" ".repeat(indent));
            }
            self.text.push_str("- ");
            if let Some(short) = on_one_line(item) {
                self.text.push_str(&short);
                self.end(&place);
                continue;
            }
            match item {
                Tree::List(items) => self.items(items, indent + 2, &place, true),
                Tree::Map(keys) => self.keys(keys, false, indent + 2, &place, true),
                Tree::Steps(keys) => self.keys(keys, true, indent + 2, &place, true),
                Tree::Plain(_) => unreachable!("what is plain stands on one line"),
            }
        }
    }

    fn end(&mut self, place: &Place) {
        self.text.push('\n');
        self.places.push(place.clone());
    }
}

/// What is plain, empty, or short and with nothing but plain values in it.
fn on_one_line(value: &Tree) -> Option<String> {
    let plain = |value: &Tree| match value {
        Tree::Plain(value) => Some(scalar_of(value)),
        Tree::List(_) | Tree::Map(_) | Tree::Steps(_) => None,
    };
    let short = |text: String| (text.len() <= WIDEST).then_some(text);
    match value {
        Tree::Plain(value) => Some(scalar_of(value)),
        Tree::List(items) if items.is_empty() => Some("[]".to_owned()),
        Tree::Map(keys) | Tree::Steps(keys) if keys.0.is_empty() => Some("{}".to_owned()),
        Tree::List(items) => {
            let items: Option<Vec<String>> = items.iter().map(plain).collect();
            short(format!("[{}]", items?.join(", ")))
        }
        Tree::Map(keys) => {
            let entry = |(key, value): &(String, Tree)| Some(format!("{}: {}", scalar(key), plain(value)?));
            let entries: Option<Vec<String>> = keys.0.iter().map(entry).collect();
            short(format!("{{ {} }}", entries?.join(", ")))
        }
        Tree::Steps(_) => None,
    }
}

fn scalar_of(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        other => other.to_string(),
    }
}

/// A text, without quotes if nothing else could be meant.
fn scalar(text: &str) -> String {
    if is_word(text) || is_duration(text) { text.to_owned() } else { quoted(text) }
}

fn is_word(text: &str) -> bool {
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let fits = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/'));
    let lower = text.to_ascii_lowercase();
    begins && fits && !matches!(lower.as_str(), "null" | "true" | "false")
}

/// Digits and then letters, but for what is a number to YAML.
fn is_duration(text: &str) -> bool {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    unit.len() < text.len() && matches!(unit, "ms" | "s" | "m" | "h" | "d" | "w")
}

/// In double quotes, where YAML has the escapes that JSON has. One line, whatever is in it.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}') => {
                quoted.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_line_knows_its_step_and_field() {
        let charge = Keys::of("activity", "pay").with("retry", json!({ "initial": { "deep": [1] } }));
        let inner = Keys::of("steps", Tree::Steps(Keys::of("charge", charge)));
        let written = write(&Keys::of("workflow", "x").with("steps", Tree::Steps(Keys::of("all", inner))));
        let expected = "workflow: x\nsteps:\n  all:\n    steps:\n      charge:\n        activity: pay\n        retry:\n          initial:\n            deep: [1]\n";
        assert_eq!(written.text, expected);
        let place = |step: Option<&str>, field: &str| Place { step: step.map(str::to_owned), field: field.to_owned() };
        assert_eq!(written.places.len(), expected.lines().count());
        assert_eq!(written.places[3], place(Some("all"), "steps"));
        assert_eq!(written.places[4], place(Some("charge"), ""));
        assert_eq!(written.places[8], place(Some("charge"), "retry.initial.deep"));
    }

    #[test]
    fn lists_of_maps_say_which_of_them() {
        let long = "x".repeat(WIDEST);
        let written = write(&Keys::of("on", json!([{ "event": "a", "when": long }, "manual", [[long]]])));
        assert!(written.text.starts_with("on:\n  - event: a\n    when: x"), "{}", written.text);
        let fields: Vec<&str> = written.places.iter().map(|place| place.field.as_str()).collect();
        assert_eq!(fields, ["on", "on[0].event", "on[0].when", "on[1]", "on[2][0][0]"]);
    }

    #[test]
    fn a_text_is_the_same_when_it_is_read_again() {
        let texts = [
            "",
            " ",
            "null",
            "~",
            "True",
            "no",
            "0x1F",
            "1e5",
            "30s",
            "1:30",
            "- a",
            "a: b",
            "a #b",
            "#",
            "*",
            "&a",
            "!a",
            "|",
            ">",
            "'",
            "\"",
            "\\",
            "${ ctx.a }",
            "{",
            "[",
            ",",
            "a\nb\n",
            "\t",
            "\u{0}",
            "\u{7f}",
            "\u{85}",
            "\u{2028}",
            "\u{feff}",
            "\u{fffe}",
            "é",
            "🦀",
            "a ",
            "<<",
            "---",
            "...",
            "%",
            "@",
            "`",
            "=",
            ".5",
            ".inf",
            "-1",
            "+1",
            "2026-11-20",
            "orders.validate",
            "a/b",
            "\r\n",
        ];
        let given: serde_json::Map<String, Value> =
            texts.iter().map(|text| ((*text).to_owned(), json!([text, { *text: text }]))).collect();
        let steps = Keys::of("a", Keys::of("set", Value::Object(given.clone())));
        let written = write(&Keys::of("workflow", "x").with("steps", Tree::Steps(steps)));
        let read =
            sagaline_lang::read(&written.text, "x").unwrap_or_else(|faults| panic!("{}", faults.render(&written.text)));
        let plan = json!(read.plan);
        let values = plan.pointer("/root/nodes/0/kind/set/values").unwrap_or_else(|| panic!("{plan:#}"));
        assert_eq!(*values, Value::Object(given));
    }

    #[test]
    fn numbers_are_the_same_when_they_are_read_again() {
        let given = json!({ "all": [0, -1, 1.5, 1e-7, 1e300, u64::MAX, i64::MIN, 0.1, 5e-324, true, false, null] });
        let steps = Keys::of("a", Keys::of("set", given.clone()));
        let written = write(&Keys::of("workflow", "x").with("steps", Tree::Steps(steps)));
        let plan = json!(sagaline_lang::read(&written.text, "x").expect("no faults").plan);
        assert_eq!(plan.pointer("/root/nodes/0/kind/set/values"), Some(&given));
    }
}
