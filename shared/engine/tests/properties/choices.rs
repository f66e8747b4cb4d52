//! Random choices, read from a list of numbers: where the list ends, and as it shrinks, the simplest choice is made.

use proptest::{
    collection::vec,
    prelude::{Strategy, any},
};

pub(crate) struct Choices {
    numbers: std::vec::IntoIter<u16>,
}

pub(crate) fn numbers(most: usize) -> impl Strategy<Value = Vec<u16>> {
    vec(any::<u16>(), most / 2..=most)
}

impl Choices {
    pub(crate) fn new(numbers: Vec<u16>) -> Self {
        Self { numbers: numbers.into_iter() }
    }

    /// Whether nothing is left to choose by.
    pub(crate) fn are_over(&self) -> bool {
        self.numbers.len() == 0
    }

    /// A number below `bound`; the simplest is 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::from(self.numbers.next().unwrap_or(0)) % bound.max(1)
    }

    /// True in so many of a hundred cases; the simplest is false.
    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) >= 100 - percent
    }

    pub(crate) fn one_of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }

    /// One of the names, by weight; the simplest is the first.
    pub(crate) fn weighted<T: Copy>(&mut self, all: &[(usize, T)]) -> T {
        let mut left = self.below(all.iter().map(|(weight, _)| weight).sum());
        for (weight, item) in all {
            if left < *weight {
                return *item;
            }
            left -= weight;
        }
        all[0].1
    }
}
