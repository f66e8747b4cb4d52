//! What executions share, on the wire: how it is asked, and how it answers.

use sagaline_broker::{
    machine::{Act, Origin, Rejection},
    ports::Message,
};
use sagaline_engine::{Entity, entity::EntityEffect};
use sagaline_events::{
    EntityInput, EntityKey, Input,
    ask::{Answer, Ask},
    entity::EntityTimer,
};
use sagaline_owning::defect;

use super::{acts::Wire, held::Held};

/// What is seen of an entity by who asks for it, or for all of them: then without names, of which there may be many.
pub(super) fn seen(ask: &Ask, state: Option<&Held>) -> Answer {
    let Some(Held::Entity(entity)) = state else { return Answer::Unknown };
    let Some(view) = entity.view(entity.now) else { return Answer::Unknown };
    let view = if matches!(ask, Ask::Entities { .. }) { view.without_names() } else { view };
    Answer::Entity(Box::new(view))
}

impl Wire {
    pub(super) fn apply_to_entity(&self, entity: &mut Entity, input: &EntityInput, origin: &Origin) -> Vec<Act> {
        // A defect must not stop the partition. An entity that nobody can trust any more begins anew: it forgets who holds what,
        // which lets too many work for a while, but stops nobody.
        let applied = defect::caught("the entity", || entity.apply(input, origin.time));
        let effects = applied.unwrap_or_else(|cause| {
            tracing::error!(entity = entity.key.as_str(), cause, "begun anew: the engine stopped at a defect");
            *entity = Entity::new(entity.key.clone());
            vec![]
        });
        let key = &entity.key;
        let act = |(ordinal, effect): (usize, EntityEffect)| match effect {
            EntityEffect::Tell { to, word } => {
                let name = format!("{key}-{}-{ordinal}", origin.sequence);
                let input = Input::Entity(word);
                Act::Send(Message {
                    subject: self.names().input(to.as_str(), self.partitions),
                    expected: None,
                    msg_id: None,
                    ttl: None,
                    headers: self.headers(name, input.kind().to_owned(), to.as_str(), None),
                    payload: input.data().into(),
                })
            }
            EntityEffect::Start { execution, start } => {
                let input = Input::Start(*start);
                Act::Send(Message {
                    subject: self.names().start(execution.as_str(), self.partitions),
                    // Whoever starts it again finds that it is there.
                    expected: Some(0),
                    msg_id: None,
                    ttl: None,
                    headers: self.headers(
                        format!("{execution}-start"),
                        input.kind().to_owned(),
                        execution.as_str(),
                        None,
                    ),
                    payload: input.data().into(),
                })
            }
            EntityEffect::Reject { reason, detail } => Act::Reject(Rejection { reason, detail }),
        };
        effects.into_iter().enumerate().map(act).collect()
    }

    pub(super) fn to_entity(&self, entity: &EntityKey, input: &EntityInput, name: String) -> Message {
        Message {
            subject: self.names().input(entity.as_str(), self.partitions),
            expected: None,
            msg_id: None,
            ttl: None,
            headers: self.headers(name, input.kind().to_owned(), entity.as_str(), None),
            payload: input.data().into(),
        }
    }

    pub(super) fn entity_timer(&self, entity: &EntityKey) -> Message {
        let name = format!("{entity}-timer-{}", self.partition);
        self.to_entity(entity, &EntityInput::Timer(EntityTimer {}), name)
    }
}
