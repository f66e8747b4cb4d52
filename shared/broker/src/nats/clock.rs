//! The two clocks of this machine that the broker uses. Nothing else reads them.

use std::time::{Duration, SystemTime};

use rustix::time::{ClockId, clock_gettime};
use sagaline_model::Moment;

/// The boot-time clock: it only rises, also while the machine sleeps.
pub fn boot() -> Duration {
    let now = clock_gettime(ClockId::Boottime);
    let secs = u64::try_from(now.tv_sec).expect("the boot-time clock starts at zero");
    let nanos = u32::try_from(now.tv_nsec).expect("nanoseconds are below a billion");
    Duration::new(secs, nanos)
}

/// The time of day.
pub(super) fn now() -> Moment {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Moment::from_nanos(i64::try_from(since_1970.as_nanos()).unwrap_or(i64::MAX))
}
