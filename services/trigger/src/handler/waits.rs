//! An event is passed on to where those meet who may wait for it. Whether anybody does is not known here: it may be that the event
//! comes first.

use sagaline_broker::nats::PayloadOf;
use sagaline_events::{EntityInput, EntityKey, entity::Came};
use sagaline_model::partition_of;

use super::{Cause, Handler, Later, Stored, never};
use crate::{
    waits::{Meant, Wait},
    wire::Rejection,
};

impl Handler {
    pub(super) async fn pass_on(&self, wait: &Wait, cause: &Cause<'_>) -> Result<(), Later> {
        let reject = async |reason, why: &str| {
            let rejection = Rejection { reason, why, event: Some(cause.event), meant: None };
            Ok(self.reject(cause.received, &rejection).await?)
        };
        let key = match wait.hears(cause.event, &cause.scope) {
            Meant::Nobody => return Ok(()),
            Meant::Those(key) => key,
            Meant::Fault(why) => return reject("trigger_fault", &why).await,
        };
        let entity = EntityKey::event(&wait.rule, &key);
        let of = PayloadOf { partition: partition_of(entity.as_str(), self.partitions), execution: entity.as_str() };
        let mut event = cause.trigger.clone();
        if let Some(data) = event.get_mut("data") {
            *data = match self.payloads.offload(of, data.take()).await {
                Ok(data) => data,
                Err(fault) => return reject("payload", &never(fault)?).await,
            };
        }
        let (source, id) = (cause.event.source.clone(), cause.event.id.clone());
        let input = EntityInput::Event(Came { source, id, at: cause.received.stored, keep: wait.keep, event });
        match self.store(&self.wire.passed_on(&entity, &input, cause.event, cause.received)).await? {
            Stored::Now | Stored::Before => Ok(()),
            Stored::Never(why) => reject("event_refused", &why).await,
        }
    }
}
