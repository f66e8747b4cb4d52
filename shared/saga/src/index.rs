//! What can be computed from the entries, kept so that an input costs what it changes and not what there is.

use std::collections::{BTreeMap, BTreeSet};

use sagaline_events::FramePath;

use crate::state::{Entry, State};

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Index {
    by_path: BTreeMap<FramePath, usize>,
    /// Who waits for each entry.
    later: Vec<Vec<usize>>,
    /// For how many others each entry still waits.
    waits: Vec<usize>,
    /// Pending, and nothing is waited for.
    pub(crate) ready: BTreeSet<usize>,
    pub(crate) at_work: BTreeSet<usize>,
    pub(crate) stuck: BTreeSet<usize>,
    /// How many are not finished.
    pub(crate) left: usize,
}

impl Index {
    pub(crate) fn of(entries: &[Entry]) -> Self {
        let mut index = Self { later: vec![vec![]; entries.len()], waits: vec![0; entries.len()], ..Self::default() };
        for (place, entry) in entries.iter().enumerate() {
            if !entry.step.actions.is_empty() {
                index.by_path.insert(entry.step.path.clone(), place);
            }
            for before in &entry.step.after {
                let before = *before as usize;
                index.later[before].push(place);
                index.waits[place] += usize::from(!entries[before].state.is_finished());
            }
        }
        for (place, entry) in entries.iter().enumerate() {
            index.left += usize::from(!entry.state.is_finished());
            index.file(place, &entry.state);
        }
        index
    }

    pub(crate) fn place_of(&self, path: &FramePath) -> Option<usize> {
        self.by_path.get(path).copied()
    }

    /// Files an entry whose state is another now, and those that wait for it.
    pub(crate) fn changed(&mut self, place: usize, was: &State, entries: &[Entry]) {
        let is = &entries[place].state;
        self.file(place, is);
        match (was.is_finished(), is.is_finished()) {
            (false, true) => {
                self.left -= 1;
                for later in self.later[place].clone() {
                    self.waits[later] -= 1;
                    self.file(later, &entries[later].state);
                }
            }
            (true, false) => {
                self.left += 1;
                for later in self.later[place].clone() {
                    self.waits[later] += 1;
                    self.file(later, &entries[later].state);
                }
            }
            (false, false) | (true, true) => {}
        }
    }

    fn file(&mut self, place: usize, state: &State) {
        let is_ready = *state == State::Pending && self.waits[place] == 0;
        let is_stuck = matches!(state, State::Stuck { .. });
        for (set, belongs) in
            [(&mut self.ready, is_ready), (&mut self.at_work, state.is_at_work()), (&mut self.stuck, is_stuck)]
        {
            if belongs {
                set.insert(place);
            } else {
                set.remove(&place);
            }
        }
    }
}

/// The places in an order in which they may be undone; nothing if there is none, or a place is not there.
pub(crate) fn in_order(entries: &[Entry]) -> Option<Vec<usize>> {
    let mut later: Vec<Vec<usize>> = vec![vec![]; entries.len()];
    let mut waits = vec![0_usize; entries.len()];
    for (place, entry) in entries.iter().enumerate() {
        for before in &entry.step.after {
            later.get_mut(*before as usize)?.push(place);
            waits[place] += 1;
        }
    }
    let mut ready: BTreeSet<usize> = (0..entries.len()).filter(|place| waits[*place] == 0).collect();
    let mut order = Vec::with_capacity(entries.len());
    while let Some(place) = ready.pop_first() {
        order.push(place);
        for next in std::mem::take(&mut later[place]) {
            waits[next] -= 1;
            if waits[next] == 0 {
                ready.insert(next);
            }
        }
    }
    (order.len() == entries.len()).then_some(order)
}
