//! An event that starts an execution together with others goes to where they are gathered.

use sagaline_broker::nats::PayloadOf;
use sagaline_events::{EntityInput, EntityKey, entity::Gathered};
use sagaline_model::partition_of;
use serde_json::Value;

use super::{Cause, Handler, Later, Stored, never};
use crate::{catalogue::Listening, listener::Listener, wire::Rejection};

impl Handler {
    pub(super) async fn gather(
        &self,
        listening: &Listening,
        listener: &Listener,
        input: Value,
        cause: &Cause<'_>,
    ) -> Result<(), Later> {
        let Some(gathers) = &listener.gathers else { return Ok(()) };
        let reject = async |reason, why: &str| {
            let rejection = Rejection { reason, why, event: Some(cause.event), meant: None };
            Ok(self.reject(cause.received, &rejection).await?)
        };
        let key = match gathers.key(&cause.scope) {
            Ok(key) => key,
            Err(why) => return reject("trigger_fault", &why).await,
        };
        let workflow = listening.workflow.clone();
        let entity = EntityKey::gather(&workflow, &gathers.trigger, &key);
        let partition = partition_of(entity.as_str(), self.partitions);
        if let Some(fill) = self.gate.refusal(partition).await {
            self.say_no_room(&fill);
            return Err(Later::NoRoom(fill));
        }
        let of = PayloadOf { partition, execution: entity.as_str() };
        let mut event = cause.trigger.clone();
        let data = event.get_mut("data").map(Value::take);
        let offloaded = async {
            Ok((self.payloads.offload(of, data.unwrap_or_default()).await?, self.payloads.offload(of, input).await?))
        };
        let input = match offloaded.await {
            Ok((data, input)) => {
                if let Some(place) = event.get_mut("data") {
                    *place = data;
                }
                input
            }
            Err(fault) => return reject("payload", &never(fault)?).await,
        };
        let gathered = Gathered {
            workflow,
            rule: gathers.rule.clone(),
            source: cause.event.source.clone(),
            id: cause.event.id.clone(),
            at: cause.received.stored,
            event,
            input,
        };
        let input = EntityInput::Gather(Box::new(gathered));
        match self.store(&self.wire.passed_on(&entity, &input, cause.event, cause.received)).await? {
            Stored::Now | Stored::Before => Ok(()),
            Stored::Never(why) => reject("start_refused", &why).await,
        }
    }
}
