//! Schedules: what starts executions by the calendar and the clock. What people ask of one is an input on its log; this waits until
//! it was applied, and says how the schedule stands then. The scheduler that owns its partition is asked.

mod list;

use sagaline_broker::{
    names::LogKind,
    ports::{Message, Sequence},
};
use sagaline_events::{
    Envelope, ScheduleInput, ScheduleView,
    ask::{Answer, Ask},
    schedule::{ScheduleBackfill, ScheduleDelete, SchedulePause, ScheduleResume, ScheduleSet, ScheduleTrigger},
    schedule_view::Backfilled,
};
use sagaline_model::{ExecutionId, Moment, Name, Overlap, ScheduleSpec, partition_of};
use sagaline_schedule::{LONGEST_NAME, Pattern};
use tokio::time::{Duration, Instant, sleep};

pub use self::list::{ScheduleFilter, ScheduleListing};
use super::{
    Client, Error, Rejected, RejectedFilter,
    ask::{Asked, OWNER_WITHIN, PAUSE},
    id, publish,
};

/// What was refused is in `REJECTED` within this.
const REJECTED_WITHIN: Duration = Duration::from_secs(1);
/// So many of those that were set aside last are looked through.
const REJECTED_LOOKED_AT: usize = 50;

/// Who asks something of a schedule, and why, for those who look at it later.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Who {
    pub by: Option<String>,
    pub note: Option<String>,
}

impl Client {
    /// How a schedule stands; nothing if there is none.
    pub async fn schedule(&self, name: &Name) -> Result<Option<ScheduleView>, Error> {
        let partition = self.home_of(name);
        let deadline = Instant::now() + OWNER_WITHIN;
        loop {
            match self.ask_of(LogKind::Schedules, partition, &Ask::Schedule { schedule: name.clone() }).await? {
                Asked::Answered(Answer::Schedule(view)) => return Ok(Some(*view)),
                Asked::Answered(Answer::Unknown) => return Ok(None),
                Asked::Answered(other) => {
                    let (service, why) =
                        (LogKind::Schedules.service(), format!("it answered something else: {other:?}"));
                    return Err(Error::QuestionRefused { service, partition, why });
                }
                Asked::Nobody if deadline <= Instant::now() => return Err(Error::NoScheduler { partition }),
                Asked::Nobody => sleep(PAUSE).await,
            }
        }
    }

    /// Makes a new schedule known.
    pub async fn create_schedule(&self, name: &Name, spec: ScheduleSpec, who: Who) -> Result<ScheduleView, Error> {
        self.set_schedule(name, ScheduleSet { new: true, by: who.by, ..ScheduleSet::of(spec) }).await
    }

    /// Changes one, or makes it known. Its ticks that have fired stay fired, and a pause stays.
    pub async fn put_schedule(&self, name: &Name, spec: ScheduleSpec, who: Who) -> Result<ScheduleView, Error> {
        self.set_schedule(name, ScheduleSet { by: who.by, ..ScheduleSet::of(spec) }).await
    }

    async fn set_schedule(&self, name: &Name, set: ScheduleSet) -> Result<ScheduleView, Error> {
        check(name, &set.spec)?;
        let (spec, new) = (set.spec.clone(), set.new);
        if new && self.schedule(name).await?.is_some() {
            return Err(Error::ScheduleExists(name.clone()));
        }
        let id = request_id();
        let view = self.say(name, ScheduleInput::Set(Box::new(ScheduleSet { id: Some(id), ..set }))).await?;
        match view {
            Some(view) if view.spec == spec => Ok(view),
            // Somebody else was faster.
            Some(_) if new => Err(Error::ScheduleExists(name.clone())),
            Some(_) | None => Err(Error::ScheduleRefused { schedule: name.clone() }),
        }
    }

    /// Its ticks start nothing until it is resumed.
    pub async fn pause_schedule(&self, name: &Name, who: Who) -> Result<ScheduleView, Error> {
        let pause = SchedulePause { id: Some(request_id()), note: who.note, by: who.by };
        self.ask_for(name, ScheduleInput::Pause(pause)).await
    }

    /// It goes on. What came while it was paused is recorded as skipped.
    pub async fn resume_schedule(&self, name: &Name, who: Who) -> Result<ScheduleView, Error> {
        let resume = ScheduleResume { id: Some(request_id()), note: who.note, by: who.by };
        self.ask_for(name, ScheduleInput::Resume(resume)).await
    }

    /// Starts something now, besides its ticks: its id, and how the schedule stands. It may wait, or be left out, as `overlap` says,
    /// or the schedule's own.
    pub async fn trigger_schedule(
        &self,
        name: &Name,
        overlap: Option<Overlap>,
        who: Who,
    ) -> Result<(ExecutionId, ScheduleView), Error> {
        let id = request_id();
        // Such an id has no other characters than those that it keeps in the id of an execution.
        let execution = ExecutionId::encoded(&format!("{name}-now_{id}"));
        let trigger = ScheduleTrigger { id: Some(id), overlap, by: who.by };
        let view = self.ask_for(name, ScheduleInput::Trigger(trigger)).await?;
        Ok((execution, view))
    }

