//! What an installation says for the workflows that say nothing of their own, as people write it.

use sagaline_model::Defaults;

use crate::{
    fault::{Fault, Faults},
    limit,
    outline::{Outline, Scope},
    reader::Reader,
    retry::Retry,
    source::{Place, Source},
    tree::{self, Content, Entry},
    words,
    workflow::optional,
};

/// Reads a map with any of `timeout`, `step_timeout`, `retry` and `concurrency`; `{}` is none at all. `from` is the name of the text, for the
/// places of faults. Gives what is doubtful about it too.
pub fn read_defaults(text: &str, from: &str) -> Result<(Defaults, Vec<Fault>), Faults> {
    let source = Source::new(text, from);
    let (mut reader, mut outline) = (Reader::new(&source), Outline::default());
    let documents = tree::load(&mut reader).unwrap_or_default();
    let defaults = read(&mut reader, &mut outline, &documents);
    no_expressions(&mut reader, &outline, "an installation");
    let warnings = reader.finish()?;
    Ok((defaults.unwrap_or_default(), warnings))
}

fn read(reader: &mut Reader, outline: &mut Outline, documents: &[std::rc::Rc<tree::Node>]) -> Option<Defaults> {
    const HINT: &str = "for example `{ step_timeout: 5m, retry: { attempts: 3 } }`, or `{}` for none";
    let [document] = documents else {
        if !reader.has_errors() {
            reader.error(Place::START, "the defaults are one map").hint(HINT);
        }
        return None;
    };
    let Content::Map(entries) = &document.content else {
        reader.error(document.place, format!("the defaults are a map, not {}", document.described())).hint(HINT);
        return None;
    };
    Some(of_map(reader, outline, entries))
}

/// Notes expressions: nothing is there yet that they could speak of.
pub(crate) fn no_expressions(reader: &mut Reader, outline: &Outline, whose: &str) {
    for used in &outline.uses {
        let hint = "they are the same for every workflow; a definition of its own may say `${…}`";
        reader.error(used.node.place, format!("the defaults of {whose} hold no `${{…}}`")).hint(hint);
    }
}

pub(crate) fn of_map(reader: &mut Reader, outline: &mut Outline, entries: &[Entry]) -> Defaults {
    reader.keys(entries, "the defaults", words::DEFAULTS);
    let timeout = optional(entries, "timeout").and_then(|node| reader.positive_span(node, "timeout"));
    let step_timeout = optional(entries, "step_timeout").and_then(|node| reader.positive_span(node, "step_timeout"));
    let retry = optional(entries, "retry").and_then(|node| Retry::read(reader, outline, node, Scope::Whole));
    let retry = retry.unwrap_or_default();
    retry.check(reader, &Retry::default());
    let concurrency = optional(entries, "concurrency").and_then(|node| limit::concurrency(reader, outline, node));
    Defaults { timeout, step_timeout, retry: retry.for_an_installation(), concurrency }
}
