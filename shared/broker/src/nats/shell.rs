//! The shell of every service that owns partitions: it is a member among its like, takes its share of the partitions, and owns each
//! in a thread of its own.
//!
//! A service brings a machine, a watcher and its settings for each partition ([`Service`]). What a member should own is decided in
//! [`crate::share`]; here is when it looks, and what it does about it.

mod keeper;
mod member;
mod service;
mod sight;
mod thread;
mod trouble;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use async_nats::Subscriber;
use futures::{FutureExt, StreamExt, future::join_all};
use sagaline_model::Moment;
use tokio::{
    sync::watch,
    task::{Id, JoinError, JoinHandle, JoinSet},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use self::{
    keeper::{Ended, Keeper},
    member::Seat,
    thread::Owning,
    trouble::Trouble,
};
pub use self::{
    service::{Report, Service, Settings},
    sight::look,
};
use super::{Connection, Lease, boot, clock};
use crate::{
    owner::Halt,
    ports::Failure,
    share::{Decision, Memory, Sight, decide},
};

/// How often it is looked who is there and who holds what, where there are few partitions.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Each partition makes every look dearer, so many of them are looked at less often: 1,024 once a second.
const LOOK_EVERY_PER_PARTITION: Duration = Duration::from_millis(1);
/// After a nudge, and for how long: what it is about may not have reached the replica that answers.
const LOOK_SOON: Duration = Duration::from_millis(50);
const SOON_FOR: Duration = Duration::from_millis(500);
/// How long one look may take.
const LOOK_WITHIN: Duration = Duration::from_secs(1);
/// So many partitions above the quota are on their way out at a time: each stands still for a moment, and all at once would have to
/// share the cores for it.
const LEAVING_MAX: usize = 4;
/// For how long a member that cannot own anything leaves the work to others.
const WITHDRAWN_FOR: Duration = Duration::from_secs(30);
/// Who has seen nothing of the others for so long cannot take a share.
const BLIND_FOR: Duration = Duration::from_secs(3);
/// How long the last goodbye may take.
const LEAVE_WITHIN: Duration = Duration::from_secs(2);

/// Owns this member's share of the partitions until `shutdown`, then hands them over.
pub async fn run<S: Service>(service: S, connection: Connection, settings: Settings, shutdown: CancellationToken) {
    let mut nudges = connection.client().subscribe(connection.names().share(S::LOG)).await.ok();
    let mut shell = Shell::begin(service, connection, settings);
    let (mut next, mut soon_until) = (boot(), Duration::ZERO);
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            Some(ended) = shell.keepers.join_next_with_id() => shell.ended(ended),
            () = nudged(&mut nudges) => {
                soon_until = boot() + SOON_FOR;
                next = boot();
            }
            () = sleep(next.saturating_sub(boot())) => {
                shell.look_and_act().await;
                let now = boot();
                let every = LOOK_EVERY.max(LOOK_EVERY_PER_PARTITION * shell.settings.partitions);
                next = now + if now < soon_until { LOOK_SOON } else { every };
            }
        }
    }
    shell.hand_over().await;
}

/// Resolves when there is something to see, with as many nudges as there are.
async fn nudged(nudges: &mut Option<Subscriber>) {
    let Some(subscriber) = nudges else { return std::future::pending().await };
    if subscriber.next().await.is_none() {
        *nudges = None;
        return;
    }
    while let Some(Some(_)) = subscriber.next().now_or_never() {}
}

/// A member, and what it holds.
struct Shell<S> {
    service: Arc<S>,
    connection: Connection,
    settings: Settings,
    id: Arc<str>,
    /// Since when this is a member; nothing while it leaves the work to others. Who keeps the seat goes by it.
    joined: watch::Sender<Option<Moment>>,
    rejoins: Duration,
    /// When it was last seen who is there.
    saw: Duration,
    beats: watch::Receiver<u64>,
    seat: JoinHandle<()>,
    keepers: JoinSet<Ended>,
    kept: BTreeMap<u32, Kept>,
    memory: Memory,
    trouble: Trouble,
    /// How many others there were at the last look.
    others: usize,
}

