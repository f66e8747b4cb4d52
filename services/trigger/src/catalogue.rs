//! Which workflows listen to which type of event: a fold of the bucket `definitions`. No I/O.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use sagaline_events::record::{Definition, Latest};
use sagaline_model::{Moment, Name, Span, Trigger};
use sagaline_schema::Schema;

use crate::{
    listener::Listener,
    pattern::TypePattern,
    waits::{Wait, Waits},
};

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
    /// For what its steps may wait.
    waits: Vec<Arc<Wait>>,
}

/// The newest version of each workflow that listens to anything.
#[derive(Debug, Default)]
pub(crate) struct Index {
    workflows: Vec<Listening>,
    /// Those that name a type, by that.
    by_type: HashMap<String, Vec<usize>>,
    /// Those that name types with wildcards.
    by_pattern: Vec<(TypePattern, usize)>,
    waits: Waits,
}

/// A workflow and its triggers.
#[derive(Debug)]
pub(crate) struct Listening {
    pub(crate) workflow: Name,
    pub(crate) version: u32,
    /// In the order of the definition.
    pub(crate) listeners: Vec<Arc<Listener>>,
    pub(crate) queues: Arc<[Name]>,
    pub(crate) schema: Option<Arc<Schema>>,
    /// Since when this version listens, and what others before it listened to.
    since: Moment,
    before: Vec<(Moment, Vec<Arc<Listener>>)>,
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
            let listeners = triggers.filter_map(|trigger| listener(workflow, trigger));
            let listeners = listeners.map(|listener| Arc::new(listener.reading(&definition.plan.config))).collect();
            let queues = definition.plan.queues().into_iter().cloned().collect();
            // One that cannot be made ready the engine judges.
            let schema = definition.plan.checked_schema().and_then(|schema| Schema::compile(schema).ok()).map(Arc::new);
            let waits = Wait::all_of(&definition.plan);
            known.versions.insert(version, Version { stored, listeners, queues, schema, waits });
        }
        Ok(())
    }

    pub(crate) fn index(&self) -> Index {
        let mut index = Index::default();
        let versions = self.workflows.values().flat_map(|known| known.versions.values());
        versions.flat_map(|version| &version.waits).for_each(|wait| index.waits.add(wait));
        for (workflow, known) in &self.workflows {
            let Some(version) = known.latest else { continue };
            let Some(newest) = known.versions.get(&version) else {
                tracing::error!(%workflow, version, "the newest version of a workflow is not there; apply it again");
                continue;
            };
            let place = index.workflows.len();
            for pattern in newest.listeners.iter().flat_map(|listener| &listener.types) {
                match pattern.exact() {
                    Some(kind) => index.by_type.entry(kind.to_owned()).or_default().push(place),
                    None => index.by_pattern.push((pattern.clone(), place)),
                }
            }
            let before = known.versions.iter().filter(|(number, _)| **number != version);
            index.workflows.push(Listening {
                workflow: workflow.clone(),
                version,
                listeners: newest.listeners.clone(),
                queues: newest.queues.clone(),
                schema: newest.schema.clone(),
                since: newest.stored,
                before: before.map(|(_, version)| (version.stored, version.listeners.clone())).collect(),
            });
        }
        index
    }
}

impl Listening {
    /// Whether the workflow listened to events of this type at that time, in whichever version.
    fn did(&self, kind: &str, at: Moment) -> bool {
        let listened = |(since, listeners): &(Moment, Vec<Arc<Listener>>)| {
            *since <= at && listeners.iter().any(|listener| listener.is_for(kind))
        };
        self.since <= at || self.before.iter().any(listened)
    }

    /// Every way in which an input does not fit; nothing if it does. The engine checks again, and has the last word.
    pub(crate) fn refuses(&self, input: &serde_json::Value) -> Option<String> {
        let violations = self.schema.as_ref()?.check(input).err()?;
        let (workflow, version) = (&self.workflow, self.version);
        Some(format!("the input does not fit the schema of `{workflow}` version {version}: {}", violations.in_a_line()))
    }
}

impl Index {
    /// Who listens to events of this type, and did so when the event was stored: each workflow once.
    pub(crate) fn listening(&self, kind: &str, stored: Moment) -> Vec<&Listening> {
        let by_type = self.by_type.get(kind).map(Vec::as_slice).unwrap_or_default();
        let mut places = by_type.to_vec();
        places.extend(self.by_pattern.iter().filter(|(pattern, _)| pattern.fits(kind)).map(|(_, place)| *place));
        if 1 < places.len() {
            places.sort_unstable();
            places.dedup();
        }
        let listening = places.into_iter().filter_map(|place| self.workflows.get(place));
        listening.filter(|listening| listening.did(kind, stored + CLOCKS_APART_MAX)).collect()
    }

    /// For what steps may wait, of events of this type.
    pub(crate) fn waits(&self, kind: &str) -> impl Iterator<Item = &Arc<Wait>> {
        self.waits.of(kind)
    }
}

fn listener(workflow: &str, trigger: &Trigger) -> Option<Listener> {
    match trigger {
        Trigger::Event(event) => Some(Listener::compile(workflow, event)),
        Trigger::Manual | Trigger::Schedule(_) => None,
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
        let count =
            |listening: &&Listening| listening.listeners.iter().filter(|listener| listener.is_for(kind)).count();
        index.listening(kind, stored).iter().map(|listening| (listening.version, count(listening))).collect()
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
    fn a_type_and_a_pattern_that_fits_it_are_one_workflow() {
        let mut catalogue = Catalogue::default();
        catalogue.learn("order.1", Some(&definition(1, &["a.b", "a.*", ">"])), Moment::EPOCH);
        catalogue.learn("order.latest", Some(&latest(1)), Moment::EPOCH);
        assert_eq!(heard(&catalogue, "a.b", Moment::EPOCH), [(1, 3)]);
        assert_eq!(heard(&catalogue, "a.c", Moment::EPOCH), [(1, 2)]);
        assert_eq!(heard(&catalogue, "b", Moment::EPOCH), [(1, 1)]);
    }

    /// A version that listens to a type by another name listened to it all the same.
    #[test]
    fn since_when_a_type_is_listened_to_does_not_hang_on_how_it_is_written() {
        let mut catalogue = Catalogue::default();
        let (first, second) = (Moment::EPOCH + HOUR, Moment::EPOCH + HOUR + HOUR);
        catalogue.learn("order.1", Some(&definition(1, &["a.b"])), first);
        catalogue.learn("order.2", Some(&definition(2, &["a.*"])), second);
        catalogue.learn("order.latest", Some(&latest(2)), second);
        assert_eq!(heard(&catalogue, "a.b", first), [(2, 1)]);
        assert_eq!(heard(&catalogue, "a.c", first), []);
        assert_eq!(heard(&catalogue, "a.c", second), [(2, 1)]);
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
