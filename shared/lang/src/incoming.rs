//! What operators say about events that come in, as they write it: where from, and what they look like.

mod event_type;
mod source;

use std::rc::Rc;

pub use self::{event_type::read_event_type, source::read_event_source};
use crate::{
    fault::{Fault, Faults},
    outline::Outline,
    reader::Reader,
    source::{Place, Source},
    syntax::shown,
    tree::{self, Content, Entry, Node},
};

/// Reads a text that is one map, whose expressions see nothing but `root`.
fn read_map<T>(
    text: &str,
    from: &str,
    what: &str,
    hint: &str,
    root: &str,
    read: impl FnOnce(&mut Reader, &mut Outline, &Rc<Node>, &[Entry]) -> Option<T>,
) -> Result<(T, Vec<Fault>), Faults> {
    let source = Source::new(text, from);
    let (mut reader, mut outline) = (Reader::new(&source), Outline::default());
    let documents = tree::load(&mut reader).unwrap_or_default();
    let value = match documents.as_slice() {
        [document] => match &document.content {
            Content::Map(entries) => read(&mut reader, &mut outline, document, entries),
            Content::Text(_) | Content::Plain(..) | Content::List(_) => {
                let message = format!("{what} is a map, not {}", document.described());
                reader.error(document.place, message).hint(hint);
                None
            }
        },
        _ => {
            if !reader.has_errors() {
                reader.error(Place::START, format!("{what} is one map")).hint(hint);
            }
            None
        }
    };
    for used in &outline.uses {
        let stranger = used.paths.iter().filter_map(|path| path.first()).find(|name| *name != root);
        if let Some(name) = stranger {
            let message = format!("`{}` cannot be read here", shown(name));
            reader.error(used.node.place, message).hint(format!("there is only `{root}`"));
        }
    }
    let warnings = reader.finish()?;
    Ok((value.expect("what has no fault was read"), warnings))
}
