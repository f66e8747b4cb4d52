//! Comments apart from the form in which they are written: each with the entry or item that it stands at. Loses none, and knows no form.

mod anchors;
mod yaml;

use std::{
    collections::BTreeMap,
    ops::Bound::{Included, Unbounded},
};

pub(crate) use self::{anchors::Anchors, yaml::of_yaml};

/// The way to an entry or an item: the number of its document, then those of entries and items in it. One number alone is a whole document.
pub(crate) type Path = Vec<usize>;

/// Comments without what begins them, by what they stand at.
#[derive(Debug, Default)]
pub(crate) struct Comments {
    notes: BTreeMap<Path, Note>,
    /// Below everything.
    tail: Vec<String>,
}

/// The comments of one entry or item.
#[derive(Debug, Default)]
pub(crate) struct Note {
    pub(crate) above: Vec<String>,
    /// At the end of its line.
    pub(crate) behind: Vec<String>,
    /// Below everything that is in it.
    pub(crate) end: Vec<String>,
}

/// Where a comment stands, seen from its entry or item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Above,
    Behind,
    End,
}

impl Comments {
    pub(crate) fn put(&mut self, path: Path, side: Side, text: String) {
        let note = self.notes.entry(path).or_default();
        match side {
            Side::Above => note.above.push(text),
            Side::Behind => note.behind.push(text),
            Side::End => note.end.push(text),
        }
    }

    pub(crate) fn put_below(&mut self, text: String) {
        self.tail.push(text);
    }

    /// What stands at an entry or item, for whoever writes that.
    pub(crate) fn take(&mut self, path: &[usize]) -> Note {
        self.notes.remove(path).unwrap_or_default()
    }

    /// What was taken and is not written yet.
    pub(crate) fn put_back(&mut self, path: &[usize], note: Note) {
        if !(note.above.is_empty() && note.behind.is_empty() && note.end.is_empty()) {
            self.notes.insert(path.to_vec(), note);
        }
    }

    /// What stands at an entry stands at what it is part of.
    pub(crate) fn hand_up(&mut self, path: &[usize]) {
        let note = self.take(path);
        let Some((_, around)) = path.split_last() else { return };
        let sides = [(Side::Above, note.above), (Side::Behind, note.behind), (Side::End, note.end)];
        for (side, texts) in sides {
            for text in texts {
                self.put(around.to_vec(), side, text);
            }
        }
    }

    /// What stands at it and at anything in it, all in one row: for whoever writes none of that, or has no place in it.
    pub(crate) fn take_within(&mut self, path: &[usize]) -> Vec<String> {
        let mut taken = vec![];
        while let Some(inside) = self.first_within(path).cloned() {
            taken.extend(self.take(&inside).all());
        }
        taken
    }

    pub(crate) fn take_tail(&mut self) -> Vec<String> {
        std::mem::take(&mut self.tail)
    }

    /// Whether there is one at anything in it, or at its end.
    pub(crate) fn are_inside(&self, path: &[usize]) -> bool {
        let own = self.notes.get(path).is_some_and(|note| !note.end.is_empty());
        let mut within = self.notes.range::<[usize], _>((Included(path), Unbounded));
        own || within.find(|(inside, _)| inside.as_slice() != path).is_some_and(|(inside, _)| inside.starts_with(path))
    }

    fn first_within(&self, path: &[usize]) -> Option<&Path> {
        let (first, _) = self.notes.range::<[usize], _>((Included(path), Unbounded)).next()?;
        first.starts_with(path).then_some(first)
    }
}

impl Note {
    pub(crate) fn all(self) -> impl Iterator<Item = String> {
        self.above.into_iter().chain(self.behind).chain(self.end)
    }
}
