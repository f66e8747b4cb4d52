//! TOML as the same tree of maps, lists and scalars.

use std::rc::Rc;

use saphyr_parser::ScalarStyle;
use serde_json::{Number, Value};
use toml::{
    Spanned,
    de::{DeInteger, DeTable, DeValue},
};

use super::{Content, Entry, Key, Node, Text};
use crate::{
    reader::Reader,
    source::{Place, Position},
    syntax::shown,
};

/// The entries of a file; nothing if it cannot be read, and then what is wrong was noted.
pub(crate) fn load(reader: &mut Reader) -> Option<Vec<Entry>> {
    let text = reader.source.text;
    let (table, faults) = DeTable::parse_recoverable(text);
    for fault in &faults {
        let place = fault.span().map_or(Place::START, |span| reader.source.between(span));
        let place = Place { end: Position { column: place.start.column + place.width(), ..place.start }, ..place };
        let what = fault.message().lines().next().unwrap_or("it cannot be read");
        reader.error(place, format!("not valid TOML: {}", shown(what)));
    }
    faults.is_empty().then(|| entries(reader, table.get_ref()))
}

fn entries(reader: &mut Reader, table: &DeTable) -> Vec<Entry> {
    let entry = |(key, value): (&Spanned<_>, &Spanned<_>)| {
        let place = reader.source.between(key.span());
        let key: &Spanned<std::borrow::Cow<str>> = key;
        let key = Key { text: key.get_ref().clone().into_owned(), place, plain: false };
        Entry { key: Rc::new(key), value: Rc::new(node(reader, value)) }
    };
    table.iter().map(entry).collect()
}

fn node(reader: &mut Reader, value: &Spanned<DeValue>) -> Node {
    let place = reader.source.between(value.span());
    let written = || reader.source.text.get(value.span()).unwrap_or("").to_owned();
    let content = match value.get_ref() {
        DeValue::String(text) => {
            let style = match written().chars().next() {
                Some('"') => ScalarStyle::DoubleQuoted,
                _ => ScalarStyle::SingleQuoted,
            };
            Content::Text(Text::styled(text.clone().into_owned(), style, place.start, false))
        }
        // As the text that it is: JSON has no times.
        DeValue::Datetime(moment) => {
            let value = moment.to_string();
            Content::Text(Text::styled(value, ScalarStyle::Plain, place.start, false))
        }
        DeValue::Boolean(value) => Content::Plain(Value::Bool(*value), written()),
        DeValue::Integer(number) => {
            let (value, written) = (integer(number), written());
            plain(reader, place, value, written)
        }
        DeValue::Float(number) => {
            let (value, written) = (number.as_str().parse().ok().and_then(Number::from_f64), written());
            plain(reader, place, value, written)
        }
        DeValue::Array(items) => Content::List(items.iter().map(|item| Rc::new(node(reader, item))).collect()),
        DeValue::Table(table) => Content::Map(entries(reader, table)),
    };
    Node::new(place, content)
}

fn integer(number: &DeInteger) -> Option<Number> {
    let (digits, radix) = (number.as_str(), number.radix());
    let signed = i64::from_str_radix(digits, radix).ok().map(Number::from);
    signed.or_else(|| u64::from_str_radix(digits, radix).ok().map(Number::from))
}

fn plain(reader: &mut Reader, place: Place, number: Option<Number>, written: String) -> Content {
    if number.is_none() {
        let message = format!("`{}` is no number that JSON can hold", shown(&written));
        reader.error(place, message).hint("put it in quotes if it is meant as text");
    }
    Content::Plain(number.map_or(Value::Null, Value::Number), written)
}
