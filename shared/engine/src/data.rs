//! What expressions see of an execution.

use sagaline_events::{path::visit_of, record::StepStatus};
use sagaline_expr::{Lookup, Scope};
use sagaline_model::{ExecutionId, Plan, Span, StepError};
use serde_json::{Map, Value, json};

use crate::{
    compiled::CompiledKind,
    nodes::Nodes,
    state::{Expanding, Frame, Outcome, Run, State},
    view::step_status,
    why::cause_of,
};

/// The key of an object that stands for a payload stored elsewhere.
const REFERENCE: &str = "$ref";

/// `workflow`, `steps`, `ctx`, `trigger`, `execution` and `config` of one execution.
#[derive(Clone, Copy)]
pub(crate) struct Data<'a> {
    id: &'a ExecutionId,
    run: &'a Run,
    plan: Nodes<'a>,
    /// The frame whose expression it is; nothing for one of the whole execution.
    at: Option<&'a str>,
    /// What it is told, if that is not how the execution ends.
    told: Option<&'a Value>,
}

impl<'a> Data<'a> {
    pub(crate) fn new(id: &'a ExecutionId, run: &'a Run, plan: Nodes<'a>) -> Self {
        Self { id, run, plan, at: None, told: None }
    }

    pub(crate) fn at(self, path: &'a str) -> Self {
        Self { at: Some(path), ..self }
    }

    pub(crate) fn telling(self, told: &'a Value) -> Self {
        Self { told: Some(told), ..self }
    }

    /// The frames around the one whose expression it is, from the inside out, each with the part of the path right inside of it.
    fn around(&self) -> impl Iterator<Item = (&'a Frame, &'a str)> {
        let steps = std::iter::successors(self.at, |path| path.rsplit_once('/').map(|(outer, _)| outer));
        let pairs = steps.filter_map(|inner| Some((inner.rsplit_once('/')?.0, inner)));
        pairs.filter_map(|(outer, inner)| Some((self.run.frames.get(outer)?, inner)))
    }

