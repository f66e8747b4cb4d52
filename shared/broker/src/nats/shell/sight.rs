//! Seeing who is there and who holds what: two reads, however many partitions there are.
//!
//! Any replica of the bucket may answer, so what is seen may be old. Leases are taken by expected sequence, so an old sight costs a
//! try at most.

use std::collections::{BTreeMap, BTreeSet};

use super::{super::Connection, member::Presence};
use crate::{
    names::LogKind,
    nats::{api::ApiError, lease::Holder},
    ports::{Bucket, Failure},
    share::{Member, Sight},
};

/// Who owns the partitions of logs of this kind, and who else is there.
pub async fn look(connection: &Connection, kind: LogKind, partitions: u32) -> Result<Sight, Failure> {
    let names = connection.names();
    let stream = names.bucket_stream(Bucket::Partitions);
    let failed = |error: ApiError| error.into_failure(format!("see who owns the partitions, in `{stream}`"));

    let prefix = names.key(Bucket::Partitions, &kind.member_prefix());
    let found = connection.last_of_each(&stream, &format!("{prefix}*")).await.map_err(failed)?;
    let present = found.into_iter().filter(|message| !message.is_marker).filter_map(|message| {
        let id = message.subject.strip_prefix(&prefix)?;
        let presence: Presence = serde_json::from_slice(&message.payload).ok()?;
        Some(Member { joined: presence.joined, id: id.into() })
    });
    let members: BTreeSet<Member> = present.collect();

    let prefix = names.key(Bucket::Partitions, &kind.lease_prefix());
    let found = connection.last_of_each(&stream, &format!("{prefix}*")).await.map_err(failed)?;
    let held = found.into_iter().filter(|message| !message.is_marker).filter_map(|message| {
        let partition = message.subject.strip_prefix(&prefix)?.parse().ok()?;
        // What cannot be read holds nothing: whoever wrote it will not renew it.
        let holder: Holder = serde_json::from_slice(&message.payload).ok()?;
        Some((partition, holder.owner.into()))
    });
    let holders: BTreeMap<_, _> = held.collect();
    Ok(Sight { partitions, members, holders })
}
