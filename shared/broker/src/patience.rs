//! How long an answer is waited for: longer, once answers were seen to come later than that.
//!
//! Silence is no reason to wait longer: what is sent to a leader that died is never answered. But where every answer comes too late,
//! as from a disk that is slower than what is in flight, sending again at the same pace would go on for ever.

use std::time::Duration;

use crate::ports::ACK_WITHIN;

/// As long as this anyone may think that it is lost.
const LONGEST: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience(Duration);

impl Default for Patience {
    fn default() -> Self {
        Self(ACK_WITHIN)
    }
}

impl Patience {
    pub(crate) fn lasts(self) -> Duration {
        self.0
    }

    /// An answer came to something that was given up.
    pub(crate) fn was_too_short(&mut self) {
        self.0 = (self.0 * 2).min(LONGEST);
    }

    /// An answer came after so long, in time.
    pub(crate) fn was_enough(&mut self, took: Duration) {
        if ACK_WITHIN < self.0 && took < self.0 / 4 {
            self.0 = (self.0 - self.0 / 16).max(ACK_WITHIN);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_with_what_comes_too_late_and_shrinks_with_what_comes_soon() {
        let mut patience = Patience::default();
        patience.was_too_short();
        assert_eq!(patience.lasts(), ACK_WITHIN * 2);
        patience.was_enough(ACK_WITHIN);
        assert_eq!(patience.lasts(), ACK_WITHIN * 2, "just in time is no reason to wait less");
        (0..100).for_each(|_| patience.was_enough(Duration::from_millis(1)));
        assert_eq!(patience.lasts(), ACK_WITHIN);
        (0..100).for_each(|_| patience.was_too_short());
        assert_eq!(patience.lasts(), LONGEST);
    }
}
