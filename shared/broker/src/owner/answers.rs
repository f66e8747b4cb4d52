//! Questions. Whether a task is still wanted is answered only once everything is folded that was stored before the question:
//! the owner publishes a mark, whose sequence is a head it can trust, and one mark serves all who wait.

use std::sync::Arc;

use sagaline_events::ask::{Answer, Ask};

use super::{Mode, Owner, Watcher, outbox::Purpose};
use crate::{
    machine::Machine,
    ports::{Asker, Message, Ports, Sequence},
};

/// So many questions may wait; more are not answered, and whoever asks asks again.
const QUESTIONS_LIMIT: usize = 20_000;

/// The most that one answer to `List` holds.
const LIST_LIMIT: usize = 500;

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
    At(Sequence),
}

impl Questions {
    /// A mark that was stored may be lost with the log's tail, and its sequence not be reached for long.
    pub(super) fn place_found(&mut self) {
        if matches!(self.mark, MarkState::At(_)) {
            self.mark_lost();
        }
    }

    pub(super) fn mark_lost(&mut self) {
        self.mark = MarkState::None;
        self.new.append(&mut self.marked);
    }
}

impl<P: Ports, M: Machine, W: Watcher> Owner<P, M, W> {
    pub(super) fn asked(&mut self, ask: Ask, asker: Asker) {
        let key = match &ask {
            Ask::List { .. } => return self.list(&ask, asker),
            Ask::Wanted { .. } => None,
            Ask::Get { execution } | Ask::Why { execution } => Some(execution.as_str()),
        };
        let live = self.mode == Mode::Live;
        if let Some(slot) = key.filter(|_| live).and_then(|key| self.slots.get(key)) {
            let answer = self.machine.answer(&ask, Some(&slot.state));
            return self.ports.answer(asker, &answer);
        }
        if self.questions.new.len() < QUESTIONS_LIMIT {
            self.questions.new.push((ask, asker));
        }
    }

    fn list(&mut self, ask: &Ask, asker: Asker) {
        let Ask::List { after, limit, .. } = ask else { return };
        let states = self.slots.iter();
        let after = states.skip_while(|(key, _)| after.as_ref().is_some_and(|after| &***key <= after.as_str()));
        let views = after.filter_map(|(_, slot)| self.machine.listed(ask, &slot.state));
        let views = views.take((*limit).min(LIST_LIMIT)).collect();
        self.ports.answer(asker, &Answer::Executions(views));
    }

    /// Publishes a mark if somebody waits and none is on its way.
    pub(super) fn ask_for_head(&mut self) {
        let questions = &mut self.questions;
        if questions.new.is_empty() || questions.mark != MarkState::None || self.mode == Mode::Refolding {
            return;
        }
        questions.marked = std::mem::take(&mut questions.new);
        questions.mark = MarkState::Sent;
        let mark = self.mark();
        self.outbox.send(&mut self.ports, Purpose::Mark(Arc::new(mark)), None);
    }

    pub(super) fn mark_stored(&mut self, sequence: Sequence) {
        self.questions.mark = MarkState::At(sequence);
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
                Ask::Wanted { execution, .. } | Ask::Get { execution } | Ask::Why { execution } => execution.as_str(),
                Ask::List { .. } => continue,
            };
            let state = self.slots.get(key).map(|slot| &slot.state);
            let answer = self.machine.answer(&ask, state);
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
            subject: self.settings.names.owner_mark(partition),
            expected: None,
            msg_id: None,
            ttl: None,
            headers: vec![
                ("ce-specversion", "1.0".to_owned()),
                ("ce-id", format!("{partition}-{epoch}-{}", self.ports.boot().as_nanos())),
                ("ce-source", format!("/sagaline/{}/orchestrator", self.settings.names.namespace())),
                ("ce-type", kind.to_owned()),
            ],
            payload: format!(r#"{{"epoch":{epoch}}}"#).into(),
        }
    }
}
