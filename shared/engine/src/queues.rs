//! Where the attempts of an execution are, and where those will be that come later.

use std::collections::BTreeMap;

use sagaline_events::FramePath;
use sagaline_model::Name;

use crate::{
    Compiled, Execution, Stage,
    compiled::CompiledKind,
    queue_of,
    state::{Later, State},
};

impl Execution {
    /// The queue of the attempt that is at work there, if one is.
    pub fn queue_of_attempt(&self, plan: &Compiled, path: &FramePath) -> Option<Name> {
        let Stage::Running(run) = &self.stage else { return None };
        let frame = run.frames.get(path).filter(|frame| matches!(frame.state, State::Dispatched(_)))?;
        match &self.nodes(plan).node(frame.node).kind {
            CompiledKind::Step { step, .. } => Some(queue_of(step, run.queue.as_ref())),
            _ => None,
        }
    }

    /// Whether attempts of it come later.
    pub fn has_later(&self) -> bool {
        let Stage::Running(run) = &self.stage else { return false };
        !run.index.later.is_empty() || (run.job.is_some() && run.begins_at().is_some())
    }

    /// How many attempts come later, by their queues. What has no queue yet, because nothing of it has begun, is not among them.
    pub fn later_by_queue(&self, plan: &Compiled) -> BTreeMap<Name, Later> {
        let mut queues: BTreeMap<Name, Later> = BTreeMap::new();
        let Stage::Running(run) = &self.stage else { return queues };
        if let Some(job) = run.job.as_deref().filter(|_| run.begins_at().is_some()) {
            queues.entry(job.queue.clone()).or_default().add(Later { scheduled: 1, retry: 0 });
        }
        let nodes = self.nodes(plan);
        for (node, later) in &run.index.later {
            if let CompiledKind::Step { step, .. } = &nodes.node(*node).kind {
                queues.entry(queue_of(step, run.queue.as_ref())).or_default().add(*later);
            }
        }
        queues
    }
}
