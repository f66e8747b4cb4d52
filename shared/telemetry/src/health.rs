//! Which parts of a process are ready to work, and why the others are not.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;

/// A cheap handle through which services say whether they are ready. All clones speak of the same process.
#[derive(Clone, Debug, Default)]
pub struct Health {
    /// What the names of this handle's parts start with: the service, where several share a process.
    within: Option<Arc<str>>,
    parts: Arc<Mutex<BTreeMap<Arc<str>, State>>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Ready,
    NotReady { why: String },
}

impl Health {
    pub fn new() -> Self {
        Self::default()
    }

    /// A handle for one of several services of a process: its part `nats` is reported as `orchestrator.nats`.
    #[must_use]
    pub fn within(&self, service: &str) -> Self {
        Self { within: Some(self.name(service)), parts: self.parts.clone() }
    }

    /// The part of this name. A new one is not ready until it says so, and keeps the process from being ready until then.
    pub fn part(&self, name: &str) -> Part {
        let name = self.name(name);
        self.parts().entry(name.clone()).or_insert_with(|| State::NotReady { why: "starting".to_owned() });
        Part { name, health: self.clone() }
    }

    /// What `/readyz` answers. A process in which no part has registered yet has only begun to start: it is not ready.
    pub fn report(&self) -> Report {
        let parts: Vec<_> = self.parts().iter().map(|(name, state)| PartReport::of(name, state)).collect();
        Report { ready: !parts.is_empty() && parts.iter().all(|part| part.ready), parts }
    }

    fn name(&self, name: &str) -> Arc<str> {
        self.within.as_ref().map_or_else(|| name.into(), |within| format!("{within}.{name}").into())
    }

    fn parts(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, State>> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One thing that has to be well for the process to be ready: a connection, a recovered partition.
#[derive(Clone, Debug)]
pub struct Part {
    name: Arc<str>,
    health: Health,
}

impl Part {
    pub fn ready(&self) {
        if self.becomes(State::Ready) {
            tracing::info!(part = &*self.name, "ready");
        }
    }

    /// `why` is for the people who look at `/readyz`: what is waited for, or what is broken.
    pub fn not_ready(&self, why: impl Into<String>) {
        let why = why.into();
        if self.becomes(State::NotReady { why: why.clone() }) {
            tracing::warn!(part = &*self.name, why, "no longer ready");
        }
    }

    /// The process does not need this part any more: a partition that went to another owner.
    pub fn remove(&self) {
        self.health.parts().remove(&self.name);
    }

    /// Whether it was the other of ready and not ready before.
    fn becomes(&self, state: State) -> bool {
        let now_ready = state == State::Ready;
        let before = self.health.parts().insert(self.name.clone(), state);
        (before == Some(State::Ready)) != now_ready
    }
}

/// Whether the process is ready, and how its parts are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    pub ready: bool,
    pub parts: Vec<PartReport>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PartReport {
    pub part: String,
    pub ready: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl PartReport {
    fn of(name: &str, state: &State) -> Self {
        let why = match state {
            State::Ready => None,
            State::NotReady { why } => Some(why.clone()),
        };
        Self { part: name.to_owned(), ready: why.is_none(), why }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_ready_once_all_its_parts_are() {
        let health = Health::new();
        assert!(!health.report().ready, "nothing has registered yet");
        let (nats, log) = (health.part("nats"), health.part("log"));
        nats.ready();
        assert!(!health.report().ready);
        log.ready();
        assert!(health.report().ready);
    }

    #[test]
    fn the_report_says_which_part_and_why() {
        let health = Health::new();
        health.part("log").ready();
        health.part("nats").not_ready("`nats://127.0.0.1:4222` refuses the connection");
        let [log, nats] = &health.report().parts[..] else { panic!("two parts") };
        assert_eq!((log.part.as_str(), log.ready, &log.why), ("log", true, &None));
        assert_eq!(nats.why.as_deref(), Some("`nats://127.0.0.1:4222` refuses the connection"));
    }

    #[test]
    fn services_of_one_process_do_not_speak_for_each_other() {
        let health = Health::new();
        health.within("executor").part("nats").ready();
        health.within("orchestrator").part("nats").not_ready("lost");
        let names: Vec<_> = health.report().parts.into_iter().map(|part| (part.part, part.ready)).collect();
        assert_eq!(names, [("executor.nats".to_owned(), true), ("orchestrator.nats".to_owned(), false)]);
    }

    #[test]
    fn asking_for_a_part_again_leaves_it_as_it_is() {
        let health = Health::new();
        health.part("nats").ready();
        health.part("nats");
        assert!(health.report().ready);
    }

    #[test]
    fn a_part_that_is_removed_holds_nothing_up() {
        let health = Health::new();
        health.part("nats").ready();
        let partition = health.part("partition 3");
        assert!(!health.report().ready);
        partition.remove();
        assert!(health.report().ready);
    }
}
