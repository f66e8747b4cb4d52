//! Which workflows listen to which type of event: a fold of the bucket `definitions`. No I/O.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use sagaline_events::record::{Definition, Latest};
use sagaline_model::{Moment, Name, Span, Trigger};
use sagaline_schema::Schema;

use crate::listener::Listener;

/// How far the clocks of the servers that stamp events and definitions may be apart.
const CLOCKS_APART_MAX: Span = Span::from_secs(10);

/// What is known of every workflow.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    workflows: BTreeMap<Name, Workflow>,
}

#[derive(Debug, Default)]
struct Workflow {
    latest: Option<u32>,
    versions: BTreeMap<u32, Version>,
}

#[derive(Debug)]
struct Version {
    stored: Moment,
    listeners: Vec<Arc<Listener>>,
    /// To which its tasks go.
    queues: Arc<[Name]>,
    /// What an input must look like.
    schema: Option<Arc<Schema>>,
}

/// The newest version of each workflow, by the types of events that it listens to.
#[derive(Debug, Default)]
pub(crate) struct Index(HashMap<String, Vec<Listening>>);

/// A workflow and its triggers for one type of event.
#[derive(Debug)]
pub(crate) struct Listening {
    pub(crate) workflow: Name,
    pub(crate) version: u32,
    /// In the order of the definition.
    pub(crate) listeners: Vec<Arc<Listener>>,
    pub(crate) queues: Arc<[Name]>,
    pub(crate) schema: Option<Arc<Schema>>,
    since: Moment,
}

impl Catalogue {
    /// Takes in what is stored under a key of the bucket: `<workflow>.<version>` or `<workflow>.latest`.
    pub(crate) fn learn(&mut self, key: &str, value: Option<&[u8]>, stored: Moment) {
        if let Err(why) = self.take_in(key, value, stored) {
            tracing::error!(key, why, "an entry of the bucket `definitions` cannot be used; apply the workflow again");
        }
    }

    fn take_in(&mut self, key: &str, value: Option<&[u8]>, stored: Moment) -> Result<(), String> {
        let (workflow, end) = key.split_once('.').ok_or("the key is not `<workflow>.<version>`")?;
        let name = Name::new(workflow).map_err(|fault| fault.to_string())?;
        let known = self.workflows.entry(name).or_default();
        if end == "latest" {
            // Whatever stood there before, a pointer that cannot be read points nowhere.
            known.latest = None;
            let latest: Option<Latest> = read(value)?;
            known.latest = latest.map(|latest| latest.version);
            return Ok(());
        }
        let version = end.parse().map_err(|_| "the key is not `<workflow>.<version>`")?;
        known.versions.remove(&version);
        if let Some(definition) = read::<Definition>(value)? {
            let triggers = definition.plan.triggers.iter();
            let listeners = triggers.filter_map(|trigger| listener(workflow, trigger)).map(Arc::new).collect();
            let queues = definition.plan.queues().into_iter().cloned().collect();
            // One that cannot be made ready the engine judges.
            let schema = definition.plan.checked_schema().and_then(|schema| Schema::compile(schema).ok()).map(Arc::new);
            known.versions.insert(version, Version { stored, listeners, queues, schema });
        }
        Ok(())
    }

    pub(crate) fn index(&self) -> Index {
        let mut by_type: HashMap<String, Vec<Listening>> = HashMap::new();
        for (workflow, known) in &self.workflows {
            let Some(version) = known.latest else { continue };
            let Some(newest) = known.versions.get(&version) else {
                tracing::error!(%workflow, version, "the newest version of a workflow is not there; apply it again");
                continue;
            };
            for listener in &newest.listeners {
                let listening = by_type.entry(listener.kind.clone()).or_default();
                match listening.last_mut().filter(|last| last.workflow == *workflow) {
                    Some(last) => last.listeners.push(listener.clone()),
                    None => listening.push(Listening {
                        workflow: workflow.clone(),
                        version,
                        listeners: vec![listener.clone()],
                        queues: newest.queues.clone(),
                        schema: newest.schema.clone(),
                        since: known.listens_since(&listener.kind).unwrap_or(newest.stored),
                    }),
                }
            }
        }
        Index(by_type)
    }
}

impl Listening {
    /// Every way in which an input does not fit; nothing if it does. The engine checks again, and has the last word.
    pub(crate) fn refuses(&self, input: &serde_json::Value) -> Option<String> {
        let violations = self.schema.as_ref()?.check(input).err()?;
        let (workflow, version) = (&self.workflow, self.version);
        Some(format!("the input does not fit the schema of `{workflow}` version {version}: {}", violations.in_a_line()))
    }
}

impl Workflow {
    fn listens_since(&self, kind: &str) -> Option<Moment> {
        let listening = |version: &&Version| version.listeners.iter().any(|listener| listener.kind == kind);
        self.versions.values().filter(listening).map(|version| version.stored).min()
    }
}

