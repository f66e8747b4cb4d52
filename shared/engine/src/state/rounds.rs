//! An execution that begins anew when it fails: how often it did, and which attempts are of before.

use sagaline_events::{FramePath, TimerKind, TimerName};
use sagaline_model::{Moment, StepError};
use serde::{Deserialize, Serialize};

use super::{OpenDag, Run};
use crate::weight;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rounds {
    /// How many have failed.
    #[serde(default)]
    pub failed: u32,
    /// The highest number that an attempt of any step has had: those of the next round go on from there, so that no answer to
    /// an old one counts, and no task has the name of another.
    #[serde(default)]
    pub highest: u32,
    /// Attempts up to this one are of earlier rounds.
    #[serde(default)]
    pub base: u32,
    /// Set between two rounds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<Between>,
}

/// The last round failed; the next one comes at `due`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Between {
    pub since: Moment,
    pub due: Moment,
    pub error: StepError,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<FramePath>,
}

impl Between {
    pub(super) fn timer(&self) -> (Moment, TimerName) {
        (self.due, TimerName::of_execution(TimerKind::WorkflowRetry))
    }

    pub(super) fn weight(&self) -> usize {
        weight::of_error(&self.error) + self.step.as_ref().map_or(0, |step| weight::of_text(step.as_str()))
    }
}

impl Run {
    /// The how-manieth attempt of the whole it is; nothing if it is the only one so far.
    pub(crate) fn attempt(&self) -> Option<u32> {
        let rounds = self.rounds.as_ref().filter(|rounds| 0 < rounds.failed)?;
        // Between two, the one that failed is the last that there was.
        Some(if rounds.pause.is_some() { rounds.failed } else { rounds.failed + 1 })
    }

    /// What tells a place from the same one of an earlier round: whatever gets its name from where it came from is another each time.
    pub(crate) fn place_in_round(&self, path: &FramePath) -> String {
        match self.attempt() {
            Some(attempt) => format!("{path}::{attempt}"),
            None => path.to_string(),
        }
    }

    /// What the attempts of a step that has none in this round go on from.
    pub(crate) fn attempts_before(&self) -> u32 {
        self.rounds.as_ref().map_or(0, |rounds| rounds.base)
    }

    /// An attempt of this number was handed over.
    pub(crate) fn note_attempt(&mut self, attempt: u32) {
        if let Some(rounds) = &mut self.rounds {
            rounds.highest = rounds.highest.max(attempt);
        }
    }

    /// Whether it waits for nothing that could come: no task, no timer, no signal, nobody.
    pub(crate) fn hangs(&self) -> bool {
        self.index.in_flight == 0
            && self.paused.is_none()
            && self.between_rounds().is_none()
            && !self.is_pending()
            && self.begins_at().is_none()
            && !self.is_undoing()
    }

    /// What waits between two rounds, if it does.
    pub fn between_rounds(&self) -> Option<&Between> {
        self.rounds.as_ref()?.pause.as_ref()
    }

    /// This round has failed: nothing is left of it but what it was started with, and what runs beside it.
    pub(crate) fn begin_anew(&mut self, root: OpenDag, pause: Between) {
        self.frames.retain(|_, frame| frame.state.is_beside());
        self.ctx.clear();
        self.tallies.clear();
        self.root = root;
        if let Some(paused) = &mut self.paused {
            paused.held.clear();
        }
        if let Some(rounds) = &mut self.rounds {
            rounds.failed += 1;
            rounds.base = rounds.highest;
            rounds.pause = Some(pause);
        }
        self.reindex();
    }

    /// The time between two rounds is over, whichever way.
    pub(crate) fn end_of_pause(&mut self) {
        if let Some(pause) = self.rounds.as_mut().and_then(|rounds| rounds.pause.take()) {
            self.index.timers.remove(&pause.timer());
            self.index.weight -= pause.weight();
        }
    }
}
