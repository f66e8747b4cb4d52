//! What the YAML parser complains about, in words for people.

use saphyr_parser::ScanError;

use crate::source::{Place, Position, Source};

const QUOTE_EXPRESSION: &str = "put the `${…}` in quotes: \"${ … }\"";
const QUOTE_TEXT: &str = "put text that contains `: ` in quotes, or check the indentation";

/// What was found in the parser's words, what to say, and what to do.
const KNOWN: [(&str, &str, &str); 12] = [
    ("tab", "a tab cannot indent", "indent with spaces"),
    ("mapping values are not allowed", "a `:` cannot stand here", QUOTE_TEXT),
    ("illegal placement of ':'", "a `:` cannot stand here", QUOTE_TEXT),
    ("expected ',' or '}'", "a `,` or the closing `}` is missing before this", "check the brackets of this map"),
    ("expected ',' or ']'", "a `,` or the closing `]` is missing before this", "check the brackets of this list"),
    ("did not find expected key", "a key was expected here", "check the indentation of this line and of the one above"),
    (
        "simple key expect",
        "a key and its `:` were expected here",
        "check the indentation of this line and of the one above",
    ),
    ("unexpected end of stream", "a quoted text is never closed", "look for the missing quote"),
    ("unknown anchor", "this alias repeats an anchor that does not exist", "give a value above the name with `&name`"),
    ("invalid Unicode character escape", "this escape is no character", "write the character itself"),
    ("unexpected character", "a value cannot start with this character", "put it in quotes"),
    ("recursion limit", "maps and lists nest too deep", "use fewer levels"),
];

/// The place, the message and the hint for a fault of syntax.
pub(crate) fn explain(error: &ScanError, source: &Source) -> (Place, String, String) {
    let start = Position::from(error.marker());
    let place = Place { start, end: Position { column: start.column + 1, ..start } };
    let known = KNOWN.iter().find(|(info, _, _)| error.info().contains(info));
    let (what, hint) = known
        .map_or((error.info(), "check the quotes, brackets and indentation around this"), |(_, what, hint)| {
            (what, hint)
        });
    let hint = if holds_bare_expression(source.line(start.line).unwrap_or("")) { QUOTE_EXPRESSION } else { hint };
    (place, format!("not valid YAML: {what}"), hint.to_owned())
}

/// Whether an expression stands in the line without quotes: its braces and colons are taken for YAML's own.
fn holds_bare_expression(line: &str) -> bool {
    line.match_indices("${").any(|(at, _)| line[..at].matches(['"', '\'']).count().is_multiple_of(2))
}

/// What a file says, fit for a message: short, and without control characters.
pub(crate) fn shown(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut shown: String = text.chars().take(LONGEST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    shown
}
