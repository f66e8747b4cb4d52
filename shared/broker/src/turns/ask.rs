//! How many tasks a line asks for: never more than there are free slots, nor more than it has lately been given, nor what is due to others.

use super::{LineId, Order, Standing, TASK, Turns};

/// What a line asks its consumer for. The slots are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    pub count: usize,
    /// Only to see whether anything is there: there are too few slots to keep one for whatever may come.
    pub look: bool,
}

/// A line that would take slots, while they are handed out one by one.
struct Rival {
    line: LineId,
    queue: usize,
    would_take: usize,
    /// How far ahead its queue and it are, with what they have asked for.
    place: (u64, u64),
}

impl Turns {
    /// How many more tasks a line asks for now, if any.
    pub fn ask(&mut self, line: LineId) -> Option<Ask> {
        let count = self.due_to(line);
        if count == 0 {
            return None;
        }
        let want = self.want(line);
        let it = &self.lines[line];
        let look = it.standing != Standing::Behind && it.asked == 0 && self.is_scarce(line);
        let count = if look { 1 } else { count };
        let it = &mut self.lines[line];
        (it.want, it.fed) = (want, false);
        it.asked += count;
        self.queues[it.queue].asked += count;
        self.free -= count;
        if let Some(limit) = it.limit {
            self.limits[limit].taken += count;
        }
        Some(Ask { count, look })
    }

    /// The line to which the next free slot is due, if there is one.
    pub fn next(&self) -> Option<LineId> {
        if self.free == 0 {
            return None;
        }
        let fronts = self.fronts();
        let hungry = (0..self.lines.len()).filter(|line| 0 < self.would_take(*line));
        hungry.min_by_key(|line| (self.place(*line, &fronts), *line))
    }

    /// Whether lines have to take turns with the slots that there are.
    pub fn is_scarce(&self, line: LineId) -> bool {
        let few = |slots: usize, lines: usize| 1 < lines && slots < 2 * lines;
        let limit = self.lines[line].limit.map(|limit| &self.limits[limit]);
        few(self.slots, self.lines.len()) || limit.is_some_and(|limit| few(limit.most, limit.lines))
    }

    /// How many it would like to have asked for: it grows while more wait than it was given.
    fn want(&self, line: LineId) -> usize {
        let it = &self.lines[line];
        if it.fed && it.standing == Standing::Behind { (it.want * 2).min(self.slots) } else { it.want }
    }

    /// How many it would take of what is free, were it alone.
    fn would_take(&self, line: LineId) -> usize {
        let it = &self.lines[line];
        if matches!(it.standing, Standing::Unknown | Standing::Away | Standing::Resting) || self.has_to_wait(line) {
            return 0;
        }
        let limit = it.limit.map(|limit| &self.limits[limit]);
        let room = limit.map_or(self.free, |limit| self.free.min(limit.most.saturating_sub(limit.taken)));
        let want = self.want(line);
        // Where others wait too, whoever is due takes what is free, however little that is: what it left would be theirs.
        if it.standing == Standing::Behind && self.is_contended() {
            return want.saturating_sub(it.asked).min(room);
        }
        // Half of what is free stays so for the others.
        let share = if self.lines.len() == 1 { room } else { room.min(self.free.div_ceil(2)) };
        if it.asked == 0 {
            return want.min(share);
        }
        if it.want < 2 * it.asked {
            return 0;
        }
        // It may have asked for more than there are slots since.
        let more = want.saturating_sub(it.asked).min(share);
        // Many small requests are dear; what is on its way wakes it soon enough.
        if more < want / 4 { 0 } else { more }
    }

    /// Whether tasks wait for several lines.
    pub fn is_contended(&self) -> bool {
        1 < self.queues.iter().map(|queue| queue.behind).sum::<usize>()
    }

    /// Whether its queue is to give nothing now, because one before it has tasks, or may have.
    fn has_to_wait(&self, line: LineId) -> bool {
        let queue = self.lines[line].queue;
        let before = |of: &super::Line| of.queue < queue;
        let has = |of: &super::Line| matches!(of.standing, Standing::Behind | Standing::Unknown);
        self.order == Order::Strict && self.lines.iter().any(|of| before(of) && has(of))
    }

    /// Of the slots that are free, how many go to this line when each goes to whoever is least ahead.
    fn due_to(&self, line: LineId) -> usize {
        let most = self.would_take(line);
        if most == 0 {
            return 0;
        }
        let fronts = self.fronts();
        let rival = |line| {
            let (would_take, queue) = (self.would_take(line), self.lines[line].queue);
            (0 < would_take).then(|| Rival { line, queue, would_take, place: self.place(line, &fronts) })
        };
        let mut rivals: Vec<Rival> = (0..self.lines.len()).filter_map(rival).collect();
        if rivals.len() == 1 {
            return most;
        }
        let mut given = 0;
        for _ in 0..self.free {
            let open = rivals.iter().enumerate().filter(|(_, rival)| 0 < rival.would_take);
            let Some((next, _)) = open.min_by_key(|(_, rival)| (rival.place, rival.line)) else { break };
            let (taker, queue) = (rivals[next].line, rivals[next].queue);
            rivals[next].would_take -= 1;
            rivals[next].place.1 += TASK;
            if self.order == Order::Weighted {
                let step = self.queues[queue].step;
                rivals.iter_mut().filter(|rival| rival.queue == queue).for_each(|rival| rival.place.0 += step);
            }
            given += usize::from(taker == line);
            if given == most {
                break;
            }
        }
        given
    }

    /// Where a line stands among those that would take a slot: the least is first.
    fn place(&self, line: LineId, fronts: &[u64]) -> (u64, u64) {
        let it = &self.lines[line];
        let queue = &self.queues[it.queue];
        let with = |ahead: u64, step: u64, asked: usize| ahead + step * u64::try_from(asked).unwrap_or(u64::MAX >> 32);
        let first = match self.order {
            Order::Weighted => with(self.queue_ahead(it.queue), queue.step, queue.asked),
            Order::Strict => u64::try_from(it.queue).unwrap_or(u64::MAX),
        };
        (first, with(it.ahead_of(fronts[it.queue]), TASK, it.asked))
    }
}
