//! What is true of every execution between two inputs. Tests check it after every input; a breach is a bug of ours.

use crate::{
    compiled::Compiled,
    state::{Execution, Run, Stage, State},
};

/// A promise that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Broken(String);

/// Checks that a running execution has something in flight, that its index is what its frames say, and that its dags count right.
pub fn check(execution: &Execution, plan: Option<&Compiled>) -> Result<(), Broken> {
    let Stage::Running(run) = &execution.stage else { return Ok(()) };
    if !run.frames.values().any(|frame| frame.state.is_in_flight()) {
        return Err(Broken(format!("`{}` runs but has no task, timer or signal in flight", execution.id)));
    }
    let mut derived = run.clone();
    derived.reindex();
    if derived.index != run.index {
        return Err(Broken(format!("`{}` keeps an index that its frames do not give", execution.id)));
    }
    plan.map_or(Ok(()), |plan| dags_count_right(run, plan))
}

fn dags_count_right(run: &Run, plan: &Compiled) -> Result<(), Broken> {
    let dags = plan.nodes.iter().filter_map(|node| match run.frames.get(&node.path).map(|frame| &frame.state) {
        Some(State::Open { dag, .. }) => Some((node.path.as_str(), dag, plan.dag_of(plan.find(node.name.as_str())))),
        Some(_) | None => None,
    });
    for (name, open, compiled) in dags.chain([("the workflow", &run.root, &plan.root)]) {
        let state = |id: &u32| run.frames.get(&plan.node(*id).path).map(|frame| &frame.state);
        let left = compiled.children.iter().filter(|id| !state(id).is_some_and(State::is_done)).count();
        if left != open.open as usize {
            return Err(Broken(format!("{name} counts {} open steps, but {left} are", open.open)));
        }
        for (id, unmet) in compiled.children.iter().zip(&open.unmet) {
            if (*unmet == 0) != state(id).is_some() {
                let step = &plan.node(*id).name;
                return Err(Broken(format!("`{step}` has {unmet} unmet needs, yet its frame says otherwise")));
            }
        }
    }
    Ok(())
}