    /// The item of a loop around, by the name that the loop gives it; or its place in the list.
    fn item<'s>(&'s self, name: &str) -> Lookup<'s> {
        for (frame, inner) in self.around() {
            let State::Looping(looping) = &frame.state else { continue };
            let CompiledKind::ForEach { item, .. } = &self.plan.node(frame.node).kind else { continue };
            let place = visit_of(inner) - 1;
            if item.as_str() == name {
                return looping.items.get(place as usize).map_or(Lookup::Absent, |item| Lookup::at(1, item));
            }
            if name == "index" {
                return Lookup::made(1, place.into());
            }
        }
        Lookup::Absent
    }

    /// How the execution ends, for what handles that.
    pub(crate) fn how_it_ends(&self) -> Value {
        if let Some(told) = self.told {
            return told.clone();
        }
        let mut told = Map::new();
        let mut tell = |key: &str, value: Value| {
            if !value.is_null() {
                told.insert(key.to_owned(), value);
            }
        };
        let (ending, saga) = match &self.run.ending {
            Some(Outcome::RolledBack { cause, saga }) => (Some(&**cause), Some(saga)),
            ending => (ending.as_ref(), None),
        };
        tell(
            "saga",
            saga.map_or(Value::Null, |saga| {
                json!({
                    "status": saga.status, "compensated": saga.compensated, "skipped": saga.skipped, "by": saga.by,
                    "why": saga.why,
                })
            }),
        );
        match ending {
            Some(Outcome::Completed { output }) => {
                tell("status", "completed".into());
                tell("output", output.clone());
            }
            Some(Outcome::Failed { error, step, attempts }) => {
                tell("status", "failed".into());
                tell("error", error_json(error));
                tell("step", step.as_ref().map_or(Value::Null, |step| step.as_str().into()));
                tell("attempts", (*attempts).into());
            }
            Some(Outcome::Cancelled { reason }) => {
                tell("status", "cancelled".into());
                tell("reason", reason.clone().into());
            }
            Some(Outcome::TimedOut) => tell("status", "timed_out".into()),
            Some(Outcome::Refused { .. } | Outcome::RolledBack { .. }) | None => {}
        }
        // Executions by older rules were not told so.
        let is_told = |ending: &&Outcome| {
            Plan::RULES_OF_COMPANY <= self.run.rules && !matches!(ending, Outcome::Completed { .. })
        };
        if let Some(ending) = ending.filter(is_told) {
            told.insert("cause".to_owned(), cause_of(ending).into());
        }
        Value::Object(told)
    }

    /// The error by which the execution ends.
    fn ending_error(&self) -> Option<&'a StepError> {
        match &self.run.ending {
            Some(ending @ (Outcome::Failed { .. } | Outcome::RolledBack { .. })) => ending.causes().0,
            Some(_) | None => None,
        }
    }

    /// What the `catch` mends in which the expression stands.
    fn caught<'s>(&'s self) -> Lookup<'s> {
        if let Some(told) = self.told {
            return told.get("error").map_or(Lookup::Absent, |error| Lookup::at(1, error));
        }
        let caught = self.around().find_map(|(frame, _)| match &frame.state {
            State::Open { caught, .. } => caught.as_ref(),
            _ => None,
        });
        let error = caught.or_else(|| self.ending_error());
        error.map_or(Lookup::Absent, |error| Lookup::made(1, error_json(error)))
    }

    /// What steps returned that are inside of the same item of a loop, from the inside out.
    fn merged_of_item(&self) -> impl Iterator<Item = &'a Map<String, Value>> {
        let inside = self.around().take_while(|(frame, _)| self.plan.node(frame.node).looped);
        inside.filter_map(|(frame, _)| match &frame.state {
            State::Open { merged, .. } => Some(merged),
            _ => None,
        })
    }

    fn workflow<'s>(&'s self, field: Option<&str>) -> Lookup<'s> {
        let whole = || json!({"input": self.run.input, "name": self.run.workflow, "version": self.run.version});
        match field {
            Some("input") => Lookup::at(2, &self.run.input),
            Some("name") => Lookup::made(2, self.run.workflow.as_str().into()),
            Some("version") => Lookup::made(2, self.run.version.into()),
            Some(_) => Lookup::Absent,
            None => Lookup::made(1, whole()),
        }
    }

    fn steps<'s>(&'s self, step: Option<&str>, field: Option<&str>) -> Lookup<'s> {
        let Some(step) = step else {
            let all = self.plan.nodes.iter().map(|node| (node.name.to_string(), self.step_whole(node.name.as_str())));
            return Lookup::made(1, Value::Object(all.collect()));
        };
        match (field, self.seen(step)) {
            (_, None) => Lookup::Absent,
            (None, Some(seen)) => Lookup::made(2, seen.whole()),
            (Some("output"), Some(seen)) => seen.output.map_or(Lookup::Absent, |output| Lookup::at(3, output)),
            (Some("status"), Some(seen)) => Lookup::made(3, seen.status.as_str().into()),
            (Some("error"), Some(seen)) => {
                seen.error.map_or(Lookup::Absent, |error| Lookup::made(3, error_json(error)))
            }
            (Some(_), Some(_)) => Lookup::Absent,
        }
    }

    fn step_whole(&self, step: &str) -> Value {
        self.seen(step).map_or(Value::Null, |seen| seen.whole())
    }

    /// A step by its name. Of two of the same name, one that was returned by a step is seen from inside of that.
    fn seen(&self, step: &str) -> Option<Seen<'a>> {
        if let Some(seen) = self.expansions().find_map(|expanding| self.seen_in(expanding, step)) {
            return Some(seen);
        }
        let id = self.plan.find(step)?;
        Some(Seen::of(self.run.frames.get(&self.plan.path_near(id, self.at))))
    }

    fn seen_in(&self, expanding: &'a Expanding, step: &str) -> Option<Seen<'a>> {
        let graft = self.plan.graft(expanding.base)?;
        let id = graft.compiled().find(step)?;
        let frame = self.run.frames.get(&self.plan.path_near(id, self.at));
        if frame.is_some() {
            return Some(Seen::of(frame));
        }
        // Of a step that completed, and of what is inside of it, no frame is left.
        let above = std::iter::successors(Some(id), |id| self.plan.node(*id).parent.filter(|id| *id != graft.node()));
        let top = above.last().and_then(|top| expanding.results.get(self.plan.node(top).name.as_str()));
        Some(match top {
            Some(output) => {
                let output = Some(output).filter(|_| self.plan.node(id).parent == Some(graft.node()));
                Seen { status: StepStatus::Completed, output, error: None }
            }
            None => Seen::of(None),
        })
    }

    /// The expansions around that are at work, from the inside out.
    fn expansions(&self) -> impl Iterator<Item = &'a Expanding> {
        self.around().filter_map(|(frame, _)| match &frame.state {
            State::Expanding(expanding) => Some(&**expanding),
            _ => None,
        })
    }

    /// What steps returned, over what the execution was started with.
    fn ctx<'s>(&'s self, key: Option<&str>) -> Lookup<'s> {
        let given = self.run.input.as_object();
        match key {
            Some(key) => match self
                .expansions()
                .find_map(|expanding| expanding.results.get(key))
                .or_else(|| self.merged_of_item().find_map(|merged| merged.get(key)))
                .or_else(|| self.run.ctx.get(key))
                .or_else(|| given?.get(key))
            {
                Some(value) => Lookup::at(2, value),
                // It may be in an output that is stored elsewhere: nobody can tell, which is not the same as nothing.
                None => self
                    .run
                    .ctx
                    .get(REFERENCE)
                    .map_or(Lookup::Absent, |elsewhere| Lookup::made(1, json!({ REFERENCE: elsewhere }))),
            },
            None => {
                let mut all: Map<String, Value> = given.cloned().unwrap_or_default();
                let merged: Vec<_> = self.merged_of_item().collect();
                let expanded: Vec<_> = self.expansions().map(|expanding| &expanding.results).collect();
                let inner = merged.into_iter().rev().chain(expanded.into_iter().rev());
                for map in [&self.run.ctx].into_iter().chain(inner) {
                    all.extend(map.iter().map(|(key, value)| (key.clone(), value.clone())));
                }
                Lookup::made(1, all.into())
            }
        }
    }

    /// What the project gives; an item of that name hides it, as it did before there was such a thing.
    fn config<'s>(&'s self, key: Option<&str>) -> Lookup<'s> {
        let config = &self.plan.plan.config;
        match (self.item("config"), key) {
            (item @ Lookup::Found { .. }, _) => item,
            (Lookup::Absent, Some(key)) => config.get(key).map_or(Lookup::Absent, |value| Lookup::at(2, value)),
            (Lookup::Absent, None) => Lookup::made(1, config.clone().into()),
        }
    }

    fn execution<'s>(&'s self, field: Option<&str>) -> Lookup<'s> {
        match field {
            Some("id") => Lookup::made(2, self.id.as_str().into()),
            Some("attempt") => Lookup::made(2, self.run.attempt().unwrap_or(1).into()),
            Some("started_at") => Lookup::made(2, self.run.started.to_string().into()),
            Some(_) => Lookup::Absent,
            None => Lookup::made(1, json!({"id": self.id, "started_at": self.run.started})),
        }
    }
}

