//! Values that are given a name which nothing reads.

use std::collections::BTreeSet;

use sagaline_model::Kind;

use super::Looked;
use crate::{outline::Scope, reader::Reader, step::ITEM, syntax::shown};

pub(super) fn tell(reader: &mut Reader, looked: &Looked) {
    items(reader, looked);
    values(reader, looked);
}

/// Items that are called something of their own.
fn items(reader: &mut Reader, looked: &Looked) {
    let outline = looked.outline;
    // What a loop of loops reads is found by its name alone: of two of the same name, either may be meant.
    let read: BTreeSet<&str> = roots(looked).collect();
    for step in &outline.steps {
        let Some(item) = step.item.as_deref().filter(|item| *item != ITEM && !read.contains(item)) else { continue };
        let message = format!("nothing in `{}` reads its item, `{}`", shown(&step.name), shown(item));
        reader.warning(step.place, message).hint("each item does the same then; is a `${…}` missing?");
    }
}

fn roots<'a>(looked: &'a Looked) -> impl Iterator<Item = &'a str> {
    looked.outline.uses.iter().flat_map(|used| &used.paths).filter_map(|path| path.first()).map(String::as_str)
}

/// Values that join `ctx`. Where the output is not said, it is all of them; and what a step may return is not known.
fn values(reader: &mut Reader, looked: &Looked) {
    let (plan, outline) = (looked.plan, looked.outline);
    let nodes = plan.nodes();
    let may_be_read = nodes.iter().any(|node| matches!(&node.kind, Kind::Step(step) if step.expand.is_some()));
    if plan.output.is_none() || may_be_read {
        return;
    }
    let mut keys: BTreeSet<&str> = BTreeSet::new();
    let mut steps: BTreeSet<&str> = BTreeSet::new();
    for used in outline.uses.iter().filter(|used| !matches!(used.scope, Scope::Trigger | Scope::Event)) {
        for path in &used.paths {
            match path.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                // All of it, or one that is known when it runs.
                ["ctx"] => return,
                ["ctx", key, ..] => {
                    keys.insert(key);
                }
                ["steps", step, ..] => {
                    steps.insert(step);
                }
                _ => {}
            }
        }
    }
    for node in nodes {
        let Some(step) = outline.find(node.name.as_str()) else { continue };
        // What is inside of a step is a part of what that gives.
        if outline.ancestry(step).into_iter().any(|step| steps.contains(outline.steps[step].name.as_str())) {
            continue;
        }
        let given: Vec<&str> = match (&node.kind, &node.context_key) {
            (_, Some(key)) => vec![key.as_str()],
            (Kind::Set { values }, None) => {
                values.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect()
            }
            _ => vec![],
        };
        for key in given.into_iter().filter(|key| !keys.contains(key)) {
            let (key, name) = (shown(key), shown(node.name.as_str()));
            let message = format!("nothing reads `ctx.{key}`, which `{name}` sets");
            reader.warning(outline.steps[step].place, message).hint("remove it, or read it");
        }
    }
}
