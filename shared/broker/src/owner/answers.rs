//! Questions. Whether a task is still wanted is answered only once everything is folded that was stored before the question:
//! the owner publishes a mark, whose sequence is a head it can trust, and one mark serves all who wait.

use std::{ops::Bound, sync::Arc};

use sagaline_events::{
    EntityKey,
    ask::{Answer, Ask, PartitionView},
    entity_view::EntityPage,
};

use super::{
    Mode, Owner, Watcher,
    listing::{Listing, is_answered_by},
    outbox::Purpose,
    rest::{Held, held_after},
};
use crate::{
    machine::Machine,
    ports::{Asker, Message, Ports, Sequence},
};

/// So many questions may wait; more are not answered, and whoever asks asks again.
pub(super) const QUESTIONS_LIMIT: usize = 20_000;

/// No key of an entity comes before this one, and no id of an execution after it.
const FIRST_ENTITY: &str = "~";
/// More are not told at once: each takes some hundred bytes.
const ENTITIES_AT_ONCE: usize = 1000;

#[derive(Default)]
pub(super) struct Questions {
    /// Came since the last mark was sent.
    new: Vec<(Ask, Asker)>,
    /// Wait for the fold to reach the mark.
    marked: Vec<(Ask, Asker)>,
    mark: MarkState,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum MarkState {
    #[default]
    None,
    Sent,
    /// Sent before the reader lost its place. It may be stored in a tail that is lost: its acknowledgement proves nothing any more.
    Doubtful,
    At(Sequence),
}

impl Questions {
    /// A mark that was stored may be lost with the log's tail, and its sequence not be reached for long.
    pub(super) fn place_found(&mut self) {
        match self.mark {
            MarkState::At(_) => self.mark_lost(),
            MarkState::Sent => self.mark = MarkState::Doubtful,
            MarkState::None | MarkState::Doubtful => {}
        }
    }

    fn mark_stored(&mut self, sequence: Sequence) {
        match self.mark {
            MarkState::Doubtful => self.mark_lost(),
            MarkState::None | MarkState::Sent | MarkState::At(_) => self.mark = MarkState::At(sequence),
        }
    }

    /// All who wait.
    pub(super) fn unanswered(&mut self) -> Vec<(Ask, Asker)> {
        let mut waiting = std::mem::take(&mut self.marked);
        waiting.append(&mut self.new);
        waiting
    }

    pub(super) fn mark_lost(&mut self) {
        self.mark = MarkState::None;
        self.new.append(&mut self.marked);
    }
}

impl<P: Ports, M: Machine, W: Watcher> Owner<P, M, W> {
    pub(super) fn asked(&mut self, ask: Ask, asker: Asker) {
        let key = match &ask {
            // Half a list would look like a whole one: while this recovers, whoever asks waits.
            Ask::List { .. } | Ask::Sagas { .. } | Ask::Schedules { .. }
                if !is_answered_by(&ask, self.settings.log) =>
            {
                return self.ports.answer(asker, &Answer::Unknown);
            }
            Ask::List { .. } | Ask::Sagas { .. } | Ask::Schedules { .. } if self.mode == Mode::Refolding => None,
            Ask::List { .. } | Ask::Sagas { .. } | Ask::Schedules { .. } => return self.list(&ask, asker),
            Ask::Partition => return self.tell_how_far(asker),
            // Half of what is to come would look like all of it.
            Ask::Queues if self.mode == Mode::Refolding => None,
            Ask::Queues => {
                let answer = self.machine.answer(&ask, None);
                return self.ports.answer(asker, &answer);
            }
            Ask::Entities { .. } if self.mode == Mode::Refolding => None,
            Ask::Entities { after, limit } => return self.tell_entities(&ask, after.as_ref(), *limit, asker),
            Ask::Wanted { .. } if self.stopping.is_some() => return self.turn_away(&ask, asker),
            Ask::Wanted { .. } => None,
            // What was sent just before is to be in the answer.
            Ask::Reply { .. } => None,
            Ask::Get { execution }
            | Ask::Why { execution }
            | Ask::Query { execution, .. }
            | Ask::Saga { execution } => Some(execution.as_str()),
            Ask::Entity { entity } => Some(entity.as_str()),
            Ask::Schedule { schedule } => Some(schedule.as_str()),
        };
        let live = self.mode == Mode::Live;
        if let Some(key) = key.filter(|_| live)
            && let Some(slot) = self.slots.get_mut(key)
        {
            slot.used = self.ports.boot();
            let answer = self.answer_of(key, &ask);
            // Its start may be stored and not folded yet.
            if answer != Answer::Unknown {
                return self.ports.answer(asker, &answer);
            }
        }
        if let Some(key) = key.filter(|_| live).and_then(|key| self.resting.key(key)) {
            return self.ask_awake(&key, ask, asker);
        }
        if self.questions.new.len() < QUESTIONS_LIMIT {
            self.questions.new.push((ask, asker));
        }
    }

    fn list(&mut self, ask: &Ask, asker: Asker) {
        let Some((mut listing, after)) = Listing::for_question(ask) else { return };
        let Self { slots, resting, machine, .. } = self;
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut behind = held_after(slots, resting, from);
        while listing.has_room() {
            let Some((key, held)) = behind.next() else {
                listing.ends();
                break;
            };
            let seen = match held {
                Held::State(state) if !machine.may_be_listed(ask, state) => None,
                Held::State(state) => machine.glance(state).and_then(|glance| machine.listed(ask, key, &glance)),
                Held::Glance(glance) => machine.listed(ask, key, glance),
            };
            listing.look(key, seen);
        }
        drop(behind);
        self.ports.answer(asker, &listing.answer());
    }

