//! Files of several sizes, and how the time for them grows.
//!
//! It is the processor's time, of which a busy machine gives less but does not take more. It is that of the whole process, since
//! expressions are read on threads of their own; so whatever else a file tests waits while something is measured.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};
use sagaline_lang::LARGEST_FILE;

/// Sixteen times as much may take sixteen times as long, and somewhat more for a larger memory; what grows with the square would
/// take 256 times as long.
const TIMES_AS_MUCH: usize = 16;
const TIMES_AS_LONG: u32 = 40;
/// Neighbours can slow everything down: where the first round is too slow, the best of more counts.
const ROUNDS: usize = 10;

static ALONE: Mutex<()> = Mutex::new(());

/// Nothing is measured as long as this is held.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is done with a file of a size, and with one of a sixteenth of it.
#[track_caller]
pub(crate) fn grows_with_its_size(what: &str, large: usize, source_of: impl Fn(usize) -> String, read: impl Fn(&str)) {
    let sources = [large / TIMES_AS_MUCH, large].map(source_of);
    for source in &sources {
        assert!(source.len() <= LARGEST_FILE, "{}", source.len());
    }
    takes_linear_time(what, &sources, |source| read(source));
}

/// The second is sixteen times as large as the first.
#[track_caller]
pub(crate) fn takes_linear_time<T>(what: &str, small_and_large: &[T; 2], run: impl Fn(&T)) {
    let _alone = alone();
    // What is slow for being the first shall not make the small one look slow.
    run(&small_and_large[0]);
    let mut best = [Duration::MAX; 2];
    for _ in 0..ROUNDS {
        for (one, best) in small_and_large.iter().zip(&mut best) {
            let start = spent();
            run(one);
            *best = (spent() - start).min(*best);
        }
        if best[1] < best[0] * TIMES_AS_LONG {
            return;
        }
    }
    panic!("{what}: a sixteenth and all of it took {best:?}");
}

/// What this process has had of the processors so far.
fn spent() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).expect("the clock counts from zero")
}

/// As many lines as fit between a head and a tail.
pub(crate) fn repeated(size: usize, head: &str, line: impl Fn(usize) -> String, tail: &str) -> String {
    let mut source = head.to_owned();
    for index in 0.. {
        let line = line(index);
        if source.len() + line.len() + tail.len() > size {
            break;
        }
        source.push_str(&line);
    }
    source + tail
}
