//! Taking up what a step returned: whether it can be run, and why not.

mod defaults;

use std::collections::BTreeSet;

use sagaline_events::input::StepExpanded;
use sagaline_model::{Dag, Expand, Kind, Name, Node, Plan, StepError};
use serde::Deserialize;
use serde_json::Value;

pub(crate) use self::defaults::filled;
use crate::{
    compiled::{Compiled, CompiledKind, NodeId},
    nodes::Nodes,
    state::{Graft, Grafts, Recorded, Run},
    weight,
};

/// The most steps that a step may return, those inside of others included.
const STEPS_MAX: usize = 10_000;

/// The longest path of a step: it is a part of the subject of its tasks.
const PATH_BYTES_MAX: usize = 1024;

/// Adds what was returned to the grafts, and says where it is there. Nothing if nobody waits for it, or if there are no steps.
pub(crate) fn take_up(
    run: &Run,
    plan: &Compiled,
    grafts: &mut Grafts,
    said: &StepExpanded,
) -> Result<Option<NodeId>, StepError> {
    let frame = run.frames.get(&said.path).filter(|frame| frame.state.is_task(said.attempt));
    let Some(frame) = frame else { return Ok(None) };
    let node = Nodes::new(plan, grafts).node(frame.node);
    if run.cleanup.is_some() {
        return Ok(None);
    }
    if node.beside {
        return Err(bad("it returned steps, and what runs beside the execution cannot".to_owned()));
    }
    let expand = match &node.kind {
        CompiledKind::Step { step, .. } => step.expand.as_deref(),
        _ => None,
    };
    let Some(expand) = expand else {
        return Err(bad("it returned steps, and its definition does not say `expand`".to_owned()));
    };
    let dag = Dag { nodes: read(&filled(&said.steps, &expand.defaults))? };
    if dag.nodes.is_empty() {
        return Ok(None);
    }
    check(&dag, plan, expand)?;
    let weight = run.index.weight + weight::of(&said.steps);
    if weight::HEAVIEST < weight {
        let (weight, limit) = (weight / 1024, weight::HEAVIEST / 1024);
        let message = format!(
            "with the steps that it returned, the execution has {weight} KiB, more than the {limit} KiB that can be kept of it; return fewer, or let their inputs be references"
        );
        return Err(bad(message));
    }
    let recorded = Recorded {
        base: grafts.next_base(plan.nodes.len()),
        node: frame.node,
        path: said.path.clone(),
        looped: node.looped,
        handles: node.handles,
        steps: said.steps.clone(),
        defaults: expand.defaults.clone(),
    };
    let graft = Graft::of(recorded, &dag).map_err(|fault| cannot(fault.to_string()))?;
    if let Some(deep) = graft.compiled().nodes.iter().find(|node| node.path.as_str().len() > PATH_BYTES_MAX) {
        let message = format!("`{}` stands too deep: its path is longer than {PATH_BYTES_MAX} bytes", deep.name);
        return Err(cannot(message));
    }
    let base = graft.base();
    grafts.add(graft);
    Ok(Some(base))
}

fn read(steps: &Value) -> Result<Vec<Node>, StepError> {
    let Value::Array(steps) = steps else { return Err(cannot("they are no list".to_owned())) };
    let step = |(place, step): (usize, &Value)| {
        Node::deserialize(step).map_err(|fault| {
            let name = step.get("name").and_then(Value::as_str).map_or(String::new(), |name| format!(" (`{name}`)"));
            cannot(format!("number {}{name} cannot be read: {fault}", place + 1))
        })
    };
    steps.iter().enumerate().map(step).collect()
}

fn check(dag: &Dag, plan: &Compiled, expand: &Expand) -> Result<(), StepError> {
    let mut count = 0;
    let mut left: Vec<&Node> = dag.nodes.iter().collect();
    while let Some(node) = left.pop() {
        count += 1;
        left.extend(node.inside());
        if let Kind::AwaitEvent(what) = &node.kind {
            // Whoever reads events knows of those waits only that stand in definitions.
            let (step, kind) = (&node.name, &what.rule.kind);
            return Err(cannot(format!(
                "`{step}` waits for the event `{kind}`, and only a step of a definition can; let it be a step of a child workflow"
            )));
        }
        if let Kind::Step(step) = &node.kind {
            let named = std::iter::once(&step.queue).chain(step.expand.iter().flat_map(|expand| &expand.queues));
            for queue in named {
                is_known(queue, &plan.queues, expand).map_err(|queue| unknown_queue(node, queue))?;
            }
        }
    }
    if count > STEPS_MAX {
        return Err(cannot(format!("they are {count}; a step returns {STEPS_MAX} at most")));
    }
    let rules = dag.nodes.iter().map(Node::rules).max().unwrap_or(Plan::FIRST_RULES);
    // That a returned step can be undone is nothing that the rules of its workflow would have to know of.
    let rules = rules.min(Plan::RULES_OF_COMPANY);
    if plan.plan.rules < rules {
        let message =
            format!("they ask for rules {rules}, and the workflow has rules {}; apply it anew", plan.plan.rules);
        return Err(cannot(message));
    }
    Ok(())
}

/// A queue that no definition names may not be there, and then its tasks would wait for ever.
fn is_known<'a>(queue: &'a Name, of_plan: &BTreeSet<Name>, expand: &Expand) -> Result<(), &'a Name> {
    if of_plan.contains(queue) || expand.queues.contains(queue) { Ok(()) } else { Err(queue) }
}

fn unknown_queue(node: &Node, queue: &Name) -> StepError {
    cannot(format!(
        "`{}` names the queue `{queue}`, which the definition does not; write `expand: {{ queues: [{queue}] }}`",
        node.name
    ))
}

fn cannot(why: String) -> StepError {
    bad(format!("the steps that it returned cannot be run: {why}"))
}

/// The same steps would be as bad the next time.
fn bad(message: String) -> StepError {
    StepError::new(StepError::BAD_EXPANSION, message).final_()
}
