//! What came before an execution could take it: kept for a while.

use sagaline_events::{
    Input, Parent,
    input::{ParentGone, Update},
};
use sagaline_model::{Moment, Name, Span};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::MAILBOX_LIMIT;
use crate::{effect::Effect, weight};

/// Signals, a cancel and a pause that come before their start are kept this long.
pub const EARLY_INPUTS_KEPT: Span = Span::from_secs(600);

/// What came before an execution could take it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Early {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signals: Vec<(Moment, Name, Value)>,
    /// About how many bytes the signals take.
    #[serde(default)]
    pub weight: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel: Option<(Moment, Option<String>)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<(Moment, Option<String>)>,
    /// Who asked for it, and
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<(Moment, Parent)>,
    /// who does not wait for it any more, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<(Moment, ParentGone)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub updates: Vec<(Moment, Update)>,
    /// Which schedules asked for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schedules: Vec<(Moment, Name)>,
}

impl Early {
    pub(crate) fn is_empty(&self) -> bool {
        self.signals.is_empty()
            && self.updates.is_empty()
            && self.cancel.is_none()
            && self.pause.is_none()
            && self.gone.is_empty()
    }

    /// Whether something of it still matters at this time.
    pub(crate) fn matters(&self, now: Moment) -> bool {
        let young = |then: Moment| now.since(then) <= EARLY_INPUTS_KEPT;
        let wish = |wish: &Option<(Moment, _)>| wish.as_ref().is_some_and(|(then, _)| young(*then));
        wish(&self.cancel)
            || wish(&self.pause)
            || self.signals.iter().any(|(then, _, _)| young(*then))
            || self.asked.iter().any(|(then, _)| young(*then))
            || self.gone.iter().any(|(then, _)| young(*then))
            || self.updates.iter().any(|(then, _)| young(*then))
            || self.schedules.iter().any(|(then, _)| young(*then))
    }

    fn has_room_for(&self, data: &Value) -> bool {
        self.signals.len() + self.updates.len() < MAILBOX_LIMIT
            && self.weight + weight::of(data) <= weight::HEAVIEST / 2
    }

    /// Forgets what came too long ago.
    pub(crate) fn forget_old(&mut self, at: Moment) {
        let young = |then: Moment| at.since(then) <= EARLY_INPUTS_KEPT;
        self.signals.retain(|(then, _, _)| young(*then));
        self.updates.retain(|(then, _)| young(*then));
        let signals = self.signals.iter().map(|(_, _, data)| data);
        self.weight = signals.chain(self.updates.iter().map(|(_, update)| &update.data)).map(weight::of).sum();
        self.cancel = self.cancel.take().filter(|(then, _)| young(*then));
        self.pause = self.pause.take().filter(|(then, _)| young(*then));
        self.asked.retain(|(then, _)| young(*then));
        self.gone.retain(|(then, _)| young(*then));
        self.schedules.retain(|(then, _)| young(*then));
    }

    /// Keeps an input for when it can be taken, if there is room for it.
    pub(crate) fn keep(&mut self, input: &Input, at: Moment) -> Vec<Effect> {
        match input {
            Input::Signal(signal) if self.has_room_for(&signal.data) => {
                self.weight += weight::of(&signal.data);
                self.signals.push((at, signal.name.clone(), signal.data.clone()));
            }
            Input::Signal(signal) => return vec![Effect::mailbox_full(signal.name.as_str())],
            // Every cancel is kept for as long as it may be, so the time of the last one counts.
            Input::Cancel(cancel) => {
                let first = self.cancel.take().and_then(|(_, reason)| reason);
                self.cancel = Some((at, first.or_else(|| cancel.reason.clone())));
            }
            Input::Pause(pause) => {
                let first = self.pause.take().and_then(|(_, reason)| reason);
                self.pause = Some((at, first.or_else(|| pause.reason.clone())));
            }
            Input::Resume(_) => self.pause = None,
            Input::ParentGone(gone) => {
                self.gone.retain(|(_, kept)| kept != gone);
                self.gone.push((at, gone.clone()));
            }
            // The same one again is the same.
            Input::Update(update) if self.updates.iter().any(|(_, kept)| kept.id == update.id) => {}
            Input::Update(update) if self.has_room_for(&update.data) => {
                self.weight += weight::of(&update.data);
                self.updates.push((at, update.clone()));
            }
            Input::Update(update) => return vec![Effect::mailbox_full(update.name.as_str())],
            _ => {}
        }
        vec![]
    }

    /// A parent asks for it. Whoever asks again asks for the same.
    pub(crate) fn asked_by_parent(&mut self, parent: &Parent, at: Moment) {
        self.asked.retain(|(_, known)| known != parent);
        self.asked.push((at, parent.clone()));
    }

    /// A schedule does.
    pub(crate) fn asked_by_schedule(&mut self, schedule: &Name, at: Moment) {
        self.schedules.retain(|(_, known)| known != schedule);
        self.schedules.push((at, schedule.clone()));
    }
}
