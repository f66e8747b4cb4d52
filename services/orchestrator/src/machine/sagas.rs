//! What an execution has to do with its saga, as messages on the log of that.

use sagaline_broker::{
    machine::{Act, Starting},
    ports::Message,
};
use sagaline_events::{
    Input, SagaInput, SagaNews, SagaRequest, SagaStatus,
    saga::{Late, SagaAsked},
};
use sagaline_model::{ExecutionId, Moment, StepError};

use super::acts::Wire;

impl Wire {
    /// `again`: nobody knew of it, though the server may remember that it was stored. If the server will never take it, the
    /// execution is told instead: it is stuck until that changes.
    pub(super) fn ask_saga(&self, id: &ExecutionId, request: SagaRequest, again: bool) -> Act {
        let last = request.steps.iter().find(|step| !step.actions.is_empty()).map(|step| step.path.clone());
        let name = (!again).then(|| format!("{id}/saga"));
        let start = Message { msg_id: name, ..self.to_saga(id, &SagaInput::Request(request), "request") };
        let stuck = last.map(|step| (step, refusal(start.payload.len()))).into_iter().collect();
        let news = SagaNews { status: Some(SagaStatus::Stuck), stuck, ..SagaNews::nothing() };
        let if_refused = self.input(id, &Input::SagaNews(news), "saga-refused");
        Act::Start(Box::new(Starting { again: start.clone(), start, if_there: None, if_refused }))
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

/// Why nothing is undone yet, and what to do about it.
fn refusal(size: usize) -> StepError {
    let message = format!(
        "NATS does not take what is to be undone, {size} bytes in one message; let it take messages of that size (`max_payload`, and \
         `max_msg_size` of the stream, if it has one); it is tried again by itself"
    );
    StepError::new(StepError::SAGA_REFUSED, message).final_()
}

#[cfg(test)]
mod tests {
    use sagaline_broker::names::Names;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn an_execution_is_told_that_it_is_stuck_when_what_is_undone_cannot_be_asked_for() {
        let retry = sagaline_model::Compensation::patience();
        let request = serde_json::from_value(json!({
            "workflow": "order", "version": 1, "cause": {"status": "failed"}, "began": "2026-01-01T00:00:00Z",
            "steps": [
                {"path": "join"},
                {"path": "pay", "after": [0], "actions": [{"activity": "refund", "queue": "default", "retry": retry}]},
            ],
        }));
        let (id, request) = (ExecutionId::new("order-1").expect("an id"), request.expect("a request"));
        let wire = Wire::new(Names::new("acme").expect("a namespace"), 0, 4);
        let Act::Start(starting) = wire.ask_saga(&id, request, false) else { panic!("it is sent once") };
        assert_eq!((starting.start.msg_id.as_deref(), starting.start.expected), (Some("order-1/saga"), None));
        assert_eq!(starting.again, starting.start);
        let instead = starting.if_refused;
        assert_eq!(instead.subject, wire.names().input("order-1", 4));
        let told: Value = serde_json::from_slice(&instead.payload).expect("JSON");
        assert_eq!((&told["status"], &told["stuck"][0][0]), (&json!("stuck"), &json!("pay")));
        assert_eq!(told["stuck"][0][1]["type"], json!(StepError::SAGA_REFUSED), "{told}");
        let size = starting.start.payload.len().to_string();
        assert!(told["stuck"][0][1]["message"].as_str().is_some_and(|message| message.contains(&size)), "{told}");
    }
}
