//! The fold that nobody interrupts: what everything is compared with.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bytes::Bytes;
use sagaline_broker::{
    machine::{Act, Machine, Origin, Read},
    names::LogKind,
    ports::{Bucket, Content, Sequence},
};
use sagaline_events::{EntityInput, EntityKey, EntityWord, Input, Says, Task};
use sagaline_model::{Moment, Span};

use super::{Deed, State, What, header, kinds::is_a_beginning};

/// More timers than this no execution here has by far.
const TIMERS_LIMIT: u32 = 150;
/// And more inputs, none.
const INPUTS_LIMIT: u32 = 1_000;

/// A fold of the logs as they grow, never interrupted.
pub(super) struct Reference<M: Machine> {
    /// One for each partition.
    pub(super) machines: Vec<M>,
    states: BTreeMap<Arc<str>, M::State>,
    /// Where the first result of each attempt is recorded: execution, path, attempt.
    answered: BTreeMap<(String, String, u32), Sequence>,
    /// How many timers' inputs each execution got.
    timers: BTreeMap<Arc<str>, u32>,
    /// How many inputs each execution got.
    inputs: BTreeMap<Arc<str>, u32>,
    /// Ids of the events that the logs say must be told, their subjects, and their data.
    to_be_told: BTreeMap<String, (String, Bytes)>,
    /// What came to each schedule, in order: of those there are few, and what they had to do goes by when they were told.
    heard: BTreeMap<Arc<str>, Vec<Heard>>,
    /// From one turn to the next of each rate, and the turns that it gave.
    turns: BTreeMap<EntityKey, (Span, BTreeSet<Moment>)>,
}

/// An input, and when it was stored.
#[derive(Clone, Debug)]
pub struct Heard {
    pub at: Moment,
    pub kind: String,
    pub data: Bytes,
}

impl<M: Machine> Reference<M> {
    pub(super) fn new(machines: Vec<M>) -> Self {
        Self {
            machines,
            states: BTreeMap::new(),
            answered: BTreeMap::new(),
            timers: BTreeMap::new(),
            inputs: BTreeMap::new(),
            to_be_told: BTreeMap::new(),
            heard: BTreeMap::new(),
            turns: BTreeMap::new(),
        }
    }
}

impl<M: Machine> State<M> {
    /// What was stored just now is folded.
    pub(super) fn fold_reference(&mut self, partition: u32, sequence: Sequence) {
        let Some(entry) = self.logs[partition as usize].entry(sequence) else { return };
        let (kind, _) = self.log_at(partition);
        let machine = &mut self.reference.machines[partition as usize];
        let Ok(Read::Input(key, input)) = machine.read(&entry) else { return };
        let name: Arc<str> = kind.record_key(&key).into();
        if let Ok(content) = &entry.content {
            self.note_turns(&name, &content.kind, &content.data);
        }
        let Reference { machines, states, answered, timers, inputs, to_be_told, heard, .. } = &mut self.reference;
        let machine = &mut machines[partition as usize];
        let count = inputs.entry(Arc::clone(&name)).or_default();
        *count += 1;
        if *count == INPUTS_LIMIT {
            self.violations.push(format!("the inputs of `{name}` come in a loop"));
        }
        let content = entry.content.as_ref().ok();
        if content.is_some_and(|content| is_a_beginning(&content.kind)) {
            self.started.insert(name.to_string());
        }
        if content.is_some_and(|content| content.kind == "sagaline.input.timer.v1") {
            let count = timers.entry(Arc::clone(&name)).or_default();
            *count += 1;
            if *count == TIMERS_LIMIT {
                self.violations.push(format!("the timers of `{name}` fire in a loop"));
            }
        }
        if let Some(content) = content.filter(|_| kind == LogKind::Schedules) {
            let Content { kind, data, .. } = content.clone();
            heard.entry(Arc::clone(&name)).or_default().push(Heard { at: entry.time, kind, data });
        }
        let reported = content.filter(|content| content.kind == "sagaline.input.step_started.v1");
        if let Some(Input::StepStarted(begun)) = reported.and_then(|begun| Input::read(&begun.kind, &begun.data).ok()) {
            let (execution, path, attempt) = (key.to_string(), begun.path.to_string(), begun.attempt);
            self.deeds.push(Deed { what: What::Reported, execution, path, attempt, key: String::new() });
        }
        let is_a_success = content.is_some_and(|content| content.kind == "sagaline.input.step_succeeded.v1");
        if let Some((path, attempt)) = content.and_then(answer) {
            if is_a_success {
                let (execution, key) = (key.to_string(), String::new());
                self.deeds.push(Deed { what: What::Succeeded, execution, path: path.clone(), attempt, key });
            }
            answered.entry((key.to_string(), path, attempt)).or_insert(sequence);
        }
        while let Some(need) = machine.needs(states.get(&name), Some(&input)) {
            let value = self.buckets.value(need.bucket, &need.key, self.since);
            machine.learn(&need, value.map(|(_, bytes)| bytes));
        }
        let state = states.entry(Arc::clone(&name)).or_insert_with(|| machine.fresh(&key));
        let origin = Origin { sequence, time: entry.time, traceparent: None, again: false };
        for act in machine.apply(&key, state, input, &origin) {
            if let Act::Send(message) = act
                && (message.subject.contains(".lifecycle.") || message.subject.contains(".events."))
            {
                let id = header(&message, "ce-id").unwrap_or_default().to_owned();
                to_be_told.insert(id, (message.subject, message.payload));
            }
        }
    }

