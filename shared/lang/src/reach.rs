//! Which steps of a map certainly run before which others.

use std::collections::BTreeMap;

/// The steps of one map and how they wait for each other.
pub(crate) struct Level {
    members: Vec<usize>,
    /// By member: those it waits for, as positions among the members.
    waits: Vec<Vec<usize>>,
    /// Positions, each behind all that it waits for; those that wait in a circle are missing.
    sorted: Vec<usize>,
}

impl Level {
    pub(crate) fn new<I: Iterator<Item = usize>>(members: Vec<usize>, waits_of: impl Fn(usize) -> I) -> Self {
        let position: BTreeMap<usize, usize> = members.iter().enumerate().map(|(at, step)| (*step, at)).collect();
        let waits: Vec<Vec<usize>> = members
            .iter()
            .map(|step| waits_of(*step).filter_map(|other| position.get(&other).copied()).collect())
            .collect();
        let sorted = sort(&waits);
        Self { members, waits, sorted }
    }

    pub(crate) fn members(&self) -> &[usize] {
        &self.members
    }

    pub(crate) fn is_cyclic(&self) -> bool {
        self.sorted.len() < self.members.len()
    }

    /// For each pair of steps whether the first must have ended when the second starts.
    ///
    /// Asked 64 first steps at a time: one walk over the map carries a bit for each. So memory stays in proportion to the
    /// map, where a table of all pairs would grow with its square.
    pub(crate) fn precede(&self, pairs: &[(usize, usize)]) -> Vec<bool> {
        let position: BTreeMap<usize, usize> = self.members.iter().enumerate().map(|(at, step)| (*step, at)).collect();
        let mut asked: BTreeMap<usize, Vec<(usize, usize)>> = BTreeMap::new();
        for (index, (earlier, later)) in pairs.iter().enumerate() {
            asked.entry(position[earlier]).or_default().push((position[later], index));
        }
        let mut answers = vec![false; pairs.len()];
        let asked: Vec<_> = asked.into_iter().collect();
        for some in asked.chunks(64) {
            let ended = self.ended_before(some.iter().map(|(earlier, _)| *earlier));
            for (bit, (_, questions)) in some.iter().enumerate() {
                for (later, index) in questions {
                    answers[*index] = ended[*later] & (1 << bit) != 0;
                }
            }
        }
        answers
    }

    /// For each member the bits of those in `marked` that have ended when it starts.
    fn ended_before(&self, marked: impl Iterator<Item = usize>) -> Vec<u64> {
        let mut own = vec![0_u64; self.members.len()];
        for (bit, at) in marked.enumerate() {
            own[at] = 1 << bit;
        }
        let mut ended = vec![0_u64; self.members.len()];
        for at in &self.sorted {
            ended[*at] = self.waits[*at].iter().fold(0, |bits, other| bits | ended[*other] | own[*other]);
        }
        ended
    }
}

fn sort(waits: &[Vec<usize>]) -> Vec<usize> {
    let mut awaited_by: Vec<Vec<usize>> = vec![vec![]; waits.len()];
    for (at, others) in waits.iter().enumerate() {
        for other in others {
            awaited_by[*other].push(at);
        }
    }
    let mut open: Vec<usize> = waits.iter().map(Vec::len).collect();
    let mut sorted: Vec<usize> = (0..waits.len()).filter(|at| open[*at] == 0).collect();
    let mut next = 0;
    while let Some(at) = sorted.get(next).copied() {
        next += 1;
        for other in &awaited_by[at] {
            open[*other] -= 1;
            if open[*other] == 0 {
                sorted.push(*other);
            }
        }
    }
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_precedes_what_waits_for_it_directly_or_not() {
        // 0 ← 1 ← 2, 0 ← 3; 4 alone.
        let waits = [vec![], vec![0], vec![1], vec![0], vec![]];
        let level = Level::new((0..5).collect(), |step| waits[step].clone().into_iter());
        assert!(!level.is_cyclic());
        let pairs = [(0, 1), (0, 2), (1, 2), (2, 0), (3, 2), (2, 3), (4, 0), (0, 0)];
        assert_eq!(level.precede(&pairs), [true, true, true, false, false, false, false, false]);
    }

    #[test]
    fn more_than_64_questions_at_once_are_answered() {
        let level = Level::new((0..200).collect(), |step| step.checked_sub(1).into_iter());
        let pairs: Vec<_> = (0..200).flat_map(|a| [(a, 199), (199, a)]).collect();
        for ((earlier, later), answer) in pairs.iter().zip(level.precede(&pairs)) {
            assert_eq!(answer, earlier < later, "{earlier} {later}");
        }
    }

    #[test]
    fn a_circle_is_seen() {
        assert!(Level::new(vec![0, 1], |step| std::iter::once(1 - step)).is_cyclic());
    }
}
