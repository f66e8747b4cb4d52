//! From one form of definitions to the other.

use crate::{
    Form, comments,
    fault::Faults,
    flow,
    format::format,
    read::read_all,
    reader::Reader,
    source::Source,
    tree,
    write::{Document, yaml_with_comments},
};

/// The definitions of a file, written in a form; the plans are the same, and every comment is there, at what it stood at wherever both
/// forms have that. `file` says by its ending in which form they are now.
pub fn convert(text: &str, file: &str, to: Form) -> Result<String, Faults> {
    // What has faults is not converted.
    read_all(text, file)?;
    if (Form::of(file), to) == (Form::Flow, Form::Flow) {
        return format(text, file);
    }
    let source = Source::new(text, file);
    let mut reader = Reader::new(&source);
    let (nodes, comments) = match Form::of(file) {
        Form::Yaml => {
            let nodes = tree::load(&mut reader).unwrap_or_default();
            let comments = comments::of_yaml(source.text, &nodes);
            (nodes, comments)
        }
        Form::Flow => flow::load_with_comments(&mut reader),
    };
    let documents: Vec<Document> = nodes.iter().map(|node| Document::from(&**node)).collect();
    Ok(match to {
        Form::Flow => flow::text(&documents, comments),
        Form::Yaml => yaml_with_comments(&documents, comments),
    })
}
