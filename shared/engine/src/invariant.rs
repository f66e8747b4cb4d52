//! What is true of every execution between two inputs. Tests check it after every input; a breach is a bug of ours.

use sagaline_events::FramePath;

use crate::{
    compiled::{Compiled, CompiledDag, CompiledKind},
    nodes::Nodes,
    state::{Execution, OpenDag, Run, Stage, State, is_place},
};

/// A promise that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Broken(String);

/// Checks that a running execution has something in flight, that its index is what its frames say, and that its dags count right.
pub fn check(execution: &Execution, plan: Option<&Compiled>) -> Result<(), Broken> {
    let Stage::Running(run) = &execution.stage else { return Ok(()) };
    if run.hangs() {
        return Err(Broken(format!("`{}` runs but has no task, timer or signal in flight", execution.id)));
    }
    slots_are_kept(execution, run)?;
    if run.paused.is_none() && run.frames.values().any(|frame| matches!(frame.state, State::Halted { .. })) {
        return Err(Broken(format!("`{}` has a step that waits to be let go on, yet it is not paused", execution.id)));
    }
    gates_are_passed_in_order(execution, run)?;
    what_is_undone_is_waited_for(execution, run)?;
    let mut derived = run.clone();
    derived.reindex();
    if derived.index != run.index {
        return Err(Broken(format!("`{}` keeps an index that its frames do not give", execution.id)));
    }
    plan.map_or(Ok(()), |plan| dags_count_right(run, execution.nodes(plan)))
}

/// What is being undone has a saga that is looked after, or somebody whose answer comes or is given up in time.
fn what_is_undone_is_waited_for(execution: &Execution, run: &Run) -> Result<(), Broken> {
    if let Some(path) = run.undo.doubts.keys().find(|path| !run.undo.list.contains_key(*path)) {
        return Err(Broken(format!("`{}` doubts whether {path} had an effect, yet would not undo it", execution.id)));
    }
    let Some(undoing) = &run.undo.undoing else { return Ok(()) };
    if let Some((child, _)) = run.undo.left.iter().find(|(_, left)| run.parting_child(&left.path).is_none()) {
        return Err(Broken(format!("`{}` is being undone, and does not wait for `{child}`", execution.id)));
    }
    if run.undo.timers().next().is_none() {
        return Err(Broken(format!(
            "`{}` is being undone since {}, and waits for nobody",
            execution.id, undoing.since
        )));
    }
    if run.ending.is_some() || run.cleanup.is_some() || run.paused.is_some() {
        return Err(Broken(format!("`{}` is being undone, and ends in another way as well", execution.id)));
    }
    let is_at_work = |state: &State| !state.is_done() && !state.is_beside();
    match run.frames.iter().find(|(_, frame)| is_at_work(&frame.state)) {
        Some((path, _)) => Err(Broken(format!("`{}` is being undone, yet {path} is at work", execution.id))),
        None => Ok(()),
    }
}

/// Who stands at a gate asks that one and no other, has passed all before it, and knows of a turn only of a rate.
fn gates_are_passed_in_order(execution: &Execution, run: &Run) -> Result<(), Broken> {
    for (path, frame) in &run.frames {
        let State::Asking(asking) = &frame.state else { continue };
        let Some(gates) = asking.gates.as_deref() else { continue };
        let id = &execution.id;
        if gates.list.len() < gates.passed {
            return Err(Broken(format!("{path} of `{id}` has passed more gates than it has")));
        }
        let Some((_, at)) = gates.at() else { continue };
        if *at != asking.entity {
            return Err(Broken(format!("{path} of `{id}` stands at `{at}`, yet it asks `{}`", asking.entity)));
        }
        if gates.turn.is_some() && is_place(at) {
            return Err(Broken(format!("{path} of `{id}` has a turn at `{at}`, which gives places")));
        }
        if gates.list.windows(2).any(|two| two[1].1 <= two[0].1) {
            return Err(Broken(format!("{path} of `{id}` asks its gates in another order than others do")));
        }
    }
    Ok(())
}

