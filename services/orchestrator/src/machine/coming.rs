//! Counts how many attempts come later, by queue: kept as executions change, so that whoever asks costs nothing.

use std::{collections::BTreeMap, sync::Arc};

use sagaline_engine::Later;
use sagaline_model::Name;

/// What is to come of the executions of one partition. Most have nothing, and take no room.
#[derive(Debug, Default)]
pub(super) struct Coming {
    of: BTreeMap<Arc<str>, Box<[(Name, Later)]>>,
    sums: BTreeMap<Name, Later>,
}

impl Coming {
    /// What is to come of the execution under this key now, in place of what was.
    pub(super) fn note(&mut self, key: &Arc<str>, later: BTreeMap<Name, Later>) {
        self.forget(key);
        if later.is_empty() {
            return;
        }
        for (queue, later) in &later {
            self.sums.entry(queue.clone()).or_default().add(*later);
        }
        self.of.insert(Arc::clone(key), later.into_iter().collect());
    }

    /// Nothing is to come of it.
    pub(super) fn forget(&mut self, key: &Arc<str>) {
        for (queue, later) in self.of.remove(key).iter().flatten() {
            let Some(sum) = self.sums.get_mut(queue) else { continue };
            sum.remove(*later);
            if sum.is_none() {
                self.sums.remove(queue);
            }
        }
    }

    pub(super) fn by_queue(&self) -> impl Iterator<Item = (&Name, Later)> {
        self.sums.iter().map(|(queue, later)| (queue, *later))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn later(queue: &str, scheduled: usize, retry: usize) -> (Name, Later) {
        (Name::new(queue).expect("a name"), Later { scheduled, retry })
    }

    #[test]
    fn what_an_execution_has_now_takes_the_place_of_what_it_had() {
        let (mut coming, [one, two]) = (Coming::default(), ["one", "two"].map(Arc::from));
        coming.note(&one, [later("a", 1, 2), later("b", 0, 1)].into());
        coming.note(&two, [later("a", 0, 1)].into());
        let all = |coming: &Coming| coming.by_queue().map(|(queue, later)| (queue.clone(), later)).collect::<Vec<_>>();
        assert_eq!(all(&coming), [later("a", 1, 3), later("b", 0, 1)]);
        coming.note(&one, [later("a", 0, 1)].into());
        assert_eq!(all(&coming), [later("a", 0, 2)]);
        coming.note(&one, BTreeMap::new());
        coming.forget(&two);
        coming.forget(&two);
        assert_eq!((all(&coming), coming.of.len()), (vec![], 0));
    }
}
