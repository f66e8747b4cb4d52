//! Whose turn it is: which line of a worker asks for tasks next, and for how many. A *line* is an activity on a queue; what lines
//! share is the slots of their worker. Pure: `nats::worker` asks, and does what is said.
//!
//! **Weighted**, each task that a queue gives moves the queue ahead by one over its weight, and the slot that is free next goes
//! to the queue that is least ahead of those that would take it: so of queues that always have tasks, each gives as many as it
//! weighs, however long a task takes. Within a queue it is the same with its lines, which weigh the same. Who had nothing for a while gets no
//! credit for that. **Strict**, a line takes nothing while one of a queue before its own is behind.
//!
//! How many tasks wait for a line is known from its last delivery. How many it asks for grows while more wait than it is given, and falls
//! when nothing comes: from one to hundreds it is a few round trips.

mod ask;
#[cfg(test)]
mod tests;

use sagaline_model::{Name, QueueSettings};

pub use ask::Ask;

/// What a queue of weight 1 moves ahead for a task.
const TASK: u64 = 1 << 20;

/// How the queues of a worker share it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// By their weights.
    #[default]
    Weighted,
    /// One after the other, as they were named.
    Strict,
}

/// Tells a line from the others.
pub type LineId = usize;

/// See the [module](self).
#[derive(Debug)]
pub struct Turns {
    slots: usize,
    free: usize,
    /// Slots that are no more, but still taken.
    owed: usize,
    order: Order,
    /// As they were named.
    queues: Vec<Queue>,
    lines: Vec<Line>,
    limits: Vec<Limit>,
}

#[derive(Debug)]
struct Queue {
    name: Name,
    /// What a task moves it ahead.
    step: u64,
    ahead: u64,
    asked: usize,
    /// How many of its lines are behind.
    behind: usize,
}

#[derive(Debug)]
struct Line {
    queue: usize,
    limit: Option<usize>,
    standing: Standing,
    ahead: u64,
    /// Asked for and not delivered yet. Their slots are taken.
    asked: usize,
    /// How many it would like to have asked for.
    want: usize,
    /// Whether anything was delivered since it last asked.
    fed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Nobody has looked yet.
    Unknown,
    /// It has no consumer.
    Away,
    /// It looked, found nothing, and is not to look again at once.
    Resting,
    /// Nothing waits, as far as is known.
    Idle,
    /// Tasks wait that it has not asked for.
    Behind,
}

/// How many slots the lines of an activity may take, of all queues together.
#[derive(Debug)]
struct Limit {
    most: usize,
    taken: usize,
    lines: usize,
}

impl Line {
    /// How far ahead it is. Who has nothing is as far as those of its queue that have, at least.
    fn ahead_of(&self, front: u64) -> u64 {
        if self.standing == Standing::Behind { self.ahead } else { self.ahead.max(front) }
    }
}

impl Turns {
    pub fn new(slots: usize, order: Order) -> Self {
        Self { slots, free: slots, owed: 0, order, queues: vec![], lines: vec![], limits: vec![] }
    }

    /// A limit that lines may share.
    pub fn limit(&mut self, most: usize) -> usize {
        self.limits.push(Limit { most: most.max(1), taken: 0, lines: 0 });
        self.limits.len() - 1
    }

    /// Another line. In strict order, the queue that is named first comes first.
    pub fn line(&mut self, queue: &Name, limit: Option<usize>) -> LineId {
        let queue = self.queues.iter().position(|known| known.name == *queue).unwrap_or_else(|| {
            let step = step_of(QueueSettings::default_weight(queue));
            self.queues.push(Queue { name: queue.clone(), step, ahead: 0, asked: 0, behind: 0 });
            self.queues.len() - 1
        });
        if let Some(limit) = limit {
            self.limits[limit].lines += 1;
        }
        let standing = Standing::Unknown;
        self.lines.push(Line { queue, limit, standing, ahead: 0, asked: 0, want: 1, fed: false });
        self.lines.len() - 1
    }

    /// From now on this is what a queue weighs.
    pub fn weigh(&mut self, queue: &Name, weight: u32) {
        for known in self.queues.iter_mut().filter(|known| known.name == *queue) {
            known.step = step_of(weight);
        }
    }

    pub fn slots(&self) -> usize {
        self.slots
    }

    /// From now on there are so many slots. What is taken stays taken; of what there are too many go as they are freed.
    pub fn resize(&mut self, slots: usize) {
        let (more, fewer) = (slots.saturating_sub(self.slots), self.slots.saturating_sub(slots));
        self.slots = slots;
        self.freed(more);
        let at_once = fewer.min(self.free);
        self.free -= at_once;
        self.owed += fewer - at_once;
    }

    fn freed(&mut self, count: usize) {
        let paid = count.min(self.owed);
        self.owed -= paid;
        self.free += count - paid;
    }

    pub fn free(&self) -> usize {
        self.free
    }

    /// Asked for by a line, and not delivered yet.
    pub fn asked(&self, line: LineId) -> usize {
        self.lines[line].asked
    }

