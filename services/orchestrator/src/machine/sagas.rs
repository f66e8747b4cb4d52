//! What an execution has to do with its saga, as messages on the log of that.

use sagaline_broker::ports::Message;
use sagaline_events::{
    SagaInput, SagaRequest,
    saga::{Late, SagaAsked},
};
use sagaline_model::{ExecutionId, Moment};

use super::acts::Wire;

impl Wire {
    /// `again`: nobody knew of it, though the server may remember that it was stored.
    pub(super) fn ask_saga(&self, id: &ExecutionId, request: SagaRequest, again: bool) -> Message {
        let name = (!again).then(|| format!("{id}/saga"));
        Message { msg_id: name, ..self.to_saga(id, &SagaInput::Request(request), "request") }
    }

    pub(super) fn look_after_saga(&self, id: &ExecutionId, began: Moment) -> Message {
        self.to_saga(id, &SagaInput::Asked(SagaAsked { began: Some(began) }), "asked")
    }

    pub(super) fn late(&self, id: &ExecutionId, late: Late) -> Message {
        let name = format!("{id}/{}/{}/late", late.path, late.attempt);
        Message { msg_id: Some(name), ..self.to_saga(id, &SagaInput::Late(late), "late") }
    }

    fn to_saga(&self, id: &ExecutionId, input: &SagaInput, what: &str) -> Message {
        Message {
            subject: self.names().saga(id.as_str(), self.partitions()),
            expected: None,
            msg_id: None,
            ttl: None,
            headers: self.headers(
                format!("{id}-saga-{what}-{}", self.partition),
                input.kind().to_owned(),
                id.as_str(),
                None,
            ),
            payload: input.data().into(),
        }
    }
}
