//! A tale of one schedule: every input is applied to it, and to a copy read from a snapshot of the moment before. Both must agree. And
//! every input comes twice: the second time starts nothing.
//!
//! Times are counted from `BEGIN`, midnight. What a schedule does is written in words; `start 06:00` stands for a start and the news
//! that it fired, and `watch 06:00` behind it says that its start asks to be told when that has ended.

use sagaline_events::{
    ScheduleHappening, ScheduleInput,
    schedule::{
        ScheduleBackfill, ScheduleDelete, SchedulePause, ScheduleResume, ScheduleSet, ScheduleTimer, ScheduleTrigger,
        ScheduledEnded, ScheduledUnknown,
    },
};
use sagaline_model::{Every, ExecutionId, Moment, Name, Overlap, ScheduleSpec, Span, When};
use sagaline_schedule::{Effect, Schedule};

/// 2026-01-01T00:00:00Z, a Thursday.
pub(crate) const BEGIN: Moment = Moment::from_millis(1_767_225_600_000);

#[derive(Clone)]
pub(crate) struct Tale {
    pub(crate) schedule: Schedule,
    pub(crate) effects: Vec<Effect>,
    pub(crate) asked: usize,
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub(crate) fn after(text: &str) -> Moment {
    BEGIN + text.parse::<Span>().unwrap()
}

pub(crate) fn every(text: &str) -> When {
    When { every: Some(Every::of(text.parse().unwrap())), ..When::default() }
}

pub(crate) fn cron(text: &str) -> When {
    When { cron: vec![text.to_owned()], ..When::default() }
}

pub(crate) fn spec(when: When) -> ScheduleSpec {
    ScheduleSpec::of(name("report"), when)
}

/// Every hour, with an overlap policy.
pub(crate) fn hourly(overlap: Overlap) -> ScheduleSpec {
    ScheduleSpec { overlap, ..spec(every("1h")) }
}

pub(crate) fn nobody() -> Tale {
    Tale { schedule: Schedule::new(name("nightly")), effects: vec![], asked: 0 }
}

/// Made known at `BEGIN`.
pub(crate) fn tale(spec: ScheduleSpec) -> Tale {
    nobody().set("0ms", spec).says(&["created"])
}

impl Tale {
    pub(crate) fn at(mut self, when: &str, input: &ScheduleInput) -> Self {
        self.applies(input, after(when));
        self
    }

    pub(crate) fn applies(&mut self, input: &ScheduleInput, at: Moment) {
        let read = ScheduleInput::read(input.kind(), &input.data()).unwrap();
        assert_eq!(&read, input, "on the wire it is the same");
        let mut restored = Schedule::from_snapshot(&self.schedule.to_snapshot()).unwrap();
        assert_eq!(restored, self.schedule, "a snapshot gives what was put into it");
        self.effects = self.schedule.apply(input, at);
        assert_eq!(restored.apply(&read, at), self.effects, "recovered from the snapshot before");
        assert_eq!(restored, self.schedule, "recovered from the snapshot before");
        let again = restored.apply(input, at);
        let is_new = |effect: &Effect| matches!(effect, Effect::Start { start, .. } if !start.again);
        assert!(
            !again.iter().any(is_new) || self.effects.iter().filter(|effect| is_new(effect)).count() >= 1_000,
            "{input:?} came twice: {again:?}"
        );
    }

    fn id(&mut self) -> Option<String> {
        self.asked += 1;
        Some(format!("r{}", self.asked))
    }

    pub(crate) fn set(mut self, when: &str, spec: ScheduleSpec) -> Self {
        let id = self.id();
        self.at(when, &ScheduleInput::Set(Box::new(ScheduleSet { id, ..ScheduleSet::of(spec) })))
    }

    pub(crate) fn pause(mut self, when: &str) -> Self {
        let id = self.id();
        self.at(
            when,
            &ScheduleInput::Pause(SchedulePause { id, note: Some("a holiday".into()), by: Some("ann".into()) }),
        )
    }

    pub(crate) fn resume(mut self, when: &str) -> Self {
        let id = self.id();
        self.at(when, &ScheduleInput::Resume(ScheduleResume { id, note: None, by: Some("ann".into()) }))
    }

    pub(crate) fn trigger(mut self, when: &str, overlap: Option<Overlap>) -> Self {
        let id = self.id();
        self.at(when, &ScheduleInput::Trigger(ScheduleTrigger { id, overlap, by: None }))
    }

    pub(crate) fn backfill(mut self, when: &str, from: &str, to: &str, overlap: Option<Overlap>) -> Self {
        let (id, from, to) = (self.id(), from.parse().unwrap(), to.parse().unwrap());
        self.at(when, &ScheduleInput::Backfill(ScheduleBackfill { id, from, to, overlap, by: None }))
    }

    pub(crate) fn delete(mut self, when: &str) -> Self {
        let id = self.id();
        self.at(when, &ScheduleInput::Delete(ScheduleDelete { id, by: Some("ann".into()), definition: None }))
    }

    pub(crate) fn ended(self, when: &str, tick: &str) -> Self {
        let execution = execution(tick);
        self.at(when, &ScheduleInput::Ended(ScheduledEnded { execution }))
    }

