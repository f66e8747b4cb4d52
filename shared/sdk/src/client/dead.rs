//! Dead letters: executions that failed, to look at, to try again from where they failed, and to throw away.

use async_nats::jetstream::stream::LastRawMessageErrorKind;
use sagaline_broker::names::Stream;
use sagaline_events::{DeadLetter, Input, Start, input::Resumption, record::Status};
use sagaline_model::{Dag, ExecutionId, JobSpec, Name};

use super::{Client, Error, Started};

/// So many are read at once; each may have most of a mebibyte.
const PAGE: usize = 20;

/// What may be said about trying an execution again.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RetryOptions {
    /// The step to go on from: it, and all that come after it, are done again. Without it: whatever was not done.
    pub from: Option<Name>,
    /// What to call the new execution. Without it, the same letter gives the same id however often it is tried.
    pub id: Option<ExecutionId>,
    /// The newest, if none is given: it may be the one that was mended.
    pub version: Option<u32>,
}

impl Client {
    /// The dead letters, the oldest first, at most so many, and whether there are more.
    pub async fn dead_letters(&self, workflow: Option<&Name>, limit: usize) -> Result<(Vec<DeadLetter>, bool), Error> {
        let stream = self.names().stream(Stream::Dead);
        let attempt = format!("read the stream `{stream}`");
        let mut pages = self.pages(&stream, self.names().dead("*"), 1, attempt).await?;
        let (mut found, mut more): (Vec<DeadLetter>, bool) = (vec![], 0 < pages.count());
        while more && found.len() <= limit {
            let page = pages.next(PAGE).await?;
            more = page.last().is_some_and(|(position, _)| 0 < position.pending);
            let letters = page.iter().filter_map(|(_, message)| serde_json::from_slice(&message.payload).ok());
            found.extend(letters.filter(|letter: &DeadLetter| workflow.is_none_or(|name| letter.workflow == *name)));
        }
        pages.close().await;
        let more = limit < found.len();
        found.truncate(limit);
        Ok((found, more))
    }

    /// The letter of an execution and its place in `DEAD`, if it left one that is still there.
    pub async fn dead_letter(&self, execution: &ExecutionId) -> Result<Option<(u64, DeadLetter)>, Error> {
        let attempt = || format!("read the dead letter of `{execution}`");
        let stream = self.connection.jetstream().get_stream_no_info(self.names().stream(Stream::Dead)).await;
        let stream = stream.map_err(|error| Error::nats(attempt())(error.into()))?;
        let stored = match stream.get_last_raw_message_by_subject(&self.names().dead(execution.as_str())).await {
            Ok(stored) => stored,
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => return Ok(None),
            Err(error) => return Err(Error::nats(attempt())(error.into())),
        };
        let letter = serde_json::from_slice(&stored.payload);
        let what = || format!("the dead letter of `{execution}`");
        let letter = letter.map_err(|source| Error::Unreadable { what: what(), source })?;
        Ok(Some((stored.sequence, letter)))
    }

    /// Throws a letter away; `false` if there is none.
    pub async fn discard_dead_letter(&self, execution: &ExecutionId) -> Result<bool, Error> {
        let attempt = || format!("discard the dead letter of `{execution}`");
        let stream = self.connection.jetstream().get_stream_no_info(self.names().stream(Stream::Dead)).await;
        let stream = stream.map_err(|error| Error::nats(attempt())(error.into()))?;
        let purged = stream.purge().filter(self.names().dead(execution.as_str())).await;
        let purged = purged.map_err(|error| Error::nats(attempt())(error.into()))?;
        Ok(0 < purged.purged)
    }

    /// Has an execution that failed tried again: a new one begins with what is done, and does the rest. Its tasks have the
    /// idempotency keys of the first, so that what may have happened does not happen twice.
    pub async fn retry(&self, execution: &ExecutionId, options: RetryOptions) -> Result<Started, Error> {
        let Some((sequence, letter)) = self.dead_letter(execution).await? else {
            return self.begin_again(execution, options).await;
        };
        let (workflow, first) = (&letter.workflow, letter.resume.of.as_ref().unwrap_or(execution));
        if letter.job.is_some() {
            return self.submit_again(letter, sequence, options).await;
        }
        let (version, _) = self.version_to_start(workflow, options.version).await?;
        let plan = self.plan_of(workflow, version).await?;
        let id = options.id.unwrap_or_else(|| another_try(first, sequence));
        let mut resume = letter.resume;
        resume.done.retain(|name, _| plan.nodes.iter().any(|node| node.name == *name));
        if let Some(from) = &options.from {
            let behind = known_step(&plan, from, workflow, version)?;
            resume.done.retain(|name, _| name != from && !behind.contains(name));
        }
        let start = Start {
            version: Some(version),
            input: letter.input,
            trigger: letter.trigger,
            tags: letter.tags,
            resume: Some(Box::new(resume)),
            ..Start::of(letter.workflow)
        };
        self.publish_start(id, start, None).await
    }

