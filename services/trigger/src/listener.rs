//! A trigger made ready: does this event start the workflow, and with which input? No I/O.

use sagaline_expr::{Expression, Template, whole};
use serde_json::{Map, Value};

/// A trigger of one version of a workflow, compiled.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) kind: String,
    when: When,
    input: Input,
}

#[derive(Debug)]
enum When {
    Always,
    Holds(Expression),
    /// It does not compile. What does not evaluate to a boolean is false.
    Never,
}

#[derive(Debug)]
enum Input {
    /// The event's data.
    Data,
    Template(Template),
    Broken(String),
}

/// What a trigger says to an event of its type.
#[derive(Debug, PartialEq)]
pub(crate) enum Verdict {
    /// Not meant.
    Pass,
    Start(Value),
    /// It is meant, or may be, and there is no input for it.
    Fault(String),
}

impl Listener {
    /// Faults were told by `validate`; a definition that has some all the same is served as far as it goes.
    pub(crate) fn compile(workflow: &str, kind: &str, when: Option<&str>, input: Option<&Value>) -> Self {
        let when = when.map_or(When::Always, |text| match Expression::compile(whole(text).unwrap_or(text)) {
            Ok(expression) => When::Holds(expression),
            Err(fault) => {
                tracing::warn!(workflow, kind, when = text, %fault, "the condition of a trigger never holds");
                When::Never
            }
        });
        let input = input.map_or(Input::Data, |json| match Template::compile(json) {
            Ok(template) => Input::Template(template),
            Err(faults) => {
                let why: Vec<String> = faults.into_iter().map(|fault| fault.to_string()).collect();
                Input::Broken(why.join("; "))
            }
        });
        Self { kind: kind.to_owned(), when, input }
    }

    /// `scope` holds the CloudEvent under `trigger`.
    pub(crate) fn hears(&self, scope: &Map<String, Value>) -> Verdict {
        let meant = match &self.when {
            When::Always => Ok(true),
            When::Never => Ok(false),
            When::Holds(expression) => expression.condition(scope),
        };
        match meant {
            Ok(false) => Verdict::Pass,
            Ok(true) => self.input(scope),
            Err(fault) => Verdict::Fault(format!("the condition cannot be evaluated: {fault}")),
        }
    }

    fn input(&self, scope: &Map<String, Value>) -> Verdict {
        match &self.input {
            Input::Data => Verdict::Start(scope["trigger"].get("data").cloned().unwrap_or_default()),
            Input::Template(template) => match template.render(scope) {
                Ok(input) => Verdict::Start(input),
                Err(fault) => Verdict::Fault(format!("the input cannot be evaluated: {fault}")),
            },
            Input::Broken(why) => Verdict::Fault(format!("the input is no template: {why}")),
        }
    }
}

/// What the expressions of a trigger see.
pub(crate) fn scope(trigger: Value) -> Map<String, Value> {
    Map::from_iter([("trigger".to_owned(), trigger)])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn verdict(when: Option<&str>, input: Option<Value>) -> Verdict {
        let listener = Listener::compile("order", "order.created", when, input.as_ref());
        listener.hears(&scope(json!({ "id": "1", "source": "/shop", "data": { "total": 3, "name": "A" } })))
    }

    #[test]
    fn without_an_input_of_its_own_the_data_is_the_input() {
        assert_eq!(verdict(None, None), Verdict::Start(json!({ "total": 3, "name": "A" })));
        let listener = Listener::compile("order", "order.created", None, None);
        assert_eq!(listener.hears(&scope(json!({ "id": "1" }))), Verdict::Start(Value::Null));
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
        let listener = Listener::compile("order", "order.created", Some("trigger.data.total > 2"), None);
        let elsewhere = scope(json!({ "data": { "$ref": { "bucket": "other", "key": "k" } } }));
        assert!(matches!(listener.hears(&elsewhere), Verdict::Fault(_)));
    }
}
