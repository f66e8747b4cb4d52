//! A trigger made ready: is this event meant, and what comes of it? No I/O.

use sagaline_events::Envelope;
use sagaline_expr::{Expression, Lookup, Scope, Template, whole};
use sagaline_model::{EventTrigger, ExecutionId, Gather, Name, SignalTrigger, event_wait::text_of};
use serde_json::{Map, Value};

use crate::pattern::{TextPattern, TypePattern};

/// A trigger of one version of a workflow, compiled.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) types: Vec<TypePattern>,
    source: Option<TextPattern>,
    subject: Option<TextPattern>,
    extensions: Vec<(String, TextPattern)>,
    when: When,
    what: What,
    pub(crate) gathers: Option<Gathers>,
    /// What expressions read as `config`.
    config: Value,
}

/// Events that start an execution together with others.
#[derive(Debug)]
pub(crate) struct Gathers {
    /// The trigger as the definition has it.
    pub(crate) trigger: EventTrigger,
    pub(crate) rule: Gather,
    key: Option<Made>,
    config: Value,
}

#[derive(Debug)]
enum When {
    Always,
    Holds(Expression),
    /// It does not compile. What does not evaluate to a boolean is false.
    Never,
}

/// What comes of an event that is meant.
#[derive(Debug)]
enum What {
    Start { input: Made },
    Signal { name: Name, execution: Made, data: Made },
}

/// A value that is made of the event.
#[derive(Debug)]
enum Made {
    /// The event's data.
    Data,
    Template(Template),
    Broken(String),
}

/// What a trigger says to an event.
#[derive(Debug, PartialEq)]
pub(crate) enum Verdict {
    /// Not meant.
    Pass,
    /// An execution begins, with this input.
    Start(Value),
    Signal(Signal),
    /// It is meant, or may be, and what comes of it cannot be made.
    Fault(String),
}

/// What an execution is told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Signal {
    pub(crate) name: Name,
    pub(crate) execution: ExecutionId,
    pub(crate) data: Value,
}

impl Listener {
    /// Faults were told by `validate`; a definition that has some all the same is served as far as it goes.
    pub(crate) fn compile(workflow: &str, trigger: &EventTrigger) -> Self {
        let EventTrigger { types, when, input, source, subject, extensions, signal, gather } = trigger;
        let when =
            when.as_deref().map_or(When::Always, |text| match Expression::compile(whole(text).unwrap_or(text)) {
                Ok(expression) => When::Holds(expression),
                Err(fault) => {
                    tracing::warn!(workflow, ?types, when = text, %fault, "the condition of a trigger never holds");
                    When::Never
                }
            });
        let pattern = |text: &Option<String>| text.as_deref().map(TextPattern::new);
        let what = match signal.as_deref() {
            None => What::Start { input: Made::compile(input.as_ref()) },
            Some(SignalTrigger { name, execution, data }) => What::Signal {
                name: name.clone(),
                execution: Made::compile(Some(&Value::String(execution.clone()))),
                data: Made::compile(data.as_ref()),
            },
        };
        Self {
            types: types.iter().map(|text| TypePattern::new(text)).collect(),
            source: pattern(source),
            subject: pattern(subject),
            extensions: extensions.iter().map(|(name, text)| (name.clone(), TextPattern::new(text))).collect(),
            when,
            what,
            gathers: gather.as_deref().map(|rule| Gathers::compile(trigger, rule)),
            config: Value::Null,
        }
    }

    /// The same, which reads these values of the project.
    pub(crate) fn reading(self, config: &Map<String, Value>) -> Self {
        let config = if config.is_empty() { Value::Null } else { Value::Object(config.clone()) };
        Self { gathers: self.gathers.map(|gathers| Gathers { config: config.clone(), ..gathers }), config, ..self }
    }

    /// Whether executions begin by it; otherwise one that runs is told.
    pub(crate) fn starts(&self) -> bool {
        matches!(self.what, What::Start { .. })
    }

    /// Whether it is for events of this type.
    pub(crate) fn is_for(&self, kind: &str) -> bool {
        self.types.iter().any(|pattern| pattern.fits(kind))
    }

    /// `scope` holds the CloudEvent under `trigger`.
    pub(crate) fn hears(&self, event: &Envelope, scope: &Map<String, Value>) -> Verdict {
        if !self.is_for(&event.kind) || !self.fits(event) {
            return Verdict::Pass;
        }
        let scope = &Seen { event: scope, config: &self.config };
        let meant = match &self.when {
            When::Always => Ok(true),
            When::Never => Ok(false),
            When::Holds(expression) => expression.condition(scope),
        };
        match meant {
            Ok(false) => Verdict::Pass,
            Ok(true) => self.what.make(scope).unwrap_or_else(Verdict::Fault),
            Err(fault) => Verdict::Fault(format!("the condition cannot be evaluated: {fault}")),
        }
    }

