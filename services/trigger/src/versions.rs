//! What events of a type look like, in each of their versions, and how an old one becomes the newest. No I/O.

use std::collections::BTreeMap;

use sagaline_expr::{Expression, Template, whole};
use sagaline_model::EventType;
use sagaline_schema::Schema;
use serde_json::{Map, Value};

use crate::listener;

/// The versions of a type of events, compiled.
#[derive(Debug)]
pub(crate) struct Versions(Result<Known, String>);

#[derive(Debug)]
struct Known {
    version: Option<Expression>,
    versions: BTreeMap<u32, Version>,
}

#[derive(Debug)]
struct Version {
    schema: Option<Schema>,
    to_next: Option<Template>,
}

impl Versions {
    /// Faults were told when it was set; nothing fits what has some all the same.
    pub(crate) fn compile(kind: &str, given: &EventType) -> Self {
        let known = Known::compile(given);
        if let Err(why) = &known {
            tracing::error!(kind, why, "a type of events cannot be used: none of its events is let through");
        }
        Self(known)
    }

    pub(crate) fn unreadable(why: String) -> Self {
        Self(Err(why))
    }

    /// The event in the newest version; or every way in which it does not fit.
    pub(crate) fn upgrade(&self, trigger: Value) -> Result<Value, String> {
        let known = self.0.as_ref().map_err(|why| {
            format!("what is set for events of this type cannot be used, so none is let through: {why}; set it again")
        })?;
        known.upgrade(trigger)
    }
}

impl Known {
    fn compile(given: &EventType) -> Result<Self, String> {
        let version = given.version.as_deref().map(|text| Expression::compile(whole(text).unwrap_or(text)));
        let version = version.transpose().map_err(|fault| format!("its `version`: {fault}"))?;
        let mut versions = BTreeMap::new();
        for (number, given) in &given.versions {
            let schema = given.schema.as_ref().map(Schema::compile).transpose().map_err(|faults| {
                let faults: Vec<String> = faults.into_iter().map(|fault| fault.message).collect();
                format!("the schema of version {number}: {}", faults.join("; "))
            })?;
            let to_next = given.to_next.as_ref().map(Template::compile).transpose().map_err(|faults| {
                let faults: Vec<String> = faults.into_iter().map(|fault| fault.to_string()).collect();
                format!("`to_next` of version {number}: {}", faults.join("; "))
            })?;
            versions.insert(*number, Version { schema, to_next });
        }
        Ok(Self { version, versions })
    }

    fn upgrade(&self, trigger: Value) -> Result<Value, String> {
        let mut scope = listener::scope(trigger);
        let mut number = self.version_of(&scope)?;
        loop {
            let Some(version) = self.versions.get(&number) else {
                let known: Vec<String> = self.versions.keys().map(u32::to_string).collect();
                return Err(format!("it is of version {number}, and what is known are: {}", known.join(", ")));
            };
            let data = scope["trigger"].get("data").unwrap_or(&Value::Null);
            if let Some(violations) = version.schema.as_ref().and_then(|schema| schema.check(data).err()) {
                return Err(format!("its data do not fit version {number}: {}", violations.in_a_line()));
            }
            let newest = self.versions.last_key_value().map_or(number, |(newest, _)| *newest);
            let Some(to_next) = version.to_next.as_ref().filter(|_| number < newest) else {
                return Ok(scope.remove("trigger").unwrap_or_default());
            };
            let next = to_next.render(&scope).map_err(|fault| {
                format!("its data of version {number} cannot be made those of version {}: {fault}", number + 1)
            })?;
            scope["trigger"]["data"] = next;
            number += 1;
        }
    }

    fn version_of(&self, scope: &Map<String, Value>) -> Result<u32, String> {
        let first = || self.versions.keys().next().copied().unwrap_or(1);
        let said = match &self.version {
            Some(expression) => {
                expression.evaluate(scope).map_err(|fault| format!("its version cannot be told: {fault}"))?
            }
            None => scope["trigger"].get("dataschema").and_then(Value::as_str).map_or(Value::Null, |schema| {
                let digits = schema.len() - schema.trim_end_matches(|c: char| c.is_ascii_digit()).len();
                schema[schema.len() - digits..].parse::<u32>().map_or(Value::Null, Value::from)
            }),
        };
        let number = match &said {
            Value::Null => return Ok(first()),
            Value::String(text) => text.parse().ok(),
            other => other.as_u64().and_then(|number| u32::try_from(number).ok()),
        };
        number.ok_or_else(|| format!("its version is {said}, and no whole number"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What has a version since the second of it, in the data or as the end of `dataschema`.
    fn versions(version: Option<&str>) -> Versions {
        let given = json!({
            "version": version,
            "versions": {
                "1": {
                    "schema": { "properties": { "id": { "type": "string" } }, "required": ["id", "data"] },
                    "to_next": { "id": "${ trigger.data.id }", "data": { "text": "${ trigger.data.data }" }, "version": 2 },
                },
                "2": { "schema": { "properties": { "data": { "type": "object" } }, "required": ["id", "data"] } },
            },
        });
        Versions::compile("some.event", &serde_json::from_value(given).expect("a type"))
    }

    #[test]
    fn an_old_event_becomes_a_new_one() {
        let old = json!({ "id": "1", "data": { "id": "A", "data": "x" } });
        let new = json!({ "id": "1", "data": { "id": "A", "data": { "text": "x" }, "version": 2 } });
        let by_data = versions(Some("trigger.data.version"));
        assert_eq!(by_data.upgrade(old.clone()), Ok(new.clone()));
        assert_eq!(by_data.upgrade(new.clone()), Ok(new.clone()), "a new one is left as it is");
        let mut newer = new;
        newer["dataschema"] = json!("https://example.com/some.event/v2");
        assert_eq!(versions(None).upgrade(newer.clone()), Ok(newer));
    }

    #[test]
    fn what_does_not_fit_is_told_in_every_way() {
        let why = versions(None).upgrade(json!({ "data": { "id": 1 } })).expect_err("a fault");
        assert_eq!(
            why,
            "its data do not fit version 1: the input has no `data`; expected a map with `data`; /id is 1; expected text"
        );
        let by_data = versions(Some("trigger.data.version"));
        let newer = by_data.upgrade(json!({ "data": { "version": 3 } })).expect_err("a fault");
        assert_eq!(newer, "it is of version 3, and what is known are: 1, 2");
        let odd = by_data.upgrade(json!({ "data": { "version": [2] } })).expect_err("a fault");
        assert_eq!(odd, "its version is [2], and no whole number");
    }

    #[test]
    fn nothing_fits_what_cannot_be_used() {
        let given = json!({ "versions": { "1": { "schema": { "type": "nonsense" } } } });
        let broken = Versions::compile("some.event", &serde_json::from_value(given).expect("a type"));
        let why = broken.upgrade(json!({ "data": 1 })).expect_err("a fault");
        assert!(why.contains("none is let through: the schema of version 1"), "{why}");
    }
}
