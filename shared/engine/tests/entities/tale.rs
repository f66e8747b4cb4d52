//! A tale of one entity: every input is applied to it, and to a copy read from a snapshot of the moment before. Both must agree.

use sagaline_engine::{Entity, entity::EntityEffect};
use sagaline_events::{
    EntityInput, EntityKey, Says, Ticket,
    entity::{Acquire, Claim, EntityTimer, Outcome, Permit, Release, Turn},
};
use sagaline_model::{BreakerRule, ExecutionId, Moment, Name, OnLimit, RateRule, Span};

pub(crate) const BEGIN: Moment = Moment::from_millis(1_767_225_600_000);

pub(crate) struct Tale {
    pub(crate) entity: Entity,
    said: Vec<String>,
}

pub(crate) fn places() -> Tale {
    tale(EntityKey::limit(&name("w"), None))
}

pub(crate) fn breaker() -> Tale {
    tale(EntityKey::breaker(&name("payments")))
}

pub(crate) fn rate() -> Tale {
    tale(EntityKey::rate(&name("payments"), Some("acme")))
}

pub(crate) fn unique() -> Tale {
    tale(EntityKey::unique("order 7"))
}

pub(crate) fn turn(execution: &str, rule: RateRule) -> EntityInput {
    EntityInput::Turn(Turn { ticket: ticket(execution), rule })
}

/// For a minute.
pub(crate) fn claim(execution: &str) -> EntityInput {
    EntityInput::Claim(Claim { ticket: ticket(execution), ttl: Span::from_secs(60), origin: None })
}

pub(crate) fn claim_after(execution: &str, origin: &str) -> EntityInput {
    let origin = Some(ExecutionId::new(origin).unwrap());
    EntityInput::Claim(Claim { ticket: ticket(execution), ttl: Span::from_secs(60), origin })
}

pub(crate) fn tale(key: EntityKey) -> Tale {
    Tale { entity: Entity::new(key), said: vec![] }
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// The ticket of an execution whose id ends in the second in which it began: `a1` began after one second.
pub(crate) fn ticket(execution: &str) -> Ticket {
    let second: u64 = execution.trim_start_matches(char::is_alphabetic).parse().unwrap();
    let since = BEGIN + Span::from_secs(second);
    Ticket { since, execution: ExecutionId::new(execution).unwrap(), path: None, attempt: 0 }
}

pub(crate) fn acquire(execution: &str, limit: u32) -> EntityInput {
    asks(execution, limit, OnLimit::Queue)
}

pub(crate) fn asks(execution: &str, limit: u32, on_limit: OnLimit) -> EntityInput {
    EntityInput::Acquire(Acquire { ticket: ticket(execution), limit, on_limit })
}

pub(crate) fn release(execution: &str) -> EntityInput {
    EntityInput::Release(Release { ticket: ticket(execution) })
}

pub(crate) fn rule(threshold: u32, probes: u32) -> BreakerRule {
    BreakerRule { threshold, window: None, reset: Span::from_secs(30), probes }
}

pub(crate) fn permit(execution: &str, rule: &BreakerRule) -> EntityInput {
    EntityInput::Permit(Permit { ticket: ticket(execution), rule: rule.clone() })
}

pub(crate) fn outcome(execution: &str, ok: Option<bool>) -> EntityInput {
    EntityInput::Outcome(Outcome { ticket: ticket(execution), ok })
}

impl Tale {
    pub(crate) fn at(mut self, after: &str, input: &EntityInput) -> Self {
        let at = BEGIN + after.parse::<Span>().unwrap();
        let read = EntityInput::read(input.kind(), &input.data()).unwrap();
        assert_eq!(&read, input, "on the wire it is the same");
        let mut restored = Entity::from_snapshot(&self.entity.to_snapshot()).unwrap();
        assert_eq!(restored, self.entity, "a snapshot gives what was put into it");
        let effects = self.entity.apply(input, at);
        assert_eq!(restored.apply(&read, at), effects, "recovered from the snapshot before");
        assert_eq!(restored, self.entity, "recovered from the snapshot before");
        self.said = effects.iter().map(in_words).collect();
        self
    }

    /// The timer fires when it is due.
    pub(crate) fn timer(self) -> Self {
        let due = self.entity.next_timer().expect("a timer is armed");
        self.at(&due.since(BEGIN).to_string(), &EntityInput::Timer(EntityTimer {}))
    }

    #[track_caller]
    pub(crate) fn says(self, expected: &[&str]) -> Self {
        assert_eq!(self.said, expected);
        self
    }

    #[track_caller]
    pub(crate) fn blank_after(self, after: &str) -> Self {
        let now = BEGIN + after.parse::<Span>().unwrap();
        assert!(self.entity.is_blank(now), "{:?}", self.entity);
        assert_eq!(self.entity.next_timer(), None);
        self
    }
}

fn in_words(effect: &EntityEffect) -> String {
    match effect {
        EntityEffect::Tell { to, word } => {
            let asked = Ticket { path: word.path.clone(), attempt: word.attempt, ..ticket(to.as_str()) };
            let asked = if word.path.is_some() { Ticket { since: word.since, ..asked } } else { asked };
            assert_eq!(word.ticket(to.clone()), asked, "it names the ticket with which it was asked");
            match &word.says {
                Says::Granted => format!("{to}: granted"),
                Says::Refused { limit } => format!("{to}: refused, limit {limit}"),
                Says::GiveUp { to: other } => format!("{to}: give up to {other}"),
                Says::StillThere => format!("{to}: still there?"),
                Says::Permitted => format!("{to}: permitted"),
                Says::Delayed { until } => format!("{to}: delayed until {}", until.since(BEGIN)),
                Says::Came { event } => format!("{to}: {}", event["id"].as_str().unwrap_or("?")),
                Says::Reserved { at } => format!("{to}: at {}", at.since(BEGIN)),
                Says::Claimed { until } => format!("{to}: has it until {}", until.since(BEGIN)),
                Says::Taken { by, until } => format!("{to}: {by} has it until {}", until.since(BEGIN)),
            }
        }
        EntityEffect::Reject { reason, .. } => format!("reject {reason}"),
        EntityEffect::Start { execution, start } => {
            assert!(execution.as_str().starts_with("order-gathered-") && start.version.is_none(), "{execution}");
            format!("start {} with {}", start.workflow, start.input)
        }
    }
}
