//! Approvals: a step waits for somebody who approves or rejects, because it is such a step, or because its activity asks for it.

use sagaline_events::{
    FramePath, Happening,
    ask::Reply,
    input::{Approval, OnLate, StepAwaits},
};
use sagaline_expr::Template;
use sagaline_model::{Span, StepError};
use serde_json::{Map, Value, json};

use super::Turn;
use crate::{
    compiled::{CompiledKind, NodeId},
    effect::Effect,
    state::{Approving, State},
};

/// What `step.waiting` says that is waited for.
const APPROVAL: &str = "approval";

/// Why an approval changes nothing, and whether an operator should see it.
struct Refusal {
    error: StepError,
    reject: Option<&'static str>,
}

impl Turn<'_> {
    pub(super) fn wait_for_approval(
        &mut self,
        path: &FramePath,
        id: NodeId,
        approvers: &Template,
        timeout: Option<Span>,
        notify: Option<NodeId>,
    ) -> Result<(), StepError> {
        let approvers = approvers_of(self.render(path, approvers)?)?;
        let until = timeout.map(|timeout| self.at + timeout);
        let approving = Approving { attempt: 0, approvers, until, late: OnLate::Fail };
        self.approving(path, id, approving);
        if let Some(notify) = notify {
            self.ready.push_back((path.child(&self.plan.node(notify).name), notify));
        }
        Ok(())
    }

    fn approving(&mut self, path: &FramePath, id: NodeId, approving: Approving) {
        let until = approving.until;
        self.run.set(path, id, State::Approving(approving), self.at);
        self.tell(Happening::StepWaiting { step: path.clone(), wait_for: APPROVAL.to_owned(), until });
    }

    /// What those are told who may approve, if the definition says nothing else.
    pub(super) fn notice(&self, path: &FramePath) -> Value {
        let Some(outer) = path.parent() else { return Value::Null };
        match self.run.frames.get(&outer).map(|frame| &frame.state) {
            Some(State::Approving(approving)) => {
                json!({ "step": outer, "approvers": approving.approvers, "until": approving.until })
            }
            _ => Value::Null,
        }
    }

    /// The activity has done its part, and wants somebody to approve.
    pub(crate) fn step_awaits(&mut self, said: &StepAwaits) {
        let Some(id) = self.waiting_for(&said.path, said.attempt) else { return };
        self.report(&said.path, id, Some(true));
        self.has_had_its_effect(&said.path, id, &Value::Null);
        if self.has_given_up(&said.path, id, said.attempt) {
            return;
        }
        let own = said.timeout.map(|timeout| self.at + timeout);
        let total = self.course(&said.path).deadline;
        let until = own.into_iter().chain(total).min();
        let approvers = said.approvers.clone();
        if let Some(error) = self.beside_only_runs(&said.path, "wait for an approval") {
            return self.fail(&said.path, id, said.attempt, error);
        }
        self.approving(&said.path, id, Approving { attempt: said.attempt, approvers, until, late: said.on_timeout });
    }

    pub(crate) fn approval(&mut self, given: &Approval) {
        if given.id.as_ref().is_some_and(|id| self.run.has_answered(id)) {
            return;
        }
        let found = self.pending_approval(&given.step);
        let decided = found.and_then(|(path, id)| self.decide(&path, id, given));
        let reply = match decided {
            Ok(()) => Reply::Taken(Value::Null),
            Err(Refusal { error, reject }) => {
                if let Some(reason) = reject {
                    self.effects.push(Effect::Reject { reason, detail: error.message.clone() });
                }
                Reply::Refused(error)
            }
        };
        if let Some(id) = &given.id {
            self.run.answer(id, reply);
        }
    }

    /// To let an execution go on that is not paused answers the approval that it waits for, if that is one and no more.
    pub(super) fn resume_approval(&mut self, context: &Map<String, Value>) {
        let frames = self.run.frames.iter().filter(|(_, frame)| matches!(frame.state, State::Approving(_)));
        let mut paths = frames.map(|(path, _)| path.clone());
        let (Some(step), None) = (paths.next(), paths.next()) else { return };
        drop(paths);
        let by = context.get("approver").and_then(Value::as_str).map(str::to_owned);
        let approved = context.get("approved") != Some(&Value::Bool(false));
        self.approval(&Approval { step, by, approved, data: Value::Object(context.clone()), id: None });
    }

    fn pending_approval(&self, step: &FramePath) -> Result<(FramePath, NodeId), Refusal> {
        // People call a step by its name, wherever it stands; that of a loop has no one place.
        let named = || self.plan.find(step.as_str()).map(|id| self.plan.node(id)).filter(|node| !node.looped);
        let path = match self.run.frames.contains_key(step) {
            true => step.clone(),
            false => named().map_or_else(|| step.clone(), |node| node.path.clone()),
        };
        match self.run.frames.get(&path) {
            Some(frame) if matches!(frame.state, State::Approving(_)) => Ok((path, frame.node)),
            Some(frame) => {
                let status = crate::view::step_status(Some(frame)).as_str();
                let message = format!("`{path}` does not wait for an approval: it is {status}");
                let error = StepError::new(StepError::NOT_WAITING, message).final_();
                // Two people may answer at the same time: to be the later one is nothing to look into.
                Err(Refusal { error, reject: (!frame.state.is_done()).then_some("not_waiting") })
            }
            None => {
                let message = format!("no step `{step}` waits for an approval");
                let error = StepError::new(StepError::NOT_WAITING, message).final_();
                Err(Refusal { error, reject: Some("not_waiting") })
            }
        }
    }

    fn decide(&mut self, path: &FramePath, id: NodeId, given: &Approval) -> Result<(), Refusal> {
        let Some(State::Approving(approving)) = self.run.frames.get(path).map(|frame| &frame.state) else {
            return Ok(());
        };
        let may = approving.approvers.is_empty()
            || given.by.as_ref().is_some_and(|by| approving.approvers.iter().any(|approver| approver == by));
        if !may {
            let who = given.by.as_deref().map_or("who does not say who it is".to_owned(), |by| format!("`{by}`"));
            let message = format!("{who} is none of those who may approve `{path}`: {}", approving.whom());
            let error = StepError::new(StepError::NOT_AN_APPROVER, message).final_();
            return Err(Refusal { error, reject: Some("not_an_approver") });
        }
        let attempt = approving.attempt;
        // Nobody needs to be told any more.
        self.cancel_below(Some(path));
        self.tell(Happening::StepResumed { step: path.clone() });
        if given.approved {
            self.complete(path, id, attempt, approved(given));
        } else {
            let who = given.by.as_deref().map_or("somebody".to_owned(), |by| format!("`{by}`"));
            let details = json!({ "approver": given.by, "data": given.data });
            let error = StepError::new(StepError::REJECTED, format!("{who} rejected it")).final_();
            self.fail(path, id, attempt, StepError { details: Some(details), ..error });
        }
        Ok(())
    }

    /// Nobody approved or rejected in time.
    pub(super) fn nobody_decided(&mut self, path: &FramePath, id: NodeId, approving: &Approving) {
        self.cancel_below(Some(path));
        let attempt = approving.attempt;
        let what = "nobody approved or rejected it in time";
        match (&self.plan.node(id).kind, approving.late) {
            (CompiledKind::Step { .. }, OnLate::Skip) => self.skip(path, id, attempt, what.to_owned()),
            _ => self.waited_in_vain(path, id, attempt, what),
        }
    }
}

/// What an approval gives: what was sent with it, and who it was.
fn approved(given: &Approval) -> Value {
    let mut output = match &given.data {
        Value::Object(map) => map.clone(),
        Value::Null => Map::new(),
        other => Map::from_iter([("data".to_owned(), other.clone())]),
    };
    output.insert("approved".to_owned(), true.into());
    if let Some(by) = &given.by {
        output.insert("approver".to_owned(), by.as_str().into());
    }
    Value::Object(output)
}

/// A name, or a list of names; nothing for anyone.
fn approvers_of(value: Value) -> Result<Vec<String>, StepError> {
    let names = match &value {
        Value::Null => return Ok(vec![]),
        Value::String(name) => Some(vec![name.clone()]),
        Value::Array(names) => names.iter().map(|name| name.as_str().map(str::to_owned)).collect(),
        _ => None,
    };
    let names = names.filter(|names: &Vec<String>| !names.is_empty() && names.iter().all(|name| !name.is_empty()));
    names.ok_or_else(|| {
        let message = format!("`approvers` gave {value}, which is neither a name nor a list of names");
        StepError::new(StepError::EXPRESSION, message).final_()
    })
}