    fn fits(&self, event: &Envelope) -> bool {
        let fits = |pattern: &Option<TextPattern>, text: Option<&str>| {
            pattern.as_ref().is_none_or(|pattern| text.is_some_and(|text| pattern.fits(text)))
        };
        fits(&self.source, Some(&event.source))
            && fits(&self.subject, event.subject.as_deref())
            && self
                .extensions
                .iter()
                .all(|(name, pattern)| event.extensions.get(name).is_some_and(|value| pattern.fits(value)))
    }
}

impl Gathers {
    fn compile(trigger: &EventTrigger, rule: &Gather) -> Self {
        let key = rule.key().map(|key| Made::compile(Some(&Value::String(key.to_owned()))));
        Self { trigger: trigger.clone(), rule: rule.clone(), key, config: Value::Null }
    }

    /// What it has in common with those that it is gathered with. What is not there is in common too.
    pub(crate) fn key(&self, scope: &Map<String, Value>) -> Result<String, String> {
        let scope = Seen { event: scope, config: &self.config };
        let key = self.key.as_ref().map(|key| key.make("key", &scope)).transpose()?;
        Ok(key.and_then(|key| text_of(&key)).unwrap_or_default())
    }
}

impl What {
    fn make(&self, scope: &Seen) -> Result<Verdict, String> {
        match self {
            Self::Start { input } => input.make("input", scope).map(Verdict::Start),
            Self::Signal { name, execution, data } => {
                let execution = match execution.make("execution", scope)? {
                    Value::String(text) => text,
                    Value::Number(number) => number.to_string(),
                    other => return Err(format!("the signal `{name}` is for no execution: its id is {other}")),
                };
                if execution.is_empty() {
                    return Err(format!("the signal `{name}` is for no execution: its id is empty"));
                }
                // As an id that is no id is written everywhere.
                let execution = ExecutionId::encoded(&execution);
                Ok(Verdict::Signal(Signal { name: name.clone(), execution, data: data.make("data", scope)? }))
            }
        }
    }
}

impl Made {
    fn compile(json: Option<&Value>) -> Self {
        json.map_or(Self::Data, |json| match Template::compile(json) {
            Ok(template) => Self::Template(template),
            Err(faults) => {
                let why: Vec<String> = faults.into_iter().map(|fault| fault.to_string()).collect();
                Self::Broken(why.join("; "))
            }
        })
    }

    fn make(&self, what: &str, scope: &Seen) -> Result<Value, String> {
        match self {
            Self::Data => Ok(scope.event["trigger"].get("data").cloned().unwrap_or_default()),
            Self::Template(template) => {
                template.render(scope).map_err(|fault| format!("the {what} cannot be evaluated: {fault}"))
            }
            Self::Broken(why) => Err(format!("the {what} is no template: {why}")),
        }
    }
}

/// What the expressions of a trigger see: the event, and what the project gives.
struct Seen<'a> {
    event: &'a Map<String, Value>,
    config: &'a Value,
}

impl Scope for Seen<'_> {
    fn lookup<'s>(&'s self, path: &[String]) -> Lookup<'s> {
        match path.first().map(String::as_str) {
            Some("config") => Lookup::at(1, self.config),
            Some(_) | None => self.event.lookup(path),
        }
    }
}

