//! A random history: a plan, and the inputs of one execution of it with their times, all of which can be folded again.

use std::fmt;

use proptest::prelude::Strategy;
use sagaline_engine::{Compiled, Effect, Execution, apply};
use sagaline_events::Input;
use sagaline_model::{ExecutionId, Moment};

use crate::{
    choices::{Choices, numbers},
    plans, world,
};

pub(crate) struct History {
    pub(crate) plan: Compiled,
    pub(crate) log: Vec<(Input, Moment)>,
}

/// The plan, and a line for each input: what a failing case needs to become a story.
impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", serde_json::json!(self.plan.plan))?;
        self.log.iter().try_for_each(|(input, at)| writeln!(f, "{at} {input:?}"))
    }
}

/// Any plan, and whatever can happen to an execution of it until it ends.
pub(crate) fn histories() -> impl Strategy<Value = History> {
    (numbers(220), numbers(280)).prop_map(|(plan, world)| {
        let plan = Compiled::new(plans::plan(&mut Choices::new(plan)), 1).expect("a plan that runs");
        let log = world::run(&plan, Choices::new(world));
        History { plan, log }
    })
}

/// The execution of every history before anything happened.
pub(crate) fn unborn() -> Execution {
    Execution::unborn(ExecutionId::new("e").unwrap())
}

/// Applies as an owner does: with the plan that the execution runs on, or that the input names. Only version 1 is there.
pub(crate) fn step(execution: &mut Execution, plan: &Compiled, input: &Input, at: Moment) -> Vec<Effect> {
    let version = match (execution.plan(), input) {
        (Some((_, version)), _) => Some(version),
        (None, Input::Start(start)) => start.version,
        (None, Input::Bound(bound)) => Some(bound.version),
        (None, _) => None,
    };
    // Whatever it names, a job is its own definition.
    let is_job = execution.job().is_some() || matches!(input, Input::Start(start) if start.job.is_some());
    let plan = (is_job || version == Some(1)).then_some(plan);
    apply(execution, plan, input, at)
}