/// A partition that is held.
struct Kept {
    keeper: Id,
    since: Duration,
    stop: CancellationToken,
}

impl<S: Service> Shell<S> {
    fn begin(service: S, connection: Connection, settings: Settings) -> Self {
        let id = member::new_id(boot());
        let (joined, wanted) = watch::channel(Some(clock::now()));
        let (beat, beats) = watch::channel(0);
        let seat = Seat { connection: connection.clone(), kind: S::LOG, id: Arc::clone(&id) };
        tracing::info!(member = &*id, partitions = settings.partitions, "shares the partitions");
        Self {
            service: Arc::new(service),
            connection,
            settings,
            id,
            joined,
            rejoins: Duration::ZERO,
            saw: boot(),
            beats,
            seat: tokio::spawn(seat.keep(wanted, beat)),
            keepers: JoinSet::new(),
            kept: BTreeMap::new(),
            memory: Memory::default(),
            trouble: Trouble::default(),
            others: 0,
        }
    }

    async fn look_and_act(&mut self) {
        let looked = timeout(LOOK_WITHIN, look(&self.connection, S::LOG, self.settings.partitions)).await;
        match looked.unwrap_or_else(|_elapsed| Err(Failure::NoAnswer("see who owns the partitions".to_owned()))) {
            Ok(sight) => {
                self.saw = boot();
                self.act(sight).await;
            }
            Err(failure) => {
                self.service.report(&Report::Blind(&failure));
                // It may be seen all the same, and what would be its share stand still.
                if self.saw + BLIND_FOR <= boot() {
                    self.withdraw("nothing is seen of the others", Duration::ZERO);
                }
            }
        }
    }

    async fn act(&mut self, mut sight: Sight) {
        self.join_again();
        let now = boot();
        let myself = self.joined.borrow().map(|joined| crate::share::Member { joined, id: Arc::clone(&self.id) });
        // What was written of us may not be seen yet, or still be seen.
        sight.members.retain(|member| member.id != self.id);
        sight.members.extend(myself);
        self.memory.saw(&mut sight, now);
        self.others = sight.members.iter().filter(|member| member.id != self.id).count();

        let leaving = self.kept.iter().filter(|(_, kept)| kept.stop.is_cancelled()).map(|(partition, _)| *partition);
        let leaving: BTreeSet<u32> = leaving.collect();
        let room_to_leave = LEAVING_MAX.saturating_sub(leaving.len());
        let own = self.memory.own(&self.id, self.kept.keys().copied().collect(), leaving, now);
        let decision = decide(&sight, &own);
        for partition in self.memory.confirmed(&decision).into_iter().take(room_to_leave) {
            tracing::info!(partition, quota = decision.quota, members = sight.members.len(), "hands a partition over");
            self.kept[&partition].stop.cancel();
        }
        for partition in decision.take.iter().filter(|partition| own.orphans.contains(partition)) {
            tracing::warn!(partition, "nobody owned the partition for long");
            self.memory.tried(*partition, now);
        }
        self.take(&decision).await;
        let owned: BTreeSet<u32> = self.kept.keys().copied().collect();
        // Seen as ours and not held here: it was let go of just now.
        let others = |partition: &u32| sight.holders.get(partition).is_some_and(|holder| *holder != self.id);
        let held = |partition: &u32| owned.contains(partition) || others(partition);
        let free = (0..sight.partitions).filter(|partition| !held(partition)).collect();
        self.service.report(&Report::Looked { members: sight.members.len(), owned: &owned, free: &free });
    }

