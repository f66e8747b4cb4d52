//! A walk over a schema before anything is made of it: its size, where it refers to, and what it says that nobody checks.
//!
//! `$ref` may only point into the schema itself, and never back to where it stands. So a schema is a tree, written shorter; its
//! rules can be counted, and a check looks at each value of an input at most that often.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::{
    check,
    fault::Fault,
    keywords::{self, DEFINITIONS, DIALECT, FORMATS, LIST, MAP, REFUSED, SCHEMA},
    limits::{DEEPEST, LARGEST_BYTES, MOST_RULES},
};

pub(crate) struct Outline {
    pub(crate) faults: Vec<Fault>,
    pub(crate) rules: usize,
    /// So large or so deep that nothing else may look at it.
    pub(crate) is_too_much: bool,
}

pub(crate) fn of(schema: &Value) -> Outline {
    let bytes = schema.to_string().len();
    if LARGEST_BYTES < bytes {
        let message = format!("the schema has {bytes} bytes of JSON; at most {LARGEST_BYTES} are taken");
        let fault = Fault::error("", message).hint("leave out what only describes, or check less here");
        return Outline { faults: vec![fault], rules: 0, is_too_much: true };
    }
    let mut walk = Walk { root: schema, seen: BTreeMap::new(), faults: vec![], is_too_deep: false };
    let rules = walk.schema(schema, "", 0);
    if MOST_RULES < rules {
        let message =
            format!("the schema has more than {MOST_RULES} rules, counting what is referred to as often as it is");
        walk.faults.push(Fault::error("", message).hint("refer to less, or from fewer places"));
    }
    Outline { faults: walk.faults, rules, is_too_much: walk.is_too_deep }
}

/// What the dialect itself says against a schema.
pub(crate) fn against_the_dialect(schema: &Value) -> Vec<Fault> {
    let errors = jsonschema::draft202012::meta::validator();
    let mut faults: Vec<Fault> = vec![];
    for violation in check::worded(errors.iter_errors(schema)) {
        faults.push(Fault::error(violation.at, format!("this {}; expected {}", violation.problem, violation.expected)));
    }
    faults.dedup();
    faults
}

struct Walk<'s> {
    root: &'s Value,
    /// By place: how many rules are there, once that is known. `None`: the walk is inside of it.
    seen: BTreeMap<String, Option<usize>>,
    faults: Vec<Fault>,
    is_too_deep: bool,
}

impl<'s> Walk<'s> {
    /// The number of rules of the schema at `at`, with everything it refers to.
    fn schema(&mut self, schema: &'s Value, at: &str, depth: usize) -> usize {
        match self.seen.get(at) {
            Some(Some(rules)) => return *rules,
            Some(None) => {
                let message = "the schema refers back to where it stands: it would have no end";
                self.faults
                    .push(Fault::error(at, message).hint("say how deep it goes, or take any value below here: `true`"));
                return 1;
            }
            None => {}
        }
        if DEEPEST < depth {
            let message =
                format!("schemas stand more than {DEEPEST} deep inside each other, what is referred to included");
            self.faults.push(Fault::error(at, message));
            self.is_too_deep = true;
            return 1;
        }
        self.seen.insert(at.to_owned(), None);
        let rules = match schema {
            Value::Object(keywords) => self.keywords(keywords, at, depth),
            // What is no schema at all the dialect says.
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => 1,
        };
        self.seen.insert(at.to_owned(), Some(rules));
        rules
    }

    fn keywords(&mut self, keywords: &'s Map<String, Value>, at: &str, depth: usize) -> usize {
        let mut rules = 1_usize;
        // Which keys are left over is found by checking again what stands beside it.
        let twice = if keywords.keys().any(|key| key.starts_with("unevaluated")) { 2 } else { 1 };
        for (keyword, value) in keywords {
            let place = step(at, keyword);
            let inside = match keyword.as_str() {
                word if SCHEMA.contains(&word) => self.schema(value, &place, depth + 1),
                word if LIST.contains(&word) => self.list(value, &place, depth),
                word if MAP.contains(&word) => self.map(value, &place, depth),
                word if DEFINITIONS.contains(&word) => {
                    // Counted where they are used.
                    self.map(value, &place, depth);
                    0
                }
                "$ref" => self.reference(value, &place, depth),
                "enum" => value.as_array().map_or(0, Vec::len),
                _ => {
                    self.plain(keyword, value, &place);
                    0
                }
            };
            rules = rules.saturating_add(inside.saturating_mul(twice));
        }
        rules
    }

