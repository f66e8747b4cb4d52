//! Conditions, as far as can be told without knowing their language: that something stands there, that brackets and quotes come in
//! pairs, and that `=` is not taken for `==`. Whatever else is wrong is told when the definition is built.

use syn::{Error, LitStr};

use crate::{args::Value, module::Level};

/// The arguments that are conditions.
const CONDITIONS: [&str; 2] = ["when", "event_when"];

pub(super) fn check(level: &Level, faults: &mut Vec<Error>) {
    for arg in level.steps.iter().flat_map(|step| &step.args.named) {
        if let (true, Value::Text(text)) = (CONDITIONS.contains(&arg.name().as_str()), &arg.value) {
            condition(text, faults);
        }
    }
    for case in level.cases.iter().filter_map(|case| case.when.as_ref()) {
        condition(case, faults);
    }
}

fn condition(text: &LitStr, faults: &mut Vec<Error>) {
    if let Some(message) = fault(&text.value()) {
        faults.push(Error::new(text.span(), message));
    }
}

/// What is wrong with a condition; the first thing.
fn fault(text: &str) -> Option<String> {
    let inside = match text.trim().strip_prefix("${") {
        Some(inside) => match inside.strip_suffix('}') {
            Some(inside) => inside.trim(),
            None => return Some("this condition is missing the `}` at its end".to_owned()),
        },
        None => text.trim(),
    };
    if inside.is_empty() {
        return Some("a condition is missing: for example `\"ctx.total > 0\"`".to_owned());
    }
    let mut open: Vec<char> = vec![];
    let mut rest = inside.chars();
    let (mut code, mut escaped) = (String::new(), false);
    while let Some(c) = rest.next() {
        match c {
            '"' | '\'' => {
                let closes = |inside: char| {
                    let ends = inside == c && !escaped;
                    escaped = inside == '\\' && !escaped;
                    ends
                };
                if !rest.any(closes) {
                    return Some(format!("this condition has a text that is never closed: `{c}` is missing"));
                }
                code.push('"');
            }
            '(' | '[' | '{' => {
                open.push(c);
                code.push(c);
            }
            ')' | ']' | '}' => {
                if open.pop().map(closing) != Some(c) {
                    return Some(format!("this condition closes with `{c}` what is not open"));
                }
                code.push(c);
            }
            c => code.push(c),
        }
    }
    if let Some(open) = open.pop() {
        return Some(format!("this condition is missing a `{}`", closing(open)));
    }
    let is_alone = |at: usize| {
        let before = code[..at].chars().next_back();
        !matches!(before, Some('=' | '!' | '<' | '>')) && !code[at + 1..].starts_with('=')
    };
    code.match_indices('=').any(|(at, _)| is_alone(at)).then(|| "equality is written `==` in a condition".to_owned())
}

fn closing(open: char) -> char {
    match open {
        '(' => ')',
        '[' => ']',
        _ => '}',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_refused_by_the_language_too() {
        let broken = [
            "",
            "  ",
            "${ }",
            "ctx.ok = true",
            "(ctx.ok",
            "ctx.ok)",
            "ctx.list[0",
            "ctx.name == 'a",
            "ctx.name == \"a\\\"",
            "${ ctx.ok",
        ];
        for text in broken {
            assert!(fault(text).is_some(), "{text}");
            assert!(!is_taken(text), "{text}");
        }
    }

    #[test]
    fn what_the_language_takes_is_not_told() {
        let fine = [
            "ctx.ok",
            "${ ctx.total >= 1 && ctx.total <= 2 && ctx.total != 3 && ctx.total == 4 }",
            "ctx.name == 'it\\'s = (' || ctx.name == \")\"",
            "size(ctx.list[0]) > 0 && {'a': 1}.a == 1",
            "true",
        ];
        for text in fine {
            assert_eq!(fault(text), None, "{text}");
            assert!(is_taken(text), "{text}");
        }
    }

    fn is_taken(text: &str) -> bool {
        let text = text.replace('\\', "\\\\").replace('"', "\\\"");
        let file = format!("workflow: w\nsteps:\n  a: {{ activity: noop, when: \"{text}\" }}\n");
        sagaline_lang::read(&file, "w.yaml").is_ok()
    }
}
