//! Text to the syntax tree of `cel`, and that parser's complaints in our words. Macros are left as the calls they are.

use std::thread;

use cel::{Env, ParseErrors, Program};

use crate::{error::CompileError, limits::MAX_SOURCE_BYTES, scan};

/// The parser recurses through some ten functions a bracket, and in a debug build takes up to 200 KiB for each; see
/// [`crate::limits::MAX_NESTING`]. Only what is used of it is ever backed by memory.
const STACK_BYTES: usize = 16 << 20;

/// Parses on a thread with a stack of its own: the caller's may be a small one, and running out of it ends the process.
pub(crate) fn parse(source: &str) -> Result<Program, CompileError> {
    if source.len() > MAX_SOURCE_BYTES {
        let message = format!("the expression is {} bytes long, of {MAX_SOURCE_BYTES} at most", source.len());
        return Err(
            CompileError::new(source, MAX_SOURCE_BYTES, message).hint("compute a part of it in a step of its own")
        );
    }
    if source.trim().is_empty() {
        return Err(CompileError::new(source, 0, "the expression is empty"));
    }
    scan::check_depth(source)?;
    let parsed = thread::scope(|scope| {
        let parser = thread::Builder::new().name("cel-parser".to_owned()).stack_size(STACK_BYTES);
        let running = parser.spawn_scoped(scope, || {
            Env::default().with_optional_support(false).compile(source).map_err(|errors| first_error(source, &errors))
        });
        running.map(|thread| thread.join())
    });
    match parsed {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => {
            Err(CompileError::new(source, 0, "the expression cannot be read").hint("write it in a simpler way"))
        }
        Err(error) => Err(CompileError::new(source, 0, format!("no thread to read the expression with: {error}"))),
    }
}

/// The first complaint: those after it mostly follow from it.
fn first_error(source: &str, errors: &ParseErrors) -> CompileError {
    let Some(first) = errors.errors.first() else {
        return CompileError::new(source, 0, "it is no CEL expression");
    };
    let offset = offset_of(source, first.pos);
    let error = CompileError::new(source, offset, reworded(&first.msg));
    match hint_for(source, offset, &first.msg) {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// A line and a column in characters, both from 1, as bytes from the start.
fn offset_of(source: &str, (line, column): (isize, isize)) -> usize {
    let before = usize::try_from(line - 1).unwrap_or(0);
    let start: usize = source.split_inclusive('\n').take(before).map(str::len).sum();
    let within: usize =
        source[start..].chars().take(usize::try_from(column - 1).unwrap_or(0)).map(char::len_utf8).sum();
    start + within
}

fn reworded(message: &str) -> String {
    let message = message.strip_prefix("Syntax error: ").unwrap_or(message);
    let quoted = |start: &str| {
        let rest = message.strip_prefix(start)?.strip_prefix('\'')?;
        rest.split_once("' expecting").map(|(found, _)| found.to_owned())
    };
    match quoted("mismatched input ").or_else(|| quoted("extraneous input ")) {
        Some(found) if found == "<EOF>" => {
            "the expression ends where a value or a closing bracket is missing".to_owned()
        }
        Some(found) => format!("`{found}` is not expected here"),
        None => match message.strip_prefix("token recognition error at: '").and_then(|rest| rest.strip_suffix('\'')) {
            Some(text) => format!("`{text}` is nothing CEL knows"),
            None => message.to_owned(),
        },
    }
}

fn hint_for(source: &str, offset: usize, message: &str) -> Option<&'static str> {
    let rest = &source[offset.min(source.len())..];
    let before = source[..offset.min(source.len())].trim_end();
    let word = rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    match word {
        "and" => return Some("`and` is written `&&`"),
        "or" => return Some("`or` is written `||`"),
        "not" => return Some("`not` is written `!`"),
        _ => {}
    }
    if before.ends_with("not") {
        return Some("`not` is written `!`");
    }
    if rest.starts_with('=') {
        return Some("equality is written `==`");
    }
    if rest.starts_with(['"', '\'']) {
        return Some("a text ends with the quote it began with; `\\` is written `\\\\`");
    }
    if message.contains("unsupported syntax") {
        return Some("write `a.b`: selecting from nothing gives null");
    }
    if message.contains("invalid int literal") {
        return Some("whole numbers go from -9223372036854775808 to 9223372036854775807");
    }
    None
}
