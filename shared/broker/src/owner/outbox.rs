//! What is in flight: each publish, revocation and look-up, until its outcome is known.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use sagaline_model::Moment;

use super::cover::Checkpoint;
use crate::{
    machine::{QueuedTask, Starting},
    patience::Patience,
    ports::{Bucket, Message, Ports, Sequence, Ticket},
};

/// The first and the longest pause before something is sent again.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// So many tasks of a queue are sent again at once. If it takes them, the next follow as soon as it says so.
const TASKS_AT_ONCE: usize = 256;

/// Something in flight, and what it is for.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) purpose: Purpose,
    /// The state it belongs to; nothing for what concerns the partition.
    pub(super) key: Option<Arc<str>>,
    sent: Duration,
    pub(super) tries: u32,
}

#[derive(Clone, Debug)]
pub(super) enum Purpose {
    /// A task; `repeat`: not the live owner's first publish of it.
    Task {
        task: Arc<QueuedTask>,
        message: Arc<Message>,
        repeat: bool,
    },
    /// Whatever is told by its name: a lifecycle event, an input of our own.
    Send(Arc<Message>),
    /// What begins once, and what is said instead where it does not.
    Start {
        message: Arc<Message>,
        starting: Arc<Starting>,
    },
    Revoke {
        queue: String,
        subject: String,
    },
    LookUp {
        bucket: Bucket,
        key: String,
    },
    /// Reads the snapshot under this key of a state that rests.
    Wake {
        key: String,
    },
    /// A snapshot of the state as of `applied`.
    Snapshot {
        message: Arc<Message>,
        applied: (Sequence, Moment),
    },
    /// The record of an ended state.
    Record(Arc<Message>),
    /// The removal of an ended state's snapshot.
    Tombstone(Arc<Message>),
    Checkpoint {
        message: Arc<Message>,
        moved: Checkpoint,
    },
    Timer(Arc<Message>),
    /// An owner mark: its sequence is the head that questions wait for.
    Mark(Arc<Message>),
    Rejected {
        message: Arc<Message>,
        sequence: Sequence,
    },
    /// A part of a snapshot that does not fit in one message.
    Part(Arc<Message>),
    /// The removal of one that nothing refers to any more.
    PartGone(Arc<Message>),
}

impl Pending {
    /// The queue of a task.
    fn queue(&self) -> Option<&str> {
        match &self.purpose {
            Purpose::Task { task, .. } => Some(&task.queue),
            _ => None,
        }
    }
}

/// What is asked of the server for a purpose.
enum Request<'a> {
    Publish(&'a Arc<Message>),
    Revoke { queue: &'a str, subject: &'a str },
    LookUp { bucket: Bucket, key: &'a str },
}

impl Purpose {
    fn request(&self) -> Request<'_> {
        match self {
            Self::Task { message, .. }
            | Self::Start { message, .. }
            | Self::Send(message)
            | Self::Snapshot { message, .. }
            | Self::Record(message)
            | Self::Tombstone(message)
            | Self::Checkpoint { message, .. }
            | Self::Timer(message)
            | Self::Mark(message)
            | Self::Part(message)
            | Self::PartGone(message)
            | Self::Rejected { message, .. } => Request::Publish(message),
            Self::Revoke { queue, subject } => Request::Revoke { queue, subject },
            Self::LookUp { bucket, key } => Request::LookUp { bucket: *bucket, key },
            Self::Wake { key } => Request::LookUp { bucket: Bucket::Executions, key },
        }
    }
}

impl Pending {
    /// What people are told it is about.
    pub(super) fn subject(&self) -> &str {
        match self.purpose.request() {
            Request::Publish(message) => &message.subject,
            Request::Revoke { subject, .. } => subject,
            Request::LookUp { key, .. } => key,
        }
    }
}

/// Everything in flight, by ticket. Tickets rise and are answered almost in order, so a ring holds them.
#[derive(Default)]
pub(super) struct Outbox {
    first: Ticket,
    ring: VecDeque<Option<Pending>>,
    live: usize,
    patience: Patience,
    /// To be sent again, by when.
    later: BTreeMap<(Duration, Ticket), Pending>,
    /// The same of tasks, by queue.
    lines: BTreeMap<String, Line>,
    /// How many are in those.
    waiting_tasks: usize,
    /// Tells two apart that are due at the same time.
    placed: Ticket,
}

/// Tasks of one queue that wait to be sent again. There may be as many as there are states.
#[derive(Default)]
struct Line {
    /// The queue was full just now: until then none of them is sent.
    held_until: Duration,
    due: BTreeMap<(Duration, Ticket), Pending>,
}

impl Outbox {
    /// Tickets rise from `first`: an answer to an owner before must not be taken for one to this.
    pub(super) fn from(first: Ticket) -> Self {
        Self { first, ..Self::default() }
    }

    /// Whatever is in flight or waits to be sent again.
    pub(super) fn len(&self) -> usize {
        self.live + self.later.len() + self.waiting_tasks
    }

