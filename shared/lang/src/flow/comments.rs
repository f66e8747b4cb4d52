//! The comments of a .flow file, each at what it stands at once everything short in the file is written out.

use std::rc::Rc;

use super::{
    names::is_parallel,
    syntax::{Block, Comment, Definition, Entry, File, Head, Item, List, Value},
};
use crate::{
    comments::{Anchors, Comments, Path, Side},
    source::{Place, Position},
    tree::Node,
};

/// `documents` are what the definitions of the file became, one of each.
pub(super) fn of_file(file: &File, documents: &[Rc<Node>]) -> Comments {
    let mut gather = Gather { anchors: Anchors::of(documents), comments: Comments::default(), definition: 0 };
    for (number, definition) in file.definitions.iter().enumerate() {
        gather.definition = number;
        gather.definition(definition);
    }
    for comment in &file.tail {
        gather.comments.put_below(text(comment));
    }
    gather.comments
}

/// Without what begins it.
fn text(comment: &Comment) -> String {
    comment.text.strip_prefix("//").unwrap_or(&comment.text).trim_end().to_owned()
}

struct Gather {
    anchors: Anchors,
    comments: Comments,
    /// The number of the definition that is looked at.
    definition: usize,
}

impl Gather {
    fn definition(&mut self, definition: &Definition) {
        let whole = vec![self.definition];
        let name = self.anchors.first(definition.place.start, definition.place.start).cloned();
        let name = name.unwrap_or_else(|| whole.clone());
        self.put(&definition.lead, &name, Side::Above);
        self.put(definition.body.head.as_slice(), &name, Side::Behind);
        self.entries(&definition.body);
        self.put(&definition.body.tail, &whole, Side::End);
        self.put(definition.trail.as_slice(), &whole, Side::End);
    }

    fn put(&mut self, comments: &[Comment], path: &[usize], side: Side) {
        for comment in comments {
            self.comments.put(path.to_vec(), side, text(comment));
        }
    }

    /// What is written from one place to another became what begins first there; what became nothing leaves its comments to the definition.
    fn path(&self, from: Position, to: Position) -> (Path, bool) {
        match self.anchors.first(from, to) {
            Some(path) => (path.clone(), true),
            None => (vec![self.definition, 0], false),
        }
    }

    fn around(&mut self, lead: &[Comment], value: &Value, trail: &[Comment], from: Position, to: Position) {
        let (path, is_there) = self.path(from, to);
        let side = |side| if is_there { side } else { Side::Above };
        self.put(lead, &path, Side::Above);
        self.value(value, &path, is_there);
        self.put(trail, &path, side(Side::Behind));
    }

    fn value(&mut self, value: &Value, path: &[usize], is_there: bool) {
        let side = |side| if is_there { side } else { Side::Above };
        if let Some(head) = &value.head {
            self.head(head, path, is_there);
        }
        if let Some(block) = &value.block {
            self.put(block.head.as_slice(), path, side(Side::Behind));
            self.entries(block);
            self.put(&block.tail, path, side(Side::End));
        }
    }

    fn head(&mut self, head: &Head, path: &[usize], is_there: bool) {
        match head {
            Head::Scalar(_) | Head::Phrase(_) => {}
            Head::Named(_, value) => self.head(value, path, is_there),
            Head::List(list) => self.list(list, path, is_there),
        }
    }

    fn list(&mut self, list: &List, path: &[usize], is_there: bool) {
        let side = |side| if is_there { side } else { Side::Above };
        self.put(list.head.as_slice(), path, side(Side::Behind));
        for Item { lead, value, trail } in &list.items {
            let Place { start, end } = value.place().unwrap_or(list.place);
            self.around(lead, value, trail.as_slice(), start, end);
        }
        self.put(&list.tail, path, side(Side::End));
    }

    fn entries(&mut self, block: &Block) {
        for entry in &block.entries {
            let Entry { lead, key, value, trail, place, .. } = entry;
            if let (true, None, Some(group)) = (is_parallel(entry), &value.head, &value.block) {
                self.group(entry, group);
            } else {
                self.around(lead, value, trail.as_slice(), key.place.start, place.end);
            }
        }
    }
    /// Only the steps in it are there: what stands at it stands above the first of them.
    fn group(&mut self, entry: &Entry, group: &Block) {
        let (path, _) = self.path(entry.key.place.start, entry.place.end);
        for comments in [entry.lead.as_slice(), group.head.as_slice(), &group.tail, entry.trail.as_slice()] {
            self.put(comments, &path, Side::Above);
        }
        self.entries(group);
    }
}