impl Index {
    /// Who listens to events of this type, and did so when the event was stored.
    pub(crate) fn listening(&self, kind: &str, stored: Moment) -> impl Iterator<Item = &Listening> {
        let listening = self.0.get(kind).map(Vec::as_slice).unwrap_or_default();
        listening.iter().filter(move |listening| listening.since <= stored + CLOCKS_APART_MAX)
    }
}

fn listener(workflow: &str, trigger: &Trigger) -> Option<Listener> {
    match trigger {
        Trigger::Event { kind, when, input } => {
            Some(Listener::compile(workflow, kind, when.as_deref(), input.as_ref()))
        }
        Trigger::Manual => None,
    }
}

/// The value, or nothing where it was deleted.
fn read<T: serde::de::DeserializeOwned>(value: Option<&[u8]>) -> Result<Option<T>, String> {
    value.map(serde_json::from_slice).transpose().map_err(|fault| fault.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const HOUR: Span = Span::from_secs(3600);

    fn definition(version: u32, kinds: &[&str]) -> Vec<u8> {
        let triggers: Vec<_> = kinds.iter().map(|kind| json!({ "event": { "type": kind } })).collect();
        let plan = json!({ "workflow": "order", "triggers": triggers, "root": { "nodes": [] } });
        json!({ "workflow": "order", "version": version, "hash": "h", "plan": plan }).to_string().into_bytes()
    }

    fn latest(version: u32) -> Vec<u8> {
        json!({ "version": version, "hash": "h" }).to_string().into_bytes()
    }

    fn heard(catalogue: &Catalogue, kind: &str, stored: Moment) -> Vec<(u32, usize)> {
        let index = catalogue.index();
        index.listening(kind, stored).map(|listening| (listening.version, listening.listeners.len())).collect()
    }

    #[test]
    fn only_the_newest_version_listens() {
        let mut catalogue = Catalogue::default();
        catalogue.learn("order.1", Some(&definition(1, &["a"])), Moment::EPOCH);
        assert_eq!(heard(&catalogue, "a", Moment::EPOCH), [], "nothing says that it is the newest");
        catalogue.learn("order.latest", Some(&latest(1)), Moment::EPOCH);
        assert_eq!(heard(&catalogue, "a", Moment::EPOCH), [(1, 1)]);
        catalogue.learn("order.2", Some(&definition(2, &["b", "b"])), Moment::EPOCH);
        catalogue.learn("order.latest", Some(&latest(2)), Moment::EPOCH);
        assert_eq!(heard(&catalogue, "a", Moment::EPOCH), []);
        assert_eq!(heard(&catalogue, "b", Moment::EPOCH), [(2, 2)], "one workflow with two triggers");
    }

    #[test]
    fn a_deleted_workflow_listens_no_more() {
        let mut catalogue = Catalogue::default();
        catalogue.learn("order.1", Some(&definition(1, &["a"])), Moment::EPOCH);
        catalogue.learn("order.latest", Some(&latest(1)), Moment::EPOCH);
        catalogue.learn("order.latest", None, Moment::EPOCH);
        assert_eq!(heard(&catalogue, "a", Moment::EPOCH), []);
    }

    #[test]
    fn events_from_before_the_first_trigger_for_their_type_are_not_meant() {
        let mut catalogue = Catalogue::default();
        let (first, second) = (Moment::EPOCH + HOUR, Moment::EPOCH + HOUR + HOUR);
        catalogue.learn("order.1", Some(&definition(1, &["a"])), first);
        catalogue.learn("order.2", Some(&definition(2, &["a", "b"])), second);
        catalogue.learn("order.latest", Some(&latest(2)), second);
        assert_eq!(heard(&catalogue, "a", Moment::EPOCH), []);
        assert_eq!(heard(&catalogue, "a", first), [(2, 1)], "it listened then, and is served by what is newest now");
        assert_eq!(heard(&catalogue, "b", first), []);
        assert_eq!(heard(&catalogue, "b", second), [(2, 1)]);
    }

    #[test]
    fn an_entry_that_cannot_be_read_harms_no_other() {
        let mut catalogue = Catalogue::default();
        catalogue.learn("order.1", Some(&definition(1, &["a"])), Moment::EPOCH);
        catalogue.learn("order.latest", Some(&latest(1)), Moment::EPOCH);
        for (key, value) in [("order.2", &b"{"[..]), ("nonsense", b"{}"), ("order.x", b"{}"), ("a b.1", b"{}")] {
            catalogue.learn(key, Some(value), Moment::EPOCH);
        }
        assert_eq!(heard(&catalogue, "a", Moment::EPOCH), [(1, 1)]);
        catalogue.learn("order.latest", Some(&latest(9)), Moment::EPOCH);
        assert_eq!(heard(&catalogue, "a", Moment::EPOCH), [], "a version that is not there starts nothing");
    }
}
