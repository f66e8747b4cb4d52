//! Tasks that their queue does not take: its stream is missing, or full. They are tried again until it does; meanwhile the state
//! cannot be saved, so the checkpoint waits for it. That must not go unseen: an alarm, and a reason when somebody asks why.

use std::time::Duration;

use sagaline_events::ask::{Answer, Ask, Why};
use sagaline_model::Moment;

use super::{
    Owner, Watcher,
    outbox::{Pending, Purpose},
};
use crate::{machine::Machine, ports::Ports};

/// After so many tries, some ten seconds, it is not just a moment.
const TRIES: u32 = 10;
/// How often it is said.
const SAY_EVERY: Duration = Duration::from_secs(60);

/// A task of a state that its queue does not take.
#[derive(Clone, Debug)]
pub(super) struct Untaken {
    queue: String,
    since: Moment,
    why: String,
}

impl<P: Ports, M: Machine, W: Watcher> Owner<P, M, W> {
    /// A try has failed.
    pub(super) fn not_taken(&mut self, pending: &Pending, why: &str) {
        let (Purpose::Task { task, .. }, Some(key)) = (&pending.purpose, &pending.key) else { return };
        if pending.tries < TRIES {
            return;
        }
        let (now, at) = (self.ports.boot(), self.now());
        if self.untaken_said.is_none_or(|said| now >= said + SAY_EVERY) {
            self.untaken_said = Some(now);
            let stream = self.settings.names.queue_stream(&task.queue);
            self.watcher.alarm(&format!(
                "the queue `{}` has not taken the task `{}` for long: {why}; it is tried again, and the checkpoint of partition {} \
                 waits for it. Look at the stream `{stream}`: `sagaline doctor` says whether it is there and has room",
                task.queue, task.message.subject, self.settings.partition
            ));
        }
        if let Some(slot) = self.slots.get_mut(key) {
            let untaken = slot
                .untaken
                .get_or_insert_with(|| Box::new(Untaken { queue: task.queue.clone(), since: at, why: String::new() }));
            why.clone_into(&mut untaken.why);
        }
    }

    /// What is known under the key, as an answer.
    pub(super) fn answer_of(&self, key: &str, ask: &Ask) -> Answer {
        let slot = self.slots.get(key);
        let mut answer = self.machine.answer(ask, slot.map(|slot| &slot.state));
        if let (Answer::Why(reasons), Some(untaken)) = (&mut answer, slot.and_then(|slot| slot.untaken.as_ref())) {
            reasons.push(untaken.reason(&self.settings.names.queue_stream(&untaken.queue)));
        }
        answer
    }
}

impl Untaken {
    fn reason(&self, stream: &str) -> Why {
        Why {
            step: None,
            state: "not_queued".to_owned(),
            cause: format!("the queue `{}` does not take its task: {}", self.queue, self.why),
            since: self.since,
            ends: format!("the stream `{stream}` is there and has room; until then it is tried every two seconds"),
            until: None,
            command: "sagaline doctor".to_owned(),
            worker_of: None,
        }
    }
}
