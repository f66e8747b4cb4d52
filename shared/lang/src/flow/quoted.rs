//! Texts in quotes: `"…"` with escapes, `'…'` as it stands, `"""…"""` over several lines.

use super::token::{Piece, Quoted, Quotes};

/// What was read, how much of the file it takes, and what is wrong with it.
pub(super) struct Read {
    pub(super) quoted: Quoted,
    pub(super) len: usize,
    /// Whether the quotes that close it are missing.
    pub(super) unclosed: bool,
    pub(super) faults: Vec<QuoteFault>,
}

pub(super) struct QuoteFault {
    /// Where, in bytes of the file.
    pub(super) at: usize,
    pub(super) len: usize,
    pub(super) message: String,
    pub(super) hint: &'static str,
}

const ESCAPES: &str = "the escapes are \\n \\t \\r \\\" \\\\ \\/ \\0 and \\u with four digits, such as \\u00e9";

/// Reads the text that begins at `at`, which is a quote.
pub(super) fn read(text: &str, at: usize) -> Read {
    if text[at..].starts_with("\"\"\"") {
        triple(text, at)
    } else if text[at..].starts_with('"') {
        double(text, at)
    } else {
        single(text, at)
    }
}

fn fault(at: usize, len: usize, message: impl Into<String>, hint: &'static str) -> QuoteFault {
    QuoteFault { at, len, message: message.into(), hint }
}

/// A text that nothing closes on its line, read to the end of that. What closes blocks there is taken to be no part of it.
fn unclosed(text: &str, at: usize, end: usize, quotes: Quotes, mut value: String, pieces: Vec<Piece>) -> Read {
    let written = &text[at + 1..end];
    let more = written.len() - closers(written);
    value.truncate(value.len().saturating_sub(more));
    let closing = if quotes == Quotes::Double { "\"" } else { "'" };
    let hint = "a text ends on the line that it begins on; one of several lines stands between `\"\"\"`";
    let faults = vec![fault(at, 1, format!("this text is never closed: `{closing}` is missing"), hint)];
    Read { quoted: Quoted { value, quotes, pieces }, len: end - more - at, unclosed: true, faults }
}

/// A text that one pair of quotes holds over several lines, as other languages have it: what it says is clear, and how it is written is
/// told. `end` is the end of its first line.
fn over_lines(text: &str, at: usize, end: usize, quote: char) -> Option<QuoteFault> {
    // Looked at first: what begins like this is never behind a backslash, so that no search for an end passes the next beginning, and
    // all of them together pass over the file once.
    let begins = text[..at].ends_with(|c: char| c.is_whitespace() || ":,([{=".contains(c));
    if !begins {
        return None;
    }
    let close = end + closing(&text[end..], quote)?;
    let (inside, behind) = (&text[at + 1..close], &text[close + 1..]);
    let line = inside.rsplit(['\n', '\r']).next().unwrap_or_default();
    // A quote behind a space begins another text, unless it stands alone.
    let ends = !line.ends_with([' ', '\t']) || line.trim().is_empty();
    let is_followed = behind.is_empty() || behind.starts_with(|c: char| c.is_whitespace() || ",)]}/".contains(c));
    let hint = "put it between `\"\"\"`; between other quotes a text ends on the line that it begins on";
    let is_one = ends && is_followed && is_balanced(inside);
    is_one.then(|| fault(at, 1, "this text goes over several lines", hint))
}

/// Where the next of these quotes is that is meant as one.
fn closing(text: &str, quote: char) -> Option<usize> {
    let mut is_escaped = false;
    text.char_indices().find_map(|(at, c)| {
        let is_meant = c == quote && !is_escaped;
        is_escaped = c == '\\' && quote == '"' && !is_escaped;
        is_meant.then_some(at)
    })
}

fn is_balanced(text: &str) -> bool {
    let mut depth = 0_usize;
    for c in text.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return false,
            '}' => depth -= 1,
            _ => {}
        }
    }
    depth == 0
}

/// Where the brackets begin that close what was open before the text, with nothing else behind them.
fn closers(written: &str) -> usize {
    let mut open = vec![];
    let mut begin = None;
    for (at, c) in written.char_indices() {
        match c {
            '{' | '[' | '(' => open.push(c),
            '}' | ']' | ')' if open.pop().is_none() => drop(begin.get_or_insert(at)),
            ' ' | '\t' | ',' | '}' | ']' | ')' => {}
            _ => begin = None,
        }
    }
    begin.map_or(written.len(), |begin| written[..begin].trim_end().len())
}

fn single(text: &str, at: usize) -> Read {
    let (mut value, mut pieces, mut several) = (String::new(), vec![Piece { value: 0, source: at + 1 }], None);
    let mut here = at + 1;
    let len = loop {
        let rest = &text[here..];
        let stop = rest.find(['\'', '\n', '\r']).unwrap_or(rest.len());
        value.push_str(&rest[..stop]);
        here += stop;
        if text[here..].starts_with("''") {
            pieces.push(Piece { value: value.len(), source: here + 1 });
            value.push('\'');
            here += 2;
            pieces.push(Piece { value: value.len(), source: here });
        } else if text[here..].starts_with('\'') {
            break here + 1 - at;
        } else {
            several = several.or_else(|| over_lines(text, at, here, '\''));
            if several.is_none() {
                return unclosed(text, at, here, Quotes::Single, value, pieces);
            }
            value.push_str(&text[here..=here]);
            here += 1;
        }
    };
    let faults = several.into_iter().collect();
    Read { quoted: Quoted { value, quotes: Quotes::Single, pieces }, len, unclosed: false, faults }
}

