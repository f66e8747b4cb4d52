//! Ids for executions whose starter names none.

use std::{
    hash::{BuildHasher, RandomState},
    time::{SystemTime, UNIX_EPOCH},
};

use sagaline_model::ExecutionId;

/// No `i`, `l`, `o` and `u`: they are misread.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// 48 bits of milliseconds and 80 random ones, in base 32: ids sort by the time they were made.
pub fn generate() -> ExecutionId {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let millis = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
    ExecutionId::new(text(millis, random())).expect("letters and digits are an id")
}

/// The keys of a `RandomState` come from the system's randomness, and no two of a process are the same.
pub(super) fn random() -> u128 {
    let keys = RandomState::new();
    u128::from(keys.hash_one(0_u8)) << 64 | u128::from(keys.hash_one(1_u8))
}

fn text(millis: u64, random: u128) -> String {
    let number = u128::from(millis) << 80 | (random & ((1 << 80) - 1));
    let digit = |place: u32| char::from(DIGITS[(number >> (place * 5) & 31) as usize]);
    (0..26).rev().map(digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_the_time_they_were_made() {
        let times = [0, 1, 31, 32, 1_763_636_400_000, 1_763_636_400_001, (1 << 48) - 1];
        let ids: Vec<_> = times.iter().map(|millis| text(*millis, u128::MAX >> (millis % 7))).collect();
        assert!(ids.is_sorted() && ids.iter().all(|id| id.len() == 26), "{ids:?}");
        assert_eq!(text(1, 0), "00000000010000000000000000");
    }

    #[test]
    fn no_two_ids_are_the_same() {
        let ids: std::collections::BTreeSet<_> = (0..10_000).map(|_| generate()).collect();
        assert_eq!(ids.len(), 10_000);
    }
}
