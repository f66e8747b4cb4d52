//! The keeper of one partition: renews its lease while the owner works, and lets go of it when the owner does, or hangs.
//!
//! The lease is renewed here and not by the owner, because a busy owner must not lose it by being busy. One that hangs must: a thread
//! cannot be ended, but when it wakes it finds that the lease is lost, and whatever it does has a name.

use std::time::Duration;

use tokio::{sync::watch, time::sleep};

use super::{
    super::{Connection, Lease, boot},
    member::nudge,
    thread::Works,
};
use crate::{names::LogKind, owner::Halt};

/// When no beat comes any more.
const BEAT: Duration = Duration::from_secs(1);
/// A thread that runs and whose owner gets to nothing for so long waits for something that never comes. No recovery takes as long
/// between two looks at the lease.
const STUCK_AFTER: Duration = Duration::from_secs(300);

pub(super) struct Keeper {
    pub(super) connection: Connection,
    pub(super) kind: LogKind,
    pub(super) lease: Lease,
    pub(super) works: Works,
    /// When to renew.
    pub(super) beats: watch::Receiver<u64>,
    /// A thread that shows no sign of life for so long hangs.
    pub(super) hangs_after: Duration,
}

/// How it ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) partition: u32,
    pub(super) halt: Halt,
    /// The thread is still there, and hangs.
    pub(super) hangs: bool,
}

impl Keeper {
    pub(super) async fn keep(mut self) -> Ended {
        let partition = self.lease.partition();
        let mut signs = Signs::new(boot());
        let (halt, hangs) = loop {
            tokio::select! {
                halt = &mut self.works.halted => {
                    break (halt.unwrap_or_else(|_| Halt::Restart("its thread ended".to_owned())), false);
                }
                () = beat(&mut self.beats) => {
                    if let Some(why) = self.hangs(&mut signs) {
                        break (Halt::Restart(why), true);
                    }
                    self.renew().await;
                }
            }
        };
        // A thread that hangs finds it told, if it ever wakes.
        self.works.stop.cancel();
        if let Err(error) = self.lease.release().await {
            tracing::warn!(partition, %error, "the lease was not released; it expires by itself");
        }
        nudge(&self.connection, self.kind).await;
        Ended { partition, halt, hangs }
    }

    async fn renew(&mut self) {
        let partition = self.lease.partition();
        match self.lease.renew().await {
            Ok(true) => {}
            // The owner sees it by itself, before it does anything more.
            Ok(false) => tracing::warn!(partition, "the lease is somebody else's now"),
            Err(error) => tracing::warn!(partition, %error, "the lease was not renewed"),
        }
    }

    fn hangs(&self, signs: &mut Signs) -> Option<String> {
        let hold = self.lease.hold();
        let Silence { thread, owner } = signs.note(hold.signs(), hold.looks(), boot());
        if self.hangs_after <= thread.min(owner) {
            return Some(format!("its thread hangs: no sign of life for {:?}", thread.min(owner)));
        }
        (STUCK_AFTER <= owner).then(|| format!("it is stuck: it has not looked at its lease for {owner:?}"))
    }
}

async fn beat(beats: &mut watch::Receiver<u64>) {
    if beats.changed().await.is_err() {
        sleep(BEAT).await;
    }
}

/// For how long nothing was seen of a thread and of the owner in it.
struct Silence {
    thread: Duration,
    owner: Duration,
}

/// The signs of life that were seen.
struct Signs {
    looked: Duration,
    signs: u64,
    looks: u64,
    silence: Silence,
}

/// What counts at most from one look to the next: a process that stood still as a whole has not listened.
const LISTENED_MAX: Duration = Duration::from_secs(2);

impl Signs {
    fn new(now: Duration) -> Self {
        Self { looked: now, signs: 0, looks: 0, silence: Silence { thread: Duration::ZERO, owner: Duration::ZERO } }
    }

    fn note(&mut self, signs: u64, looks: u64, now: Duration) -> Silence {
        let listened = now.saturating_sub(self.looked).min(LISTENED_MAX);
        self.looked = now;
        let add = |silence: Duration, silent: bool| if silent { silence + listened } else { Duration::ZERO };
        let thread = add(self.silence.thread, signs == self.signs);
        let owner = add(self.silence.owner, looks == self.looks);
        (self.signs, self.looks) = (signs, looks);
        self.silence = Silence { thread, owner };
        Silence { thread, owner }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_silence_that_was_listened_to_counts() {
        let sec = Duration::from_secs;
        let mut signs = Signs::new(sec(0));
        let noted = |signs: &mut Signs, sign, look, now| {
            let Silence { thread, owner } = signs.note(sign, look, sec(now));
            (thread.as_secs(), owner.as_secs())
        };
        assert_eq!(noted(&mut signs, 1, 1, 1), (0, 0));
        assert_eq!(noted(&mut signs, 1, 1, 2), (1, 1));
        assert_eq!(noted(&mut signs, 2, 1, 3), (0, 2), "the thread runs, the owner waits for something");
        assert_eq!(noted(&mut signs, 2, 1, 60), (2, 4), "the process stood still");
        assert_eq!(noted(&mut signs, 2, 2, 61), (3, 0));
    }
}