    pub(crate) fn unknown(self, when: &str, tick: &str) -> Self {
        let execution = execution(tick);
        self.at(when, &ScheduleInput::Unknown(ScheduledUnknown { execution }))
    }

    /// Its timer comes at this time, due or not.
    pub(crate) fn timer(self, when: &str) -> Self {
        self.at(when, &ScheduleInput::Timer(ScheduleTimer {}))
    }

    /// Its timer comes when it is due.
    pub(crate) fn due(self) -> Self {
        let due = self.schedule.next_timer().expect("a timer is armed");
        self.timer(&due.since(BEGIN).to_string())
    }

    #[track_caller]
    pub(crate) fn says(self, expected: &[&str]) -> Self {
        assert_eq!(in_words(&self.effects), expected);
        self
    }

    #[track_caller]
    pub(crate) fn waits_until(self, expected: &str) -> Self {
        assert_eq!(self.schedule.next_timer().map(clock).as_deref(), Some(expected));
        self
    }

    #[track_caller]
    pub(crate) fn waits_for_nothing(self) -> Self {
        // But to be forgotten, long after.
        let far = self.schedule.next_timer().is_none_or(|due| after("20d") < due);
        assert!(far, "{:?}", self.schedule.next_timer());
        self
    }

    #[track_caller]
    pub(crate) fn upcoming(self, expected: &[&str]) -> Self {
        let upcoming: Vec<_> = self.schedule.upcoming().take(expected.len() + 1).map(clock).collect();
        assert_eq!(&upcoming[..upcoming.len().min(expected.len())], expected);
        self
    }
}

/// The execution of a tick of the first day; `now_r3` for one that was asked for.
pub(crate) fn execution(tick: &str) -> ExecutionId {
    let tick = match tick.strip_prefix("now_") {
        Some(_) => tick.to_owned(),
        None => format!("20260101T{}Z", format!("{tick}:00").replace(':', "").get(..6).unwrap()),
    };
    ExecutionId::new(format!("nightly-{tick}")).unwrap()
}

/// `06:00`, `06:00:30`, `2d+06:00`.
fn clock(moment: Moment) -> String {
    let seconds = moment.as_nanos().div_euclid(1_000_000_000) - BEGIN.as_millis() / 1000;
    let (day, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let mut text = if day == 0 { String::new() } else { format!("{day}d+") };
    text += &format!("{:02}:{:02}", second / 3600, second / 60 % 60);
    if second % 60 == 0 { text } else { format!("{text}:{:02}", second % 60) }
}

fn short(execution: &ExecutionId) -> String {
    let tick = execution.as_str().strip_prefix("nightly-").expect("it begins with the name of the schedule");
    match (tick.strip_prefix("20260101T"), tick.strip_prefix("now_")) {
        (Some(time), _) if time.len() == 7 && time.ends_with("00Z") => format!("{}:{}", &time[..2], &time[2..4]),
        (Some(time), _) => time.to_owned(),
        (None, _) => tick.to_owned(),
    }
}

pub(crate) fn in_words(effects: &[Effect]) -> Vec<String> {
    let mut words = vec![];
    let mut effects = effects.iter();
    while let Some(effect) = effects.next() {
        words.push(match effect {
            Effect::Start { execution, start, .. } if start.again => format!("start {} again", short(execution)),
            Effect::Start { execution, scheduled_at, start } => {
                let fired = ScheduleHappening::Fired { tick: *scheduled_at, execution: execution.clone() };
                assert_eq!(effects.next(), Some(&Effect::Tell(fired)), "what starts has fired");
                assert_eq!(start.trigger.as_ref().unwrap()["id"], execution.as_str());
                format!("start {}", short(execution))
            }
            Effect::Cancel { execution, .. } => format!("cancel {}", short(execution)),
            Effect::Watch { execution } => format!("watch {}", short(execution)),
            Effect::Tell(happening) => told(happening),
            Effect::Reject { reason, .. } => format!("reject {reason}"),
        });
        if let Effect::Start { execution, start, .. } = effect
            && start.schedule.as_ref().is_some_and(|scheduled| scheduled.tell)
        {
            words.push(format!("watch {}", short(execution)));
        }
    }
    words
}

fn told(happening: &ScheduleHappening) -> String {
    let word = |word: &dyn std::fmt::Debug| format!("{word:?}").to_lowercase();
    match happening {
        ScheduleHappening::Fired { .. } => panic!("it fired, and nothing started"),
        ScheduleHappening::Skipped { tick, last, count, more, why, asked } => {
            let last = last.map_or(String::new(), |last| format!(" to {}", clock(last)));
            let more = if *more { "more than " } else { "" };
            let count = if *count == 1 { String::new() } else { format!(" ({more}{count})") };
            let tick = asked.as_ref().map_or_else(|| clock(*tick), short);
            format!("skipped {tick}{last}{count}: {}", word(why))
        }
        ScheduleHappening::Paused { .. } => "paused".to_owned(),
        ScheduleHappening::Resumed { .. } => "resumed".to_owned(),
        ScheduleHappening::Changed { what, .. } => word(what),
    }
}