    /// What an input of a partition's log says of the turns of a rate: they come no faster than the rule says.
    fn note_turns(&mut self, key: &str, kind: &str, data: &[u8]) {
        if let Ok(EntityInput::Turn(ask)) = EntityInput::read(kind, data) {
            let Ok(rate) = EntityKey::try_from(key.to_owned()) else { return };
            let pause = Span::from_nanos(ask.rule.per.as_nanos() / u64::from(ask.rule.limit.max(1)));
            self.reference.turns.entry(rate).or_default().0 = pause;
            return;
        }
        let Ok(Input::Entity(EntityWord { entity, says: Says::Reserved { at }, .. })) = Input::read(kind, data) else {
            return;
        };
        let (pause, given) = self.reference.turns.entry(entity.clone()).or_default();
        // It may be told twice.
        if !given.insert(at) {
            return;
        }
        let before = given.range(..at).next_back().map(|before| at.since(*before));
        let after = given.range(at..).nth(1).map(|after| after.since(at));
        let narrowest = before.into_iter().chain(after).min();
        self.tally.turns += 1;
        if let Some(narrowest) = narrowest.filter(|narrowest| narrowest < pause)
            && !self.has_lost_some()
            && !self.is_excused(entity.as_str())
        {
            let tale = self.tale_of(entity.as_str());
            self.violations.push(format!("two turns of `{entity}` are {narrowest} apart, at {at}\n{tale}"));
        }
    }

    /// An activity begins. If the result of this attempt was in the log when its owner was asked about it at `asked_at` (or is
    /// now, where nobody was asked), a promise is broken. What remains is the instant between the answer and the start.
    pub fn runs(&mut self, task: &Task, asked_at: Sequence, about: &str) {
        let name = (task.execution.to_string(), task.path.to_string(), task.attempt);
        let again = self.reference.answered.get(&name).is_some_and(|stored| *stored <= asked_at);
        let (execution, path, attempt) = &name;
        let whose = self.name_in(&task.reply).unwrap_or_else(|| execution.clone());
        if again && !self.is_exempt(&whose) {
            self.violations.push(format!("{execution}/{path}/{attempt} ran after its result was recorded ({about})"));
        }
        self.notes(What::Began, task);
        *self.runs.entry(name).or_default() += 1;
    }

    /// Whether the result of an attempt is on its log.
    pub fn is_answered(&self, attempt: &(String, String, u32)) -> bool {
        self.reference.answered.contains_key(attempt)
    }

    /// Whether some worker had begun this attempt before.
    pub fn has_begun_twice(&self, task: &Task) -> bool {
        let name = (task.execution.to_string(), task.path.to_string(), task.attempt);
        self.runs.get(&name).is_some_and(|runs| 1 < *runs)
    }

    /// An activity has its effect.
    pub fn does(&mut self, task: &Task) {
        self.notes(What::Did, task);
    }

    fn notes(&mut self, what: What, task: &Task) {
        let (execution, path) = (task.execution.to_string(), task.path.to_string());
        self.deeds.push(Deed { what, execution, path, attempt: task.attempt, key: task.idempotency_key.clone() });
    }

    /// What has begun and is promised to come to its end: also what others started.
    pub fn begun(&self) -> Vec<String> {
        self.started.iter().cloned().collect()
    }

    /// Whether something has ended, going by its log. Its record may still be on its way.
    pub fn has_ended(&self, key: &str) -> bool {
        let Reference { machines, states, .. } = &self.reference;
        let state = states.get(key);
        state.is_some_and(|state| machines[self.partition_of(key) as usize].ending(state).is_some())
    }

    /// Whether an event with this subject must be told, going by the logs.
    pub fn must_be_told(&self, subject: &str) -> bool {
        self.reference.to_be_told.values().any(|(told, _)| told == subject)
    }

    /// The kinds of the events that the logs say must be told, one for each event: `step.expanded`, `workflow.paused`.
    pub fn kinds_told(&self) -> Vec<String> {
        let kind = |(subject, _): &(String, Bytes)| subject.split('.').skip(2).take(2).collect::<Vec<_>>().join(".");
        self.reference.to_be_told.values().map(kind).collect()
    }