    /// It has a consumer now, for which so many tasks wait.
    pub fn begun(&mut self, line: LineId, waiting: u64) {
        self.stand(line, if 0 < waiting { Standing::Behind } else { Standing::Idle });
    }

    /// It has no consumer any more, or none yet.
    pub fn away(&mut self, line: LineId) {
        self.forget(line);
        self.stand(line, Standing::Away);
    }

    /// Its consumer has to be looked at.
    pub fn unsure(&mut self, line: LineId) {
        self.forget(line);
        self.stand(line, Standing::Unknown);
    }

    /// A task has come, and so many more wait. `false`: it was not asked for, or no longer, and has no slot.
    pub fn delivered(&mut self, line: LineId, waiting: u64) -> bool {
        let it = &self.lines[line];
        if it.asked == 0 {
            return false;
        }
        let (queue_ahead, line_ahead) = (self.queue_ahead(it.queue), self.line_ahead(line));
        let queue = &mut self.queues[it.queue];
        queue.ahead = queue_ahead + queue.step;
        queue.asked -= 1;
        let it = &mut self.lines[line];
        it.ahead = line_ahead + TASK;
        it.asked -= 1;
        it.fed = true;
        self.stand(line, if 0 < waiting { Standing::Behind } else { Standing::Idle });
        true
    }

    /// Of what it asked for, nothing has come for a while: whatever waits cannot be had.
    pub fn quiet(&mut self, line: LineId) {
        if self.lines[line].standing == Standing::Behind {
            self.stand(line, Standing::Idle);
        }
    }

    /// So many that were asked for will not come: nobody had them.
    pub fn unfilled(&mut self, line: LineId, count: usize) {
        let it = &mut self.lines[line];
        it.want = if it.fed { (it.want / 2).max(1) } else { 1 };
        let count = count.min(it.asked);
        self.give_back(line, count);
        self.quiet(line);
    }

    /// Nothing that was asked for will come.
    pub fn forget(&mut self, line: LineId) {
        self.give_back(line, self.lines[line].asked);
        self.lines[line].want = 1;
        self.quiet(line);
    }

    /// A task that was delivered is done with.
    pub fn release(&mut self, line: LineId) {
        self.freed(1);
        if let Some(limit) = self.lines[line].limit {
            self.limits[limit].taken -= 1;
        }
    }

    /// It looked and found nothing.
    pub fn rest(&mut self, line: LineId) {
        self.stand(line, Standing::Resting);
    }

    /// It may look again.
    pub fn rested(&mut self, line: LineId) {
        if self.lines[line].standing == Standing::Resting {
            self.stand(line, Standing::Idle);
        }
    }

    fn stand(&mut self, line: LineId, standing: Standing) {
        // Who was not behind has no credit from that time.
        let (queue, ahead) = (self.lines[line].queue, self.line_ahead(line));
        let queue_ahead = self.queue_ahead(queue);
        if standing == Standing::Behind {
            self.lines[line].ahead = ahead;
            self.queues[queue].ahead = queue_ahead;
        }
        let was = std::mem::replace(&mut self.lines[line].standing, standing);
        let behind = &mut self.queues[queue].behind;
        *behind += usize::from(standing == Standing::Behind);
        *behind -= usize::from(was == Standing::Behind);
    }

    fn give_back(&mut self, line: LineId, count: usize) {
        let it = &mut self.lines[line];
        it.asked -= count;
        self.queues[it.queue].asked -= count;
        if let Some(limit) = it.limit {
            self.limits[limit].taken -= count;
        }
        self.freed(count);
    }

    /// How far ahead a queue is. One that has nothing is as far as those that have, at least.
    fn queue_ahead(&self, queue: usize) -> u64 {
        let own = self.queues[queue].ahead;
        if self.is_behind(queue) {
            return own;
        }
        let others = || (0..self.queues.len()).filter(|other| *other != queue);
        let behind = others().filter(|other| self.is_behind(*other)).map(|other| self.queues[other].ahead).min();
        let all = others().map(|other| self.queues[other].ahead).max();
        own.max(behind.or(all).unwrap_or(0))
    }

    fn is_behind(&self, queue: usize) -> bool {
        0 < self.queues[queue].behind
    }

    /// The same of a line, within its queue.
    fn line_ahead(&self, line: LineId) -> u64 {
        let it = &self.lines[line];
        it.ahead_of(self.front(it.queue))
    }

    /// Where those of its lines are that have tasks, or else the foremost.
    fn front(&self, queue: usize) -> u64 {
        let of_it = || self.lines.iter().filter(|line| line.queue == queue);
        let behind = of_it().filter(|line| line.standing == Standing::Behind).map(|line| line.ahead).min();
        behind.or_else(|| of_it().map(|line| line.ahead).max()).unwrap_or(0)
    }

    /// Of each queue: looked for once where all lines are compared, for there may be hundreds.
    fn fronts(&self) -> Vec<u64> {
        (0..self.queues.len()).map(|queue| self.front(queue)).collect()
    }
}

fn step_of(weight: u32) -> u64 {
    (TASK / u64::from(weight.max(1))).max(1)
}
