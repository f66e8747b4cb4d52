//! How many executions are at work at once that are counted together, or attempts, and whether each begins in its turn: seen by the
//! workers, not by what the log says.

use std::collections::BTreeSet;

use sagaline_broker::machine::Machine;
use sagaline_events::Task;

use super::world::{Pid, State};

/// By what a task's execution is limited, if it is.
pub type Limited = fn(&Task) -> Option<Limit>;

/// Of all executions with this name of a limit, or of their attempts, so many may be at work at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The key of the entity that counts.
    pub entity: String,
    pub most: usize,
    pub of: LimitOf,
}

/// What has a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitOf {
    Executions,
    Attempts,
}

/// An attempt: its execution, its path and its number.
pub(super) type Attempt = (String, String, u32);

fn attempt_of(task: &Task) -> Attempt {
    (task.execution.to_string(), task.path.to_string(), task.attempt)
}

/// Nothing is limited.
pub fn unlimited(_: &Task) -> Option<Limit> {
    None
}

impl<M: Machine> State<M> {
    /// A worker begins a task. Counted are the executions that some worker works for now, or the attempts, this one included.
    ///
    /// Not counted is what has ended already, or been answered for by another worker: its worker may not have heard of it; and what
    /// ends without ever having had a place: only its handlers are at work. Nothing is promised where acknowledged entries of a log, or the snapshot of what counts or is
    /// counted, are lost.
    pub(super) fn works(&mut self, pid: Pid, task: &Task, limited: Limited) {
        self.begins_in_its_turn(task);
        let Some(limit) = limited(task) else { return };
        let this = task.execution.as_str();
        self.at_work.insert(pid, (attempt_of(task), limit.clone()));
        if self.has_lost_some() || self.is_excused(&limit.entity) {
            return;
        }
        let (entity, most) = (&limit.entity, limit.most);
        let is_open = |execution: &str| !self.has_ended(execution) && !self.is_excused(execution);
        let has_place = |execution: &str| {
            self.must_be_told(&self.names.lifecycle("workflow", "admitted", task.workflow.as_str(), execution))
        };
        let of_it = self.at_work.values().filter(|(_, other)| other.entity == *entity);
        let of_it = of_it.filter(|((execution, ..), _)| is_open(execution));
        let together: BTreeSet<(&str, &str, u32)> = match limit.of {
            LimitOf::Executions => of_it
                .filter(|((execution, ..), _)| has_place(execution))
                .map(|((execution, ..), _)| (execution.as_str(), "", 0))
                .collect(),
            LimitOf::Attempts => of_it
                .filter(|(attempt, _)| !self.is_answered(attempt))
                .map(|((execution, path, attempt), _)| (execution.as_str(), path.as_str(), *attempt))
                .collect(),
        };
        let told = if most < together.len() {
            let tales: Vec<String> = together.iter().map(|(key, ..)| self.tale_of(key)).collect();
            Some(format!("{together:?} are at work at once, but `{entity}` allows {most}\n{}", tales.join("\n")))
        } else if limit.of == LimitOf::Executions && is_open(this) && !has_place(this) && !is_of_a_handler(task) {
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

    /// Whoever has a turn begins once on it, and before it is over.
    fn begins_in_its_turn(&mut self, task: &Task) {
        let Some(by) = task.begin_by.filter(|_| !self.is_exempt(task.execution.as_str())) else { return };
        self.tally.in_turn += 1;
        let (now, (execution, path, attempt)) = (self.now(), attempt_of(task));
        if by < now {
            self.violations.push(format!("{execution}/{path}/{attempt} began at {now}, and its turn was over at {by}"));
        }
        if self.has_begun_twice(task) && !self.has_lost_some() {
            let tale = self.tale_of(&execution);
            self.violations.push(format!("{execution}/{path}/{attempt} began twice on one turn\n{tale}"));
        }
    }

    /// A worker is done with what it did, or gone.
    pub(super) fn rests(&mut self, pid: Pid) {
        self.at_work.remove(&pid);
    }
}

fn is_of_a_handler(task: &Task) -> bool {
    task.path.as_str().starts_with("on_")
}
