//! The canonical form of a .flow text.

use crate::{LARGEST_FILE, fault::Faults, flow, read::too_large, reader::Reader, source::Source};

/// The text of a .flow file in its canonical form: the same plans, every comment kept, and the same again if it is formatted once
/// more. Only what is no .flow text is refused; what it says is not looked at.
pub fn format(text: &str, file: &str) -> Result<String, Faults> {
    if text.len() > LARGEST_FILE {
        return Err(too_large(text, file));
    }
    let source = Source::new(text, file);
    let mut reader = Reader::new(&source);
    match flow::format(&mut reader) {
        Some(formatted) => Ok(formatted),
        None => Err(reader.finish().expect_err("a fault was noted")),
    }
}
