//! What a comment may stand at: every entry and every item of a file, by where it begins.

use std::{collections::BTreeMap, rc::Rc};

use super::Path;
use crate::{
    source::Position,
    tree::{Content, Node},
};

pub(crate) struct Anchors {
    /// What an alias repeats is there once, where it stands in the file; of several that begin together, from the outermost on.
    all: Vec<(Position, Path)>,
    positions: BTreeMap<Path, Position>,
}

impl Anchors {
    pub(crate) fn of(documents: &[Rc<Node>]) -> Self {
        let mut all = vec![];
        for (number, document) in documents.iter().enumerate() {
            gather(document, &mut vec![number], &mut all);
        }
        // Stable: what stands at one place stays in its order.
        all.sort_by_key(|(position, _)| *position);
        let mut positions = BTreeMap::new();
        for (position, path) in &all {
            positions.insert(path.clone(), *position);
        }
        Self { all, positions }
    }

    /// The first that begins from one position to another, both included.
    pub(crate) fn first(&self, from: Position, to: Position) -> Option<&Path> {
        let at = self.all.partition_point(|(position, _)| *position < from);
        self.all.get(at).filter(|(position, _)| *position <= to).map(|(_, path)| path)
    }

    /// The last that begins before a position.
    pub(crate) fn before(&self, end: Position) -> Option<&(Position, Path)> {
        self.all[..self.all.partition_point(|(position, _)| *position < end)].last()
    }

    /// The first that begins behind a position.
    pub(crate) fn behind(&self, start: Position) -> Option<&(Position, Path)> {
        self.all.get(self.all.partition_point(|(position, _)| *position <= start))
    }

    /// The innermost of those that begin first on the line of a position, before it.
    pub(crate) fn first_of_line(&self, end: Position) -> Option<&Path> {
        let from = Position { column: 0, ..end };
        let at = self.all.partition_point(|(position, _)| *position < from);
        let (first, _) = self.all.get(at).filter(|(position, _)| *position < end)?;
        let together = self.all[at..].iter().take_while(|(position, _)| position == first);
        together.last().map(|(_, path)| path)
    }

    pub(crate) fn position(&self, path: &[usize]) -> Option<Position> {
        self.positions.get(path).copied()
    }
}

fn gather(node: &Node, path: &mut Path, all: &mut Vec<(Position, Path)>) {
    let mut inside = |place: usize, start: Position, value: &Node| {
        path.push(place);
        all.push((start, path.clone()));
        gather(value, path, all);
        path.pop();
    };
    match &node.content {
        Content::Text(_) | Content::Plain(..) => {}
        Content::List(items) => {
            items.iter().enumerate().for_each(|(place, item)| inside(place, item.place.start, item));
        }
        Content::Map(entries) => {
            entries.iter().enumerate().for_each(|(place, entry)| inside(place, entry.key.place.start, &entry.value));
        }
    }
}
