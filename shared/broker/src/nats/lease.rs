//! The lease of a partition: who owns it for the next seconds. It keeps two owners from doing the same work, and nothing
//! more: no promise rests on it.
//!
//! It is a value of bucket `partitions` with a TTL, renewed by publishing anew: the client's own `create_with_ttl` loses the TTL
//! where a marker of an earlier lease is left.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use sagaline_model::Moment;
use serde::{Deserialize, Serialize};
use tokio::time::{sleep, timeout};

use super::{
    Connection,
    api::{ApiError, StoredMessage, nanos},
    clock,
};
use crate::{
    names::LogKind,
    ports::{Bucket, Failure, Message, Outcome, Sequence},
};

/// How long a lease lasts after a renewal. A killed owner's work goes on after this time.
pub const LEASE_TTL: Duration = Duration::from_secs(3);
/// How long before its end a lease counts as lost, for the time between looking at it and acting on it.
const MARGIN: Duration = Duration::from_millis(500);
/// How long one try to take or to renew may take: renewed every second, a lease has time for another try after one without an answer.
const TRY_WITHIN: Duration = Duration::from_secs(1);
/// How often a renewal goes on from what it found stored, which is its own.
const RENEW_TRIES: u32 = 5;
const RENEW_PAUSE: Duration = Duration::from_millis(20);
/// A release leaves a marker for as long as NATS allows at least.
const RELEASED_FOR: Duration = Duration::from_secs(1);

/// Why nothing is known about a lease.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeaseError {
    #[error("the lease of partition {partition} cannot be {what}: {why}")]
    Unknown { partition: u32, what: &'static str, why: String },
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// What is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Holder {
    pub(super) owner: String,
    since: Moment,
}

/// A lease that was ours when it was last renewed.
#[derive(Debug)]
pub struct Lease {
    connection: Connection,
    kind: LogKind,
    partition: u32,
    holder: Holder,
    revision: Sequence,
    hold: Hold,
}

/// A view of a lease for whoever works under it, while another renews it.
///
/// It is seen the other way round too: whoever looks at it lives, which whoever renews it wants to know.
#[derive(Clone, Debug, Default)]
pub struct Hold(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// Until when the lease certainly is ours, in nanoseconds of the boot clock.
    until: AtomicU64,
    /// How often it was looked at.
    looks: AtomicU64,
    /// How often the thread that works under it showed that it runs.
    signs: AtomicU64,
}

impl Hold {
    /// Whether the lease certainly is ours when the boot clock shows `boot_now`.
    pub fn held(&self, boot_now: Duration) -> bool {
        self.0.looks.fetch_add(1, Ordering::Relaxed);
        nanos(boot_now) < self.0.until.load(Ordering::Acquire)
    }

    /// How often whoever works under the lease has looked at it. While it works, the number rises.
    pub(super) fn looks(&self) -> u64 {
        self.0.looks.load(Ordering::Relaxed)
    }

    /// The thread that works under the lease runs, whatever its owner waits for.
    pub(super) fn show_sign(&self) {
        self.0.signs.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn signs(&self) -> u64 {
        self.0.signs.load(Ordering::Relaxed)
    }

    fn renewed(&self, sent: Duration) {
        self.0.until.store(nanos(sent + LEASE_TTL - MARGIN), Ordering::Release);
    }

    fn lost(&self) {
        self.0.until.store(0, Ordering::Release);
    }
}

impl Lease {
    /// Takes the lease of `partition` if nobody holds it. `owner` is unique to this run of this process.
    pub async fn acquire(
        connection: &Connection,
        kind: LogKind,
        partition: u32,
        owner: &str,
    ) -> Result<Option<Self>, LeaseError> {
        let unheard = |_elapsed| LeaseError::Unknown {
            partition,
            what: "taken",
            why: format!("no answer within {TRY_WITHIN:?}"),
        };
        timeout(TRY_WITHIN, Self::acquire_once(connection, kind, partition, owner)).await.map_err(unheard)?
    }

    /// May be dropped at any point: a lease that was taken unheard is found the next time, or expires.
    async fn acquire_once(
        connection: &Connection,
        kind: LogKind,
        partition: u32,
        owner: &str,
    ) -> Result<Option<Self>, LeaseError> {
        let revision = match seat(connection, kind, partition).await? {
            Seat::Free(revision) => revision,
            // Ours: the answer to an earlier try was lost.
            Seat::Held(revision, holder) if holder.owner == owner => revision,
            Seat::Held(..) => return Ok(None),
        };
        let holder = Holder { owner: owner.to_owned(), since: clock::now() };
        let (connection, hold) = (connection.clone(), Hold::default());
        let mut lease = Self { connection, kind, partition, holder, revision, hold };
        match lease.put().await {
            Outcome::Stored { .. } => Ok(Some(lease)),
            Outcome::Conflict { .. } | Outcome::Contended => Ok(None),
            other => Err(lease.unknown("taken", &other)),
        }
    }

