//! What an execution tells the schedule that started it, as messages on the log of that.

use sagaline_broker::ports::Message;
use sagaline_events::{
    ScheduleInput,
    schedule::{ScheduledEnded, ScheduledUnknown},
};
use sagaline_model::{ExecutionId, Name};

use super::acts::Wire;

impl Wire {
    /// `again`: it asked, so what was told before may be lost, though the server knows that it was stored.
    pub(super) fn scheduled_ended(&self, schedule: &Name, id: &ExecutionId, again: bool) -> Message {
        let name = (!again).then(|| format!("{id}/scheduled-ended"));
        let ended = ScheduleInput::Ended(ScheduledEnded { execution: id.clone() });
        Message { msg_id: name, ..self.to_schedule(schedule, id, &ended) }
    }

    /// What a record, or that there is none, says to a schedule that asked.
    pub(super) fn recalled_for(&self, schedule: &Name, id: &ExecutionId, is_recorded: bool) -> Message {
        if is_recorded {
            return self.scheduled_ended(schedule, id, true);
        }
        let unknown = ScheduleInput::Unknown(ScheduledUnknown { execution: id.clone() });
        self.to_schedule(schedule, id, &unknown)
    }

    fn to_schedule(&self, schedule: &Name, id: &ExecutionId, input: &ScheduleInput) -> Message {
        let name = format!("{id}-schedule-{}", self.partition);
        Message {
            subject: self.names().schedule(schedule.as_str(), self.partitions()),
            expected: None,
            msg_id: None,
            ttl: None,
            headers: self.headers(name, input.kind().to_owned(), schedule.as_str(), None),
            payload: input.data().into(),
        }
    }
}
