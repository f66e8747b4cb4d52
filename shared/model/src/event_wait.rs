//! Waits for events: which ones are meant, said in two halves. The half about the event is evaluated where events come in, the half
//! about the execution where it begins to wait. Both come to the same text where the one waits for the other.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{OnTimeout, Span, plan::sha256_hex};

/// Waits for a CloudEvent; the event becomes the node's output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AwaitEvent {
    #[serde(flatten)]
    pub rule: EventRule,
    /// What it must have in common with the event: JSON whose strings may hold `${…}`; null if any event will do.
    #[serde(rename = "with", default, skip_serializing_if = "Value::is_null")]
    pub with: Value,
    /// For how long an event counts that came before the wait began.
    #[serde(default = "kept", skip_serializing_if = "is_kept")]
    pub keep: Span,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    #[serde(default)]
    pub on_timeout: OnTimeout,
}

/// Which events are meant, as far as the event says it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventRule {
    /// The type of the CloudEvent.
    #[serde(rename = "event")]
    pub kind: String,
    /// What of the event is looked at: JSON whose strings may hold `${…}` over `trigger`; null if nothing is.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub key: Value,
    /// A condition over `trigger`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
}

impl AwaitEvent {
    /// For how long an event is kept where nothing is said.
    pub const KEPT: Span = Span::from_secs(600);
    /// No event is kept for longer.
    pub const KEPT_MAX: Span = Span::from_secs(24 * 3600);
}

fn kept() -> Span {
    AwaitEvent::KEPT
}

fn is_kept(keep: &Span) -> bool {
    *keep == AwaitEvent::KEPT
}

impl EventRule {
    /// What tells it from other rules for the same type of event. Whoever writes the same rule waits at the same place.
    pub fn id(&self) -> String {
        let json = serde_json::to_vec(self).expect("a rule has text keys only");
        sha256_hex(&json)[..12].to_owned()
    }

    /// What a key, evaluated on either side, comes to as a text; nothing if something of it is missing, so that nobody is meant.
    pub fn text_of(&self, key: &Value) -> Option<String> {
        if self.key.is_null() { Some(String::new()) } else { text_of(key) }
    }
}

/// Numbers and texts that read the same are the same: what comes in from outside writes ids in either way. Nothing if something of
/// it is missing.
pub fn text_of(key: &Value) -> Option<String> {
    match key {
        Value::Null => None,
        Value::Bool(is) => Some(is.to_string()),
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(match number.as_f64() {
            // 7 and 7.0 are the same.
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 1e15 => format!("{float:.0}"),
            _ => number.to_string(),
        }),
        Value::Array(items) => {
            let items: Option<Vec<String>> = items.iter().map(|item| text_of(item).map(escaped)).collect();
            Some(items?.join(","))
        }
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_unstable_by_key(|(name, _)| *name);
            let field = |(name, value): (&String, &Value)| {
                Some(format!("{}={}", escaped(name.clone()), escaped(text_of(value)?)))
            };
            let fields: Option<Vec<String>> = fields.into_iter().map(field).collect();
            Some(fields?.join(","))
        }
    }
}

/// So that `a=1,b` with 2 is not `a` with `1,b=2`.
fn escaped(text: String) -> String {
    if text.contains(['%', ',', '=']) {
        return text.replace('%', "%25").replace(',', "%2c").replace('=', "%3d");
    }
    text
}

/// The same number for the same source and id of an event, and hardly ever for another.
pub fn mark_of(source: &str, id: &str) -> u64 {
    // The length keeps `a` + `bc` apart from `ab` + `c`.
    let hash = sha256_hex(format!("{}:{source}{id}", source.len()).as_bytes());
    u64::from_str_radix(&hash[..16], 16).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rule(key: Value) -> EventRule {
        EventRule { kind: "payment.received".into(), key, when: None }
    }

    #[test]
    fn both_sides_come_to_the_same_text() {
        let any = rule(json!("${ trigger.data.id }"));
        for (one, other) in
            [(json!(7), json!("7")), (json!(7.0), json!(7)), (json!({"b": 1, "a": "x"}), json!({"a": "x", "b": "1"}))]
        {
            assert_eq!(any.text_of(&one), any.text_of(&other), "{one} and {other}");
            assert!(any.text_of(&one).is_some());
        }
        let texts =
            [json!({"a": "1,b=2"}), json!({"a": "1", "b": "2"}), json!(["1", "2"]), json!(["1,2"]), json!(true)];
        let distinct: std::collections::BTreeSet<_> = texts.iter().map(|key| any.text_of(key)).collect();
        assert_eq!(distinct.len(), texts.len(), "{distinct:?}");
    }

    #[test]
    fn what_is_missing_means_nobody_unless_nothing_is_asked_for() {
        let one = rule(json!({"order_id": "${ trigger.data.order_id }"}));
        assert_eq!(one.text_of(&json!({"order_id": null})), None);
        assert_eq!(one.text_of(&Value::Null), None);
        assert_eq!(rule(Value::Null).text_of(&Value::Null), Some(String::new()));
    }

    #[test]
    fn a_rule_has_the_same_id_for_ever() {
        let rule = EventRule { when: Some("${ trigger.data.paid }".into()), ..rule(json!("${ trigger.data.id }")) };
        assert_eq!(rule.id(), "abe144dddaf6");
        assert_ne!(rule.id(), EventRule { when: None, ..rule.clone() }.id());
    }
}
