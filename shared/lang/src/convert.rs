//! From one form of definitions to the other.

use crate::{
    Form,
    fault::Faults,
    flow,
    read::read_all,
    reader::Reader,
    source::Source,
    tree,
    write::{Document, yaml},
};

/// A file in another form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Converted {
    pub text: String,
    /// How many comments of the file are not in it: those above the first definition are kept.
    pub comments_left: usize,
}

/// The definitions of a file, written in a form; the plans are the same. `file` says by its ending in which form they are now.
pub fn convert(text: &str, file: &str, to: Form) -> Result<Converted, Faults> {
    // What has faults is not converted.
    read_all(text, file)?;
    let source = Source::new(text, file);
    let mut reader = Reader::new(&source);
    let (nodes, comments) = match Form::of(file) {
        Form::Yaml => (tree::load(&mut reader).unwrap_or_default(), comments_of_yaml(source.text)),
        Form::Flow => flow::load_with_comments(&mut reader),
    };
    let documents: Vec<Document> = nodes.iter().map(|node| Document::from(&**node)).collect();
    let Comments { above, others } = comments;
    let text = match to {
        Form::Flow => flow::text(&documents, &above.iter().map(|comment| format!("//{comment}")).collect::<Vec<_>>()),
        Form::Yaml => above.iter().map(|comment| format!("#{comment}\n")).collect::<String>() + &yaml(&documents),
    };
    Ok(Converted { text, comments_left: others })
}

/// Comments without what begins them: those above everything else, and how many others there are.
#[derive(Default)]
pub(crate) struct Comments {
    pub(crate) above: Vec<String>,
    pub(crate) others: usize,
}

/// Whatever begins with a `#` behind a space is counted, though it may be part of a text.
fn comments_of_yaml(text: &str) -> Comments {
    let mut comments = Comments::default();
    let mut is_above = true;
    for line in text.lines() {
        match line.trim().strip_prefix('#') {
            Some(comment) if is_above => comments.above.push(comment.to_owned()),
            Some(_) => comments.others += 1,
            None => {
                is_above &= line.trim().is_empty();
                comments.others += usize::from(line.contains(" #"));
            }
        }
    }
    comments
}