    async fn take(&mut self, decision: &Decision) {
        let tries = decision.take.iter().map(|partition| {
            let (connection, id) = (&self.connection, &self.id);
            async move { (*partition, Lease::acquire(connection, S::LOG, *partition, id).await) }
        });
        for (partition, tried) in join_all(tries).await {
            match tried {
                Ok(Some(lease)) => {
                    if decision.adopts == Some(partition) {
                        self.memory.adopted(partition, boot());
                    }
                    self.own(lease);
                }
                // Somebody else was faster.
                Ok(None) => {}
                Err(error) => tracing::warn!(partition, %error, "the partition was not taken"),
            }
        }
    }

    /// Owns a partition, as long as its lease holds.
    fn own(&mut self, lease: Lease) {
        let partition = lease.partition();
        tracing::info!(partition, "owns the partition");
        self.service.report(&Report::Taken(partition));
        let owning = Owning {
            service: Arc::clone(&self.service),
            nats_url: self.settings.nats_url.clone(),
            names: self.connection.names().clone(),
            partition,
            hold: lease.hold(),
        };
        let works = owning.start();
        let stop = works.stop.clone();
        let keeper = Keeper {
            connection: self.connection.clone(),
            kind: S::LOG,
            lease,
            works,
            beats: self.beats.clone(),
            hangs_after: self.settings.hangs_after,
        };
        let keeper = self.keepers.spawn(keeper.keep()).id();
        self.kept.insert(partition, Kept { keeper, since: boot(), stop });
    }

    fn ended(&mut self, ended: Result<(Id, Ended), JoinError>) {
        let ended = match ended {
            Ok((_, ended)) => ended,
            Err(broken) => {
                let of_it = self.kept.iter().find(|(_, kept)| kept.keeper == broken.id());
                let Some((partition, _)) = of_it else { return };
                let halt = Halt::Restart(format!("its keeper broke off: {broken}"));
                Ended { partition: *partition, halt, hangs: false }
            }
        };
        let Ended { partition, halt, hangs } = ended;
        let Some(kept) = self.kept.remove(&partition) else { return };
        match &halt {
            Halt::Stopped => tracing::info!(partition, "handed over"),
            Halt::Fenced | Halt::LeaseLost => tracing::warn!(partition, %halt, "let go of the partition"),
            Halt::Restart(_) | Halt::Failed(_) if hangs => {
                tracing::error!(partition, %halt, "the owner of a partition is given up; restart this process soon");
                self.service.report(&Report::Hangs { partition });
            }
            Halt::Restart(_) | Halt::Failed(_) => tracing::warn!(partition, %halt, "starts anew"),
        }
        self.service.report(&Report::LetGo { partition, halt: &halt });
        let now = boot();
        if halt == Halt::Stopped {
            return self.memory.let_go(partition, now);
        }
        let until = self.trouble.ended(partition, &halt, now.saturating_sub(kept.since), now);
        self.memory.avoid(partition, until);
        let oldest = self.kept.values().map(|kept| now.saturating_sub(kept.since)).max();
        if 0 < self.others && self.trouble.is_unable(oldest) {
            self.withdraw("nothing can be owned here", WITHDRAWN_FOR);
        }
    }

    /// Leaves the work to others for a while, and as long as nothing is seen.
    fn withdraw(&mut self, why: &str, time: Duration) {
        if self.joined.send_replace(None).is_some() {
            tracing::error!(why, "takes no share of the partitions for now");
            self.rejoins = boot() + time;
        }
    }

    fn join_again(&mut self) {
        if self.joined.borrow().is_none() && self.rejoins <= boot() {
            tracing::info!("takes a share of the partitions again");
            self.trouble.begin_anew();
            self.joined.send_replace(Some(clock::now()));
        }
    }

    /// First the others hear that this one goes; then they get one partition after the other.
    async fn hand_over(mut self) {
        self.joined.send_replace(None);
        for kept in self.kept.values() {
            kept.stop.cancel();
        }
        while let Some(ended) = self.keepers.join_next_with_id().await {
            self.ended(ended);
        }
        drop(self.joined);
        if timeout(LEAVE_WITHIN, self.seat).await.is_err() {
            tracing::warn!("the others were not told that this member goes; they see it in a moment");
        }
    }
}
