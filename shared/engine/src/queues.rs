//! Where the attempts of an execution are.

use sagaline_events::FramePath;
use sagaline_model::Name;

use crate::{Compiled, Execution, Stage, compiled::CompiledKind, queue_of, state::State};

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
}