fn double(text: &str, at: usize) -> Read {
    let (mut value, mut pieces, mut faults) = (String::new(), vec![Piece { value: 0, source: at + 1 }], vec![]);
    let (mut here, mut several) = (at + 1, None);
    let len = loop {
        let rest = &text[here..];
        let stop = rest.find(['"', '\\', '\n', '\r']).unwrap_or(rest.len());
        value.push_str(&rest[..stop]);
        here += stop;
        match text.as_bytes().get(here) {
            Some(b'"') => break here + 1 - at,
            Some(b'\\') => {
                pieces.push(Piece { value: value.len(), source: here });
                here += escape(text, here, &mut value, &mut faults);
                pieces.push(Piece { value: value.len(), source: here });
            }
            _ => {
                several = several.or_else(|| over_lines(text, at, here, '"'));
                if several.is_none() {
                    let mut read = unclosed(text, at, here, Quotes::Double, value, pieces);
                    read.faults.splice(0..0, faults);
                    return read;
                }
                value.push_str(&text[here..=here]);
                here += 1;
            }
        }
    };
    faults.splice(0..0, several);
    Read { quoted: Quoted { value, quotes: Quotes::Double, pieces }, len, unclosed: false, faults }
}

/// Reads one escape, and says how long it is.
fn escape(text: &str, at: usize, value: &mut String, faults: &mut Vec<QuoteFault>) -> usize {
    let Some(letter) = text[at + 1..].chars().next().filter(|c| !matches!(c, '\n' | '\r')) else {
        faults.push(fault(at, 1, "nothing follows this `\\`", ESCAPES));
        return 1;
    };
    let plain = match letter {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        '0' => '\0',
        '"' | '\\' | '/' | '\'' => letter,
        'u' | 'U' => return code(text, at, if letter == 'u' { 4 } else { 8 }, value, faults),
        other => {
            let message = format!("`\\{}` is no escape", if other.is_control() { ' ' } else { other });
            faults.push(fault(at, 1 + other.len_utf8(), message, ESCAPES));
            other
        }
    };
    value.push(plain);
    1 + letter.len_utf8()
}

fn code(text: &str, at: usize, digits: usize, value: &mut String, faults: &mut Vec<QuoteFault>) -> usize {
    let given = text[at + 2..].bytes().take(digits).take_while(u8::is_ascii_hexdigit).count();
    let number = u32::from_str_radix(&text[at + 2..at + 2 + given], 16).unwrap_or(u32::MAX);
    match char::from_u32(number).filter(|_| given == digits) {
        Some(c) => value.push(c),
        None => faults.push(fault(at, 2 + given, "this escape is no character", "write the character itself")),
    }
    2 + given
}

/// The line break behind the opening quotes is no part of the text, nor is the indentation that all its lines have.
fn triple(text: &str, at: usize) -> Read {
    let begin = at + 3;
    let mut faults = vec![];
    let closing = text[begin..].find("\"\"\"");
    let (end, len) = match closing {
        Some(len) => (begin + len, len + 6),
        None => {
            let hint = "close it with `\"\"\"`";
            faults.push(fault(at, 3, "this text is never closed: `\"\"\"` is missing", hint));
            (text.len(), text.len() - at)
        }
    };
    let (mut value, mut pieces) = (String::new(), vec![]);
    let body = &text[begin..end];
    let first = body.find('\n').filter(|first| body[..*first].trim().is_empty());
    let lines = line_ranges(body, first.map_or(0, |first| first + 1));
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let last = lines.len().saturating_sub(1);
    // The quotes that close it count, if they stand alone on their line.
    let counts = |(place, line): (usize, &str)| !line.trim().is_empty() || (place == last && first.is_some());
    let written = lines.iter().map(|(from, to)| &body[*from..*to]);
    let common = match first {
        Some(_) => written.enumerate().filter(|line| counts(*line)).map(|(_, line)| indent(line)).min().unwrap_or(0),
        None => 0,
    };
    for (place, (from, to)) in lines.iter().enumerate() {
        let line = body[*from..*to].strip_suffix('\r').unwrap_or(&body[*from..*to]);
        let dropped = if line.trim().is_empty() && first.is_some() { line.len() } else { common };
        if place > 0 {
            value.push('\n');
        }
        pieces.push(Piece { value: value.len(), source: begin + from + dropped });
        value.push_str(&line[dropped..]);
    }
    let unclosed = closing.is_none();
    Read { quoted: Quoted { value, quotes: Quotes::Triple, pieces }, len, unclosed, faults }
}

/// Where each line begins and ends, its break left out.
fn line_ranges(body: &str, from: usize) -> Vec<(usize, usize)> {
    let mut lines = vec![];
    let mut start = from;
    for (at, _) in body[from..].match_indices('\n') {
        lines.push((start, from + at));
        start = from + at + 1;
    }
    lines.push((start, body.len()));
    lines
}
