//! How many executions are at work at once that are counted together: seen by the workers, not by what the log says.

use std::collections::BTreeSet;

use sagaline_broker::machine::Machine;
use sagaline_events::Task;

use super::world::{Pid, State};

/// By what a task's execution is limited, if it is.
pub type Limited = fn(&Task) -> Option<Limit>;

/// Of all executions with this name of a limit, so many may be at work at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The key of the entity that counts.
    pub entity: String,
    pub most: usize,
}

/// Nothing is limited.
pub fn unlimited(_: &Task) -> Option<Limit> {
    None
}

impl<M: Machine> State<M> {
    /// A worker begins a task. Counted are the executions that some worker works for now, this one included.
    ///
    /// Not counted is what has ended already: its worker may not have heard of it; and what ends without ever having had a place:
    /// only its handlers are at work. Nothing is promised where acknowledged entries of a log, or the snapshot of what counts or is
    /// counted, are lost.
    pub(super) fn works(&mut self, pid: Pid, task: &Task, limited: Limited) {
        let Some(limit) = limited(task) else { return };
        let this = task.execution.as_str();
        self.at_work.insert(pid, (this.to_owned(), limit.clone()));
        if self.has_lost_some() || self.is_excused(&limit.entity) {
            return;
        }
        let (entity, most) = (&limit.entity, limit.most);
        let is_open = |execution: &str| !self.has_ended(execution) && !self.is_excused(execution);
        let has_place = |execution: &str| {
            self.must_be_told(&self.names.lifecycle("workflow", "admitted", task.workflow.as_str(), execution))
        };
        let of_it = self.at_work.values().filter(|(_, other)| other.entity == *entity);
        let together: BTreeSet<&str> = of_it
            .map(|(execution, _)| execution.as_str())
            .filter(|execution| is_open(execution) && has_place(execution))
            .collect();
        let told = if most < together.len() {
            let tales: Vec<String> = together.iter().map(|key| self.tale_of(key)).collect();
            Some(format!("{together:?} are at work at once, but `{entity}` allows {most}\n{}", tales.join("\n")))
        } else if is_open(this) && !has_place(this) && !is_of_a_handler(task) {
            Some(format!("{this}/{} is at work without a place in `{entity}`\n{}", task.path, self.tale_of(this)))
        } else {
            None
        };
        let told = told.map(|what| format!("{what}\n{}", self.tale_of(entity)));
        let are_together = together.len() > 1;
        self.tally.together += u64::from(are_together);
        self.tally.limited += 1;
        self.violations.extend(told);
    }

    /// A worker is done with what it did, or gone.
    pub(super) fn rests(&mut self, pid: Pid) {
        self.at_work.remove(&pid);
    }
}

fn is_of_a_handler(task: &Task) -> bool {
    task.path.as_str().starts_with("on_")
}