    /// Prolongs it; `false` if it is somebody else's or nobody's, and so lost. An error leaves it as it was: try again, while
    /// it is held.
    pub async fn renew(&mut self) -> Result<bool, LeaseError> {
        match timeout(TRY_WITHIN, self.renew_once()).await {
            Ok(renewed) => renewed,
            Err(_elapsed) => {
                Err(self.unknown("renewed", &Outcome::Unknown(format!("no answer within {TRY_WITHIN:?}"))))
            }
        }
    }

    /// May be dropped at any point: a renewal that was stored unheard is found the next time.
    async fn renew_once(&mut self) -> Result<bool, LeaseError> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.put().await {
                Outcome::Stored { .. } => return Ok(true),
                Outcome::Conflict { .. } if tries < RENEW_TRIES => {}
                other => return Err(self.unknown("renewed", &other)),
            }
            // An earlier renewal may have been stored whose answer was lost; its revision is then the one to go on from. A leader
            // that is new may show an older one for a moment.
            match seat(&self.connection, self.kind, self.partition).await? {
                Seat::Held(revision, holder) if holder == self.holder => self.revision = revision,
                Seat::Held(..) | Seat::Free(_) => {
                    self.hold.lost();
                    return Ok(false);
                }
            }
            if 1 < tries {
                sleep(RENEW_PAUSE).await;
            }
        }
    }

    /// Lets go, so that another may take it at once. It would otherwise expire.
    pub async fn release(self) -> Result<(), LeaseError> {
        self.hold.lost();
        let released = Message {
            headers: vec![("KV-Operation", "DEL".into())],
            payload: Bytes::new(),
            ttl: Some(RELEASED_FOR),
            ..self.message()
        };
        match self.connection.publish(&released).await {
            // A conflict: it was somebody else's already.
            Outcome::Stored { .. } | Outcome::Conflict { .. } => Ok(()),
            other => Err(self.unknown("released", &other)),
        }
    }

    /// Whether it certainly is ours when the boot clock shows `boot_now`.
    pub fn held(&self, boot_now: Duration) -> bool {
        self.hold.held(boot_now)
    }

    /// The view that goes with it.
    pub fn hold(&self) -> Hold {
        self.hold.clone()
    }

    pub fn partition(&self) -> u32 {
        self.partition
    }

    pub fn revision(&self) -> Sequence {
        self.revision
    }

    async fn put(&mut self) -> Outcome {
        let sent = clock::boot();
        let outcome = self.connection.publish(&self.message()).await;
        if let Outcome::Stored { sequence, .. } = outcome {
            self.revision = sequence;
            // From sending: the server counts from its receipt, which is later.
            self.hold.renewed(sent);
        }
        outcome
    }

    fn message(&self) -> Message {
        Message {
            subject: self.connection.names().key(Bucket::Partitions, &self.kind.lease_key(self.partition)),
            expected: Some(self.revision),
            msg_id: None,
            ttl: Some(LEASE_TTL),
            headers: vec![],
            payload: serde_json::to_vec(&self.holder).expect("a holder has string keys only").into(),
        }
    }

    fn unknown(&self, what: &'static str, outcome: &Outcome) -> LeaseError {
        LeaseError::Unknown { partition: self.partition, what, why: format!("{outcome:?}") }
    }
}

/// Who sits on a lease, and the revision to replace.
enum Seat {
    /// Nothing there, or the marker of a lease that was released or expired.
    Free(Sequence),
    Held(Sequence, Holder),
}

async fn seat(connection: &Connection, kind: LogKind, partition: u32) -> Result<Seat, LeaseError> {
    let key = kind.lease_key(partition);
    let (stream, subject) =
        (connection.names().bucket_stream(Bucket::Partitions), connection.names().key(Bucket::Partitions, &key));
    let failed = |error: ApiError| error.into_failure(format!("read `{key}` of `{stream}`"));
    match connection.last_on(&stream, &subject).await.map_err(failed)? {
        None => Ok(Seat::Free(0)),
        Some(message) => Ok(read_seat(&message).map_err(failed)?),
    }
}

fn read_seat(message: &StoredMessage) -> Result<Seat, ApiError> {
    let Some((revision, value)) = message.value()? else { return Ok(Seat::Free(message.seq)) };
    match serde_json::from_slice(&value) {
        Ok(holder) => Ok(Seat::Held(revision, holder)),
        // Whoever wrote that will not renew it, and it may lack a TTL.
        Err(error) => {
            tracing::warn!(%error, revision, "a lease cannot be read and is taken over");
            Ok(Seat::Free(revision))
        }
    }
}