impl Scope for Data<'_> {
    fn lookup<'s>(&'s self, path: &[String]) -> Lookup<'s> {
        let part = |index: usize| path.get(index).map(String::as_str);
        match part(0) {
            Some("workflow") => self.workflow(part(1)),
            Some("steps") => self.steps(part(1), part(2)),
            Some("ctx") => self.ctx(part(1)),
            Some("trigger") => self.run.trigger.as_ref().map_or(Lookup::Absent, |trigger| Lookup::at(1, trigger)),
            Some("execution") => self.execution(part(1)),
            Some("error") => self.caught(),
            Some("outcome") => Lookup::made(1, self.how_it_ends()),
            Some("config") => self.config(part(1)),
            Some(name) => self.item(name),
            None => Lookup::Absent,
        }
    }
}

/// What is seen of a step.
struct Seen<'a> {
    status: StepStatus,
    output: Option<&'a Value>,
    error: Option<&'a StepError>,
}

impl<'a> Seen<'a> {
    fn of(frame: Option<&'a Frame>) -> Self {
        let output = match frame.map(|frame| &frame.state) {
            Some(State::Completed { output, .. }) => Some(output),
            Some(_) | None => None,
        };
        Self { status: step_status(frame), output, error: frame.and_then(error_of) }
    }

    fn whole(&self) -> Value {
        let error = self.error.map_or(Value::Null, error_json);
        json!({"output": self.output, "status": self.status.as_str(), "error": error})
    }
}

/// The same, and the failure for which a backoff is computed.
pub(crate) struct Failure<'a> {
    pub(crate) data: Data<'a>,
    pub(crate) attempt: u32,
    pub(crate) error: &'a StepError,
}

impl Scope for Failure<'_> {
    fn lookup<'s>(&'s self, path: &[String]) -> Lookup<'s> {
        match path.first().map(String::as_str) {
            Some("attempt") => Lookup::made(1, self.attempt.into()),
            Some("error") => Lookup::made(1, error_json(self.error)),
            Some(_) | None => self.data.lookup(path),
        }
    }
}

fn error_of(frame: &Frame) -> Option<&StepError> {
    match &frame.state {
        State::Failed { error, .. } | State::BackingOff { error, .. } | State::Halted { error, .. } => Some(error),
        _ => None,
    }
}

pub(crate) fn error_json(error: &StepError) -> Value {
    serde_json::to_value(error).expect("an error has text keys only")
}

/// A duration as expressions give it: a text such as `5m`, or seconds.
pub(crate) fn span_of(value: &Value) -> Option<Span> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.as_f64().filter(|seconds| *seconds >= 0.0).map(Span::from_secs_f64),
        _ => None,
    }
}
