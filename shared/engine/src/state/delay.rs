//! An execution that was accepted and begins later.

use sagaline_events::{TimerKind, TimerName};
use sagaline_model::Moment;
use serde::{Deserialize, Serialize};

use super::Run;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delay {
    /// When it is to begin.
    pub until: Moment,
    /// When it began: what counts from its beginning counts from here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun: Option<Moment>,
}

impl Delay {
    pub(crate) fn timer(&self) -> Option<(Moment, TimerName)> {
        self.begun.is_none().then(|| (self.until, TimerName::of_execution(TimerKind::Begin)))
    }
}

impl Run {
    /// When it begins, if it has not.
    pub fn begins_at(&self) -> Option<Moment> {
        self.delay.filter(|delay| delay.begun.is_none()).map(|delay| delay.until)
    }

    /// From when on its time counts.
    pub fn began(&self) -> Moment {
        self.delay.and_then(|delay| delay.begun).unwrap_or(self.started)
    }

    /// Notes until when it waits, or that it does not any more, and keeps the index true.
    pub(crate) fn set_delay(&mut self, delay: Option<Delay>) {
        if let Some(timer) = self.delay.and_then(|delay| delay.timer()) {
            self.index.timers.remove(&timer);
        }
        self.index.timers.extend(delay.and_then(|delay| delay.timer()));
        self.delay = delay;
    }
}
