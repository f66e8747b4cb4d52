//! Where in an expression a path is read. The compiled form keeps no places, so the text is searched for its words.

use std::ops::Range;

/// The bytes of part `at` of `path`; the start of the expression if it is not found as such.
///
/// `text` is an expression, or a text with expressions in `${…}`.
pub(super) fn locate(text: &str, path: &[String], at: usize) -> Range<usize> {
    let words: Vec<Word> = words(text);
    let fits = |start: usize| {
        // The root is a name, and is selected from nothing.
        !words[start].selected
            && !words[start].quoted
            && path[..=at]
                .iter()
                .zip(&words[start..])
                .enumerate()
                .all(|(part, (name, word))| word.text == name && (part == 0 || word.selected))
            && start + at < words.len()
    };
    match (0..words.len()).find(|start| fits(*start)) {
        Some(start) => words[start + at].range.clone(),
        None => 0..0,
    }
}

struct Word<'e> {
    text: &'e str,
    range: Range<usize>,
    quoted: bool,
    /// Right behind a `.` or a `[`.
    selected: bool,
}

fn words(text: &str) -> Vec<Word<'_>> {
    let bytes = text.as_bytes();
    let mut words = vec![];
    let mut at = 0;
    let mut before = b' ';
    // Braces that are open in the expression; `None` between expressions.
    let mut braces = if text.contains("${") { None } else { Some(0_usize) };
    while at < bytes.len() {
        let start = at;
        let byte = bytes[at];
        let Some(open) = braces else {
            let Some(next) = text[at..].find("${") else { break };
            at += next + 2;
            // `$${` is written for a `${` that is none.
            let is_literal = at > 2 && bytes[at - 3] == b'$';
            braces = (!is_literal).then_some(0);
            continue;
        };
        if is_word(byte) {
            at += bytes[at..].iter().take_while(|byte| is_word(**byte)).count();
            words.push(Word { text: &text[start..at], range: start..at, quoted: false, selected: before == b'.' });
        } else if byte == b'"' || byte == b'\'' {
            at = behind_quoted(bytes, at);
            let inner = text.get(start + 1..at - 1).unwrap_or("");
            words.push(Word { text: inner, range: start..at, quoted: true, selected: before == b'[' });
        } else {
            at += 1;
            braces = match byte {
                b'{' => Some(open + 1),
                b'}' => open.checked_sub(1),
                _ => braces,
            };
        }
        // What is no word stands in one piece between characters, so that the text is never cut within one.
        while !text.is_char_boundary(at) {
            at += 1;
        }
        if !byte.is_ascii_whitespace() {
            before = byte;
        }
    }
    words
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn behind_quoted(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() && bytes[at] != bytes[start] {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_path_is_found_where_it_is_read() {
        let found = |expression: &str, path: &str, at| {
            let path: Vec<String> = path.split('.').map(str::to_owned).collect();
            let range = locate(expression, &path, at);
            (range.start, expression[range].to_owned())
        };
        assert_eq!(found("steps.a.output", "steps.a.output", 1), (6, "a".to_owned()));
        assert_eq!(found("x.steps.a + steps . a", "steps.a", 1), (20, "a".to_owned()));
        assert_eq!(found("'steps.a' + steps[\"a\"].output", "steps.a.output", 1), (18, "\"a\"".to_owned()));
        assert_eq!(found("steps.ab + steps.a", "steps.a", 1), (17, "a".to_owned()));
        assert_eq!(found("it's steps.a: ${ {'}': 1} + steps.a }", "steps.a", 1), (34, "a".to_owned()));
        assert_eq!(found("1 + 2", "steps.a", 1), (0, String::new()));
    }
}