    /// The subjects and data of the events that the logs say must be told.
    pub fn to_be_told(&self) -> impl Iterator<Item = (&str, &Bytes)> {
        self.reference.to_be_told.values().map(|(subject, data)| (subject.as_str(), data))
    }

    /// Everything that came to the schedule of this name.
    pub fn heard_by(&self, schedule: &str) -> &[Heard] {
        let name = LogKind::Schedules.record_key(schedule);
        self.reference.heard.get(name.as_str()).map_or(&[], Vec::as_slice)
    }

    /// What is stored and told in the end, and does not agree with the logs.
    pub fn disagreement(&self) -> Option<String> {
        let Reference { machines, states, to_be_told, .. } = &self.reference;
        let is_exempt = |key: &str| self.is_excused(key) || self.has_cut(key);
        for (key, state) in states.iter().filter(|(key, _)| !is_exempt(key)) {
            let Some(record) = machines[self.partition_of(key) as usize].ending(state) else { continue };
            let stored = self.value_of_result(key).unwrap_or_default();
            let end = String::from_utf8_lossy(&record).into_owned();
            if !String::from_utf8_lossy(&stored).contains(&end) {
                return Some(format!("the record of `{key}` is not what its log gives: {end}"));
            }
        }
        let of_exempt = |id: &str| {
            let of = execution_of(id);
            let saga = of.strip_suffix("-saga").map(|saga| LogKind::Sagas.record_key(saga));
            let schedule = || of.strip_suffix("-schedule").map(|schedule| LogKind::Schedules.record_key(schedule));
            is_exempt(&saga.or_else(schedule).unwrap_or_else(|| of.to_owned()))
        };
        let missing = to_be_told.iter().find(|(id, _)| !self.told.contains_key(*id) && !of_exempt(id));
        if let Some((id, (subject, _))) = missing {
            return Some(format!("nobody was told `{subject}` ({id})"));
        }
        let extra = self.told.keys().find(|id| !to_be_told.contains_key(*id) && !of_exempt(id))?;
        Some(format!("`{extra}` was told, which the log does not give"))
    }

    /// All that is stored of an execution, for whoever wonders why it does not end.
    pub fn tale_of(&self, key: &str) -> String {
        let bare = self.parts_of(key).1;
        let token = format!(".{bare}.");
        let partition = self.partition_of(key);
        let entries = self.logs[partition as usize].entries_from(1, usize::MAX);
        let is_it = |subject: &str| subject.contains(&token) || subject.ends_with(&format!(".{bare}"));
        let of_it = entries.iter().filter(|entry| is_it(&entry.subject) || entry.subject.contains("~owner"));
        let told = of_it.map(|entry| {
            let kind = entry.content.as_ref().map_or("?", |content| content.kind.as_str());
            format!("  {} {} {kind} {}", entry.sequence, entry.time, String::from_utf8_lossy(&entry.payload))
        });
        let told: Vec<String> = told.collect();
        let queued: Vec<String> = self.queue.subjects().into_iter().filter(|task| task.contains(&token)).collect();
        let text = |bucket, key: &str| {
            let value = self.buckets.value(bucket, key, self.since);
            value.map(|(_, value)| String::from_utf8_lossy(&value).into_owned())
        };
        let snapshot = text(Bucket::Executions, &self.snapshot_key(key));
        let checkpoint = text(Bucket::Partitions, &self.checkpoint_key(partition));
        let told = told.join("\n");
        format!("`{key}`:\n{told}\n  queued {queued:?}, snapshot {snapshot:?}, checkpoint {checkpoint:?}")
    }
}

/// Whose event it is: of a lifecycle event a sequence and an ordinal follow the execution, of another one the step.
fn execution_of(event: &str) -> &str {
    match event.split_once('/') {
        Some((execution, _)) => execution,
        None => event.rsplitn(3, '-').nth(2).unwrap_or(event),
    }
}

/// The attempt whose result an entry is.
fn answer(content: &Content) -> Option<(String, u32)> {
    match Input::read(&content.kind, &content.data).ok()? {
        Input::StepSucceeded(done) => Some((done.path.to_string(), done.attempt)),
        Input::StepFailed(failed) => Some((failed.path.to_string(), failed.attempt)),
        Input::StepSkipped(skipped) => Some((skipped.path.to_string(), skipped.attempt)),
        Input::StepAwaits(awaits) => Some((awaits.path.to_string(), awaits.attempt)),
        Input::StepSnoozed(snoozed) => Some((snoozed.path.to_string(), snoozed.attempt)),
        Input::StepExpanded(expanded) => Some((expanded.path.to_string(), expanded.attempt)),
        _ => None,
    }
}
