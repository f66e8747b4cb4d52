//! Whether there is room for what would be started. Orchestrators look at the streams and tell the word; while it says that executions
//! find no room, ticks wait: starts are refused before results are, and a tick is a start.

use std::{
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sagaline_broker::{
    names::Names,
    nats::Connection,
    ports::Bucket,
    room::{Admission, Fill, SNAPSHOTS_SPARED_FROM_PERCENT, logs, shared_streams},
};
use tokio::time::sleep;

/// How often the word is read. It is told anew as often.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What follows from the word, for the owners here.
#[derive(Clone, Debug, Default)]
pub(crate) struct Room {
    /// Nothing new is to begin.
    pub(crate) hold: Arc<AtomicBool>,
    /// The bucket of snapshots is to be spared.
    pub(crate) spare: Arc<AtomicBool>,
    /// Why nothing new is to begin, for those who look at a schedule.
    full: Arc<RwLock<Option<Fill>>>,
}

impl Room {
    /// The fullest of the streams that take no new executions, if ticks wait.
    pub(crate) fn full(&self) -> Option<Fill> {
        self.full.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the word once. What cannot be read changes nothing; where nobody tells it, nothing is held up.
    pub(crate) async fn look(&self, connection: &Connection, partitions: u32) {
        match connection.admission().await {
            Ok(word) => self.hear(word.as_ref(), connection.names(), partitions),
            Err(failure) => tracing::debug!(%failure, "it is not known whether there is room"),
        }
    }

    /// Goes on until it is dropped.
    pub(crate) async fn follow(self, connection: Connection, partitions: u32) {
        loop {
            sleep(LOOK_EVERY).await;
            self.look(&connection, partitions).await;
        }
    }

    /// The id of an execution says where its log is, and a schedule starts many: so a tick waits wherever one of the logs is full.
    /// To which queues a workflow leads is the orchestrator's business.
    fn hear(&self, word: Option<&Admission>, names: &Names, partitions: u32) {
        let streams = (0..partitions).flat_map(|partition| logs(names, partition)).chain(shared_streams(names));
        let refusal = word.and_then(|word| word.refusal(streams));
        self.full.write().unwrap_or_else(PoisonError::into_inner).clone_from(&refusal);
        let was_held = self.hold.swap(refusal.is_some(), Ordering::Relaxed);
        match &refusal {
            Some(full) if !was_held => {
                tracing::warn!(stream = full.stream, percent = full.percent, "no room for new executions: ticks wait");
            }
            None if was_held => tracing::info!("room again: ticks that waited start"),
            Some(_) | None => {}
        }
        let snapshots = names.bucket_stream(Bucket::Executions);
        let full = word.and_then(|word| word.closed.get(&snapshots)).copied().unwrap_or(0);
        self.spare.store(SNAPSHOTS_SPARED_FROM_PERCENT <= full, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use sagaline_model::Moment;

    use super::*;

    fn held(closed: &[(&str, u64)]) -> (bool, bool) {
        let room = Room::default();
        let closed = closed.iter().map(|(stream, percent)| ((*stream).to_owned(), *percent)).collect();
        room.hear(Some(&Admission { at: Moment::EPOCH, closed, fullest: None }), &Names::default(), 2);
        (room.hold.load(Ordering::Relaxed), room.spare.load(Ordering::Relaxed))
    }

    #[test]
    fn ticks_wait_where_what_they_start_finds_no_room() {
        let names = Names::default();
        let (snapshots, queue) = (names.bucket_stream(Bucket::Executions), names.queue_stream("default"));
        assert_eq!(held(&[]), (false, false));
        assert_eq!(held(&[(&names.runs(1), 86)]), (true, false));
        assert_eq!(held(&[(&names.runs(2), 86)]), (false, false), "there are two partitions");
        assert_eq!(held(&[(&queue, 99)]), (false, false), "most lead elsewhere");
        assert_eq!((held(&[(&snapshots, 86)]), held(&[(&snapshots, 95)])), ((true, false), (true, true)));
    }

    #[test]
    fn they_go_on_when_there_is_room_and_when_nobody_tells() {
        let (room, names) = (Room::default(), Names::default());
        let closed = [(names.runs(0), 90)].into();
        room.hear(Some(&Admission { at: Moment::EPOCH, closed, fullest: None }), &names, 1);
        assert!(room.hold.load(Ordering::Relaxed));
        assert_eq!(room.full(), Some(Fill { stream: names.runs(0), percent: 90 }));
        room.hear(None, &names, 1);
        assert!(!room.hold.load(Ordering::Relaxed));
        assert_eq!(room.full(), None);
    }
}
