//! What every entry of a log must be to be read: a CloudEvent, on the log of the partition that what it is about belongs to.

use std::fmt::Arguments;

use sagaline_broker::{
    machine::Rejection,
    ports::{Content, Entry},
};
use sagaline_events::{
    InputError,
    input::{FILLER, OWNER_MARK},
};
use sagaline_model::partition_of;

/// What an entry holds, or nothing if it is a mark of the owner's own.
pub fn content(entry: &Entry) -> Result<Option<&Content>, Rejection> {
    let content = entry.content.as_ref().map_err(|why| reject("not_a_cloudevent", why.clone()))?;
    Ok(Some(content).filter(|content| content.kind != OWNER_MARK && content.kind != FILLER))
}

/// Why an entry is not read.
pub fn reject(reason: &'static str, detail: String) -> Rejection {
    Rejection { reason, detail }
}

/// An entry whose input cannot be read.
pub fn bad_input(fault: InputError) -> Rejection {
    let cause = std::error::Error::source(&fault).map(|cause| format!(": {cause}")).unwrap_or_default();
    reject("bad_input", format!("{fault}{cause}"))
}

/// Which partition an owner has, and of how many.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub partition: u32,
    pub partitions: u32,
}

impl Place {
    /// Whether what has this `key` belongs here: by the partition that the subject names, and by the hash of the key. `what` is what
    /// people call it.
    pub fn check(self, named: u32, key: &str, what: Arguments<'_>) -> Result<(), Rejection> {
        let home = partition_of(key, self.partitions);
        if named == self.partition && home == self.partition {
            return Ok(());
        }
        Err(reject("wrong_partition", format!("{what} belongs to partition {home}, not to {}", self.partition)))
    }
}
