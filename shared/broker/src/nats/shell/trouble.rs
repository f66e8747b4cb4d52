//! What fails here: when to try a partition again, and when to leave the work to others. No I/O; times are the boot clock's.

use std::{collections::BTreeMap, time::Duration};

use crate::{owner::Halt, ports::Failure};

/// The pause before a partition that was lost or failed is tried for again.
const PAUSE: Duration = Duration::from_millis(500);
/// After so many failures in a row somebody else should try.
const FAILURES_MAX: u32 = 3;
/// For how long, at first, and at most: each further failure doubles it.
const SHUNNED_FOR: Duration = Duration::from_secs(5);
const SHUNNED_FOR_MAX: Duration = Duration::from_secs(300);
/// An owner that lasted so long has worked.
const WORKED_FOR: Duration = Duration::from_secs(10);

#[derive(Default)]
pub(super) struct Trouble {
    /// How often each partition failed in a row.
    failures: BTreeMap<u32, u32>,
    /// How often any did, with none that worked.
    in_a_row: u32,
}

impl Trouble {
    /// An owner let go after it had worked for `lasted`. Until when to leave its partition alone.
    pub(super) fn ended(&mut self, partition: u32, halt: &Halt, lasted: Duration, now: Duration) -> Duration {
        if WORKED_FOR <= lasted {
            self.failures.remove(&partition);
            self.in_a_row = 0;
        }
        if !is_ours(halt) {
            return now + PAUSE;
        }
        self.in_a_row += 1;
        let failures = self.failures.entry(partition).or_default();
        *failures += 1;
        match failures.checked_sub(FAILURES_MAX) {
            None => now + PAUSE,
            Some(beyond) => now + SHUNNED_FOR_MAX.min(SHUNNED_FOR * 2_u32.pow(beyond.min(10))),
        }
    }

    /// Whether this process seems unable to own anything: several failures in a row while nothing it holds has worked for a while.
    /// `oldest`: for how long it has held what it has held longest.
    pub(super) fn is_unable(&self, oldest: Option<Duration>) -> bool {
        FAILURES_MAX <= self.in_a_row && oldest.is_none_or(|oldest| oldest < WORKED_FOR)
    }

    pub(super) fn begin_anew(&mut self) {
        *self = Self::default();
    }
}

/// Whether it may lie with this process. NATS being away or another owner's coming does not.
fn is_ours(halt: &Halt) -> bool {
    match halt {
        Halt::Restart(_) | Halt::Failed(Failure::Refused { .. }) => true,
        Halt::Stopped | Halt::Fenced | Halt::LeaseLost | Halt::Failed(Failure::NoAnswer(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEC: Duration = Duration::from_secs(1);

    fn restart() -> Halt {
        Halt::Restart("again".into())
    }

    #[test]
    fn what_fails_again_and_again_is_left_to_others_for_longer_and_longer() {
        let mut trouble = Trouble::default();
        let pauses: Vec<Duration> = (0..5).map(|_| trouble.ended(1, &restart(), SEC, SEC) - SEC).collect();
        assert_eq!(pauses, [PAUSE, PAUSE, SEC * 5, SEC * 10, SEC * 20]);
        assert_eq!(trouble.ended(2, &restart(), SEC, SEC) - SEC, PAUSE, "the others are not");
        assert_eq!(trouble.ended(1, &restart(), SEC * 60, SEC) - SEC, PAUSE, "it has worked since");
    }

    #[test]
    fn whoever_fails_at_everything_is_unable_and_nobody_else_is() {
        let mut trouble = Trouble::default();
        for partition in 0..3 {
            assert!(!trouble.is_unable(None));
            trouble.ended(partition, &restart(), SEC, SEC);
        }
        assert!(trouble.is_unable(None) && trouble.is_unable(Some(SEC)));
        assert!(!trouble.is_unable(Some(SEC * 60)), "something else works");
        trouble.begin_anew();
        assert!(!trouble.is_unable(None));
    }

    #[test]
    fn when_nats_is_away_nobody_is_to_blame() {
        let mut trouble = Trouble::default();
        for halt in [Halt::LeaseLost, Halt::Fenced, Halt::Failed(Failure::NoAnswer("read".into()))] {
            for _ in 0..9 {
                assert_eq!(trouble.ended(1, &halt, SEC, SEC) - SEC, PAUSE);
            }
        }
        assert!(!trouble.is_unable(None));
    }
}
