//! One handle per value of a label, made when the value is first seen, for a bounded number of values.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

/// As many values of one label are told apart. Each costs every Prometheus some twelve series; who has more workflow types than this
/// looks at them through lifecycle events.
pub const MOST_VALUES: usize = 200;
/// The value under which all further ones are counted.
pub const OTHER: &str = "other";

pub(super) struct Labelled<T> {
    made: RwLock<BTreeMap<Box<str>, Arc<T>>>,
    make: fn(&str) -> T,
}

impl<T> Labelled<T> {
    pub(super) const fn new(make: fn(&str) -> T) -> Self {
        Self { made: RwLock::new(BTreeMap::new()), make }
    }

    /// The handle of this value, or of [`OTHER`] where there are too many.
    pub(super) fn of(&self, value: &str) -> Arc<T> {
        let made = self.made.read().unwrap_or_else(PoisonError::into_inner);
        let full = made.len() >= MOST_VALUES;
        if let Some(handle) = made.get(value).or_else(|| made.get(OTHER).filter(|_| full)) {
            return handle.clone();
        }
        drop(made);
        let mut made = self.made.write().unwrap_or_else(PoisonError::into_inner);
        let known = made.contains_key(value) || made.len() < MOST_VALUES;
        let value = if known { value } else { OTHER };
        made.entry(value.into()).or_insert_with(|| Arc::new((self.make)(value))).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_keeps_its_handle() {
        let labelled = Labelled::new(str::to_owned);
        assert!(Arc::ptr_eq(&labelled.of("order"), &labelled.of("order")));
        assert!(!Arc::ptr_eq(&labelled.of("order"), &labelled.of("refund")));
    }

    #[test]
    fn beyond_the_limit_all_are_one() {
        let labelled = Labelled::new(str::to_owned);
        for value in 0..MOST_VALUES * 2 {
            let expected = if value < MOST_VALUES { value.to_string() } else { OTHER.to_owned() };
            assert_eq!(*labelled.of(&value.to_string()), expected);
        }
        assert_eq!(*labelled.of("7"), "7", "who came early keeps a handle of its own");
        assert_eq!(labelled.made.read().unwrap().len(), MOST_VALUES + 1);
    }
}
