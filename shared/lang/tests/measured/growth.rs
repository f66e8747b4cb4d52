//! Files of several sizes, and how the time for them grows.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use sagaline_lang::LARGEST_FILE;

/// One measurement at a time: the tests of a file run at once.
static MEASURING: Mutex<()> = Mutex::new(());

/// What is done with files of a quarter, a half and all of a size.
#[track_caller]
pub(crate) fn grows_with_its_size(what: &str, large: usize, source_of: impl Fn(usize) -> String, read: impl Fn(&str)) {
    let sources = [large / 4, large / 2, large].map(source_of);
    for source in &sources {
        assert!(source.len() <= LARGEST_FILE, "{}", source.len());
    }
    takes_linear_time(what, &sources, |source| read(source));
}

/// Four times as much may take four times as long, and somewhat more for a larger memory; sixteen times would be quadratic.
/// Others use the machine too, so the best of a few measurements counts.
#[track_caller]
pub(crate) fn takes_linear_time<T>(what: &str, quarter_half_and_all: &[T; 3], run: impl Fn(&T)) {
    let _alone = MEASURING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut best = [Duration::MAX; 3];
    for _ in 0..5 {
        for (one, best) in quarter_half_and_all.iter().zip(&mut best) {
            let start = Instant::now();
            run(one);
            *best = start.elapsed().min(*best);
        }
        if best[2] < best[0] * 7 {
            return;
        }
    }
    panic!("{what}: a quarter, half of it and all of it took {best:?}");
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
