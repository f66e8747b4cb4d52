//! A state of which something is always on its way can never be saved: a limit that hands out places without a pause, for instance.
//! So once it is long overdue, no input is taken for a moment: what is on its way arrives, and it is saved.

use std::time::Duration;

/// At most so long: an acknowledgement takes milliseconds. If one does not come, there is another reason than haste.
const AT_MOST: Duration = Duration::from_millis(200);
/// And so seldom at most.
const PAUSE: Duration = Duration::from_secs(5);
/// What did not move for so long does not wait for quiet.
const MOVED_WITHIN: Duration = Duration::from_secs(1);
/// A state is overdue when it holds the checkpoint so many times longer than it should.
pub(super) const OVERDUE: u32 = 2;

/// Whether inputs are left where they are.
#[derive(Default)]
pub(super) struct Quiet {
    until: Duration,
    not_before: Duration,
}

impl Quiet {
    pub(super) fn is_kept(&self, now: Duration) -> bool {
        now < self.until
    }

    /// Of an overdue state something is on its way; it moved at `touched`.
    pub(super) fn is_wanted(&self, touched: Duration, now: Duration) -> bool {
        self.is_kept(now) || self.not_before <= now && now < touched + MOVED_WITHIN
    }

    /// Begins, if some state needs it and it is time; ends, if none does.
    pub(super) fn keep(&mut self, is_wanted: bool, now: Duration) {
        match (is_wanted, self.is_kept(now)) {
            (true, false) => (self.until, self.not_before) = (now + AT_MOST, now + PAUSE),
            (false, true) => self.until = now,
            (true, true) | (false, false) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn it_is_short_and_seldom_and_ends_when_nobody_needs_it() {
        let mut quiet = Quiet::default();
        let mut at = |now: u64, touched: u64| {
            let is_wanted = quiet.is_wanted(MS(touched), MS(now));
            quiet.keep(is_wanted, MS(now));
            quiet.is_kept(MS(now))
        };
        assert!(!at(20_000, 18_000), "it does not move any more");
        assert!(at(20_000, 19_990));
        assert!(at(20_199, 19_990));
        assert!(!at(20_200, 20_000), "not for longer");
        assert!(!at(24_999, 24_999), "nor again so soon");
        assert!(at(25_000, 24_999));
        quiet.keep(false, MS(25_010));
        assert!(!quiet.is_kept(MS(25_010)), "it is saved");
    }
}
