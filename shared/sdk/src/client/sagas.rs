//! Sagas: what is undone of executions. The compensator that owns a partition is asked while a saga is open, and the bucket `results`
//! afterwards. What people do about one is an input on its log; this waits until it was applied, and says what came of it.

mod list;
mod refusal;

use sagaline_broker::{names::LogKind, ports::Message};
use sagaline_events::{
    Envelope, SagaInput,
    ask::{Answer, Ask},
    saga::{Intervention, InterventionKind, SagaResolve, SagaRetry, SagaSkip, SagaView},
};
use sagaline_model::ExecutionId;
use tokio::time::{Instant, sleep};

pub use self::list::{SagaFilter, SagaListing};
use super::{
    Client, Error, Sent,
    ask::{Asked, OWNER_WITHIN, PAUSE},
    id, publish,
};

impl Client {
    /// How the saga of an execution stands, or how it ended; nothing if there is none.
    pub async fn saga(&self, execution: &ExecutionId) -> Result<Option<SagaView>, Error> {
        let (partition, ask) = (self.partition(execution), Ask::Saga { execution: execution.clone() });
        let deadline = Instant::now() + OWNER_WITHIN;
        loop {
            let nobody = match self.ask_of(LogKind::Sagas, partition, &ask).await? {
                Asked::Answered(Answer::Saga(view)) => return Ok(Some(*view)),
                Asked::Answered(Answer::Unknown) => false,
                Asked::Answered(other) => return Err(self.unexpected_of(LogKind::Sagas, execution, &other)),
                Asked::Nobody => true,
            };
            // Its owner forgets it only once its record is stored.
            if let Some(view) = self.ended_saga(execution).await? {
                return Ok(Some(view));
            }
            if !nobody {
                return Ok(None);
            }
            if deadline <= Instant::now() {
                return Err(Error::NoCompensator { partition });
            }
            sleep(PAUSE).await;
        }
    }

    /// Has what is stuck tried again: all of it, or the one step that is named, with another input if one is given.
    pub async fn saga_retry(&self, execution: &ExecutionId, mut retry: SagaRetry) -> Result<SagaView, Error> {
        if let Some(input) = retry.input.take() {
            retry.input = Some(self.offload(execution, input).await?);
        }
        self.intervene(execution, SagaInput::Retry(retry)).await
    }

    /// Says that a step that is stuck need not be undone: the others go on.
    pub async fn saga_skip(&self, execution: &ExecutionId, skip: SagaSkip) -> Result<SagaView, Error> {
        self.intervene(execution, SagaInput::Skip(skip)).await
    }

    /// Says that somebody has done by hand what was left: nothing more is undone, and the execution ends.
    pub async fn saga_resolve(&self, execution: &ExecutionId, resolve: SagaResolve) -> Result<SagaView, Error> {
        self.intervene(execution, SagaInput::Resolve(resolve)).await
    }

    /// Gives how the saga stands once the input was applied. It is an error if that changed nothing.
    async fn intervene(&self, execution: &ExecutionId, input: SagaInput) -> Result<SagaView, Error> {
        let refused = |why| Error::SagaRefused { execution: execution.clone(), what: refusal::participle(&input), why };
        let before = self.saga(execution).await?.ok_or_else(|| Error::NoSaga(execution.clone()))?;
        if let Some(why) = refusal::of(&before, &input) {
            return Err(refused(why));
        }
        let sent = self.send_to_saga(execution, &input).await?;
        self.applied(self.partition(execution), sent.sequence).await?;
        let after = self.saga(execution).await?.ok_or_else(|| Error::NoSaga(execution.clone()))?;
        let is_new = |done: &&Intervention| is_of(done, &input) && !before.interventions.contains(done);
        if after.interventions.iter().any(|done| is_new(&done)) {
            return Ok(after);
        }
        let why = refusal::of(&after, &input);
        Err(refused(why.unwrap_or_else(|| "it went on by itself in the same moment".to_owned())))
    }

    async fn send_to_saga(&self, execution: &ExecutionId, input: &SagaInput) -> Result<Sent, Error> {
        let id = format!("{execution}-saga-{:x}", id::random());
        let envelope = Envelope::new(&id, self.source(), input.kind(), bytes::Bytes::new()).about(execution.as_str());
        let subject = self.names().saga(execution.as_str(), self.partitions);
        let message = publish::message(subject, &envelope, input.data().into());
        let attempt = format!("send to the saga of `{execution}`");
        self.stored(&Message { msg_id: Some(id), ..message }, &attempt).await
    }

    /// Waits until the owner of a partition has applied its log up to here.
    async fn applied(&self, partition: u32, sequence: u64) -> Result<(), Error> {
        let deadline = Instant::now() + OWNER_WITHIN;
        loop {
            if let Asked::Answered(Answer::Partition(view)) =
                self.ask_of(LogKind::Sagas, partition, &Ask::Partition).await?
                && sequence <= view.applied
            {
                return Ok(());
            }
            if deadline <= Instant::now() {
                return Err(Error::NoCompensator { partition });
            }
            sleep(PAUSE / 10).await;
        }
    }

    async fn ended_saga(&self, execution: &ExecutionId) -> Result<Option<SagaView>, Error> {
        let key = LogKind::Sagas.record_key(execution.as_str());
        self.record(&key, || format!("the record of the saga of `{execution}`")).await
    }
}

/// Whether this is what was noted of the input.
fn is_of(done: &Intervention, input: &SagaInput) -> bool {
    let (what, step, by, why) = match input {
        SagaInput::Retry(SagaRetry { step, by, why, .. }) => {
            (InterventionKind::Retried, step.as_ref(), by, why.as_ref())
        }
        SagaInput::Skip(SagaSkip { step, by, why }) => (InterventionKind::Skipped, Some(step), by, why.as_ref()),
        SagaInput::Resolve(SagaResolve { by, why }) => (InterventionKind::Resolved, None, by, Some(why)),
        SagaInput::Request(_)
        | SagaInput::Late(_)
        | SagaInput::Asked(_)
        | SagaInput::Recalled(_)
        | SagaInput::Task(_) => return false,
    };
    done.what == what && done.step.as_ref() == step && done.by == *by && done.why.as_ref() == why
}
