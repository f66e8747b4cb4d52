//! One state in memory, and how much of it is saved.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use sagaline_model::Moment;

use super::{cover::Cover, untaken::Untaken};
use crate::ports::Sequence;

pub(super) struct Slot<S> {
    pub(super) state: S,
    /// The last input that was applied, and when it was stored.
    pub(super) applied: (Sequence, Moment),
    /// The first input that no snapshot covers.
    pub(super) uncovered: Option<Sequence>,
    /// How many of its effects are not acknowledged.
    pub(super) pending: u32,
    /// The revision of its snapshot in the bucket; nothing if there is none.
    pub(super) revision: Option<Sequence>,
    pub(super) saving: Saving,
    /// The timer that is registered for it.
    pub(super) timer: Option<Moment>,
    /// When the timer was due whose input was published last.
    pub(super) fired: Option<Moment>,
    /// When it last moved or was looked at, on the boot clock.
    pub(super) touched: Duration,
    /// When it was last needed in memory: it moved, or somebody asked.
    pub(super) used: Duration,
    /// A task of it that its queue does not take.
    pub(super) untaken: Option<Box<Untaken>>,
    /// The snapshot that it stands in the place of, which could not be read.
    pub(super) unread: Option<Bytes>,
}

/// What is being written of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Saving {
    Nothing,
    /// A snapshot; `then`: the first input applied since.
    Snapshot {
        then: Option<Sequence>,
    },
    /// The record of its end.
    Record,
    /// The snapshot of its end, where an earlier one or an early input would otherwise be taken for the whole.
    Last,
    /// Saved as it ended; its snapshot goes when the checkpoint has passed it.
    Kept,
    /// The removal of its snapshot; `recorded`: its end is recorded, so that it goes whatever comes.
    Removal {
        recorded: bool,
    },
}

impl<S> Slot<S> {
    pub(super) fn new(state: S, now: Duration) -> Self {
        Self {
            state,
            applied: (0, Moment::EPOCH),
            uncovered: None,
            pending: 0,
            revision: None,
            saving: Saving::Nothing,
            timer: None,
            fired: None,
            touched: now,
            used: now,
            untaken: None,
            unread: None,
        }
    }

    /// Whether it has ended, so that no input changes it any more.
    pub(super) fn is_ending(&self) -> bool {
        matches!(self.saving, Saving::Record | Saving::Last | Saving::Kept | Saving::Removal { recorded: true })
    }

    /// Whether its snapshot already holds this input: only if neither the sequence nor the time is after it.
    pub(super) fn covers(&self, sequence: Sequence, time: Moment) -> bool {
        sequence <= self.applied.0 && time <= self.applied.1
    }

    /// An input was applied.
    pub(super) fn moved(&mut self, key: &Arc<str>, sequence: Sequence, time: Moment, cover: &mut Cover) {
        // After a lost tail sequences are used again; what is covered goes by the highest one and the latest time.
        self.applied = (sequence.max(self.applied.0), time.max(self.applied.1));
        if self.uncovered.is_none() {
            self.uncovered = Some(sequence);
            cover.hold(sequence, key);
        }
        if let Saving::Snapshot { then } = &mut self.saving {
            *then = then.or(Some(sequence));
        }
    }

    /// A snapshot is stored that covers everything before `then`.
    pub(super) fn covered(&mut self, key: &Arc<str>, then: Option<Sequence>, cover: &mut Cover) {
        if let Some(first) = self.uncovered.take() {
            cover.release(first, key);
        }
        if let Some(then) = then {
            self.uncovered = Some(then);
            cover.hold(then, key);
        }
    }
}