    /// A job has no steps: all of it is done again. That it had to be done until some time was said of the first.
    async fn submit_again(&self, letter: DeadLetter, sequence: u64, options: RetryOptions) -> Result<Started, Error> {
        let first = letter.resume.of.as_ref().unwrap_or(&letter.execution);
        if let Some(step) = options.from {
            return Err(Error::UnknownStep { step, workflow: letter.workflow, version: letter.version });
        }
        let id = options.id.unwrap_or_else(|| another_try(first, sequence));
        let start = Start {
            version: Some(0),
            input: letter.input,
            trigger: letter.trigger,
            tags: letter.tags,
            resume: Some(Box::new(letter.resume)),
            job: letter.job.map(|job| Box::new(JobSpec { deadline: None, ..*job })),
            ..Start::of(letter.workflow)
        };
        self.publish_start(id, start, None).await
    }

    /// One that was rolled back left nothing to go on from: all that it did is undone. So the new one does everything, under
    /// idempotency keys of its own: whoever was asked to take the first back must not take the second for it.
    async fn begin_again(&self, execution: &ExecutionId, options: RetryOptions) -> Result<Started, Error> {
        let view = self.get(execution).await?;
        if view.is_none_or(|view| view.status != Status::RolledBack) {
            return Err(Error::NoDeadLetter(execution.clone()));
        }
        if let Some(step) = options.from {
            return Err(Error::RolledBack { execution: execution.clone(), step });
        }
        let stored = self.stored_start(execution).await?.ok_or_else(|| Error::StartGone(execution.clone()))?;
        let Ok(Input::Start(first)) = Input::read(&stored.kind, &stored.data) else {
            return Err(Error::StartGone(execution.clone()));
        };
        let (version, _) = self.version_to_start(&first.workflow, options.version).await?;
        let id = options.id.unwrap_or_else(|| {
            let known: String = execution.as_str().chars().take(100).collect();
            ExecutionId::encoded(&format!("{known}-again"))
        });
        // A payload goes with the execution that it was stored for.
        let input = self.offload(&id, first.input).await?;
        let start = Start {
            version: Some(version),
            input,
            trigger: first.trigger,
            tags: first.tags,
            ..Start::of(first.workflow)
        };
        self.publish_start(id, start, None).await
    }

    /// What an execution begins with that begins at this step: all that come before it are passed over.
    pub(super) async fn beginning_at(
        &self,
        from: &Name,
        workflow: &Name,
        version: u32,
    ) -> Result<Box<Resumption>, Error> {
        let plan = self.plan_of(workflow, version).await?;
        known_step(&plan, from, workflow, version)?;
        let skipped = || sagaline_events::input::DoneStep { skipped: true, ..Default::default() };
        let done = plan.before(from).into_iter().map(|name| (name.clone(), skipped())).collect();
        Ok(Box::new(Resumption { done, ..Resumption::default() }))
    }

    async fn plan_of(&self, workflow: &Name, version: u32) -> Result<Dag, Error> {
        match self.definition(workflow, version).await? {
            Some(definition) => Ok(definition.plan.root),
            None => Err(self.unknown_workflow(workflow).await),
        }
    }
}

/// The same letter gives the same id.
fn another_try(first: &ExecutionId, sequence: u64) -> ExecutionId {
    let known: String = first.as_str().chars().take(100).collect();
    ExecutionId::encoded(&format!("{known}-retry-{sequence}"))
}

/// The steps behind this one, which must be a step of the workflow itself.
fn known_step<'p>(
    plan: &'p Dag,
    step: &Name,
    workflow: &Name,
    version: u32,
) -> Result<std::collections::BTreeSet<&'p Name>, Error> {
    match plan.nodes.iter().any(|node| node.name == *step) {
        true => Ok(plan.behind(step)),
        false => Err(Error::UnknownStep { step: step.clone(), workflow: workflow.clone(), version }),
    }
}