    /// What executions share: it is always in memory.
    fn tell_entities(&mut self, ask: &Ask, after: Option<&EntityKey>, limit: usize, asker: Asker) {
        let from = after.map_or(Bound::Included(FIRST_ENTITY), |after| Bound::Excluded(after.as_str()));
        let mut behind = self.slots.range::<str, _>((from, Bound::Unbounded));
        let mut page = EntityPage::default();
        let most = limit.clamp(1, ENTITIES_AT_ONCE);
        for (_, slot) in behind.by_ref() {
            if let Answer::Entity(view) = self.machine.answer(ask, Some(&slot.state)) {
                page.entities.push(*view);
            }
            if page.entities.len() == most {
                break;
            }
        }
        if behind.next().is_some() {
            page.next = page.entities.last().map(|last| last.entity.clone());
        }
        self.ports.answer(asker, &Answer::Entities(page));
    }

    /// How far the fold is, whatever the mode: an operator asks most of all when something takes long.
    fn tell_how_far(&mut self, asker: Asker) {
        let view = PartitionView {
            partition: self.settings.partition,
            epoch: self.checkpoint.epoch,
            live: self.mode == Mode::Live,
            applied: self.applied.0,
            applied_at: self.applied.1,
            checkpoint: self.checkpoint.next,
            open: self.open() as u64,
            loaded: self.slots.len() as u64,
            in_flight: self.outbox.len() as u64,
        };
        self.ports.answer(asker, &Answer::Partition(view));
    }

    /// Publishes a mark if somebody waits and none is on its way.
    pub(super) fn ask_for_head(&mut self) {
        let questions = &mut self.questions;
        if questions.new.is_empty()
            || questions.mark != MarkState::None
            || self.mode == Mode::Refolding
            || self.stopping.is_some()
        {
            return;
        }
        questions.marked = std::mem::take(&mut questions.new);
        questions.mark = MarkState::Sent;
        let mark = self.mark();
        self.outbox.send(&mut self.ports, Purpose::Mark(Arc::new(mark)), None);
    }

    pub(super) fn mark_stored(&mut self, sequence: Sequence) {
        self.questions.mark_stored(sequence);
        self.answer_at_head();
    }

    pub(super) fn answer_at_head(&mut self) {
        let MarkState::At(head) = self.questions.mark else { return };
        if self.applied.0 < head {
            return;
        }
        self.questions.mark = MarkState::None;
        for (ask, asker) in std::mem::take(&mut self.questions.marked) {
            let key = match &ask {
                Ask::Wanted { execution, .. }
                | Ask::Get { execution }
                | Ask::Why { execution }
                | Ask::Query { execution, .. }
                | Ask::Saga { execution }
                | Ask::Reply { execution, .. } => execution.as_str(),
                Ask::Entity { entity } => entity.as_str(),
                Ask::Schedule { schedule } => schedule.as_str(),
                Ask::List { .. } | Ask::Sagas { .. } | Ask::Schedules { .. } => {
                    self.list(&ask, asker);
                    continue;
                }
                Ask::Entities { after, limit } => {
                    self.tell_entities(&ask, after.as_ref(), *limit, asker);
                    continue;
                }
                Ask::Queues => {
                    let answer = self.machine.answer(&ask, None);
                    self.ports.answer(asker, &answer);
                    continue;
                }
                Ask::Partition => continue,
            };
            let answer = match self.resting.key(key) {
                // A state that rests wants no task. One that is being woken may, once it has what was deferred.
                Some(key) if matches!(ask, Ask::Wanted { .. }) && self.resting.is_asleep(&key) => Answer::Wanted(false),
                Some(key) => {
                    self.ask_awake(&key, ask, asker);
                    continue;
                }
                None => self.answer_of(key, &ask),
            };
            self.ports.answer(asker, &answer);
        }
        self.ask_for_head();
    }

    /// An input of the owner's own, whose acknowledged sequence is the head of the log.
    pub(super) fn mark(&self) -> Message {
        self.own_input(sagaline_events::input::OWNER_MARK)
    }

    pub(super) fn own_input(&self, kind: &str) -> Message {
        let partition = self.settings.partition;
        let epoch = self.checkpoint.epoch;
        Message {
            subject: self.settings.names.mark(self.settings.log, partition),
            expected: None,
            msg_id: None,
            ttl: None,
            headers: vec![
                ("ce-specversion", "1.0".to_owned()),
                ("ce-id", format!("{partition}-{epoch}-{}", self.ports.boot().as_nanos())),
                ("ce-source", format!("/sagaline/{}/{}", self.settings.names.namespace(), self.settings.log.service())),
                ("ce-type", kind.to_owned()),
            ],
            payload: format!(r#"{{"epoch":{epoch}}}"#).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked() -> Questions {
        let asked = (Ask::Partition, Asker("1".to_owned()));
        Questions { new: vec![], marked: vec![asked], mark: MarkState::Sent }
    }

    #[test]
    fn a_mark_counts_from_when_it_is_stored() {
        let mut questions = marked();
        questions.mark_stored(35);
        assert!(questions.mark == MarkState::At(35) && questions.marked.len() == 1);
    }

    /// The acknowledgement was on its way when the place was lost, and the tail with the mark.
    #[test]
    fn whoever_waits_for_a_mark_of_before_the_place_was_lost_gets_another_one() {
        let mut questions = marked();
        questions.place_found();
        questions.mark_stored(35);
        assert!(questions.mark == MarkState::None && questions.new.len() == 1 && questions.marked.is_empty());

        let mut questions = marked();
        questions.mark_stored(35);
        questions.place_found();
        assert!(questions.mark == MarkState::None && questions.new.len() == 1 && questions.marked.is_empty());
    }
}
