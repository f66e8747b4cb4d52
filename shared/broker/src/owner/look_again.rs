//! Whatever has been waited for over a minute is looked at again. A task that is absent and, with everything folded that was
//! stored by then, still wanted, is published as a repeat: an operator purged it, or a broker forgot it.

use std::{sync::Arc, time::Duration};

use super::{Halt, Owner, TICK, Watcher, settle::under_another_id, slot::Saving};
use crate::{
    machine::{Act, Machine, QueuedTask},
    ports::Ports,
};

/// How often it is looked for what has waited so long.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// So many tasks are looked at each time, so that the log never waits long for it.
const TASKS_AT_ONCE: usize = 500;

impl<P: Ports, M: Machine, W: Watcher> Owner<P, M, W> {
    pub(super) async fn look_again(&mut self, now: Duration) -> Result<(), Halt> {
        if now < self.looked_again + LOOK_EVERY {
            return Ok(());
        }
        self.looked_again = now;
        let after = self.settings.look_again_after;
        let mut old: Vec<(Arc<str>, QueuedTask)> = vec![];
        let mut others: Vec<(Arc<str>, Act)> = vec![];
        let mut idle: Vec<Arc<str>> = vec![];
        for (key, slot) in &mut self.slots {
            if slot.pending > 0 || now < slot.touched + after {
                continue;
            }
            slot.touched = now;
            if slot.saving == Saving::Nothing && self.machine.is_idle(&slot.state, self.applied.1) {
                idle.push(Arc::clone(key));
                continue;
            }
            others.extend(self.machine.resume(key, &slot.state).into_iter().map(|act| (Arc::clone(key), act)));
            old.extend(self.machine.tasks(key, &slot.state).into_iter().map(|task| (Arc::clone(key), task)));
            if old.len() >= TASKS_AT_ONCE {
                break;
            }
        }
        for key in idle {
            self.remove(&key);
        }
        for (key, act) in others {
            self.perform(&key, act, true);
        }
        if old.is_empty() {
            return Ok(());
        }
        let names: Vec<_> = old.iter().map(|(_, task)| (task.queue.clone(), task.message.subject.clone())).collect();
        let there = match self.ports.queued(&names).await {
            Ok(there) => there,
            Err(failure) => {
                self.watcher.retried("look again", &failure.to_string());
                return Ok(());
            }
        };
        let absent: Vec<_> = old.into_iter().zip(there).filter(|(_, there)| !there).map(|(task, _)| task).collect();
        if !absent.is_empty() {
            self.publish_if_wanted(absent).await?;
        }
        Ok(())
    }

    /// An absent task may have been done just now: only when the fold is at the head is it sure that it is still wanted.
    async fn publish_if_wanted(&mut self, absent: Vec<(Arc<str>, QueuedTask)>) -> Result<(), Halt> {
        let head = self.append(self.mark()).await?;
        let places = self.places_found;
        while self.applied.0 < head {
            // What is due meanwhile is fired afterwards: to be woken by it here would be never to wait.
            let wake = self.ports.boot() + TICK;
            Box::pin(self.take_events_until(true, wake)).await?;
            if self.places_found != places {
                // That head may never come; whatever is still absent is found a minute later.
                return Ok(());
            }
        }
        let time = self.ports.boot().as_nanos();
        for (key, task) in absent {
            let Some(slot) = self.slots.get(&key) else { continue };
            let wanted = self.machine.tasks(&key, &slot.state);
            if wanted.iter().any(|wanted| wanted.message.subject == task.message.subject) {
                self.watcher.retried(&task.message.subject, "it was not in its queue though it is waited for");
                let task = under_another_id(&task, self.checkpoint.epoch, time);
                self.perform(&key, Act::Task(task), true);
            }
        }
        Ok(())
    }
}
