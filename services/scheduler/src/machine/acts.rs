//! Effects as messages: the one place where a start, a lifecycle event or an input of ours gets its subject, id and headers.

use sagaline_broker::{
    machine::{Act, Origin, Rejection, Starting},
    names::{LogKind, Names},
    ports::Message,
};
use sagaline_events::{
    Input, ScheduleHappening, ScheduleInput, ScheduleNews, Start,
    input::{Cancel, ScheduleAsks},
    schedule::ScheduleRefused,
};
use sagaline_model::{ExecutionId, Moment, Name};
use sagaline_owning::Speech;
use sagaline_schedule::{Effect, Schedule};

/// Writes what one partition's schedules send.
pub(super) struct Wire {
    speech: Speech,
    partition: u32,
    partitions: u32,
}

impl Wire {
    pub(super) fn new(names: Names, partition: u32, partitions: u32) -> Self {
        Self { speech: Speech::new(names, LogKind::Schedules.service()), partition, partitions }
    }

    pub(super) fn names(&self) -> &Names {
        self.speech.names()
    }

    /// `workflow`: what it starts, or started.
    pub(super) fn acts(
        &self,
        state: &Schedule,
        workflow: Option<&Name>,
        effects: Vec<Effect>,
        origin: &Origin,
    ) -> Vec<Act> {
        let act = |(ordinal, effect): (usize, Effect)| match effect {
            Effect::Start { execution, scheduled_at, start } => {
                Some(self.start(&state.name, &execution, scheduled_at, *start))
            }
            Effect::Cancel { execution, reason } => {
                let cancel = Input::Cancel(Cancel::at_once(Some(reason)));
                Some(Act::Send(self.to_execution(&execution, &cancel, "cancel")))
            }
            Effect::Watch { execution } => Some(Act::Send(self.ask(&state.name, &execution))),
            Effect::Tell(happening) => {
                let (schedule, workflow) = (state.name.clone(), workflow?.clone());
                let news = ScheduleNews { schedule, workflow, at: origin.time, happening };
                Some(Act::Send(self.news(&news, format!("{}-schedule-{}-{ordinal}", state.name, origin.sequence))))
            }
            Effect::Reject { reason, detail } => Some(Act::Reject(Rejection { reason, detail })),
        };
        effects.into_iter().enumerate().filter_map(act).collect()
    }

    /// Its start is stored once. Who has the id already is asked when it ends; so is what was done long ago, if this may be a second try.
    fn start(&self, schedule: &Name, execution: &ExecutionId, tick: Moment, start: Start) -> Act {
        let is_again = start.again;
        let waits = start.schedule.as_ref().is_some_and(|scheduled| scheduled.tell);
        let input = Input::Start(start.clone());
        let first = Message {
            subject: self.names().start(execution.as_str(), self.partitions),
            expected: Some(0),
            msg_id: None,
            ttl: None,
            headers: self.speech.headers(
                format!("{schedule}/{execution}"),
                input.kind().to_owned(),
                execution.as_str(),
                None,
            ),
            payload: input.data().into(),
        };
        let again = Message { payload: Input::Start(Start { again: true, ..start }).data().into(), ..first.clone() };
        let start = if is_again { again.clone() } else { first };
        // It is made again because nobody knew of it: to ask at once could go on for ever. In time it is asked.
        let if_there = (waits && !is_again).then(|| self.ask(schedule, execution));
        let refused = ScheduleInput::Refused(ScheduleRefused { execution: execution.clone(), tick });
        let if_refused = self.own(schedule, &refused, "refused");
        Act::Start(Box::new(Starting { start, again, if_there, if_refused }))
    }

    fn ask(&self, schedule: &Name, execution: &ExecutionId) -> Message {
        self.to_execution(execution, &Input::ScheduleAsks(ScheduleAsks { schedule: schedule.clone() }), "schedule")
    }

    fn to_execution(&self, execution: &ExecutionId, input: &Input, what: &str) -> Message {
        let name = format!("{execution}-{what}-{}", self.partition);
        Message {
            subject: self.names().input(execution.as_str(), self.partitions),
            expected: None,
            msg_id: None,
            ttl: None,
            headers: self.speech.headers(name, input.kind().to_owned(), execution.as_str(), None),
            payload: input.data().into(),
        }
    }

    /// An input that the owner itself puts on the log.
    pub(super) fn own(&self, schedule: &Name, input: &ScheduleInput, what: &str) -> Message {
        let name = format!("{schedule}-{what}-{}", self.partition);
        Message {
            subject: self.names().schedule(schedule.as_str(), self.partitions),
            expected: None,
            msg_id: None,
            ttl: None,
            headers: self.speech.headers(name, input.kind().to_owned(), schedule.as_str(), None),
            payload: input.data().into(),
        }
    }

    /// The last token of the subject is what it is about: the execution that began, or the schedule.
    fn news(&self, news: &ScheduleNews, name: String) -> Message {
        let about = match &news.happening {
            ScheduleHappening::Fired { execution, .. } => execution.as_str(),
            ScheduleHappening::Skipped { .. }
            | ScheduleHappening::Paused { .. }
            | ScheduleHappening::Resumed { .. }
            | ScheduleHappening::Changed { .. } => news.schedule.as_str(),
        };
        let (kind, what) = news.happening.name();
        Message {
            subject: self.names().lifecycle(kind, what, news.workflow.as_str(), about),
            expected: None,
            msg_id: None,
            ttl: None,
            headers: self.speech.headers(name, news.happening.kind(), about, None),
            payload: news.data().into(),
        }
    }
}