    /// Starts what it would have started from `from` to `to`, both included, and has not: at most a thousand. What became of that, and how
    /// the schedule stands. Nothing is known of it if somebody asked for another time just after.
    pub async fn backfill_schedule(
        &self,
        name: &Name,
        (from, to): (Moment, Moment),
        overlap: Option<Overlap>,
        who: Who,
    ) -> Result<(Option<Backfilled>, ScheduleView), Error> {
        let id = Some(request_id());
        let backfill = ScheduleBackfill { id: id.clone(), from, to, overlap, by: who.by };
        self.schedule(name).await?.ok_or_else(|| Error::NoSchedule(name.clone()))?;
        let (view, sequence) = self.say_at(name, ScheduleInput::Backfill(backfill)).await?;
        let view = view.ok_or_else(|| Error::NoSchedule(name.clone()))?;
        let filled = view.backfilled.clone().filter(|filled| filled.id == id);
        match filled {
            None => match self.why_rejected(name, sequence).await? {
                Some(why) => Err(Error::BackfillRefused { schedule: name.clone(), why }),
                None => Ok((None, view)),
            },
            filled => Ok((filled, view)),
        }
    }

    /// Why an input of a schedule was set aside, if it was. It is stored a moment after the schedule has moved on.
    async fn why_rejected(&self, name: &Name, sequence: Sequence) -> Result<Option<String>, Error> {
        let log = self.names().log(LogKind::Schedules, self.home_of(name));
        let of_it = |rejected: &Rejected| {
            rejected.from_stream.as_ref() == Some(&log) && rejected.from_sequence == Some(sequence)
        };
        let deadline = Instant::now() + REJECTED_WITHIN;
        loop {
            let newest = RejectedFilter { limit: REJECTED_LOOKED_AT, ..RejectedFilter::default() };
            let (newest, _) = self.rejected(&newest).await?;
            if let Some(rejected) = newest.into_iter().find(of_it) {
                return Ok(Some(rejected.detail));
            }
            if deadline <= Instant::now() {
                return Ok(None);
            }
            sleep(PAUSE).await;
        }
    }

    /// It is no more. What it started goes on.
    pub async fn delete_schedule(&self, name: &Name, who: Who) -> Result<(), Error> {
        self.schedule(name).await?.ok_or_else(|| Error::NoSchedule(name.clone()))?;
        let delete = ScheduleDelete { id: Some(request_id()), by: who.by, definition: None };
        self.say(name, ScheduleInput::Delete(delete)).await?;
        Ok(())
    }

    /// Of one that is there.
    async fn ask_for(&self, name: &Name, input: ScheduleInput) -> Result<ScheduleView, Error> {
        self.schedule(name).await?.ok_or_else(|| Error::NoSchedule(name.clone()))?;
        self.say(name, input).await?.ok_or_else(|| Error::NoSchedule(name.clone()))
    }

    /// Sends an input, and gives how the schedule stands once it was applied.
    async fn say(&self, name: &Name, input: ScheduleInput) -> Result<Option<ScheduleView>, Error> {
        Ok(self.say_at(name, input).await?.0)
    }

    /// The same, with where the input is on the log.
    async fn say_at(&self, name: &Name, input: ScheduleInput) -> Result<(Option<ScheduleView>, Sequence), Error> {
        let id = format!("{name}-schedule-{}", request_id());
        let envelope = Envelope::new(&id, self.source(), input.kind(), bytes::Bytes::new()).about(name.as_str());
        let subject = self.names().schedule(name.as_str(), self.partitions);
        let message = publish::message(subject, &envelope, input.data().into());
        let attempt = format!("send to the schedule `{name}`");
        let sent = self.stored(&Message { msg_id: Some(id), ..message }, &attempt).await?;
        let (partition, deadline) = (self.home_of(name), Instant::now() + OWNER_WITHIN);
        loop {
            if let Asked::Answered(Answer::Partition(view)) =
                self.ask_of(LogKind::Schedules, partition, &Ask::Partition).await?
                && sent.sequence <= view.applied
            {
                return Ok((self.schedule(name).await?, sent.sequence));
            }
            if deadline <= Instant::now() {
                return Err(Error::NoScheduler { partition });
            }
            sleep(PAUSE / 10).await;
        }
    }

    fn home_of(&self, schedule: &Name) -> u32 {
        partition_of(schedule.as_str(), self.partitions)
    }
}

/// Letters and digits only.
fn request_id() -> String {
    format!("{:x}", id::random())
}

/// Whether it makes sense; if not, everything that is wrong. The schedule has the last word.
fn check(name: &Name, spec: &ScheduleSpec) -> Result<(), Error> {
    let faults = Pattern::new(name, &spec.when, Moment::EPOCH).err().unwrap_or_default();
    let mut faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
    if LONGEST_NAME < name.as_str().len() {
        faults.push(format!("the name `{name}` is longer than {LONGEST_NAME} characters; write a shorter one"));
    }
    if spec.limit == Some(0) {
        faults.push("`limit`: it never fires; write at least 1, or leave it out".to_owned());
    }
    if faults.is_empty() { Ok(()) } else { Err(Error::InvalidSchedule { schedule: name.clone(), faults }) }
}