/// What they see of the event.
pub(crate) fn scope(trigger: Value) -> Map<String, Value> {
    Map::from_iter([("trigger".to_owned(), trigger)])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(data: &Value) -> Envelope {
        let data = if data.is_null() { String::new() } else { data.to_string() };
        Envelope::new("1", "/shop", "order.created", data)
    }

    fn heard(trigger: &EventTrigger, event: &Envelope) -> Verdict {
        Listener::compile("order", trigger).hears(event, &scope(event.to_json()))
    }

    fn verdict(when: Option<&str>, input: Option<Value>) -> Verdict {
        let trigger = EventTrigger { when: when.map(str::to_owned), input, ..EventTrigger::of("order.created") };
        heard(&trigger, &event(&json!({ "total": 3, "name": "A" })))
    }

    #[test]
    fn without_an_input_of_its_own_the_data_is_the_input() {
        assert_eq!(verdict(None, None), Verdict::Start(json!({ "total": 3, "name": "A" })));
        let empty = event(&Value::Null);
        assert_eq!(heard(&EventTrigger::of("order.created"), &empty), Verdict::Start(Value::Null));
    }

    #[test]
    fn what_the_project_gives_is_seen_besides_the_event() {
        let trigger: EventTrigger = serde_json::from_value(json!({
            "type": "order.created", "when": "trigger.data.total > config.least",
            "input": { "desk": "${ config.desks[trigger.data.name] }" },
        }))
        .expect("a trigger");
        let heard = |least: u32| {
            let config = json!({ "least": least, "desks": { "A": "north" } });
            let listener = Listener::compile("order", &trigger).reading(config.as_object().expect("a map"));
            let event = event(&json!({ "total": 3, "name": "A" }));
            listener.hears(&event, &scope(event.to_json()))
        };
        assert_eq!(heard(2), Verdict::Start(json!({ "desk": "north" })));
        assert_eq!(heard(3), Verdict::Pass);
    }

    #[test]
    fn only_a_condition_that_is_true_starts() {
        for (when, starts) in [
            ("${ trigger.data.total > 2 }", true),
            ("trigger.source == '/shop'", true),
            ("${ trigger.data.total > 3 }", false),
            ("${ trigger.data.total }", false),
            ("${ trigger.data.nothing.at.all }", false),
            ("${ trigger.data.total + 'x' > 1 }", false),
            ("${ this is no expression }", false),
        ] {
            assert_eq!(verdict(Some(when), Some(json!(1))) == Verdict::Start(json!(1)), starts, "{when}");
        }
    }

    #[test]
    fn the_input_is_a_template_over_the_event() {
        let input = json!({ "amount": "${ trigger.data.total }", "title": "order ${ trigger.data.name }" });
        assert_eq!(verdict(None, Some(input)), Verdict::Start(json!({ "amount": 3, "title": "order A" })));
    }

    #[test]
    fn an_input_that_cannot_be_made_is_a_fault_only_if_the_event_is_meant() {
        let input = json!("${ trigger.data.total + 'x' }");
        let Verdict::Fault(why) = verdict(Some("true"), Some(input.clone())) else { panic!("no fault") };
        assert!(why.starts_with("the input cannot be evaluated"), "{why}");
        assert_eq!(verdict(Some("false"), Some(input)), Verdict::Pass);
        assert!(matches!(verdict(None, Some(json!("${ no end"))), Verdict::Fault(_)));
    }

    #[test]
    fn what_was_stored_elsewhere_cannot_be_judged() {
        let trigger =
            EventTrigger { when: Some("trigger.data.total > 2".to_owned()), ..EventTrigger::of("order.created") };
        let elsewhere = event(&json!({ "$ref": { "bucket": "other", "key": "k" } }));
        assert!(matches!(heard(&trigger, &elsewhere), Verdict::Fault(_)));
    }

    #[test]
    fn every_attribute_that_is_asked_for_has_to_fit() {
        let mut event = event(&Value::Null).about("order-7");
        event.extensions.insert("tenant".into(), "acme".into());
        let trigger = |json: Value| -> EventTrigger { serde_json::from_value(json).expect("a trigger") };
        for (asked, meant) in [
            (json!({ "type": "order.*" }), true),
            (json!({ "type": ["order.changed", "order.created"] }), true),
            (json!({ "type": ["order.changed", "order.deleted"] }), false),
            (json!({ "type": "order.created", "source": "/sh*" }), true),
            (json!({ "type": "order.created", "source": "/store" }), false),
            (json!({ "type": "order.created", "subject": "order-*" }), true),
            (json!({ "type": "order.created", "subject": "invoice-*" }), false),
            (json!({ "type": "order.created", "extensions": { "tenant": "acme" } }), true),
            (json!({ "type": "order.created", "extensions": { "tenant": "other" } }), false),
            (json!({ "type": "order.created", "extensions": { "tenant": "*", "region": "*" } }), false),
        ] {
            assert_eq!(heard(&trigger(asked.clone()), &event) != Verdict::Pass, meant, "{asked}");
        }
        event.subject = None;
        let any_subject = trigger(json!({ "type": "order.created", "subject": "*" }));
        assert_eq!(heard(&any_subject, &event), Verdict::Pass, "an event without a subject has none that fits");
    }

    #[test]
    fn a_signal_goes_to_the_execution_that_the_event_names() {
        let trigger: EventTrigger = serde_json::from_value(json!({
            "type": "order.created",
            "signal": { "name": "paid", "execution": "order-${ trigger.data.total }", "data": { "by": "${ trigger.data.name }" } },
        }))
        .expect("a trigger");
        let Verdict::Signal(signal) = heard(&trigger, &event(&json!({ "total": 3, "name": "A" }))) else {
            panic!("no signal")
        };
        assert_eq!((signal.name.as_str(), signal.execution.as_str()), ("paid", "order-3"));
        assert_eq!(signal.data, json!({ "by": "A" }));
        let nobody: EventTrigger = serde_json::from_value(json!({
            "type": "order.created",
            "signal": { "name": "paid", "execution": "${ trigger.data.nobody }" },
        }))
        .expect("a trigger");
        let Verdict::Fault(why) = heard(&nobody, &event(&json!({ "total": 3 }))) else { panic!("no fault") };
        assert_eq!(why, "the signal `paid` is for no execution: its id is null");
    }
}