    fn list(&mut self, value: &'s Value, at: &str, depth: usize) -> usize {
        let schemas = value.as_array().into_iter().flatten().enumerate();
        schemas
            .map(|(index, schema)| self.schema(schema, &step(at, &index.to_string()), depth + 1))
            .fold(0, usize::saturating_add)
    }

    fn map(&mut self, value: &'s Value, at: &str, depth: usize) -> usize {
        let schemas = value.as_object().into_iter().flatten();
        let patterns = at.ends_with("/patternProperties");
        let mut rules = 0_usize;
        for (name, schema) in schemas {
            let place = step(at, name);
            if patterns {
                self.pattern(name, &place);
            }
            rules = rules.saturating_add(self.schema(schema, &place, depth + 1));
        }
        rules
    }

    fn reference(&mut self, value: &'s Value, at: &str, depth: usize) -> usize {
        let Some(text) = value.as_str() else { return 1 };
        let Some(place) = text.strip_prefix('#') else {
            let message = format!("`{}` is outside of this schema; nothing is fetched", shown(text));
            self.faults
                .push(Fault::error(at, message).hint("copy it under `$defs` and write `$ref: \"#/$defs/NAME\"`"));
            return 1;
        };
        let place = decoded(place);
        match place.as_deref().and_then(|place| Some((place, self.root.pointer(place)?))) {
            Some((place, target)) => self.schema(target, place, depth + 1),
            None => {
                let message = format!("there is nothing at `{}`", shown(text));
                self.faults
                    .push(Fault::error(at, message).hint("write `$ref: \"#/$defs/NAME\"`, with NAME under `$defs`"));
                1
            }
        }
    }

    fn plain(&mut self, keyword: &str, value: &Value, at: &str) {
        if let Some((_, hint)) = REFUSED.iter().find(|(word, _)| *word == keyword) {
            self.faults.push(Fault::error(at, format!("`{keyword}` is not supported")).hint(*hint));
            return;
        }
        match (keyword, value.as_str()) {
            ("$schema", Some(dialect)) if dialect.trim_end_matches('#') != DIALECT => {
                let message = format!("the dialect `{}` is not supported", shown(dialect));
                self.faults.push(Fault::error(at, message).hint(format!("leave it out, or write `{DIALECT}`")));
            }
            ("$id", _) if at != "/$id" => {
                self.faults.push(Fault::error(at, "`$id` is not supported inside a schema").hint("leave it out"));
            }
            ("format", Some(format)) if !FORMATS.contains(&format) => {
                let message = format!("`{}` is no format that is checked", shown(format));
                self.faults
                    .push(Fault::error(at, message).hint(format!("one of {}; or use `pattern`", FORMATS.join(", "))));
            }
            ("pattern", Some(pattern)) => self.pattern(pattern, at),
            (word, _) if !keywords::is_known(word) && !word.starts_with("x-") => {
                let message = format!("`{}` is no keyword of JSON Schema: nothing checks it", shown(word));
                self.faults.push(Fault::warning(at, message));
            }
            _ => {}
        }
    }

    /// Compiled alone, so that every bad pattern is told, and not only the first.
    fn pattern(&mut self, pattern: &str, at: &str) {
        let alone = serde_json::json!({ "pattern": pattern });
        if crate::options().build(&alone).is_err() {
            let message = format!("`{}` is no pattern that can be used", shown(pattern));
            let hint = "a regular expression without look-around and back references, and not too large";
            self.faults.push(Fault::error(at, message).hint(hint));
        }
    }
}

/// The place of `key` within the value at `at`, as a JSON Pointer.
fn step(at: &str, key: &str) -> String {
    format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// The fragment of a URI as the JSON Pointer it stands for; nothing if it is none.
fn decoded(fragment: &str) -> Option<String> {
    let mut bytes = vec![];
    let mut rest = fragment.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

fn shown(text: &str) -> String {
    crate::violation::short(text)
}