/// No more attempts are at work than may be, and nobody waits for a slot while there is one.
fn slots_are_kept(execution: &Execution, run: &Run) -> Result<(), Broken> {
    let (at_work, waiting) = (run.index.at_work, run.index.queued.len());
    let Some(slots) = run.slots.map(|slots| slots.limit as usize) else {
        return if waiting == 0 { Ok(()) } else { Err(Broken(format!("`{}` has no slots to wait for", execution.id))) };
    };
    if slots < at_work {
        return Err(Broken(format!("`{}` has {at_work} attempts at work, and only {slots} slots", execution.id)));
    }
    if 0 < waiting && at_work < slots && run.paused.is_none() {
        return Err(Broken(format!("`{}` lets {waiting} steps wait though there is a slot", execution.id)));
    }
    Ok(())
}

fn dags_count_right(run: &Run, plan: Nodes<'_>) -> Result<(), Broken> {
    // Once it is known how it ends, nobody counts any more; between two rounds, and before the first, there is nothing to count.
    if run.ending.is_none()
        && !run.is_undoing()
        && run.between_rounds().is_none()
        && !run.is_pending()
        && run.begins_at().is_none()
        && run.cleanup.is_none()
    {
        counts_right(run, plan, None, &run.root, &plan.root, false)?;
    }
    // While those at work tidy up, what is around them is only left where it was.
    let frames = run.frames.iter().filter(|_| run.cleanup.is_none());
    for (path, frame) in frames {
        let kind = &plan.node(frame.node).kind;
        match &frame.state {
            State::Open { branch, dag, .. } => {
                let compiled =
                    kind.dag(*branch).ok_or_else(|| Broken(format!("{path} is open, yet holds no steps")))?;
                counts_right(run, plan, Some(path), dag, compiled, matches!(kind, CompiledKind::Race(_)))?;
            }
            State::Expanding(expanding) => {
                let graft = plan.graft(expanding.base).ok_or_else(|| Broken(format!("{path} has lost its steps")))?;
                let is_step = |inner: &FramePath| inner.parent().as_ref() == Some(path);
                let at_work =
                    run.frames_below(Some(path)).filter(|(inner, frame)| is_step(inner) && !frame.state.is_done());
                let at_work = at_work.count() + held(run).filter(|inner| is_step(inner)).count();
                if at_work != expanding.at_work as usize {
                    return Err(Broken(format!(
                        "{path} counts {} steps at work, but {at_work} are",
                        expanding.at_work
                    )));
                }
                let left = graft.compiled().root.children.iter().filter(|id| {
                    let node = plan.node(**id);
                    let frame = run.frames.get(&path.child(&node.name));
                    !frame.map_or(expanding.results.contains_key(node.name.as_str()), |frame| frame.state.is_done())
                });
                let left = left.count();
                if left != expanding.dag.open as usize {
                    return Err(Broken(format!("{path} counts {} open steps, but {left} are", expanding.dag.open)));
                }
            }
            State::Looping(looping) => {
                let is_item = |inner: &FramePath| inner.parent().as_ref() == Some(path);
                let begun = run.frames_below(Some(path)).filter(|(inner, _)| is_item(inner)).count();
                let open = begun + held(run).filter(|inner| is_item(inner)).count();
                if open != looping.open as usize {
                    return Err(Broken(format!("{path} counts {} items at work, but {open} are", looping.open)));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn counts_right(
    run: &Run,
    plan: Nodes<'_>,
    outer: Option<&FramePath>,
    open: &OpenDag,
    compiled: &CompiledDag,
    is_race: bool,
) -> Result<(), Broken> {
    let name = outer.map_or("the workflow", FramePath::as_str);
    let path = |id: &u32| outer.map_or(plan.node(*id).path.clone(), |outer| outer.child(&plan.node(*id).name));
    let state = |id: &u32| run.frames.get(&path(id)).map(|frame| &frame.state);
    let left = compiled.children.iter().filter(|id| !state(id).is_some_and(State::is_done)).count();
    if left != open.open as usize {
        return Err(Broken(format!("{name} counts {} open steps, but {left} are", open.open)));
    }
    if is_race {
        return Ok(());
    }
    for (id, unmet) in compiled.children.iter().zip(&open.unmet) {
        let is_held = held(run).any(|held| *held == path(id));
        if (*unmet == 0) != (is_held || state(id).is_some()) {
            let step = &plan.node(*id).name;
            return Err(Broken(format!("`{step}` has {unmet} unmet needs, yet its frame says otherwise")));
        }
    }
    Ok(())
}

/// Frames that begin when a paused execution goes on.
fn held(run: &Run) -> impl Iterator<Item = &FramePath> {
    run.paused.iter().flat_map(|paused| &paused.held).map(|(path, _)| path)
}
