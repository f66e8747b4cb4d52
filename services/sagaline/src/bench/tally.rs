//! What is known of every execution of a run. Times are microseconds since its beginning.

/// Since the beginning of the run.
pub(super) type Micros = u64;

#[derive(Clone, Copy, Debug, Default)]
struct Run {
    /// When it was sent, or was to be.
    due: Micros,
    /// When it was sent last; a start whose ack does not come is sent again.
    sent: Micros,
    asked: Micros,
    flags: u8,
}

const ACKNOWLEDGED: u8 = 1;
const COMPLETED: u8 = 2;
const FAILED: u8 = 4;
/// When it was last asked for, it was there and not over.
const SEEN_OPEN: u8 = 8;
const OVER: u8 = COMPLETED | FAILED;

/// How an execution ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Completed,
    Failed,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) completed: usize,
    pub(super) failed: usize,
    /// Acknowledged, and known to nobody.
    pub(super) lost: usize,
    /// There, and not over.
    pub(super) unfinished: usize,
    /// Nobody ever said that the start was stored.
    pub(super) unacknowledged: usize,
}

#[derive(Debug)]
pub(super) struct Tally {
    runs: Vec<Run>,
    /// All before it are over.
    first_open: usize,
    sent: usize,
    over: usize,
    latencies: Vec<Micros>,
}

impl Tally {
    pub(super) fn new(workflows: usize) -> Self {
        let runs = vec![Run::default(); workflows];
        Self { runs, first_open: 0, sent: 0, over: 0, latencies: Vec::with_capacity(workflows) }
    }

    /// The next to send, if there is one.
    pub(super) fn next(&self) -> Option<usize> {
        (self.sent < self.runs.len()).then_some(self.sent)
    }

    pub(super) fn in_flight(&self) -> usize {
        self.sent - self.over
    }

    pub(super) fn over(&self) -> usize {
        self.over
    }

    pub(super) fn is_done(&self) -> bool {
        self.over == self.runs.len()
    }

    pub(super) fn sends_next(&mut self, due: Micros, now: Micros) {
        self.runs[self.sent] = Run { due, sent: now, asked: 0, flags: 0 };
        self.sent += 1;
    }

    pub(super) fn acknowledged(&mut self, index: usize) {
        if let Some(run) = self.runs.get_mut(index) {
            run.flags |= ACKNOWLEDGED;
        }
    }

    /// Notes the first end of an execution. Without a latency of its own it is counted from when it was due.
    pub(super) fn ended(&mut self, index: usize, end: End, now: Micros, latency: Option<Micros>) -> bool {
        let Some(run) = self.runs.get_mut(index).filter(|run| run.flags & OVER == 0) else { return false };
        // What ended was stored, whether or not its ack was heard.
        run.flags |= ACKNOWLEDGED
            | match end {
                End::Completed => COMPLETED,
                End::Failed => FAILED,
            };
        self.latencies.push(latency.unwrap_or(now.saturating_sub(run.due)));
        self.over += 1;
        while self.runs.get(self.first_open).is_some_and(|run| run.flags & OVER != 0) {
            self.first_open += 1;
        }
        true
    }

    pub(super) fn seen(&mut self, index: usize, open: bool) {
        let run = &mut self.runs[index];
        run.flags = if open { run.flags | SEEN_OPEN } else { run.flags & !SEEN_OPEN };
    }

    /// At most `most` starts that were sent before `before` and are neither acknowledged nor over; they count as sent `now`.
    pub(super) fn send_again(&mut self, before: Micros, now: Micros, most: usize) -> Vec<usize> {
        let open = self.runs[..self.sent].iter_mut().enumerate().skip(self.first_open);
        let silent = open.filter(|(_, run)| run.flags & (OVER | ACKNOWLEDGED) == 0 && run.sent < before);
        silent
            .take(most)
            .map(|(index, run)| {
                run.sent = now;
                index
            })
            .collect()
    }

    /// At most `most` executions that were sent before `sent_before`, are not over, and were not asked for since `asked_before`.
    pub(super) fn ask_for(
        &mut self,
        sent_before: Micros,
        asked_before: Micros,
        now: Micros,
        most: usize,
    ) -> Vec<usize> {
        let open = self.runs[..self.sent].iter_mut().enumerate().skip(self.first_open);
        let quiet =
            open.filter(|(_, run)| run.flags & OVER == 0 && run.sent < sent_before && run.asked <= asked_before);
        quiet
            .take(most)
            .map(|(index, run)| {
                run.asked = now;
                index
            })
            .collect()
    }

    pub(super) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for run in &self.runs {
            let of = |flag: u8| run.flags & flag != 0;
            match () {
                () if of(COMPLETED) => counts.completed += 1,
                () if of(FAILED) => counts.failed += 1,
                () if of(SEEN_OPEN) => counts.unfinished += 1,
                () if of(ACKNOWLEDGED) => counts.lost += 1,
                () => counts.unacknowledged += 1,
            }
        }
        counts
    }

    /// The latencies that so many in a hundred do not exceed; nothing where nothing ended.
    pub(super) fn percentiles<const N: usize>(&self, percents: [usize; N]) -> [Option<Micros>; N] {
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        percents.map(|percent| sorted.get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1))).copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(count: usize) -> Tally {
        let mut tally = Tally::new(count);
        (0..count).for_each(|_| tally.sends_next(0, 0));
        tally
    }

    #[test]
    fn every_execution_counts_once_and_as_one_thing() {
        let mut tally = sent(6);
        assert!(tally.ended(0, End::Completed, 10, None));
        assert!(!tally.ended(0, End::Failed, 20, None), "an execution ends once");
        tally.ended(1, End::Failed, 10, None);
        tally.acknowledged(2);
        tally.acknowledged(3);
        tally.seen(3, true);
        tally.seen(4, true);
        tally.seen(4, false);
        let counts = Counts { completed: 1, failed: 1, lost: 1, unfinished: 1, unacknowledged: 2 };
        assert_eq!(tally.counts(), counts);
        assert_eq!((tally.in_flight(), tally.is_done()), (4, false));
    }

    #[test]
    fn only_what_is_silent_is_sent_again_or_asked_for() {
        let mut tally = sent(4);
        tally.acknowledged(1);
        tally.ended(0, End::Completed, 5, None);
        assert_eq!(tally.send_again(10, 20, 100), [2, 3]);
        assert_eq!(tally.send_again(10, 30, 100), [] as [usize; 0], "they were sent just now");
        assert_eq!(tally.ask_for(10, 0, 40, 100), [1]);
        assert_eq!(tally.ask_for(30, 39, 50, 1), [2]);
    }

    #[test]
    fn percentiles_are_of_what_ended() {
        let mut tally = sent(100);
        assert_eq!(tally.percentiles([50]), [None]);
        (0..100).for_each(|index| {
            tally.ended(index, End::Completed, index as u64 + 1, None);
        });
        assert_eq!(tally.percentiles([50, 99, 100]), [Some(51), Some(100), Some(100)]);
    }
}
