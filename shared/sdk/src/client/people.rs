//! What people do with an execution besides signals: approve or reject, ask its queries, make updates. Each is answered.

use sagaline_events::{
    Input,
    ask::{Answer, Ask, Reply},
    input::{Approval, Update},
};
use sagaline_model::{ExecutionId, Name, StepError};
use sagaline_schema::Schema;
use serde_json::Value;

use super::{Client, Error, ask::Looked, id};

/// Somebody's answer to a step that waits for an approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Where the step stands; the name of one that is inside of no loop will do.
    pub step: sagaline_events::FramePath,
    /// Who it is.
    pub by: Option<String>,
    pub approved: bool,
    /// Joins the output of the step, or the details of its error.
    pub data: Value,
}

/// What came of something that was not refused.
#[derive(Clone, Debug, PartialEq)]
pub enum Replied {
    /// It was taken. An update gives a value.
    Taken(Value),
    /// The execution has not started. It is kept for ten minutes, and nobody has looked at it.
    Kept,
}

impl Client {
    /// Approves or rejects what a step waits for. It is an error if that changes nothing: if the step does not wait for an
    /// approval, or whoever it is may not give one.
    pub async fn approve(&self, execution: &ExecutionId, verdict: Verdict) -> Result<(), Error> {
        let Verdict { step, by, approved, data } = verdict;
        let (data, reply_to) = (self.offload(execution, data).await?, format!("a-{:x}", id::random()));
        let what = format!("the approval of `{step}`");
        let attempt = format!("answer the approval `{step}` of `{execution}`");
        let approval = Approval { step, by, approved, data, id: Some(reply_to.clone()) };
        self.send(execution, &Input::Approval(approval), &attempt).await?;
        self.reply(execution, &reply_to, what).await.map(|_| ())
    }

    /// Makes an update that the workflow allows for, and gives what it answers. `id` names this update: the same one again is
    /// not made twice, and has the same answer.
    pub async fn update(
        &self,
        execution: &ExecutionId,
        name: &Name,
        data: Value,
        id: Option<String>,
    ) -> Result<Replied, Error> {
        let id = id.unwrap_or_else(|| format!("u-{:x}", id::random()));
        let data = self.offload(execution, data).await?;
        let attempt = format!("make the update `{name}` of `{execution}`");
        let update = Update { name: name.clone(), id: id.clone(), data };
        self.send(execution, &Input::Update(update), &attempt).await?;
        self.reply(execution, &id, format!("the update `{name}`")).await
    }

    /// What a query of the workflow gives now, or gave when the execution ended.
    pub async fn query(&self, execution: &ExecutionId, name: &Name) -> Result<Value, Error> {
        let what = || format!("the query `{name}`");
        let ask = Ask::Query { execution: execution.clone(), name: name.clone() };
        match self.look(&ask, execution).await? {
            Looked::Answered(Answer::Value(value)) => Ok(value),
            Looked::Answered(Answer::Reply(Reply::Refused(error))) => Err(not_taken(execution, what(), error)),
            Looked::Answered(other) => Err(self.unexpected(execution, &other)),
            Looked::Ended(view) => view.queries.get(name).cloned().ok_or_else(|| {
                let known: Vec<String> = view.queries.keys().map(|name| format!("`{name}`")).collect();
                let known = if known.is_empty() { "no answers".to_owned() } else { known.join(", ") };
                let message = format!("the execution has ended, and its record has {known}");
                not_taken(execution, what(), StepError::new(StepError::UNKNOWN_NAME, message))
            }),
            Looked::Unknown => Err(Error::NotFound(execution.clone())),
        }
    }

    /// Asked after it was stored, so whoever answers has applied it.
    async fn reply(&self, execution: &ExecutionId, id: &str, what: String) -> Result<Replied, Error> {
        let ask = Ask::Reply { execution: execution.clone(), id: id.to_owned() };
        let reply = match self.look(&ask, execution).await? {
            Looked::Answered(Answer::Reply(reply)) => reply,
            Looked::Ended(_) | Looked::Unknown => Reply::Unknown,
            Looked::Answered(other) => return Err(self.unexpected(execution, &other)),
        };
        let reply = match reply {
            // Whoever is asked has forgotten an execution that ended: then its record says what came of it.
            Reply::Unknown | Reply::Kept => match self.get(execution).await? {
                None if reply == Reply::Kept => Reply::Kept,
                None => return Err(Error::NotFound(execution.clone())),
                Some(view) if view.is_over() => view.replies.get(id).cloned().unwrap_or_else(|| {
                    let message = format!("the execution was over already ({})", view.status.as_str());
                    Reply::Refused(StepError::new(StepError::NOT_WAITING, message))
                }),
                // It started just now.
                Some(_) => reply,
            },
            known @ (Reply::Taken(_) | Reply::Refused(_)) => known,
        };
        match reply {
            Reply::Taken(value) => Ok(Replied::Taken(value)),
            Reply::Kept => Ok(Replied::Kept),
            Reply::Refused(error) => Err(not_taken(execution, what, error)),
            Reply::Unknown => {
                let message = "nobody knows what came of it".to_owned();
                Err(not_taken(execution, what, StepError::new(StepError::NOT_WAITING, message)))
            }
        }
    }

    /// Refuses a signal whose data does not fit, as far as that can be known here: what started the execution must be on its
    /// log still. The engine has the last word.
    pub(super) async fn check_signal(&self, execution: &ExecutionId, name: &Name, data: &Value) -> Result<(), Error> {
        let Ok(Some(start)) = self.stored_start(execution).await else { return Ok(()) };
        let Ok(Input::Start(start)) = Input::read(&start.kind, &start.data) else { return Ok(()) };
        let Some(version) = start.version else { return Ok(()) };
        let Some(definition) = self.definition(&start.workflow, version).await? else { return Ok(()) };
        let rule = definition.plan.exchange.signals.get(name);
        let schema = rule.and_then(|rule| rule.schema.as_ref()).and_then(|schema| Schema::compile(schema).ok());
        let Some(schema) = schema else { return Ok(()) };
        let checked = match super::refers(data) {
            true => schema.check(&self.resolve(data.clone()).await?),
            false => schema.check(data),
        };
        checked.map_err(|violations| Error::InvalidSignal {
            signal: name.clone(),
            workflow: start.workflow,
            version,
            violations,
        })
    }
}

fn not_taken(execution: &ExecutionId, what: String, error: StepError) -> Error {
    Error::NotTaken { execution: execution.clone(), what, error: Box::new(error) }
}