    /// What counts when it is decided whether more is taken on. Tasks that found no room do not: the states that wait for them
    /// bound them, and room comes only from workers, who may have to be answered first, which takes folding.
    pub(super) fn burden(&self) -> usize {
        self.len() - self.waiting_tasks
    }

    pub(super) fn send<P: Ports>(&mut self, ports: &mut P, purpose: Purpose, key: Option<Arc<str>>) {
        let sent = ports.boot();
        self.post(ports, Pending { purpose, key, sent, tries: 0 });
    }

    fn post<P: Ports>(&mut self, ports: &mut P, pending: Pending) {
        let ticket = self.first + self.ring.len() as Ticket;
        match pending.purpose.request() {
            Request::Publish(message) => ports.publish(ticket, Arc::clone(message)),
            Request::Revoke { queue, subject } => ports.revoke(ticket, queue, subject),
            Request::LookUp { bucket, key } => ports.look_up(ticket, bucket, key),
        }
        self.ring.push_back(Some(pending));
        self.live += 1;
    }

    /// Takes what this ticket stood for; nothing if it was given up before.
    pub(super) fn take(&mut self, ticket: Ticket, now: Duration) -> Option<Pending> {
        let Some(place) = ticket.checked_sub(self.first) else {
            self.patience.was_too_short();
            return None;
        };
        let pending = self.ring.get_mut(usize::try_from(place).ok()?)?.take();
        if let Some(pending) = &pending {
            self.patience.was_enough(now.saturating_sub(pending.sent));
        }
        self.live -= usize::from(pending.is_some());
        while let Some(None) = self.ring.front() {
            self.ring.pop_front();
            self.first += 1;
        }
        pending
    }

    /// Sends it again after a pause that grows with each try.
    pub(super) fn again(&mut self, now: Duration, mut pending: Pending) {
        if let Purpose::Start { message, starting } = &mut pending.purpose {
            *message = Arc::new(starting.again.clone());
        }
        let pause = LONGEST_PAUSE.min(FIRST_PAUSE * 2_u32.saturating_pow(pending.tries.min(10)));
        pending.tries += 1;
        self.placed += 1;
        let due = (now + pause, self.placed);
        match pending.queue() {
            Some(queue) => {
                let line = self.lines.entry(queue.to_owned()).or_default();
                line.due.insert(due, pending);
                self.waiting_tasks += 1;
            }
            None => {
                self.later.insert(due, pending);
            }
        }
    }

    /// The queue is full: its tasks wait until then, however many they are.
    pub(super) fn hold_line(&mut self, queue: &str, until: Duration) {
        self.lines.entry(queue.to_owned()).or_default().held_until = until;
    }

    /// Sends what is due again. A task that is sent again may be a copy, and says so.
    pub(super) fn resend<P: Ports>(&mut self, ports: &mut P) {
        let now = ports.boot();
        let mut due = due_of(&mut self.later, now, usize::MAX);
        self.lines.retain(|_, line| {
            if line.held_until <= now {
                due.extend(due_of(&mut line.due, now, TASKS_AT_ONCE));
            }
            !line.due.is_empty() || now < line.held_until
        });
        self.waiting_tasks = self.lines.values().map(|line| line.due.len()).sum();
        for mut pending in due {
            pending.sent = now;
            if let Purpose::Task { task, message, repeat } = &mut pending.purpose {
                *repeat = true;
                let id = message.msg_id.clone();
                *message = Arc::new(Message { msg_id: id, ..as_repeat(&task.message) });
            }
            self.post(ports, pending);
        }
    }

    /// What has not been answered for too long. Sent in order, so only the front is looked at.
    pub(super) fn overdue(&mut self, now: Duration) -> Vec<Pending> {
        let mut overdue = vec![];
        let patience = self.patience.lasts();
        let late = |pending: &Option<Pending>| pending.as_ref().is_none_or(|pending| now >= pending.sent + patience);
        while self.ring.front().is_some_and(late) {
            self.first += 1;
            let pending = self.ring.pop_front().flatten();
            self.live -= usize::from(pending.is_some());
            overdue.extend(pending);
        }
        overdue
    }

    pub(super) fn next_resend(&self) -> Option<Duration> {
        let first = |due: &BTreeMap<(Duration, Ticket), Pending>| due.first_key_value().map(|((due, _), _)| *due);
        let lines = self.lines.values().filter_map(|line| Some(first(&line.due)?.max(line.held_until)));
        lines.chain(first(&self.later)).min()
    }
}

/// Takes out what is due, at most so many.
fn due_of(waiting: &mut BTreeMap<(Duration, Ticket), Pending>, now: Duration, most: usize) -> Vec<Pending> {
    let mut due = vec![];
    while due.len() < most
        && let Some(entry) = waiting.first_entry()
        && entry.key().0 <= now
    {
        due.push(entry.remove());
    }
    due
}

/// The same task, marked as one that may be a copy.
pub(super) fn as_repeat(message: &Message) -> Message {
    let mut message = message.clone();
    message.headers.push((sagaline_events::task::REPEAT_HEADER, "1".to_owned()));
    message
}
